"""Processes that are stopped (SIGSTOP), and what clients see of it."""

from __future__ import annotations

import os
import signal
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew, alive
from tests.support.crowd import Crowd
from tests.support.server import until


class Stopped(SynchronousTestCase):
    """SIGSTOP of a worker."""

    def test_replaced(self) -> None:
        """1,000 come while one of two is stopped: all are answered, none waits long; it is replaced."""
        crew = Crew.started(self)
        pids = crew.pids()
        os.kill(pids[0], signal.SIGSTOP)
        stopped = time.monotonic()
        crowd = Crowd(crew.port, clients=40, most=1000).begin()
        crowd.wait()
        took = time.monotonic() - stopped
        until("it to be replaced", lambda: pids[0] not in crew.pids() and len(crew.pids()) == 2, 12)
        replaced = time.monotonic() - stopped
        self.assertEqual((crowd.trouble, crowd.answered), ([], 1000))
        self.assertLess(crowd.slowest, 3.0)  # 1.3 s on a quiet machine
        self.assertFalse(alive(pids[0]))
        self.assertTrue(crew.server.logged("silent for 3 s"))
        print(
            f"\nSIGSTOP: 1,000 answered in {took:.2f} s, slowest {crowd.slowest:.2f} s; replaced after {replaced:.2f} s"
        )

    def test_goes_on(self) -> None:
        """Stopped for two seconds, it goes on, its connections with it; its sockets are its own again."""
        crew = Crew.started(self)
        pids, seats = crew.pids(), crew.seated()
        with crew.stopped(crew.process_of("worker 1")):
            until("it to be missed", lambda: len(crew.workers("silent")) == 1, 5)
            began = time.monotonic()
            until("two seconds", lambda: time.monotonic() - began > 1.0)
        crew.wait_for(2)
        self.assertEqual(crew.pids(), pids)
        for caller in seats.values():
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
        again = crew.seated(first=100)
        self.assertEqual(again.keys(), seats.keys())
        self.assertFalse(crew.server.logged("is killed"))

    def test_who_borrows_is_stopped_too(self) -> None:
        """With two of three stopped one after the other, the third takes all connections."""
        crew = Crew.started(self, 3)
        pids = crew.pids()
        os.kill(pids[0], signal.SIGSTOP)
        until("it to be missed", lambda: len(crew.workers("silent")) == 1, 5)
        os.kill(pids[1], signal.SIGSTOP)
        crowd = Crowd(crew.port, clients=30, most=300).begin()
        crowd.wait()
        self.assertEqual((crowd.trouble, crowd.answered), ([], 300))
        until("both to be replaced", lambda: len({*crew.pids()} - {*pids}) == 2 and len(crew.pids()) == 3, 15)
        self.assertIn(pids[2], crew.pids())

    def test_the_supervisor(self) -> None:
        """A supervisor that was stopped does not hold its own silence against its workers."""
        crew = Crew.started(self)
        pids = crew.pids()
        with crew.stopped(crew.server.process.pid):
            crowd = Crowd(crew.port, clients=10, most=400, pause=0.1).begin()
            crowd.wait()
            self.assertEqual((crowd.trouble, crowd.answered), ([], 400))
        crew.wait_for(2)
        self.assertEqual(crew.pids(), pids)
        self.assertFalse(crew.server.logged("is killed"))
