"""A worker that ends again and again, for what it needs is not what it was."""

from __future__ import annotations

import os
import signal

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew
from tests.support.crowd import Crowd
from tests.support.server import until


class CrashLoop(SynchronousTestCase):
    """server.key is spoilt: a worker reads it at its start, one that runs has read it."""

    def test_crash_loop(self) -> None:
        """The others serve all the time, the log says so, it is tried more and more seldom, and recovers.

        A reload meanwhile changes nothing and says why.
        """
        crew = Crew.started(self)
        key, pids = crew.state / "server.key", crew.pids()
        kept = key.read_bytes()
        key.write_bytes(b"no key\n")
        crowd = Crowd(crew.port, clients=10, pause=0.1).begin()
        os.kill(pids[0], signal.SIGKILL)
        until("the log to say so", lambda: crew.server.logged("ends again and again"), 40)
        self.assertTrue(crew.server.logged("server.key"))
        self.assertTrue(crew.server.logged("the others serve for it, it is tried again in 8 s"))
        self.assertEqual(crew.pids(), pids[1:])
        with self.assertRaisesRegex(Exception, "server.key"):
            crew.ask("reload")
        self.assertEqual(crew.pids(), pids[1:])
        answered = crowd.has_answered(100)
        until("some answers", answered)
        key.write_bytes(kept)
        crew.ask("reload")
        crew.wait_for(2)
        until("some answers", crowd.has_answered(100))
        crowd.end()
        # Only who was inside the one that was killed.
        self.assertLessEqual(len(crowd.trouble), 10, crowd.trouble)
        self.assertEqual([line for line in crew.complaints() if "again and again" not in line], [])

    def test_recovers(self) -> None:
        """Once it can, it serves again without anybody's help."""
        crew = Crew.started(self, 1)
        key, pids = crew.state / "server.key", crew.pids()
        kept = key.read_bytes()
        key.write_bytes(b"no key\n")
        os.kill(pids[0], signal.SIGKILL)
        until("it to be tried in vain", lambda: crew.server.logged("started again in 2 s"))
        key.write_bytes(kept)
        self.assertNotEqual(crew.wait_for(1), pids)
        self.assertEqual(crew.connect().code("DEFINE * penguin"), 250)
