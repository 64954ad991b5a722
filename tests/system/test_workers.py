"""Workers that are killed, and what clients see of it."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew, descriptors
from tests.support.crowd import Crowd
from tests.support.server import until


class Killed(SynchronousTestCase):
    """kill -9 of a worker."""

    def test_only_its_connections(self) -> None:
        """Its connections drop and no others, and another serves in its place in less than a second."""
        crew = Crew.started(self)
        seats = crew.seated()
        pids = {name: crew.process_of(name) for name in seats}
        os.kill(pids["worker 1"], signal.SIGKILL)
        killed = time.monotonic()
        until("a new one", lambda: len({*crew.pids()} - {*pids.values()}) == 1 and len(crew.pids()) == 2, 10)
        took = time.monotonic() - killed
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(seats["worker 1"].rest(), b"")
        self.assertEqual(seats["worker 2"].code("DEFINE * penguin"), 250)
        self.assertIn(pids["worker 2"], crew.pids())
        self.assertEqual(crew.ask("status")["restarts"], 1)
        self.assertLess(took, 2.0)  # 0.6 s on a quiet machine
        print(f"\nkill -9: another serves after {took:.2f} s")

    def test_nobody_is_refused_meanwhile(self) -> None:
        """500 clients come while one of two workers is killed, and again: all are answered."""
        crew = Crew.started(self)
        crowd = Crowd(crew.port, clients=20, most=500, pause=0.02).begin()
        until("some answers", crowd.has_answered(50))
        # A connection that it has taken dies with it: it takes none while it is killed.
        pid = crew.process_of("worker 1")
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        crowd.wait()
        # Only those that were inside it just then.
        self.assertLessEqual(len(crowd.trouble), 20, crowd.trouble)
        self.assertEqual([one for one in crowd.trouble if "Reset" not in one and "AssertionError" not in one], [])
        self.assertEqual(crowd.answered + len(crowd.trouble), 500)
        crew.wait_for(2)
        print(f"\nkill -9 under load: {len(crowd.trouble)} of 500 were in it, slowest {crowd.slowest:.2f} s")

    def test_queue_is_kept(self) -> None:
        """Who was waiting to be let in by a worker that dies is let in by the next."""
        crew = Crew.started(self, 1)
        (pid,) = crew.pids()
        os.kill(pid, signal.SIGSTOP)
        crowd = Crowd(crew.port, clients=50, most=50).begin()
        until("all to wait", lambda: _queued(crew.port) >= 50)
        os.kill(pid, signal.SIGKILL)
        crowd.wait()
        self.assertEqual((crowd.trouble, crowd.answered), ([], 50))

    def test_nothing_is_left_of_the_dead(self) -> None:
        """The supervisor keeps no descriptor of workers that died, and complains of nothing."""
        crew = Crew.started(self)
        supervisor = crew.server.process.pid
        before = descriptors(supervisor)
        for _ in range(3):
            old = crew.wait_for(2)
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            until("new ones", lambda old=old: len(set(crew.pids()) - set(old)) == 2, 20)  # type: ignore[misc]
        crew.wait_for(2)
        until("them to be closed", lambda: descriptors(supervisor) <= before, 5)
        self.assertEqual(crew.complaints(), [])


def _queued(port: int) -> int:
    """How many connections wait to be let in, as the kernel tells."""
    here, listening, waiting = f"0100007F:{port:04X}", "0A", 0
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file:
            _, local, _, state, queues, *_ = line.split()
            if local == here and state == listening:
                waiting += int(queues.split(":")[1], 16)
    return waiting
