"""Python that an administrator runs."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import running
from dictd.processes.running import Runs


class Running(SynchronousTestCase):
    """One process."""

    def setUp(self) -> None:
        """Some names."""
        self.clock = Clock()
        self.waiting: Deferred[Any] = Deferred()
        self.runs = Runs(self.clock, lambda: {"six": 6, "soon": lambda: succeed(7), "waiting": self.waiting})

    def begun(self, code: str, seconds: float = 60) -> Deferred[str]:
        """Begin."""
        return Deferred.fromCoroutine(self.runs.run(code, seconds, "somebody"))

    def ran(self, code: str) -> str:
        """What comes of it at once."""
        return self.successResultOf(self.begun(code))

    def test_values(self) -> None:
        """The last expression is the value, if it is one; nothing is told of None."""
        for code, told in (
            ("six * 7", "42"), ("x = six\nx + 1", "7"), ("x = 1", ""), ("None", ""), ("", ""), ("'a'", "'a'"),
            ("print('a'); print('b')", "a\nb"), ("print('a', end='')\n5", "a5"), ("[n for n in range(six)][-1]", "5"),
            ("def f(n):\n    return n + six\nf(1)", "7"), ("import math\nmath.floor(2.5)", "2"), ("# nothing", ""),
        ):  # fmt: skip
            self.assertEqual(self.ran(code), told, code)

    def test_await(self) -> None:
        """At the top, in the last expression, in a comprehension; what can be awaited is."""
        for code, told in (
            ("await soon()", "7"), ("x = await soon()\nx + 1", "8"), ("soon()", "7"),
            ("async def f():\n    return await soon()\nf()", "7"), ("[await soon() for _ in range(2)]", "[7, 7]"),
            ("print(await soon())", "7"),
        ):  # fmt: skip
            self.assertEqual(self.ran(code), told, code)

    def test_trouble(self) -> None:
        """A traceback of what was typed, and nothing of what runs it; whatever is raised."""
        told = self.ran("def f():\n    1 / 0\nprint('before')\nf()")
        self.assertTrue(told.startswith("before\nTraceback (most recent call last):\n"), told)
        self.assertTrue(told.endswith("ZeroDivisionError: division by zero"), told)
        self.assertNotIn("running.py", told)
        self.assertNotIn("defer.py", told)
        self.assertIn("line 2, in f", told)
        self.assertIn("SyntaxError", self.ran("def f(:"))
        self.assertNotIn("running.py", self.ran("def f(:"))
        for code, end in (("raise SystemExit(1)", "SystemExit: 1"), ("raise KeyboardInterrupt", "KeyboardInterrupt")):
            self.assertTrue(self.ran(code).endswith(end), code)
        self.assertIn("ValueError: no", self.ran("class A:\n    def __repr__(self): raise ValueError('no')\nA()"))
        self.assertIn("NameError", self.ran("nothing"))

    def test_names_afresh(self) -> None:
        """What one run has named the next does not know, but what it has kept."""
        self.ran("x = six = 5\nkeep['x'] = 9")
        self.assertIn("NameError", self.ran("x"))
        self.assertEqual(self.ran("six, keep['x']"), "(6, 9)")

    def test_output_of_others(self) -> None:
        """What is printed while it waits is not its own; what it prints afterwards is."""
        before = sys.stdout
        begun = self.begun("print('one')\nawait waiting\nprint('two')")
        self.assertIs(sys.stdout, before)
        other = self.ran("print('other')")
        self.waiting.callback(None)
        self.assertEqual((self.successResultOf(begun), other), ("one\ntwo", "other"))
        self.assertIs(sys.stdout, before)

    def test_too_long(self) -> None:
        """What is awaited for longer than it may is given up, and what was printed is told."""
        begun = self.begun("print('one')\nawait waiting", 5)
        self.clock.advance(4.9)
        self.assertNoResult(begun)
        self.clock.advance(0.2)
        self.assertEqual(self.successResultOf(begun), "one\nit took longer than 5 s and was given up")

    def test_long(self) -> None:
        """A result that nobody can read is cut, and told to be."""
        told = self.ran(f"'x' * {running.MOST * 2}")
        self.assertEqual(told.partition("\n")[2], f"... cut here: it has {running.MOST * 2 + 2:,} characters")
        self.assertEqual(len(told.partition("\n")[0]), running.MOST)
