"""Somebody at a terminal, in memory: what stands on the screen in the end."""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.manhole.keystrokes import MOST_TYPED
from dictd.manhole.terminal import MOST_WAITING
from tests.manhole.people import BACKSPACE, CTRL_C, CTRL_D, CTRL_R, DOWN, LEFT, RETURN, TAB, UP, Person

PASTE, PASTED = "\x1b[200~", "\x1b[201~"


class Typing(SynchronousTestCase):
    """Keys, and the screen."""

    def setUp(self) -> None:
        self.person = Person()

    def test_lines(self) -> None:
        """What is typed, and what it says, one below the other."""
        self.assertEqual(self.person.glass.text(), "welcome\n>>>")
        self.assertEqual(self.person.enter("1 + 2"), ">>> 1 + 2\n3\n>>>")
        self.assertEqual(self.person.enter(" "), ">>> 1 + 2\n3\n>>>\n>>>")
        self.assertEqual(
            self.person.enter("print('a', end='')").split("\n")[-3:], [">>> print('a', end='')", "a", ">>>"]
        )

    def test_editing(self) -> None:
        """In the midst of a line, with wide characters."""
        self.person.type("'字典'", LEFT * 2, BACKSPACE, "词")
        self.assertEqual((self.person.glass.last, self.person.glass.column), (">>> '词典'", 7))
        self.person.type("\x01", "x = ", "\x05", "  # 好")
        self.assertEqual((self.person.glass.last, self.person.glass.column), (">>> x = '词典'  # 好", 20))
        self.assertTrue(self.person.enter().endswith("# 好\n>>>"))
        self.assertIn("'词典'", self.person.enter("x"))

    def test_long(self) -> None:
        """A line of several rows is drawn where it was, and nothing above it is lost."""
        person = Person(columns=20)
        person.enter("1")
        person.type("'" + "字" * 20 + "'")
        self.assertEqual(person.seen(), ">>> 1\n1\n>>> '" + "字" * 7 + "\n" + "字" * 10 + "\n字字字'")
        person.type(LEFT * 15, BACKSPACE, "y")
        self.assertEqual(person.seen(), ">>> 1\n1\n>>> '字字字字字y字字\n" + "字" * 10 + "\n字字'")
        person.type("\x15")
        self.assertEqual(person.seen().split("\n")[2], ">>> " + "字" * 8)
        person.type("\x0b")
        self.assertEqual(person.seen(), ">>> 1\n1\n>>>")

    def test_blocks(self) -> None:
        """A block goes on until an empty line; TAB begins a line four blanks in."""
        self.person.type("for i in range(2):", RETURN, TAB, "print(i)")
        self.assertEqual(self.person.seen(), ">>> for i in range(2):\n...     print(i)")
        self.person.type(RETURN, RETURN)
        self.assertTrue(self.person.seen().endswith("...\n0\n1\n>>>"))
        self.person.type(UP)
        self.assertTrue(self.person.seen().endswith(">>> for i in range(2):\n...     print(i)"))

    def test_paste(self) -> None:
        """A paste waits for Return, and its empty lines end nothing; without marks it is typed."""
        self.person.type(PASTE, "def f():\n    x = 1\n\n    return x\nf()", PASTED)
        self.assertTrue(self.person.seen().endswith("...     return x\n... f()"))
        self.assertTrue(self.person.enter().endswith("\n1\n>>>"))
        self.person.type("a = 1\rb = a + 1\rb\r")
        self.assertTrue(self.person.seen().endswith("\n2\n>>>"))

    def test_paste_too_much(self) -> None:
        """It is refused whole, and what was typed stays."""
        self.person.type("6 * ", PASTE, "7" * MOST_TYPED, PASTED)
        self.assertIn("too long for a line: 65,536 characters are the limit", self.person.seen())
        self.person.type("7")
        self.assertTrue(self.person.enter().endswith("\n42\n>>>"))

    def test_completion(self) -> None:
        """As far as it goes; then the list, and the line again, with the cursor where it was."""
        self.person = Person({"penguin": 1, "penny": 2})
        self.person.type("f(pe)", LEFT, TAB)
        self.assertEqual(self.person.glass.before, ">>> f(pen")
        self.person.type(TAB)
        self.assertEqual(self.person.seen(), ">>> f(pen)\npenguin  penny\n>>> f(pen)")
        self.assertEqual(self.person.glass.before, ">>> f(pen")
        self.person.type("g", TAB)
        self.assertEqual(self.person.glass.last, ">>> f(penguin)")
        self.person.type("zzz", TAB)
        self.assertEqual(self.person.glass.bells, 1)

    def test_past(self) -> None:
        """Of sessions before too, so many lines and no more; the same twice is once."""
        for number in range(7):
            self.person.enter(str(number))
        self.person.enter("6")
        self.assertEqual(self.person.past, deque(["2", "3", "4", "5", "6"]))
        again = Person(past=self.person.past)
        again.type("half", UP, UP)
        self.assertEqual(again.glass.last, ">>> 5")
        again.type(DOWN, DOWN)
        self.assertEqual(again.glass.last, ">>> half")

    def test_search(self) -> None:
        """Ctrl-R looks back, again for the one before; any other key goes on with what was found."""
        for line in ("alpha = 1", "beta = 2", "alphabet = 3"):
            self.person.enter(line)
        self.person.type(CTRL_R, "alp")
        self.assertEqual(self.person.glass.last, "(looking back for 'alp') alphabet = 3")
        self.person.type(CTRL_R)
        self.assertEqual(self.person.glass.last, "(looking back for 'alp') alpha = 1")
        self.person.type("\x05", "0")
        self.assertEqual(self.person.glass.last, ">>> alpha = 10")
        self.person.enter()
        self.assertTrue(self.person.enter("alpha").endswith("\n10\n>>>"))
        self.person.type(CTRL_R, "zzz")
        self.assertGreater(self.person.glass.bells, 0)
        self.person.type(CTRL_C)
        self.assertEqual(self.person.glass.last, ">>>")

    def test_ends(self) -> None:
        """Ctrl-D in an empty line leaves, in another takes a character; pastes are not marked after."""
        self.person.type("ab", "\x01", CTRL_D)
        self.assertEqual(self.person.glass.last, ">>> b")
        self.assertIsNone(self.person.wire.status)
        self.person.type(CTRL_D, CTRL_D)
        self.assertEqual(self.person.wire.status, 0)
        self.assertFalse(self.person.glass.pastes_marked)


class Meanwhile(SynchronousTestCase):
    """What happens beside the typing."""

    def setUp(self) -> None:
        self.later: Deferred[Any] = Deferred()
        self.person = Person({"later": self.later})
        self.session = self.person.session

    def test_say(self) -> None:
        """Lines come above the line that is being typed, which stays as it is."""
        self.person.type("1 + ", "2", LEFT)
        self.session.say("alice: DEFINE wn penguin\nalice: QUIT")
        self.assertEqual(self.person.seen(), "alice: DEFINE wn penguin\nalice: QUIT\n>>> 1 + 2")
        self.assertEqual(self.person.glass.before, ">>> 1 + ")
        self.assertTrue(self.person.enter().endswith(">>> 1 + 2\n3\n>>>"))

    def test_say_long(self) -> None:
        """Also where the line has several rows, and where it is a block."""
        person = Person(columns=20)
        person.type("'" + "x" * 30, LEFT * 25)
        person.session.say("hello")
        self.assertEqual(person.seen(), "hello\n>>> '" + "x" * 15 + "\n" + "x" * 15)
        person.type(CTRL_C)
        person.type("if 1:\r  2")
        person.session.say("again")
        self.assertTrue(person.seen().endswith("^C\nagain\n>>> if 1:\n...   2"))

    def test_say_while_running(self) -> None:
        """Between what is printed."""
        self.person.enter("await later")
        self.session.say("said")
        self.later.callback(1)
        self.assertEqual(self.person.seen(), ">>> await later\nsaid\n1\n>>>")

    def test_ahead(self) -> None:
        """What is typed while something runs comes after it."""
        self.person.enter("await later")
        self.person.type("2 + 2", RETURN, "5")
        self.assertEqual(self.person.seen(), ">>> await later\n")
        self.later.callback(1)
        self.assertEqual(self.person.seen(), ">>> await later\n1\n>>> 2 + 2\n4\n>>> 5")

    def test_interrupt(self) -> None:
        """Ctrl-C ends what runs, and forgets what was typed ahead."""
        self.person.enter("await later")
        self.person.type("ahead", CTRL_C)
        self.assertEqual(self.person.seen(), ">>> await later\n^C\ninterrupted\n>>>")

    def test_control_characters(self) -> None:
        """What others have written into what is printed moves no cursor."""
        self.session.say("a\x1b[2J\x1b]0;title\x07\rb\u202e")
        self.assertEqual(self.person.seen(), r"a\x1b[2J\x1b]0;title\x07\rb\u202e" + "\n>>>")

    def test_size(self) -> None:
        """The line is drawn for another size; sizes that cannot be are others."""
        self.person.type("x" * 30)
        self.person.glass.columns = 20
        self.session.terminal.size(20)
        self.assertEqual(self.person.seen(), ">>> " + "x" * 16 + "\n" + "x" * 14)
        for columns, taken in ((0, 80), (1, 12), (10**9, 1000)):
            self.session.terminal.size(columns)
            self.assertEqual(self.session.terminal.columns, taken)

    def test_clear(self) -> None:
        """Ctrl-L leaves the line alone on the screen."""
        self.person.enter("1")
        self.person.type("half", "\x0c")
        self.assertEqual(self.person.glass.text().strip("\n"), ">>> half")

    def test_slow(self) -> None:
        """A terminal that takes nothing is not printed to without end, and is told."""
        self.person.wire.backlog = MOST_WAITING + 1
        for number in range(100):
            self.session.say(f"lost {number}")
        self.person.wire.backlog = 0
        self.session.say("there")
        self.assertIn("... 100 lines were left out, as the terminal took none\nthere\n", self.person.seen())

    def test_lost(self) -> None:
        """Who is gone is told to those who asked, in order, and what runs is cancelled; nothing is said any more."""
        told: list[int] = []
        self.session.closed += [lambda: told.append(1), lambda: 1 // 0, lambda: told.append(2)]  # type: ignore[list-item]
        cancelled: list[bool] = []
        self.later.addErrback(lambda _: cancelled.append(True))
        self.person.enter("await later")
        self.session.lost()
        self.session.lost()
        self.assertEqual((told, cancelled), ([1, 2], [True]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        raw = self.person.wire.raw
        self.session.say("anybody?")
        self.assertEqual(self.person.wire.raw, raw)

    def test_farewell(self) -> None:
        """A session that is ended from here is told why."""
        self.person.type("half")
        self.session.farewell("good bye")
        self.assertTrue(self.person.seen().startswith("good bye\n>>> half"))
        self.assertEqual(self.person.wire.status, 0)
