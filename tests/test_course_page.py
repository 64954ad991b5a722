"""docs/from-the-course.rst, in two languages: the tests that it names are there, and both pages tell the same."""

from __future__ import annotations

import importlib
import re

from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import CHECKOUT

ENGLISH, CHINESE = "from-the-course.rst", "from-the-course.zh.rst"
_TEST = re.compile(r"^     - ``((?:[a-z_]+\.)+[A-Z]\w*\.test_\w+)``$", re.MULTILINE)
_TYPED = re.compile(r"^   (?:[$>] .*|>)$", re.MULTILINE)
_TERM = re.compile(r"``[^`]+``")


def page(name: str) -> str:
    """The text of a page."""
    return (CHECKOUT / "docs" / name).read_text("utf-8")


class Pages(SynchronousTestCase):
    """Both of them."""

    def test_tests(self) -> None:
        """Each weakness has a test, and each test that is named exists."""
        text = page(ENGLISH)
        named = _TEST.findall(text)
        self.assertEqual(len(named), text.count("   * - ") - text.count(":header-rows:"))
        self.assertGreater(len(named), 25)
        for name in named:
            module, case, method = name.rsplit(".", 2)
            found = getattr(importlib.import_module(f"tests.{module}"), case)
            self.assertTrue(callable(getattr(found, method, None)), name)

    def test_languages(self) -> None:
        """The Chinese page has the commands, the tests and the headings of the English one, row by row."""
        for pattern in (_TEST, _TYPED, re.compile(r"^(?:=+|-+)$", re.MULTILINE), re.compile(r"^ +\* - ", re.MULTILINE)):
            found = [pattern.findall(page(name)) for name in (ENGLISH, CHINESE)]
            if pattern.pattern.startswith("^(?:="):
                found = [[line[0] for line in lines] for lines in found]
            self.assertEqual(*found)
        terms = [set(_TERM.findall(page(name))) for name in (ENGLISH, CHINESE)]
        self.assertEqual(terms[0] - terms[1], set())
