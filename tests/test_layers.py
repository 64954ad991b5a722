"""The tree tells who may import whom; this keeps it true."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import dictd

PACKAGE = Path(dictd.__file__).parent
ROOT = PACKAGE.parent

#: Top to bottom. Imports go down; those of a row do not import each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("tap", "ctl"),
    ("processes",),
    ("manhole", "web", "server", "metrics"),
    ("lookups",),
    ("accounts", "importers"),
    ("store", "lexicon"),
    ("doors",),
    ("wire", "limits", "tally", "repeats", "recent"),
    ("config",),
    ("sections",),
    ("checks",),
    ("model", "errors", "storeurl", "secrecy", "tables"),
)
PURE = (
    "wire",
    "lexicon",
    "doors",
    "limits",
    "tally",
    "repeats",
    "recent",
    "config",
    "sections",
    "checks",
    "model",
    "errors",
    "storeurl",
    "secrecy",
    "tables",
)

DEPTH = {part: depth for depth, row in enumerate(LAYERS) for part in row}


def modules() -> dict[str, Path]:
    """Every module of dictd and its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ["dictd", *path.relative_to(PACKAGE).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def part_of(module: str) -> str:
    """The part of dictd that a module belongs to, empty for the root and for other packages."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "dictd" else ""


def imports(module: str, source: str, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, inside functions and ``if TYPE_CHECKING`` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            up = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            origin = ".".join([*up, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}"


def upward(module: str, source: str, is_package: bool = False) -> list[str]:
    """The imports of a module that do not go down."""
    own = part_of(module)
    wrong = []
    for line, name in imports(module, source, is_package):
        other = part_of(name)
        if other not in DEPTH or other == own:
            continue
        if own not in DEPTH or DEPTH[other] <= DEPTH[own]:
            wrong.append(f"{module}:{line} imports {name}")
    return wrong


class Layers(SynchronousTestCase):
    """Imports go down only."""

    def test_downward(self) -> None:
        """No module imports from a layer above it, or from its neighbours."""
        wrong = []
        for module, path in modules().items():
            wrong += upward(module, path.read_text("utf-8"), path.name == "__init__.py")
        self.assertEqual(wrong, [])

    def test_everything_has_its_place(self) -> None:
        """Every module and package of dictd stands in the order above."""
        parts = {part_of(module) for module in modules()} - {""}
        self.assertEqual(parts - set(DEPTH), set())
        self.assertLessEqual({"tap", "processes", "server", "lookups", "store", "wire", "errors"}, parts)

    def test_pure(self) -> None:
        """The language, the lexicon and the words everything speaks know no Twisted."""
        wrong = []
        for module, path in modules().items():
            if part_of(module) in PURE:
                for line, name in imports(module, path.read_text("utf-8"), path.name == "__init__.py"):
                    if name.partition(".")[0] == "twisted":
                        wrong.append(f"{module}:{line} imports {name}")
        self.assertEqual(wrong, [])

    def test_plugin_imports_nothing_of_ours(self) -> None:
        """Every twistd on the machine imports the plugin, so the plugin imports no part of dictd."""
        source = (ROOT / "twisted" / "plugins" / "dictd_plugin.py").read_text("utf-8")
        self.assertEqual([name for _, name in imports("dictd_plugin", source) if name.startswith("dictd")], [])

    def test_the_rule_itself(self) -> None:
        """The rule sees every form of import that goes up or sideways, and lets those down pass."""
        for module, source in (
            ("dictd.wire.grammar", "from dictd.store import pool"),
            ("dictd.wire.grammar", "import dictd.lexicon.reader"),
            ("dictd.wire.grammar", "from dictd import limits"),
            ("dictd.wire.grammar", "from .. import server"),
            ("dictd.wire.grammar", "from ..store.pool import Pool"),
            ("dictd.server.session", "from dictd.web import pages"),
            ("dictd.web.pages", "from dictd.server import session"),
            ("dictd.accounts.roster", "from dictd.importers import intake"),
            ("dictd.store.pool", "def f():\n    from dictd.lexicon import folding"),
            ("dictd.errors", "if TYPE_CHECKING:\n    from dictd import config"),
            ("dictd.sections", "from dictd import config"),
            ("dictd", "from dictd import config"),
        ):
            self.assertEqual(len(upward(module, source)), 1, source)
        self.assertEqual(len(upward("dictd.wire", "from ..store import pool", is_package=True)), 1)
        for module, source in (
            ("dictd.server.session", "from dictd.wire import grammar, replies"),
            ("dictd.server.session", "from dictd import __version__"),
            ("dictd.server.session", "from . import commands"),
            ("dictd.tap", "from dictd import config"),
            ("dictd.config", "from dictd.errors import SettingsRefused"),
            ("dictd.wire.grammar", "import re, dictdother.store"),
        ):
            self.assertEqual(upward(module, source), [], source)


class Tree(SynchronousTestCase):
    """What every file of the tree owes its reader."""

    def test_docstrings(self) -> None:
        """Every file of dictd says first what it is."""
        silent = [name for name, path in modules().items() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
        self.assertEqual(silent, [])

    def test_twisted_is_no_package_of_ours(self) -> None:
        """twisted/ and twisted/plugins/ have no __init__.py: it would hide Twisted itself."""
        for directory in (ROOT / "twisted", ROOT / "twisted" / "plugins"):
            self.assertTrue(directory.is_dir())
            self.assertFalse((directory / "__init__.py").exists())

    def test_packages(self) -> None:
        """What is installed is the whole tree: an editable install would not notice a package that is missing."""
        setup = ast.parse((ROOT / "setup.py").read_text("utf-8"))
        (listed,) = (
            ast.literal_eval(node.value)
            for node in ast.walk(setup)
            if isinstance(node, ast.keyword) and node.arg == "packages"
        )
        found = [".".join(("dictd", *path.parent.relative_to(PACKAGE).parts)) for path in PACKAGE.rglob("__init__.py")]
        self.assertEqual(sorted(name for name in listed if name.startswith("dictd")), sorted(found))
