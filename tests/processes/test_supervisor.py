"""The supervisor and its workers, which are objects of the test's own."""

from __future__ import annotations

import json
import signal
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from dictd.processes import channel
from dictd.processes.tracing import Trace
from dictd.processes.whom import Whom
from tests.support.machine import Supervised


class Keeping(Supervised):
    """Workers are kept alive, and their sockets listened on."""

    def test_order(self) -> None:
        """Each is told the settings, who the supervisor is, and its own socket."""
        orders = [json.loads(process.written) for process in self.machine.of("worker")]
        self.assertEqual([len(order["sockets"]) for order in orders], [1, 1])
        self.assertEqual(orders[0]["settings"]["listen"]["workers"], 2)
        self.assertEqual(orders[0]["state"], str(self.state.directory))
        one, _ = self.all_serve()
        one.end(signal.SIGKILL)
        self.machine.pass_(0.1)
        orders = [json.loads(process.written) for process in self.machine.of("worker")]
        self.assertEqual([order["ordinal"] for order in orders], [2, 3], "each a number of its own")

    def test_dead(self) -> None:
        """One that ends is started again at once, and its socket is lent until another serves."""
        one, other = self.all_serve()
        one.end(signal.SIGKILL)
        self.live(0.1, other)
        self.assertEqual(other.heard(), ["Adopt"])
        _, new = self.machine.of("worker")
        self.live(1.0, other)
        self.assertEqual(other.heard(), [])
        self.serve(new)
        self.assertEqual(other.heard(), ["GiveBack"])
        self.assertEqual(self.supervisor.crew.restarts, 1)

    def test_channel_ends_first(self) -> None:
        """Whose channel has ended, though the process has not, lends its socket at once, and is not asked to."""
        one, other = self.all_serve()
        one.link.connectionLost(Failure(ConnectionDone()))
        self.live(0.3, other)
        self.assertEqual(other.heard(), ["Adopt"])
        other.end(signal.SIGKILL)
        self.assertEqual(one.heard(), [])

    def test_silent(self) -> None:
        """Silent for a second, others take its connections; for three, it is killed and another started."""
        one, other = self.all_serve()
        self.live(0.9, other)
        self.assertEqual(other.heard(), [])
        self.live(0.6, other)
        self.assertEqual((other.heard(), one.killed), (["Adopt"], False))
        self.live(1.3, other)
        self.assertFalse(one.killed)
        self.live(0.8, other)
        self.assertTrue(one.killed)
        self.assertEqual(len(self.machine.of("worker")), 2)

    def test_silent_for_a_moment(self) -> None:
        """One that speaks again has its socket to itself again."""
        one, other = self.all_serve()
        self.live(2, other)
        self.assertEqual(other.heard(), ["Adopt"])
        self.live(0.5, one, other)
        self.assertEqual((other.heard(), one.killed), (["GiveBack"], False))

    def test_borrower_dies(self) -> None:
        """When who borrowed a socket dies or falls silent, the next borrows it."""
        self.configure("", workers=3)
        one, other = self.all_serve()
        self.live(2, other)
        other.heard()
        other.end(signal.SIGKILL)
        self.machine.pass_(0.1)
        new = self.machine.of("worker")[-1]
        self.serve(new)
        self.live(0.5, new)
        self.assertIn("Adopt", new.heard())
        self.assertFalse(one.killed)

    def test_loans_are_shared(self) -> None:
        """Nobody alive: nobody borrows; the first that comes has all of it."""
        one, other = self.all_serve()
        one.end(signal.SIGKILL)
        other.end(signal.SIGKILL)
        self.machine.pass_(0.1)
        first, _ = self.machine.of("worker")
        self.serve(first)
        self.assertEqual(first.heard(), ["Adopt"])

    def test_crash_loop(self) -> None:
        """One that ends again and again is tried after 0, 1, 2 and 4 seconds."""
        one, other = self.all_serve()
        one.end(signal.SIGKILL)
        for delay in (0, 1, 2, 4):
            self.live(max(0, delay - 0.2), other)
            if delay:
                self.assertEqual(self.machine.of("worker"), [other])
            self.live(0.4, other)
            again = self.machine.of("worker")
            self.assertEqual(len(again), 2, delay)
            again[-1].end(1)
        self.assertEqual(self.supervisor.crew.slots[0].backoff.looping, True)

    def test_never_serves(self) -> None:
        """One that does not come to serve in thirty seconds is killed, and told why in the status."""
        one, other = self.machine.of("worker")
        self.serve(other)
        self.live(29, other)
        self.assertFalse(one.killed)
        self.live(1.5, other)
        self.assertTrue(one.killed)

    def test_cannot_be_started(self) -> None:
        """When the machine has no more processes, it is tried again."""
        one, other = self.all_serve()
        self.machine.full = True
        one.end(signal.SIGKILL)
        self.live(2, other)
        self.machine.full = False
        self.live(4, other)
        self.assertEqual(len(self.machine.of("worker")), 2)

    def test_memory(self) -> None:
        """One that takes too much is replaced by a new one first; one that takes twice as much is killed."""
        one, other = self.all_serve()
        self.worker(one).facts["memory"] = 1500 << 20
        self.live(1.1, one, other)
        *_, new = self.machine.of("worker")
        self.assertEqual(one.heard(), [])
        self.serve(new)
        self.assertEqual((one.heard(), one.killed), (["Retire"], False))
        one.end()
        self.worker(other).facts["memory"] = 2500 << 20
        self.live(1.1, new, other)
        self.assertTrue(other.killed)

    def test_others(self) -> None:
        """One worker's question goes to all others; who ends meanwhile counts as none."""
        one, other = self.all_serve()
        asked = Deferred.fromCoroutine(self.supervisor.crew.others(self.worker(one), channel.Expel, user=7, key=None))
        self.assertEqual((one.heard(), other.heard()), ([], ["Expel"]))
        self.assertNoResult(asked)
        other.end(signal.SIGKILL)
        self.assertEqual(self.successResultOf(asked), 0)

    def test_doors(self) -> None:
        """What changes in one is told to the other; what a dead one had is taken back; a new one hears all."""
        one, other = self.all_serve()
        one.link.beat({"192.0.2.1": [3, 3]}, None)
        self.assertIn(b"192.0.2.1", other.wire.value() if other.wire else b"")
        self.assertNotIn(b"192.0.2.1", one.wire.value() if one.wire else b"")
        other.heard()
        one.end(signal.SIGKILL)
        self.assertIn(b'"192.0.2.1":[-3,0]', other.wire.value() if other.wire else b"")
        self.assertEqual(self.supervisor.crew.shared.besides(self.worker(other)), {})

    def test_counts(self) -> None:
        """A new one hears at once what the others have counted."""
        one, other = self.machine.of("worker")
        self.serve(one)
        one.link.counts({"definitions": 7})
        self.serve(other)
        self.assertIn(b'"definitions":7', other.wire.value() if other.wire else b"")

    def test_traces(self) -> None:
        """All that serve are told whom to watch, who comes later too; what they see goes where it was asked for."""
        one, other = self.machine.of("worker")
        self.serve(one)
        one.heard()
        heard: list[Any] = []
        until = self.machine.seconds() + 60
        trace = Trace(Whom.of("alice"), self, until, lambda *said: heard.append(said), lambda: None)
        self.supervisor.traces.begin(trace)
        self.assertEqual((one.heard(), other.heard()), (["Trace"], []))
        self.live(10, one)
        self.serve(other)
        written = other.wire.value() if other.wire else b""
        self.assertRegex(written, rb'"alice":(49|50)')
        other.link.traced([{"whose": ["alice"]}, {"whose": ["bob"]}], 3)
        self.assertEqual(heard, [("worker 2", [{"whose": ["alice"]}], 3)])
        one.heard(), other.heard()
        self.supervisor.traces.end(trace)
        self.assertEqual((one.heard(), other.heard()), (["Trace"], ["Trace"]))

    def test_dictionaries_in_parts(self) -> None:
        """The status has them all, in whatever parts they come, and those of today only."""
        one, _ = self.all_serve()
        one.link.dictionaries([["old", "Old", 1]], first=True)
        one.link.dictionaries([["wn", "WordNet", 2]], first=True)
        one.link.dictionaries([["jargon", "Jargon", 3]], first=False)
        self.assertEqual(self.supervisor.status()["dictionaries"], [["wn", "WordNet", 2], ["jargon", "Jargon", 3]])

    def test_stop(self) -> None:
        """All are told; who does not end is killed in time, and no other is started."""
        one, other = self.all_serve()
        stopped = self.supervisor.stopService()
        self.assertEqual((one.heard(), other.heard()), (["Stop"], ["Stop"]))
        one.end()
        self.machine.pass_(11.5)
        self.assertFalse(other.killed)
        self.assertNoResult(stopped)
        self.machine.pass_(1)
        self.assertTrue(other.killed)
        self.machine.pass_(2)
        self.successResultOf(stopped)
        self.assertEqual(self.machine.processes, [])

    def test_stop_during_the_start(self) -> None:
        """Who does not serve yet is killed at once."""
        stopped = self.supervisor.stopService()
        self.machine.pass_(1.5)
        self.successResultOf(stopped)
        self.assertEqual(self.machine.processes, [])
        self.machine.pass_(60)
        self.assertEqual(self.machine.processes, [])


class Publisher(Supervised):
    """The process that keeps the lexicon in step with the store."""

    def test_told(self) -> None:
        """It is told the settings on its standard input: a password is on no command line."""
        (publisher,) = self.machine.of("publish")
        self.assertEqual(json.loads(publisher.written)["store"]["url"], "sqlite")
        self.all_serve()
        self.configure('[store]\nurl = "mysql://dictd@localhost/dictd"\n')
        reloading = self.reload()
        self.assertEqual(self.machine.of("publish"), [publisher], "not before a worker serves")
        for _ in range(2):
            self.machine.pass_(0.1)
            for process in self.machine.of("worker"):
                self.serve(process)
        self.machine.pass_(0.1)
        self.successResultOf(reloading)
        (renewed,) = self.machine.of("publish")
        self.assertEqual(json.loads(renewed.written)["store"]["url"], "mysql://dictd@localhost/dictd")
