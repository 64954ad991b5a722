"""The pages of docs/: built without a warning, and what they say of the program is so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import yaml
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.processes.state import State
from tests.support.commands import typed, wrong_with
from tests.support.programs import CHECKOUT
from tests.test_layers import LAYERS

DOCS = CHECKOUT / "docs"
PAGES = [CHECKOUT / "README.rst", *sorted(DOCS.glob("*.rst"))]


def page(name: str) -> str:
    """The text of a page."""
    return (DOCS / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    """What stands under a title, up to the next one."""
    found = re.search(rf"^{re.escape(title)}\n-+\n(.*?)(?=^[^\n]+\n-{{3,}}$|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def rows(table: str) -> list[list[str]]:
    """The rows of a list-table, without its head, each a list of cells."""
    found = [re.split(r"\n     - ", row) for row in re.split(r"\n   \* - ", table)[2:]]
    return [[" ".join(cell.split()) for cell in row] for row in found]


def exists(name: str) -> bool:
    """Whether a dotted name below tests is that of a test."""
    *module, case, method = name.split(".")
    path = CHECKOUT / "tests" / Path(*module).with_suffix(".py")
    if not path.is_file():
        return False
    return any(
        isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name == method
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == case
        for part in node.body
    )


class Built(SynchronousTestCase):
    """Sphinx."""

    def built(self, kind: str) -> Path:
        """The pages in some form; every warning is an error."""
        target = Path(self.mktemp()).absolute()
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", kind, str(DOCS), str(target)],
            capture_output=True,
            timeout=120,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        return target

    def test_html(self) -> None:
        """Every page, without a warning, reached from the first."""
        target = self.built("html")
        index = (target / "index.html").read_text("utf-8")
        for source in DOCS.glob("*.rst"):
            self.assertTrue((target / source.with_suffix(".html").name).is_file(), source.name)
            self.assertIn(source.with_suffix(".html").name if source.stem != "index" else "dictd", index)

    def test_manual(self) -> None:
        """The manual pages."""
        self.assertEqual({path.suffix for path in self.built("man").glob("dict*")}, {".8", ".5"})

    def test_readme(self) -> None:
        """README.rst is understood as GitHub and PyPI do, which know less than Sphinx."""
        command = [sys.executable, "-m", "docutils", "--report=2", "--halt=2", str(PAGES[0]), "/dev/null"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        text = (CHECKOUT / "README.rst").read_text("utf-8")
        self.assertNotRegex(text, r":(doc|ref|rfc):`")


class Said(SynchronousTestCase):
    """What the pages say."""

    def test_commands(self) -> None:
        """Every command of ours that is named anywhere has the options that there are."""
        found = [one for path in PAGES for one in typed(path.read_text("utf-8"))]
        self.assertGreater(len(found), 40)
        self.assertEqual([wrong for wrong in map(wrong_with, found) if wrong], [])

    def test_threats(self) -> None:
        """Each threat has something that is done and a test, and each test is there."""
        table = rows(section(page("security.rst"), "Threats"))
        self.assertGreater(len(table), 30)
        missing = []
        for threat, done, shown in table:
            self.assertTrue(done, threat)
            names = re.findall(r"``([\w.]+)``", shown)
            self.assertTrue(names, f"no test shows what is done against: {threat}")
            missing += [name for name in names if not exists(name)]
        self.assertEqual(missing, [])

    def test_layers(self) -> None:
        """The table of layers is that of the test that keeps them."""
        table = rows(section(page("architecture.rst"), "Layers"))
        self.assertEqual([tuple(re.findall(r"``(\w+)``", layer)) for layer, _ in table], list(LAYERS))

    def test_files(self) -> None:
        """Every file that a page names is there."""
        named = [
            (path.name, name, CHECKOUT / name)
            for path in PAGES
            for name in re.findall(
                r"``((?:etc|docs|tests|benchmarks|clients|dictd)/[\w./-]*\w/?)``", path.read_text("utf-8")
            )
        ]
        for name in re.findall(r"``((?!tests/)(?:\w+/)?\w+\.py)``", page("architecture.rst")):
            inside = CHECKOUT / "dictd" / name
            named.append(("architecture.rst", name, inside if "/" in name else CHECKOUT / "dictd/processes" / name))
        named = [(source, name, path if path.exists() else CHECKOUT / "dictd" / name) for source, name, path in named]
        self.assertGreater(len(named), 30)
        self.assertEqual([(source, name) for source, name, path in named if not path.exists()], [])

    def test_settings(self) -> None:
        """Every setting that a page names by its section is one."""
        settings = Settings()
        wrong = []
        for path in PAGES:
            for name, key in re.findall(r"``(\w+)\.(\w+)(?: = [^`]*)?``", path.read_text("utf-8")):
                if key != "sqlite" and hasattr(settings, name) and not hasattr(getattr(settings, name), key):
                    wrong.append(f"{path.name}: {name}.{key}")
        self.assertEqual(wrong, [])

    def test_state_directory(self) -> None:
        """The parts of the state directory are those that the program makes."""
        told = re.findall(r"^``([\w.]+)/?``", section(page("architecture.rst"), "The state directory"), re.MULTILINE)
        state = State(Path("/"))
        made = {part.name for part in (state.store, state.lexicon, state.spool, state.temporary, state.server_key)}
        self.assertEqual(made - set(told), set())

    def test_alerts(self) -> None:
        """The alerts of the page are those of the rules."""
        rules = yaml.safe_load((CHECKOUT / "etc/prometheus/alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
        told = re.findall(r"^``(Dictd\w+)``", page("operations.rst"), re.MULTILINE)
        self.assertEqual(told, [rule["alert"] for rule in rules])
