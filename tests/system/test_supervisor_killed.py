"""kill -9 of the supervisor: nobody is left, and another can start at once."""

from __future__ import annotations

import os
import signal
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew, alive
from tests.support.server import Server, until


class SupervisorKilled(SynchronousTestCase):
    """kill -9 of the supervisor."""

    def test_nobody_is_left(self) -> None:
        """After two seconds no process is left, one that was stopped neither; the port is free at once."""
        crew = Crew.started(self)
        caller = crew.connect()
        os.kill(crew.pids()[0], signal.SIGSTOP)
        everybody = crew.everybody()
        self.assertEqual(len(everybody), 4)  # two workers, the publisher, the supervisor
        crew.server.process.kill()
        killed = time.monotonic()
        crew.server.process.wait(5)
        until("all to be gone", lambda: not any(map(alive, everybody)), 10)
        took = time.monotonic() - killed
        self.assertLess(took, 3.0)  # 1.7 s on a quiet machine
        caller.close()
        print(f"\nkill -9 of the supervisor: no process left after {took:.2f} s")

    def test_new_server_at_once(self) -> None:
        """A server that is started the moment the old one is killed waits for its workers, and serves."""
        crew = Crew.started(self)
        caller = crew.connect()
        everybody = crew.everybody()
        crew.server.process.kill()
        crew.server.process.wait(5)
        killed = time.monotonic()
        again = Server(crew.state, crew.server.arguments, alone=False)
        self.addCleanup(again.kill)
        again.launch(crew.port)
        until("it to listen", lambda: again.hear() and again.port > 0)
        took = time.monotonic() - killed
        self.assertFalse(any(map(alive, everybody)))
        seat = again.connect()
        self.assertEqual(seat.code("DEFINE * penguin"), 250)
        seat.close()
        caller.close()
        again.stop()
        print(f"\nkill -9 of the supervisor: a new server serves after {took:.2f} s")
