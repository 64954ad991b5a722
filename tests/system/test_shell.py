"""The shell, by OpenSSH's ssh in a pseudo-terminal."""

from __future__ import annotations

import os
import signal

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import alive
from tests.support.server import until
from tests.support.shells import ShellServer

UP, LEFT, TAB, CTRL_C, CTRL_D = "\x1b[A", "\x1b[D", "\t", "\x03", "\x04"
LATER = "from twisted.internet import reactor, task, defer"


class Prompt(SynchronousTestCase):
    """Somebody types."""

    def setUp(self) -> None:
        self.shell = ShellServer.started(self)
        self.server = self.shell.server

    def test_a_session(self) -> None:
        """A greeting, values, a name that is kept, what is printed, and Ctrl-D with status 0."""
        terminal = self.shell.terminal()
        greeting = terminal.glass.text()
        self.assertIn("of dict.example.org", greeting)
        self.assertIn(f"process {self.server.process.pid}", greeting)
        self.assertIn("help() says what there is", greeting)
        self.assertEqual(terminal.enter("x = 20 + 1"), [])
        self.assertEqual(terminal.enter("x * 2"), ["42"])
        self.assertEqual(terminal.enter("print('a'); _"), ["a", "42"])
        self.assertIn(f"process {self.server.process.pid}", terminal.enter("status()")[0])
        self.assertIn("name          what it does", "\n".join(terminal.enter("help()")))
        self.assertEqual(terminal.enter("sessions()"), ["0 connections"])
        terminal.type(CTRL_D)
        self.assertEqual(terminal.ended(), 0)
        self.assertFalse(terminal.glass.pastes_marked)

    def test_ways_to_leave(self) -> None:
        """exit, quit() and a status of one's own."""
        for line, status in (("exit", 0), ("quit()", 0), ("exit(3)", 3), ("raise SystemExit(4)", 4)):
            terminal = self.shell.terminal()
            terminal.type(line + "\r")
            self.assertEqual((terminal.ended(), line), (status, line))

    def test_await(self) -> None:
        """A value that comes later; lines wait for it."""
        terminal = self.shell.terminal()
        terminal.enter(LATER)
        self.assertEqual(terminal.enter("await task.deferLater(reactor, 0.05, lambda: 'later')"), ["'later'"])
        terminal.enter("y = await task.deferLater(reactor, 0, lambda: 6)")
        self.assertEqual(terminal.enter("y * 7"), ["42"])

    def test_interrupt(self) -> None:
        """Ctrl-C ends what is awaited, and takes away a line that is half typed; the session goes on."""
        terminal = self.shell.terminal()
        terminal.enter(LATER)
        terminal.type("await defer.Deferred()\r")
        terminal.until("the line to be entered", lambda: terminal.glass.column == 0)
        terminal.type(CTRL_C)
        terminal.until("the prompt", terminal.prompted)
        self.assertIn("interrupted", terminal.glass.text())
        terminal.type("1 + half a line")
        terminal.until("the line", lambda: terminal.glass.last.endswith("half a line"))
        terminal.type(CTRL_C)
        terminal.until("the prompt", terminal.prompted)
        self.assertEqual(terminal.enter("1 + 1"), ["2"])
        self.assertNotIn("Traceback", terminal.glass.text())

    def test_completion(self) -> None:
        """TAB goes on as far as it can, then lists what there is, and the line is there again."""
        terminal = self.shell.terminal()
        terminal.type("stat" + TAB)
        terminal.until("the rest", lambda: terminal.glass.before == ">>> status(")
        terminal.type("\x15")
        terminal.enter("words = {'penguin': 1, 'penny': 2}")
        terminal.type("words['pen" + TAB)
        terminal.until("the candidates", lambda: "penguin  penny" in terminal.glass.text())
        terminal.until("the line", lambda: terminal.glass.before == ">>> words['pen")
        terminal.type("n" + TAB + "\r")
        terminal.until("the value", lambda: "\n2\n" in terminal.glass.text())
        self.assertIn(">>> words['penny']", terminal.glass.lines())

    def test_history(self) -> None:
        """Arrow up, also in a session after; a block comes back whole."""
        terminal = self.shell.terminal()
        terminal.enter("12345")
        terminal.type("for i in range(2):\r    print('row', i)\r\r")
        terminal.until("the block to run", lambda: "row 1" in terminal.glass.text() and terminal.prompted())
        terminal.type(CTRL_D)
        self.assertEqual(terminal.ended(), 0)
        terminal = self.shell.terminal()
        terminal.type(UP)
        terminal.until("the block", lambda: terminal.glass.before == "...     print('row', i)")
        terminal.type(UP + UP + UP)
        terminal.until("the line", lambda: terminal.glass.before == ">>> 12345")
        terminal.type("\x1b[D\x7f0\r")
        terminal.until("the value", lambda: "12305" in terminal.glass.text().split("\n"))

    def test_unicode(self) -> None:
        """Chinese, two columns a character: typed, gone back over, put in between, printed."""
        terminal = self.shell.terminal()
        terminal.type("'字典服务'" + LEFT * 3 + "的" + "\x05")
        terminal.until("the line", lambda: terminal.glass.last == ">>> '字典的服务'")
        self.assertEqual(terminal.glass.column, 4 + 2 + 10)
        terminal.type("\r")
        terminal.until("the value", lambda: terminal.prompted() and "'字典的服务'" in terminal.glass.lines())

    def test_resize(self) -> None:
        """A line that is longer than the screen is wide, and another width; values are laid out for it."""
        terminal = self.shell.terminal(columns=40)
        terminal.type("'" + "x" * 50 + "'")
        terminal.until("two rows", lambda: terminal.glass.last == "x" * 15 + "'")
        terminal.resize(100)
        terminal.until("one row", lambda: terminal.glass.last == ">>> '" + "x" * 50 + "'")
        terminal.type(CTRL_C)
        terminal.until("the prompt", terminal.prompted)
        wide = terminal.enter("list(range(40))")
        self.assertGreater(len(wide[0]), 80)
        terminal.resize(50)
        narrow = terminal.enter("list(range(41))")
        self.assertLessEqual(max(map(len, narrow)), 50)

    def test_traceback(self) -> None:
        """Of what was typed, and no more."""
        terminal = self.shell.terminal()
        terminal.type("async def fails():\r    1/0\r\r")
        terminal.until("the prompt", lambda: terminal.prompted() and "1/0" in terminal.glass.text())
        said = "\n".join(terminal.enter("await fails()"))
        self.assertIn("ZeroDivisionError: division by zero", said)
        self.assertIn("in fails", said)
        self.assertEqual(said.count("File "), 2)
        self.assertNotIn("dictd/manhole", said)

    def test_paste(self) -> None:
        """What is pasted comes whole, with its empty lines, and runs at Return."""
        terminal = self.shell.terminal()
        self.assertTrue(terminal.glass.pastes_marked)
        terminal.type("\x1b[200~def f():\r    x = 1\r\r    return x + 1\r\rf()\x1b[201~")
        terminal.until("the block", lambda: terminal.glass.before == "... f()")
        terminal.type("\r")
        terminal.until("the value", lambda: terminal.prompted() and "2" in terminal.glass.lines())

    def test_account(self) -> None:
        """The log has who came, each line, also more than are said of anything else, and when they went."""
        terminal = self.shell.terminal()
        count = 30
        for number in range(count):
            terminal.enter(f"line = {number}")
        terminal.type(CTRL_D)
        terminal.ended()
        until("the end", lambda: self.server.logged("shell 1 ends after"))
        said = self.server.said.decode()
        self.assertRegex(said, r"shell 1 begins: alice with the key alice@desk SHA256:\S{43}, from 127\.0\.0\.1:\d+")
        for number in range(count):
            self.assertIn(f"shell 1> line = {number}\n", said)
        self.assertNotIn("\x1b", said)
        self.assertNotIn("conch", said)

    def test_server_stops(self) -> None:
        """A session is told, and does not hold the server."""
        terminal = self.shell.terminal()
        self.server.signal(signal.SIGTERM)
        terminal.until("the good bye", lambda: "the server stops" in terminal.glass.text())
        terminal.ended()
        self.server.stop()

    def test_hang_up(self) -> None:
        """Whoever is gone leaves nothing running."""
        terminal = self.shell.terminal()
        terminal.enter(LATER)
        terminal.type("await defer.Deferred(lambda d: print('cancelled', file=__import__('sys').stderr))\r")
        terminal.until("the line to be entered", lambda: terminal.glass.column == 0)
        os.kill(terminal.process.pid, signal.SIGKILL)
        until("the end", lambda: self.server.logged("shell 1 ends after"))
        until("the end of what ran", lambda: self.server.logged("cancelled"))
        self.assertTrue(alive(self.server.process.pid))
        self.assertFalse(self.server.logged("Traceback"))
