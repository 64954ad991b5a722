"""Somebody sets the clock of the machine while the server runs."""

from __future__ import annotations

import select
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import missing
from tests.support.server import Server, until


def library() -> str:
    """Where libfaketime is.

    :raises SkipTest: it is not installed.
    """
    for directory in (Path("/usr/lib"), Path("/usr/local/lib")):
        for found in directory.glob("**/faketime/libfaketime.so.1"):
            return str(found)
    return missing("faketime is not installed; make programs installs it where it may")


class Jumping(SynchronousTestCase):
    """A server whose clock is what a test says."""

    def setUp(self) -> None:
        """Its wall clock is what a file says; its timers are short."""
        self.state, settings = Path(self.mktemp()).absolute(), Path(self.mktemp()).absolute()
        settings.write_text("[limits]\nline_seconds = 2\nfirst_seconds = 3600\nidle_seconds = 3000\n")
        self.time = Path(self.mktemp()).absolute()
        self.time.write_text("+0\n")
        around = {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.time),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.server = Server.started(self.state, "--config", str(settings), surroundings=around)
        self.addCleanup(self.server.kill)


class Jumps(Jumping):
    """The clock jumps an hour, either way."""

    def jump(self, hours: int) -> None:
        """A jump: nobody is dropped, timers go on as they were, and times in the history are the new ones."""
        callers = [self.server.connect() for _ in range(20)]
        for caller in callers:
            self.addCleanup(caller.close)
        member = callers[0]
        self.assertEqual(member.code("REGISTER alice correct-horse"), 280)
        self.assertEqual(member.code("Q before"), 552)
        late = self.server.connect()
        self.addCleanup(late.close)
        late.connection.sendall(b"STA")
        self.time.write_text(f"{hours * 3600:+d}\n")
        self.assertEqual(member.code("Q after"), 552)
        after, before = [line.split()[0] for line in member.ask("HISTORY")[1:3]]
        self.assertEqual(after > before, hours > 0, (before, after))  # it did jump
        # A line that was begun is late after two seconds of any clock, and not at once.
        self.assertFalse(select.select([late.connection], [], [], 0.8)[0])
        until("the late line", lambda: bool(select.select([late.connection], [], [], 0)[0]), 5)
        self.assertEqual(late.line()[:4], "421 ")
        for caller in callers:
            self.assertFalse(select.select([caller.connection], [], [], 0)[0])
            self.assertEqual(caller.code("STATUS"), 210)

    def test_forward(self) -> None:
        """An hour on."""
        self.jump(1)

    def test_back(self) -> None:
        """An hour back."""
        self.jump(-1)
