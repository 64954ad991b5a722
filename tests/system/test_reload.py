"""SIGHUP and ``dictctl reload``: new settings checked first, new workers before the old ones go."""

from __future__ import annotations

import signal

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew
from tests.support.crowd import Crowd
from tests.support.server import until

SHORT = "[listen]\nretire_seconds = 1.0\n"


class Reloaded(SynchronousTestCase):
    """One worker after the other is replaced."""

    def test_under_load(self) -> None:
        """1,000 clients that come again and again see nothing of two reloads and a SIGHUP."""
        crew = Crew.started(self, settings="[limits]\nconnections = 4000\n")
        crowd = Crowd(crew.port, clients=1000, pause=1.0).begin()
        until("them to be there", crowd.has_answered(1000))
        for number in (1, 2):
            old = crew.pids()
            self.assertRegex(crew.ask("reload"), "^2 new workers serve; old connections have 30 s")
            until("some answers", crowd.has_answered(1000))
            self.assertEqual(set(crew.pids()) & set(old), set(), number)
        old = crew.pids()
        crew.server.signal(signal.SIGHUP)
        until("the log to say so", lambda: crew.server.hear() and crew.server.said.count(b"reloaded: 2") == 3)
        crowd.end()
        self.assertEqual(crowd.trouble, [])
        self.assertEqual(set(crew.wait_for(2)) & set(old), set())
        self.assertEqual(crew.complaints(), [])
        print(f"\nreload: 3 under load, {crowd.answered:,} answered, 0 errors, slowest {crowd.slowest:.2f} s")

    def test_open_connections(self) -> None:
        """Open connections go on while their time lasts; then who idles gets 421, and the old workers end."""
        crew = Crew.started(self, settings=SHORT)
        seats, old = crew.seated(), crew.pids()
        for caller in seats.values():
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
        self.assertRegex(crew.ask("reload"), "old connections have 1 s")
        for caller in seats.values():
            rest = caller.rest()
            self.assertRegex(rest, b"^421 [^\r\n]+\r\n$")
            caller.close()
        new = crew.wait_for(2)
        self.assertEqual(set(new) & set(old), set())
        self.assertEqual(crew.complaints(), [])

    def test_old_and_new_serve_together(self) -> None:
        """A connection to an old worker is served until it leaves, and the worker ends with its last."""
        crew = Crew.started(self)
        caller, old = crew.connect("127.0.2.1"), crew.pids()
        crew.ask("reload")
        until("one old worker to be left", lambda: len(crew.workers("retiring")) == 1)
        for _ in range(3):
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
        self.assertIn(crew.workers("retiring")[0]["pid"], old)
        self.assertEqual(caller.code("QUIT"), 221)
        caller.close()
        crew.wait_for(2, seconds=5)

    def test_hangup_twice(self) -> None:
        """SIGHUP during a reload does no harm."""
        crew = Crew.started(self)
        old = crew.pids()
        for _ in range(3):
            crew.server.signal(signal.SIGHUP)
        until("new workers", lambda: len(set(crew.pids()) - set(old)) == 2)
        until("the reload to end", lambda: not crew.ask("status")["reloading"])
        self.assertEqual(set(crew.wait_for(2)) & set(old), set())
        self.assertEqual(crew.complaints(), [])
