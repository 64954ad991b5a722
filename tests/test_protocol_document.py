"""docs/protocol.rst says what the code does, and names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd import errors
from dictd.lexicon.strategies import STRATEGIES
from dictd.server.commands import VERBS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "protocol.rst").read_text("utf-8")
#: The numbered sections of RFC 2229 that say something of a server.
SECTIONS = "2.1 2.2 2.3 2.4 2.4.1 2.4.2 2.4.3 3.1 3.2 3.3 3.4 3.5 3.5.1 3.5.2 3.5.3 3.5.4 3.6 3.7 3.8 3.9 3.10"
SECTIONS += " 3.10.1 3.11 3.12 4 5 6 6.1 6.2 7 8 9"


class Document(SynchronousTestCase):
    """What is written for those who make clients."""

    def test_tests_exist(self) -> None:
        """Each test that the table names is one."""
        named = re.findall(r"``((?:\w+\.)+test_\w+(?:\.\w+)*)``", DOCUMENT.split("RFC 2229, section by section")[1])
        self.assertGreater(len(named), 60)
        for name in named:
            *module, case, method = name.split(".")
            tree = ast.parse((ROOT / "tests" / Path(*module).with_suffix(".py")).read_text("utf-8"))
            methods = {
                part.name
                for node in tree.body
                if isinstance(node, ast.ClassDef) and node.name == case
                for part in node.body
                if isinstance(part, ast.FunctionDef)
            }
            self.assertIn(method, methods, name)

    def test_every_section(self) -> None:
        """The table has a row for every section of the RFC, each with a test."""
        rows = DOCUMENT.split("RFC 2229, section by section")[1].split("   * - ")[2:]
        self.assertEqual([row.split(" ")[0] for row in rows], SECTIONS.split())
        for row in rows:
            self.assertIn(".test_", row)

    def test_every_code(self) -> None:
        """The table of codes has those of all errors."""
        known = {int(line[:3]) for line in DOCUMENT.splitlines() if re.match(r"\d{3}   \S", line)}
        kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
        ours = {kind.code for kind in kinds if issubclass(kind, errors.DictError)}
        self.assertLessEqual(ours, known)

    def test_every_strategy_and_verb(self) -> None:
        """Nothing that can be said is left out."""
        for strategy in STRATEGIES:
            self.assertIn(f"``{strategy.name}``", DOCUMENT)
        for verb in VERBS:
            self.assertIn(verb.name, DOCUMENT)
