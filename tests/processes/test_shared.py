"""What the supervisor keeps for all workers."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.commons import OneProcess, Outcome
from dictd.limits import TRIES_AT_ONCE, Guesses, Peer, Rate
from dictd.processes.shared import Shared

HERE = Peer.at("192.0.2.1")


@define(eq=False)
class Counting:
    """A worker, as far as it counts."""

    counts: dict[str, Any] = field(factory=dict)


class Sharing(SynchronousTestCase):
    """Connections, tries and counts of two workers."""

    def setUp(self) -> None:
        """Nobody has done anything."""
        self.now = 0.0
        commons = OneProcess(Guesses(10, 15), Rate(5, 3600), lambda: self.now)
        self.shared = Shared(commons)
        self.one: Any = Counting()
        self.other: Any = Counting()

    def penalty(self, worker: Any, account: str = "alice") -> int:
        """Begin a try, or hear how long to wait."""
        return self.successResultOf(Deferred.fromCoroutine(self.shared.penalty(worker, account, HERE)))

    def test_besides(self) -> None:
        """A new worker is told what the others have, not what it has itself; arrivals are over."""
        self.shared.moved(self.one, {"192.0.2.1": [3, 5], "": [4, 5]})
        self.shared.moved(self.one, {"192.0.2.1": [-1, 0]})
        self.shared.moved(self.other, {"192.0.2.1": [1, 1], "192.0.2.2": [1, 1]})
        new: Any = Counting()
        self.assertEqual(self.shared.besides(new), {"192.0.2.1": [3, 0], "": [4, 0], "192.0.2.2": [1, 0]})
        self.assertEqual(self.shared.besides(self.one), {"192.0.2.1": [1, 0], "192.0.2.2": [1, 0]})

    def test_left(self) -> None:
        """What a dead worker had is taken from the others' count, once, and nothing of it is kept."""
        self.shared.moved(self.one, {"192.0.2.1": [3, 3], "192.0.2.9": [1, 1]})
        self.shared.moved(self.one, {"192.0.2.9": [-1, 0]})
        self.assertEqual(self.shared.left(self.one), {"192.0.2.1": [-3, 0]})
        self.assertEqual(self.shared.left(self.one), {})
        self.assertEqual(self.shared.besides(self.other), {})

    def test_tries_of_a_dead_worker(self) -> None:
        """Tries that a dead worker had begun are given up: nobody waits for them, nobody is blamed."""
        for _ in range(TRIES_AT_ONCE):
            self.assertEqual(self.penalty(self.one), 0)
        self.assertGreater(self.penalty(self.other), 0)
        self.shared.left(self.one)
        self.assertEqual(self.penalty(self.other), 0)

    def test_tries_end(self) -> None:
        """A try that has ended is not given up again when its worker dies."""
        self.assertEqual([self.penalty(self.one), self.penalty(self.other)], [0, 0])
        self.shared.try_ended(self.one, "alice", HERE, Outcome.SUCCEEDED)
        self.shared.left(self.one)
        for _ in range(TRIES_AT_ONCE - 1):
            self.assertEqual(self.penalty(self.other), 0)
        self.assertGreater(self.penalty(self.other), 0)

    def test_given_up_before_it_began(self) -> None:
        """A worker that did not wait for an answer gives up a try it never had: no other's is taken for it."""
        for _ in range(TRIES_AT_ONCE):
            self.assertEqual(self.penalty(self.other), 0)
        self.assertGreater(self.penalty(self.one), 0)
        self.shared.try_ended(self.one, "alice", HERE, Outcome.ABANDONED)
        self.assertGreater(self.penalty(self.one), 0)

    def test_failures_hold_for_all(self) -> None:
        """A wrong password in one worker makes the next wait in the other."""
        self.assertEqual(self.penalty(self.one), 0)
        self.shared.try_ended(self.one, "alice", HERE, Outcome.FAILED)
        self.assertEqual(self.penalty(self.other), 2)
        self.now += 2
        self.assertEqual(self.penalty(self.other), 0)

    def test_counts(self) -> None:
        """Counts of the dead stay in the sum; each worker is told the sums of the others."""
        self.one.counts, self.other.counts = {"commands": 3}, {"commands": 4}
        self.assertEqual(self.shared.counts([self.one, self.other])["commands"], 7)
        elsewhere = self.shared.elsewhere([self.one, self.other])
        self.assertEqual([elsewhere[worker]["commands"] for worker in (self.one, self.other)], [4, 3])
        self.shared.left(self.one)
        self.assertEqual(self.shared.counts([self.other])["commands"], 7)
        self.assertEqual(self.shared.elsewhere([self.other])[self.other]["commands"], 3)

    def test_two_hundred_deaths(self) -> None:
        """Nothing grows with workers that died."""
        for number in range(200):
            worker: Any = Counting({"commands": 1})
            self.shared.moved(worker, {f"192.0.2.{number}": [1, 1]})
            self.penalty(worker, f"user{number}")
            self.shared.left(worker)
        self.assertEqual((len(self.shared._connections), len(self.shared._tries)), (0, 0))
        self.assertEqual(self.shared.ended, {"commands": 200})
