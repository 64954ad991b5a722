"""A stop in the middle of a reload."""

from __future__ import annotations

import signal
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew, alive
from tests.support.server import until


class Meanwhile(SynchronousTestCase):
    """Whatever the reload has come to, nothing is left."""

    def ended(self, crew: Crew, most: float) -> float:
        """Wait for the end of every process; seconds it took."""
        everybody, began = crew.everybody(), time.monotonic()
        crew.server.stop()
        until("all to be gone", lambda: not any(map(alive, everybody)), 5)
        took = time.monotonic() - began
        self.assertLess(took, most)
        self.assertEqual(crew.complaints(), [])
        self.assertTrue(crew.server.logged("good bye"))
        self.assertFalse((crew.state / "control.sock").exists())
        return took

    def test_while_workers_retire(self) -> None:
        """Workers that a reload retires, with clients that stay, end as soon as the others: 421 for all."""
        crew = Crew.started(self)
        seats = crew.seated()
        crew.ask("reload")
        until("the old ones to retire", lambda: len(crew.workers("retiring")) == 2)
        took = self.ended(crew, 8)
        for caller in seats.values():
            self.assertRegex(caller.rest(), b"^421 ")
            caller.close()
        print(f"\nSIGTERM while workers retire: ended after {took:.2f} s")

    def test_during_a_reload(self) -> None:
        """A stop in the middle of a reload ends all, the newest workers too."""
        crew = Crew.started(self)
        crew.server.signal(signal.SIGHUP)
        until("a new worker to come", lambda: len(crew.ask("status")["workers"]) > 2)
        self.ended(crew, 8)

    def test_during_the_check_of_a_reload(self) -> None:
        """A stop while the new settings are checked."""
        crew = Crew.started(self)
        crew.server.signal(signal.SIGHUP)
        until("the check to begin", lambda: crew.ask("status")["reloading"])
        self.ended(crew, 8)
