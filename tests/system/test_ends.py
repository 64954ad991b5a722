"""How a server with workers ends when it is told to, whatever hangs."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew, alive, descendants
from tests.support.programs import dictctl
from tests.support.server import Server, until


class Stopped(SynchronousTestCase):
    """SIGTERM and dictctl stop."""

    def test_everybody_hears_of_it(self) -> None:
        """Who is connected to any worker hears 421; their history is kept."""
        crew = Crew.started(self)
        seats = crew.seated()
        done = dictctl(crew.state, "stop")
        self.assertEqual((done.returncode, done.stdout), (0, b"The server has ended.\n"), done.stderr)
        for caller in seats.values():
            self.assertRegex(caller.rest(), b"^421 ")
            caller.close()
        crew.server.process.wait(5)
        self.assertEqual(crew.complaints(), [])

    def test_wedged_worker(self) -> None:
        """With a worker that hangs it ends all the same, before systemd would lose patience."""
        crew = Crew.started(self)
        os.kill(crew.pids()[0], signal.SIGSTOP)
        everybody, began = crew.everybody(), time.monotonic()
        crew.server.stop()
        took = time.monotonic() - began
        self.assertLess(took, 15)
        self.assertFalse(any(map(alive, everybody)))
        print(f"\nSIGTERM with a wedged worker: ended after {took:.2f} s")

    def test_during_the_start(self) -> None:
        """A stop before any worker serves."""
        crew = Crew.started(self)
        crew.server.stop()
        again = Server(crew.state, crew.server.arguments, alone=False)
        self.addCleanup(again.kill)
        again.launch()
        until("workers to be started", lambda: again.hear() and len(descendants(again.process.pid)) >= 3)
        began = time.monotonic()
        again.stop()
        self.assertLess(time.monotonic() - began, 8)
        self.assertIn(b"good bye", again.said)
        self.assertNotIn(b"listening on", again.said)
        self.assertIsNone(re.search(b"Traceback|Unhandled", again.said), again.said[-500:])

    def test_said_again(self) -> None:
        """A second signal, and a third of the other kind, are no trouble; with workers and without."""
        for server in (Crew.started(self).server, Server.started(Path(self.mktemp()).absolute())):
            self.addCleanup(server.kill)
            began = time.monotonic()
            for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
                server.signal(number)
            server.stop()
            self.assertLess(time.monotonic() - began, 10)
            self.assertIsNone(re.search(b"Traceback|Unhandled|ReactorNotRunning", server.said), server.said[-2000:])
