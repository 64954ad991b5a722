"""Running what is typed."""

from __future__ import annotations

import linecache
import sys
import threading
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import Unavailable
from dictd.manhole.interpreter import Interpreter, whole
from dictd.manhole.shown import MOST, shown


class Unshowable:
    """Has no repr."""

    def __repr__(self) -> str:
        raise ValueError("no")


class Running(SynchronousTestCase):
    """Python with await."""

    def setUp(self) -> None:
        self.said: list[str] = []
        self.later: Deferred[Any] = Deferred()
        self.names: dict[str, Any] = {"later": self.later, "succeed": succeed, "Deferred": Deferred}
        self.interpreter = Interpreter(self.names, "t", self.said.append, self.said.append, lambda: 60)
        self.addCleanup(self.interpreter.forget)

    def run_(self, source: str) -> Deferred[int]:
        """Run it."""
        self.said.clear()
        return Deferred.fromCoroutine(self.interpreter.run(source))

    def says(self, source: str, status: int = 0) -> str:
        """What it says, when it has ended."""
        self.assertEqual(self.successResultOf(self.run_(source)), status)
        return "".join(self.said)

    def test_values(self) -> None:
        """Each expression that stands by itself, None apart; the last is _."""
        self.assertEqual(self.says("1\nNone\n'a'"), "1\n'a'\n")
        self.assertEqual(self.says("_"), "'a'\n")
        self.assertEqual(self.says("for i in range(2): i"), "0\n1\n")
        self.assertEqual(self.says("x = 5"), "")

    def test_await(self) -> None:
        """Expressions, statements, and what is only called is awaited too."""
        self.assertEqual(self.says("x = await succeed(3)\nx"), "3\n")
        self.assertEqual(self.says("async def f(): return 4\nf()"), "4\n")
        self.assertEqual(self.says("[await succeed(i) for i in range(2)]"), "[0, 1]\n")
        running = self.run_("print('a'); await later; print('b')")
        self.assertNoResult(running)
        self.assertEqual("".join(self.said), "a\n")
        self.later.callback(9)
        self.assertEqual(self.successResultOf(running), 0)
        self.assertEqual("".join(self.said), "a\n9\nb\n")

    def test_prints_of_others(self) -> None:
        """What others print meanwhile, and another thread, is not of this session."""
        was = sys.stdout, sys.displayhook
        self.run_("await later")
        self.assertEqual((sys.stdout, sys.displayhook), was)
        lines: list[str] = []

        class Elsewhere:
            def write(self, text: str) -> None:
                lines.append(text)

        self.patch(sys, "stdout", Elsewhere())
        self.names["Thread"] = threading.Thread
        self.assertEqual(self.says("t = Thread(target=print, args=['x']); t.start(); t.join()"), "")
        self.assertEqual("".join(lines), "x\n")

    def test_cancelled(self) -> None:
        """What is awaited is cancelled, and there is no traceback."""
        running = self.run_("try:\n    await later\nfinally:\n    print('cleaned')")
        running.cancel()
        self.assertEqual(self.successResultOf(running), 1)
        self.assertEqual("".join(self.said), "cleaned\ninterrupted\n")

    def test_deferred(self) -> None:
        """Its result is shown when it comes, and goes on to others."""
        self.says("later")
        self.said.clear()
        self.later.callback(5)
        self.assertEqual("".join(self.said), "Deferred #1: 5\n")
        self.assertEqual(self.successResultOf(self.later), 5)
        failing: Deferred[int] = Deferred()
        self.names["later"] = failing
        self.says("later")
        failing.errback(ValueError("no"))
        self.assertIn("Deferred #2: ValueError: no", "".join(self.said))
        self.failureResultOf(failing, ValueError)

    def test_traceback(self) -> None:
        """Frames and lines of what was typed, none of ours; also of what was typed before."""
        self.says("async def f():\n    await succeed(1)\n    1/0")
        said = self.says("await f()", 1)
        self.assertEqual(said.count("  File "), 2)
        self.assertIn('File "<t:1>", line 3, in f\n    1/0\n    ~^~\n', said)
        self.assertIn('File "<t:2>", line 1, in <module>\n    await f()\n', said)
        said = self.says("try:\n    f.x\nexcept Exception as e:\n    raise KeyError from e", 1)
        self.assertNotIn("interpreter.py", said)
        self.assertIn("direct cause", said)

    def test_foreseen(self) -> None:
        """Trouble that was foreseen is one line."""
        self.names["Unavailable"] = Unavailable
        self.assertEqual(self.says("raise Unavailable('not now')", 1), "Unavailable: not now\n")

    def test_wrong(self) -> None:
        """What is no Python runs not at all."""
        said = self.says("print('begun')\n1 +", 1)
        self.assertNotIn("begun", said.replace("print('begun')", ""))
        self.assertIn("SyntaxError", said)
        self.assertIn("'return' outside function", self.says("return 1", 1))
        self.assertIn("SyntaxWarning", self.says("1 is 1"))
        self.assertIn("null", self.says("'\0'\0", 1))

    def test_whatever(self) -> None:
        """No exception ends the session."""
        for kind in ("KeyboardInterrupt", "BaseException"):
            self.says(f"raise {kind}", 1)
        self.assertIn("RecursionError", self.says("def f(): f()\nf()", 1))
        self.assertIsNone(self.interpreter.left)

    def test_leaving(self) -> None:
        """exit as a word and called, with a status; sys.exit too."""
        for source, status in (("exit", 0), ("quit()", 0), ("exit(5)", 5), ("raise SystemExit(300)", 44)):
            self.says(source, status)
            self.assertEqual(self.interpreter.left, status)

    def test_not_here(self) -> None:
        """Nothing waits for the terminal of the server."""
        for name in ("input", "breakpoint", "help"):
            self.assertIn("NameError", self.says(f"{name}()", 1))

    def test_remembered(self) -> None:
        """Lines of tracebacks are kept for a while, and not longer than the session."""
        for _ in range(150):
            self.says("1")
        self.assertEqual(len([name for name in linecache.cache if str(name).startswith("<t:")]), 100)
        self.interpreter.forget()
        self.assertEqual([name for name in linecache.cache if str(name).startswith("<t:")], [])


class Whole(SynchronousTestCase):
    """When Return runs it."""

    def test_begun(self) -> None:
        """A block, brackets and strings that are open; a block ends with an empty line."""
        for source in ("for i in x:", "for i in x:\n  pass", "x = (", "'''", "async def f():", "a = 1\nfor i in x:"):
            self.assertFalse(whole(source), source)
        for source in (
            "1",
            "await f()",
            "for i in x:\n  pass\n",
            "x = 1\ny = 2",
            "1 1",
            "'",
            "async for i in x: pass\n",
        ):
            self.assertTrue(whole(source), source)


class Showing(SynchronousTestCase):
    """Values."""

    def test_cut(self) -> None:
        """Of very long ones the beginning."""
        text = shown("x" * (MOST + 5))
        self.assertLess(len(text), MOST + 100)
        self.assertIn(f"the first {MOST:,} are shown", text)

    def test_laid_out(self) -> None:
        """Containers that are longer than the screen is wide."""
        self.assertEqual(shown({"b": 1, "a": 2}, 80), "{'b': 1, 'a': 2}")
        lines = shown({"b": "x" * 30, "a": "y" * 30}, 50).split("\n")
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith("{'b'"))

    def test_unshowable(self) -> None:
        """One whose repr fails, also in a list."""
        self.assertEqual(shown(Unshowable()), "<Unshowable; its repr() failed: ValueError: no>")
        self.assertIn("its repr() failed", shown([Unshowable()]))
