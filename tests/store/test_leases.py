"""Numbers of processes, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import StoreUnavailable
from dictd.store import leases
from dictd.store.leases import LOST, LeaseQueries
from tests.store.databases import Database, again, on_both

NOW = 1_767_323_045_000
#: Fewer than there are.
NUMBERS = 16


@on_both
class Leases(SynchronousTestCase):
    """Each holder has a number to itself."""

    def setUp(self) -> None:
        """Nobody has one, and there are few."""
        self.patch(leases, "NUMBERS", NUMBERS)
        self.database = Database.fresh(self, "accounts")
        self.leases = LeaseQueries(self.database.dialect)

    def take(self, holder: str, now: int = NOW) -> int:
        """Take a number."""
        return self.database.run(self.leases.take, holder, now)

    def renew(self, number: int, holder: str, now: int) -> bool:
        """Keep one."""
        return self.database.run(self.leases.renew, number, holder, now)

    def test_each_its_own(self) -> None:
        """All numbers are given once, then no more."""
        self.assertEqual([self.take(f"holder {number}") for number in range(NUMBERS)], list(range(NUMBERS)))
        self.assertRaises(StoreUnavailable, self.take, "one more")
        self.assertRaises(StoreUnavailable, self.take, "one more", NOW + LOST - 1)

    def test_oldest_first(self) -> None:
        """When all were given, the one that was renewed longest ago is taken, once it is lost."""
        for number in range(NUMBERS):
            self.take(f"holder {number}", NOW + number)
        self.assertTrue(self.renew(0, "holder 0", NOW + LOST))
        later = NOW + LOST + 5
        self.assertEqual([self.take("new", later), self.take("newer", later)], [1, 2])
        self.assertFalse(self.renew(1, "holder 1", later))
        self.assertTrue(self.renew(1, "new", later))

    def test_given_back(self) -> None:
        """A number that was given back by its holder is the next, and no other's is."""
        for number in range(NUMBERS):
            self.take(f"holder {number}")
        self.database.run(self.leases.give_back, 7, "holder 8", NOW)
        self.assertRaises(StoreUnavailable, self.take, "new")
        self.database.run(self.leases.give_back, 7, "holder 7", NOW)
        self.assertEqual(self.take("new"), 7)
        self.assertRaises(StoreUnavailable, self.take, "newer")

    def test_clock_set_back(self) -> None:
        """Numbers from a future that was not are free, so that nobody waits for it."""
        for number in range(NUMBERS):
            self.take(f"holder {number}", NOW + 10 * LOST)
        self.assertEqual(self.take("new", NOW), 0)

    def test_stranger_cannot_renew(self) -> None:
        """Only who holds a number keeps it."""
        number = self.take("one")
        self.assertFalse(self.renew(number, "other", NOW))
        self.assertFalse(self.renew(number + 1, "one", NOW))
        self.assertTrue(self.renew(number, "one", NOW))

    def test_taken_again(self) -> None:
        """A holder who takes a number twice, because the first answer was lost, has two; nobody else has either."""
        self.assertEqual([self.take("one"), self.take("one"), self.take("other")], [0, 1, 2])

    def test_taken_at_once(self) -> None:
        """Eight who take one at the same moment, many times, never have the same."""
        self.patch(leases, "NUMBERS", 1024)
        together = Barrier(8, timeout=20)

        def take(holder: str) -> list[int]:
            connection = self.database.another()
            together.wait()
            try:
                return [again(connection, self.leases.take, f"{holder} {number}", NOW) for number in range(6)]
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            taken = [number for numbers in threads.map(take, "abcdefgh") for number in numbers]
        self.assertEqual(sorted(taken), list(range(48)))

    def test_last_taken_at_once(self) -> None:
        """Where all were given once, two who take the oldest at the same moment have different ones too."""
        for number in range(NUMBERS):
            self.take(f"holder {number}", NOW - LOST)
        together = Barrier(8, timeout=20)

        def take(holder: str) -> int:
            connection = self.database.another()
            together.wait()
            try:
                return again(connection, self.leases.take, holder, NOW)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            self.assertEqual(len(set(threads.map(take, "abcdefgh"))), 8)
