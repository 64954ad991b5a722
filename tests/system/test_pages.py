"""Every command of the documentation, typed as a reader would, and what it is said to print."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.house import House, publish
from tests.support.pages import Page, agrees, commands
from tests.support.programs import CHECKOUT
from tests.support.server import clear

PAGES = sorted([CHECKOUT / "README.rst", *(CHECKOUT / "docs").glob("*.rst")])
#: Commands that are not run here, and why.
EXCUSED = {
    "make run": "it installs into .venv and stays in the foreground; what it starts is what the pages start",
    "make test": "that is what runs this",
    "python3 -m venv ~/dictd": "as the next",
    "~/dictd/bin/pip install .": "it needs the network; tests.system.test_server.Installing does it",
    "PATH=~/dictd/bin:$PATH": "as the one before",
}


class Typed(SynchronousTestCase):
    """Page by page."""

    def typed(self, name: str) -> None:
        """Type one page."""
        directory = Path(tempfile.mkdtemp(prefix="dictd-page-"))
        self.addCleanup(clear, directory)
        (path,) = [page for page in PAGES if page.name == name]
        self.assertTrue(commands(path.read_text("utf-8")), f"{name} has nothing to type any more: take its test away")
        wrong = Page(path, directory).run(EXCUSED)
        self.assertEqual(wrong, [], "\n\n".join(wrong))

    def test_readme(self) -> None:
        """README.rst."""
        self.typed("README.rst")

    def test_getting_started(self) -> None:
        """docs/getting-started.rst."""
        self.typed("getting-started.rst")

    def test_using(self) -> None:
        """docs/using.rst."""
        self.typed("using.rst")

    def test_dictionaries(self) -> None:
        """docs/dictionaries.rst."""
        self.typed("dictionaries.rst")

    def test_network(self) -> None:
        """docs/network.rst."""
        self.typed("network.rst")

    def test_operations(self) -> None:
        """docs/operations.rst."""
        self.typed("operations.rst")

    def test_from_the_course(self) -> None:
        """docs/from-the-course.rst."""
        self.typed("from-the-course.rst")

    def test_from_the_course_in_chinese(self) -> None:
        """docs/from-the-course.zh.rst."""
        self.typed("from-the-course.zh.rst")

    def test_all(self) -> None:
        """No page with commands is left out, and no block that looks like a terminal is not run."""
        tested = set(re.findall(r'self\.typed\("([^"]+)"\)', Path(__file__).read_text("utf-8")))
        having = {page.name for page in PAGES if commands(page.read_text("utf-8"))}
        self.assertEqual(having, tested)
        for page in PAGES:
            prompts = re.findall(r"^ +\$ (.*)", page.read_text("utf-8"), re.MULTILINE)
            if page.name == "README.rst":
                prompts.remove("nc localhost 2628")  # see Dialogue
            self.assertEqual(len(prompts), len(commands(page.read_text("utf-8"))), f"{page.name} has others")

    def test_excuses(self) -> None:
        """Each excuse is of a command that a page has."""
        there = {one.command for page in PAGES for one in commands(page.read_text("utf-8"))}
        self.assertEqual(set(EXCUSED) - there, set())


class Dialogue(SynchronousTestCase):
    """What README.rst begins with."""

    def test_readme(self) -> None:
        """Each line that somebody types there is answered so; times and ids apart."""
        text = (CHECKOUT / "README.rst").read_text("utf-8")
        shown = [line[4:] for line in text.partition("::\n\n    $ nc ")[2].split("\n\n")[0].splitlines()[1:]]
        directory = Path(tempfile.mkdtemp(prefix="dictd-page-"))
        self.addCleanup(clear, directory)
        publish(directory / "lexicon", {"wordnet": ("WordNet 3.0", _articles(shown))})
        client = House(directory / "lexicon").connect()
        heard = client.heard().decode().splitlines()
        for line in shown:
            if re.match("[A-Z]", line):
                heard += [line, *client.ask(line).splitlines()]
        self.assertEqual(list(map(_unchanging, heard)), list(map(_unchanging, shown)))


class Reading(SynchronousTestCase):
    """What is read from a page, and how it is compared."""

    def page(self, text: str) -> Page:
        """A page with this text."""
        directory = Path(tempfile.mkdtemp(prefix="dictd-page-"))
        self.addCleanup(clear, directory)
        path = directory / "page.rst"
        path.write_text(text, "utf-8")
        return Page(path, directory / "run")

    def test_commands(self) -> None:
        """Prompts, lines that go on, what is printed, blocks in lists, other languages."""
        text = (
            "Title\n=====\n\n.. code-block:: console\n\n   $ cat > a <<'END'\n   > one\n   >\n   > END\n   $ cat a\n"
            "   one\n\n   two\n\n* A list:\n\n  .. exits with 3\n\n"
            "  .. code-block:: console\n\n     $ true\n     $ exit 3\n\n"
            ".. code-block:: text\n\n   # rm -rf\n\n.. code-block:: console\n\n   $ last\n"
        )
        self.assertEqual(
            [(one.line, one.command, one.printed, one.code) for one in commands(text)],
            [
                (6, "cat > a <<'END'\none\n\nEND", (), 0),
                (10, "cat a", ("one", "", "two"), 0),
                (21, "true", (), 0),
                (22, "exit 3", (), 3),
                (30, "last", (), 0),
            ],
        )

    def test_agrees(self) -> None:
        """``...`` is any text in a line, or any lines."""
        for shown, printed in (
            (("up 3 s",), "up 3 s\n"),
            (("up ... s",), "up 17 s\n"),
            (("one", "...", "four"), "one\ntwo\nthree\nfour\n"),
            (("one", "...", "four"), "one\nfour\n"),
            (("...", "two"), "one\ntwo\n"),
            (("one...",), "one, two\nthree\n"),
            (("one", "", "two"), "\none  \n\ntwo\n\n"),
        ):
            self.assertTrue(agrees(shown, printed), shown)
        for shown, printed in (
            (("up 3 s",), "up 4 s\n"),
            (("up ... s",), "up 17 m\n"),
            (("one", "four"), "one\ntwo\nfour\n"),
            (("one",), "one\ntwo\n"),
            (("one", "..."), "two\n"),
            (("a.c",), "abc\n"),
        ):
            self.assertFalse(agrees(shown, printed), shown)

    def test_otherwise(self) -> None:
        """What is otherwise than the page says is told with its line: output, exit code, what hangs, what is left."""
        block = ".. code-block:: console\n\n   $ "
        self.assertEqual(self.page(f"{block}echo 2628 $HOME\n   2628 ...\n").run(), [])
        (wrong,) = self.page(f"{block}echo one\n   two\n").run()
        self.assertRegex(wrong, r"^page.rst:3: \$ echo one\n  printed\none\n")
        (wrong,) = self.page(f"{block}echo one; false\n   one\n").run()
        self.assertRegex(wrong, "ended with 1, not 0")
        (wrong,) = self.page(f"{block}exit 4\n").run()
        self.assertRegex(wrong, "did not end")
        (wrong,) = self.page(f"{block}sleep 600 &\n").run()
        self.assertRegex(wrong, "still run")
        self.assertEqual(self.page(f".. exits with 1\n\n{block}false\n").run(), [])
        self.assertEqual(self.page(f"{block}false\n").run({"false": "because"}), [])


def _articles(shown: list[str]) -> list[tuple[str, str]]:
    """The articles in a dialogue: headword and text."""
    found = []
    for number, line in enumerate(shown):
        if headword := re.match('151 "([^"]+)"', line):
            found.append((headword[1], "\n".join(shown[number + 1 : shown.index(".", number)])))
    return found


def _unchanging(line: str) -> str:
    """A line without its time, its random number, and the name of the machine."""
    line = re.sub(r"<[0-9a-f]{32}@[^>]+>", "<...>", re.sub(r"^220 \S+ dictd \S+", "220 ... dictd ...", line))
    return re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "...", line)
