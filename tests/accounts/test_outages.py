"""The recorder with a spool and with several flights: what it keeps while the store is away, and afterwards."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from zope.interface import provider

from dictd.accounts import spooling
from dictd.accounts.recorder import LOOK_EVERY, RETRY
from dictd.accounts.spool import Spool
from dictd.errors import StoreUnavailable
from dictd.model import LookUp
from dictd.store.history import REMEMBERED
from tests.accounts.gated_pool import Flight
from tests.accounts.recording import ANNA, BERT, NOW, Recording, Thread


@define
class Refusing:
    """A pool whose breaker is open: it refuses before anybody waits."""

    asked: int = 0

    async def run(self, *args: object) -> None:
        """As :meth:`dictd.store.pool.Pool.run`."""
        self.asked += 1
        raise StoreUnavailable()


class Away(Recording):
    """A recorder with a spool."""

    most_rows = 256
    flights = 1
    most = 1 << 20

    def setUp(self) -> None:
        self.thread = Thread()
        self.spool = Spool(Path(self.mktemp()).absolute() / "spool", self.most)
        super().setUp()
        self.recorder = self.made(
            self.most_rows, flights=self.flights, spool=self.spool, in_thread=self.thread, most_waiting=8
        )
        self.lines: list[str] = []
        self.said: list[str] = []

        @provider(ILogObserver)
        def note(event: dict[str, Any]) -> None:
            if event.get("log_namespace", "").startswith("dictd.accounts"):
                self.lines.append(str(event["log_format"]))
                self.said.append(formatEvent(event))

        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)

    def go_away(self, *words: str) -> None:
        """The store fails under look-ups."""
        answers = [self.ask(word) for word in words or ("lost",)]
        self.store_fails()
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * len(answers))

    def replaying(self) -> Flight:
        """The batch of the spool that is under way."""
        (flight,) = [flight for flight in self.pool.under_way if flight.query == self.queries.replay]
        return flight

    def land_all(self) -> None:
        """Let every query succeed."""
        while self.pool.under_way:
            self.pool.under_way[0].finish()

    def told(self, word: str) -> list[str]:
        """Lines of the log that have a word."""
        return [line for line in self.said if word in line]

    def left_by_the_dead(self, *words: str, when: int = int(NOW * 1000)) -> None:
        """Rows of a process that died."""
        dead = Spool(self.spool.directory, self.most)
        dead.append([LookUp(BERT.id, number, when, word, b"", "", 1) for number, word in enumerate(words)])
        dead.close()


class Spooled(Away):
    """While the store is away."""

    def test_failed_flight_is_kept(self) -> None:
        """The rows of a commit that failed are kept in the spool, and so are those in line and those that follow."""
        answers = [self.ask("flying"), self.ask("in line")]
        self.store_fails()
        answers.append(self.ask("later"))
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 3)
        self.nothing_under_way()
        self.assertEqual((self.recorder.waiting, self.recorder.spooled, self.recorder.on_its_way(ANNA.id)), (0, 3, 3))

    def test_answer_follows_the_disk(self) -> None:
        """Nobody hears True before the rows are on the disk; one group at a time, what comes meanwhile is the next."""
        self.thread.gated = True
        kept = self.ask("one")
        self.store_fails()
        others = [self.ask("two"), self.ask("three", BERT)]
        self.assertNoResult(kept)
        self.assertEqual((self.thread.busy, self.recorder.waiting, self.recorder.on_its_way(ANNA.id)), (1, 3, 2))
        self.thread.work()
        self.assertIs(self.successResultOf(kept), True)
        self.assertEqual([other.called for other in others], [False] * 2)
        self.assertEqual((self.thread.busy, self.recorder.spooled), (1, 1))
        self.thread.work()
        self.assertEqual([self.successResultOf(other) for other in others], [True, True])

    def test_patience_with_the_disk(self) -> None:
        """A disk that takes too long is not waited for."""
        self.thread.gated = True
        kept = self.ask("one")
        self.store_fails()
        self.clock.advance(1.9)
        self.assertNoResult(kept)
        self.clock.advance(0.1)
        self.assertIs(self.successResultOf(kept), False)

    def test_pool_that_refuses_at_once(self) -> None:
        """With the breaker open rows are kept, and the store is not asked for each of them."""
        refusing = Refusing()
        self.recorder._outbox._pool = refusing  # type: ignore[assignment]
        for number in range(20):
            self.assertIs(self.successResultOf(self.ask(str(number))), True)
        self.assertEqual((refusing.asked, self.recorder.spooled), (1, 20))

    def test_overdue_flight(self) -> None:
        """After half of the patience a commit's rows are kept elsewhere; that it lands later does no harm."""
        answers = [self.ask("flying"), self.ask("in line")]
        self.clock.advance(0.99)
        self.assertEqual(self.recorder.spooled, 0)
        self.clock.advance(0.01)
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 2)
        self.assertEqual((self.recorder.waiting, self.recorder.spooled), (0, 2))
        self.clock.advance(RETRY)
        self.assertEqual(self.words_under_way(), ["flying"], "while it hangs nothing else is tried")
        self.pool.only.finish()
        self.clock.advance(RETRY)
        self.assertEqual(self.replaying().words, ["flying", "in line"])
        self.land_all()
        self.assertEqual(self.recorder.spooled, 0)

    def test_overdue_flight_that_lands_first(self) -> None:
        """A commit that ends before its rows left for the disk keeps them from going there."""
        self.thread.gated = True
        first = self.ask("first")
        self.store_fails()
        self.thread.work(OSError(errno.ENOSPC, "No space left on device"))
        self.assertIs(self.successResultOf(first), False)
        self.clock.advance(RETRY)
        self.clock.advance(1)
        self.assertEqual((self.recorder.waiting, self.thread.busy), (1, 0))
        self.pool.only.finish()
        self.assertEqual((self.recorder.waiting, self.recorder.spooled), (0, 0))
        self.assertIs(self.ask("next").called, False)
        self.assertEqual(self.words_under_way(), ["next"])

    def test_overdue_flight_that_fails_is_not_written_twice(self) -> None:
        """Its rows are in the spool already; and the outage that ended meanwhile does not begin again."""
        self.ask("one")
        self.clock.advance(1)
        overdue = self.pool.only
        self.recorder.back()
        self.replaying().finish()
        kept = self.ask("two")
        self.assertEqual(self.pool.under_way[-1].words, ["two"], "a commit that hangs takes no other's place")
        overdue.fail(StoreUnavailable())
        self.assertEqual(self.words_under_way(), ["two"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)
        self.assertEqual(self.recorder.spooled, 0)


class Hanging(Away):
    """A disk that does not answer."""

    def hang(self) -> Deferred[bool]:
        """The store fails under a look-up, and the disk hangs over its row, until that is given back."""
        self.thread.gated = True
        kept = self.ask("one")
        self.store_fails()
        self.clock.advance(RETRY)
        self.clock.advance(RETRY)
        return kept

    def test_the_store_is_tried(self) -> None:
        """After half of the patience the rows are tried on the store, and the outage ends when that is back."""
        kept = self.hang()
        self.assertNoResult(kept)
        self.assertIs(self.successResultOf(self.ask("two")), False, "nobody waits for a disk that hangs")
        self.assertEqual(self.words_under_way(), ["one"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)
        self.assertEqual(self.words_under_way(), ["two"])
        self.pool.only.finish()
        self.assertEqual((self.recorder.waiting, self.thread.busy), (0, 1), "no other group begins, and no replay")
        for number in range(3):
            kept = self.ask(str(number))
            self.assertEqual(self.words_under_way(), [str(number)])
            self.pool.only.finish()
            self.assertIs(self.successResultOf(kept), True)
        self.assertEqual(len(self.told("cannot be written")), 1)

    def test_both_hang(self) -> None:
        """While the store stays away rows wait in memory, not confirmed at once, and each try is with them."""
        kept = self.hang()
        for number in range(4):
            self.store_fails()
            self.clock.advance(RETRY)
            self.assertIs(self.successResultOf(self.ask(str(number))), False)
            self.assertEqual(self.thread.busy, 1)
        self.assertIs(self.successResultOf(kept), False)
        self.assertEqual((self.recorder.waiting, len(self.told("cannot be written"))), (5, 1))

    def test_disk_that_answers_late(self) -> None:
        """A group that gets to the disk after all is not written again, and the next follows it there."""
        kept = self.hang()
        self.ask("two")
        self.thread.gated = False
        self.thread.work()
        self.assertIs(self.successResultOf(kept), True)
        self.store_fails()
        self.assertEqual((self.recorder.waiting, self.recorder.spooled), (0, 2))
        self.clock.advance(RETRY)
        self.land_all()
        self.assertEqual(self.recorder.spooled, 0)

    def test_disk_that_answers_while_rows_are_in_line(self) -> None:
        """They are not written again."""
        self.hang()
        self.store_fails()
        self.thread.gated = False
        self.thread.work()
        self.assertEqual((self.recorder.waiting, self.recorder.spooled), (0, 1))

    def test_disk_that_hangs_later(self) -> None:
        """Half of the patience is counted from when the group began."""
        self.go_away("one")
        self.thread.gated = True
        self.clock.advance(1.2)
        kept = self.ask("two")
        self.clock.advance(0.9)
        self.assertEqual((self.recorder.waiting, self.told("cannot be written")), (1, []))
        self.clock.advance(0.1)
        self.assertEqual(len(self.told("cannot be written")), 1)
        self.assertNoResult(kept)

    def test_disk_that_fails_late(self) -> None:
        """A group that was given back and fails then is in line once."""
        self.hang()
        self.thread.work(OSError(errno.EIO, "Input/output error"))
        self.assertEqual(self.recorder.waiting, 1)
        self.assertEqual(self.words_under_way(), ["one"])

    def test_group_after_the_outage(self) -> None:
        """Rows whose disk hangs when the store is back are committed."""
        self.thread.gated = True
        kept = self.ask("one")
        self.store_fails()
        self.recorder._outbox._works()
        self.clock.advance(1)
        self.assertEqual(self.words_under_way(), ["one"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)

    def test_replay_that_hangs(self) -> None:
        """A disk that does not say what there is to replay keeps nobody from the store for longer than patience."""
        self.go_away("one")
        self.thread.gated = True
        self.clock.advance(RETRY)
        self.assertEqual(self.thread.busy, 1)
        for _ in range(5):
            self.clock.advance(RETRY)
        kept = self.ask("two")
        self.assertEqual(self.words_under_way(), ["two"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)

    def test_stop(self) -> None:
        """The end of the process does not wait for the disk."""
        self.patch(spooling, "LAST", 0.01)
        kept = self.ask("one")
        self.spool._lock.acquire()
        began = time.monotonic()
        self.recorder.stop()
        self.assertLess(time.monotonic() - began, 5)
        self.assertIs(self.successResultOf(kept), False)
        self.assertEqual(self.told("may be lost")[0][:39], "1 rows of the history may be lost: the ")
        self.spool._lock.release()


class Full(Away):
    """A spool that takes no more."""

    most = 200

    def fill(self) -> list[Deferred[bool]]:
        """Ask until the spool is full, with the store away."""
        self.go_away("one")
        return [self.ask(str(number)) for number in range(20)]

    def test_full(self) -> None:
        """What does not fit waits in memory, not confirmed, up to most_waiting, and is committed when that works."""
        answers = [self.successResultOf(kept) for kept in self.fill()]
        spooled = self.recorder.spooled
        self.assertEqual(answers, [True] * (spooled - 1) + [False] * (21 - spooled))
        self.assertEqual(self.recorder.waiting, 8)
        self.clock.advance(RETRY)
        in_memory = self.words_under_way()
        self.assertEqual(len(in_memory), 8)
        self.pool.only.finish()
        self.assertEqual(len(self.replaying().rows), spooled)
        kept = self.ask("new")
        self.assertNoResult(kept)
        self.land_all()
        self.assertIs(self.successResultOf(kept), True)
        self.assertEqual((self.recorder.waiting, self.recorder.spooled), (0, 0))
        self.assertEqual(len([line for line in self.lines if "full" in line]), 1)

    def test_room_again(self) -> None:
        """While the store stays away the spool is tried again with each try, and said to be full once."""
        self.fill()
        self.spool.most = 1 << 20
        self.clock.advance(RETRY)
        self.store_fails()
        self.assertEqual(self.recorder.waiting, 0)
        self.assertIs(self.successResultOf(self.ask("fits")), True)
        self.spool.most = 0
        self.ask("does not")
        self.assertEqual(len([line for line in self.lines if "full" in line]), 1)

    def test_disk_that_cannot_be_written(self) -> None:
        """The same where the disk is in the way."""
        self.thread.gated = True
        kept = self.ask("one")
        self.store_fails()
        self.thread.work(OSError(errno.EROFS, "Read-only file system"))
        self.assertIs(self.successResultOf(kept), False)
        self.assertIs(self.successResultOf(self.ask("two")), False)
        self.assertEqual(len([line for line in self.lines if "cannot be written" in line]), 1)
        self.clock.advance(RETRY)
        self.assertEqual(self.words_under_way(), ["one", "two"])

    def test_refusal_after_the_outage(self) -> None:
        """Rows that the spool refuses when the store is back already are committed, and their answer is True."""
        self.thread.gated = True
        overdue_one = self.ask("one")
        self.store_fails()
        self.recorder._outbox._works()
        self.thread.work(OSError(errno.ENOSPC, "No space left on device"))
        self.assertEqual(self.words_under_way(), ["one"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(overdue_one), True)


class Replayed(Away):
    """When the store is back."""

    most_rows = 2

    def test_back(self) -> None:
        """The spool is replayed in batches, one at a time; with the first that lands new rows are committed again."""
        self.go_away("one")
        for word in ("two", "three", "four", "five"):
            self.ask(word)
        self.recorder.back()
        self.assertEqual(self.replaying().words, ["one", "two"])
        self.assertIs(self.successResultOf(self.ask("still away")), True)
        self.replaying().finish()
        kept = self.ask("new")
        self.assertEqual([flight.words for flight in self.pool.under_way], [["three", "four"], ["new"]])
        self.recorder.back()
        self.land_all()
        self.assertIs(self.successResultOf(kept), True)
        self.assertEqual((self.recorder.spooled, list(self.spool.directory.iterdir())), (0, []))
        words = [word for flight in self.pool.flights for word in flight.words if flight.query == self.queries.replay]
        self.assertEqual(words, ["one", "two", "three", "four", "five", "still away"])
        self.assertEqual(len([line for line in self.lines if "is away" in line]), 1)
        self.assertEqual(len([line for line in self.lines if "store again" in line]), 1)
        self.go_away()
        self.assertEqual(len([line for line in self.lines if "is away" in line]), 2)

    def test_without_being_told(self) -> None:
        """Nobody says that the store is back: it is tried every half second."""
        self.go_away("one")
        for _ in range(3):
            self.nothing_under_way()
            self.clock.advance(RETRY)
            self.replaying().fail(StoreUnavailable())
            self.assertIs(self.successResultOf(self.ask("more")), True)
        self.clock.advance(RETRY)
        self.land_all()
        self.assertEqual(self.recorder.spooled, 0)
        self.assertLessEqual(len([f for f in self.pool.flights if f.words == ["one"]]), 5)

    def test_outages_make_few_files(self) -> None:
        """However often the store is tried in vain, the spool has two files at most."""
        self.go_away("one")
        for _ in range(10):
            self.ask("more")
            self.clock.advance(RETRY)
            self.store_fails()
        self.assertEqual(len(list(self.spool.directory.iterdir())), 2)

    def test_store_that_goes_away_again(self) -> None:
        """A replay that fails makes the store away, and begins its file anew; no row is left out."""
        self.go_away("one")
        for word in ("two", "three"):
            self.ask(word)
        self.recorder.back()
        self.replaying().finish()
        self.replaying().fail(StoreUnavailable())
        self.assertEqual(self.recorder.spooled, 3)
        self.assertIs(self.successResultOf(self.ask("four")), True)
        self.recorder.back()
        self.assertEqual(self.replaying().words, ["one", "two"])
        self.land_all()
        self.assertEqual(self.recorder.spooled, 0)

    def test_append_that_ends_after_the_outage(self) -> None:
        """Rows that reach the disk when everything else was replayed are not left there."""
        self.go_away("one")
        self.recorder.back()
        self.thread.gated = True
        kept = self.ask("two")
        self.replaying().finish()
        while self.thread.busy:
            self.thread.work()
        self.assertIs(self.successResultOf(kept), True)
        while self.thread.busy or self.pool.under_way:
            self.land_all()
            while self.thread.busy:
                self.thread.work()
        self.assertEqual(self.recorder.spooled, 0)

    def test_append_that_ends_after_the_replay(self) -> None:
        """Rows that reach the disk when nobody looks there any more are looked for again."""
        self.thread.gated = True
        kept = self.ask("one")
        self.store_fails()
        self.recorder._outbox._works()
        self.thread.work(which=-1)
        self.assertEqual(self.thread.busy, 1)
        self.thread.work()
        self.assertIs(self.successResultOf(kept), True)
        self.thread.gated = False
        self.thread.work()
        self.land_all()
        self.assertEqual(self.recorder.spooled, 0)

    def test_ids_of_rows_that_wait(self) -> None:
        """New rows have higher ids than those that are replayed, so that none is taken for another."""
        rid = 1 << 62
        dead = Spool(self.spool.directory, self.most)
        dead.append([LookUp(ANNA.id, rid, int(NOW * 1000), "left", b"", "", 1)])
        dead.close()
        self.recorder.begin()
        self.ask("new")
        self.assertGreater(self.pool.under_way[-1].rows[0].rid, rid)
        self.land_all()

    def test_poison(self) -> None:
        """A row that the store refuses for what it is holds up no other, of its batch neither; its file stays."""
        self.go_away("one")
        for word in ("two", "three"):
            self.ask(word)
        self.recorder.back()
        self.replaying().fail(ZeroDivisionError("a fault of ours"))
        self.assertEqual((self.replaying().words, self.flushLoggedErrors()), (["one"], []))
        self.replaying().fail(ZeroDivisionError("a fault of ours"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.replaying().words, ["two"])
        self.replaying().finish()
        self.assertEqual(self.replaying().words, ["three"])
        self.land_all()
        self.assertEqual((self.recorder.spooled, len(list(self.spool.directory.iterdir()))), (0, 1))
        self.assertEqual(self.told("store again"), ["2 rows of the history are in the store again"])
        self.recorder.back()
        self.nothing_under_way()

    def test_outage_among_single_rows(self) -> None:
        """A store that goes away while a batch goes row by row gets all of it again."""
        self.go_away("one")
        self.ask("two")
        self.recorder.back()
        self.replaying().fail(ZeroDivisionError("a fault of ours"))
        self.replaying().finish()
        self.store_fails()
        self.clock.advance(RETRY)
        self.assertEqual(self.replaying().words, ["one", "two"])
        self.land_all()
        self.assertEqual(self.recorder.spooled, 0)

    def test_id_that_is_too_high(self) -> None:
        """A row whose id the store cannot take does not make those of new rows as high."""
        dead = Spool(self.spool.directory, self.most)
        dead.append([LookUp(ANNA.id, 1 << 63, int(NOW * 1000), "left", b"", "", 1)])
        dead.close()
        self.recorder.begin()
        self.ask("new")
        self.assertLess(self.pool.under_way[-1].rows[0].rid, 1 << 62)
        self.land_all()

    def test_how_many_are_home(self) -> None:
        """Those that the store did not want are not counted, nor warned of."""
        self.left_by_the_dead("one", "two")
        self.recorder.begin()
        self.replaying().finish(1)
        self.assertEqual(self.told("row"), ["1 rows of the history are in the store again"])

    def test_too_old(self) -> None:
        """Rows that have waited for longer than is remembered what was forgotten are left out, and that is said."""
        self.left_by_the_dead("one", "two", "three", when=int(NOW * 1000) - REMEMBERED - 1)
        self.left_by_the_dead("four", when=int(NOW * 1000) - REMEMBERED)
        self.recorder.begin()
        self.assertEqual(self.replaying().words, ["four"])
        self.land_all()
        left_out, home = self.told("row")
        self.assertRegex(left_out, "^3 rows of the history in .* had waited for more than 30 days and were left out$")
        self.assertEqual(home, "1 rows of the history are in the store again")
        self.assertEqual(list(self.spool.directory.iterdir()), [])

    def test_rows_of_other_stores(self) -> None:
        """That rows wait beside for another store is said once."""
        beside = self.spool.directory
        for name in ("0123456789abcdef", "no-store", "fedcba9876543210"):
            self.spool.directory = beside / name
            self.left_by_the_dead("one", "two")
        for _ in range(2):
            self.recorder.begin()
        text = f"2 rows of the history in {beside / '0123456789abcdef'} wait for another store than this"
        self.assertEqual(self.told("row"), [text])

    def test_files_of_the_dead(self) -> None:
        """They are looked for at the start, and each ten seconds while the store works."""
        self.left_by_the_dead("left")
        self.recorder.begin()
        self.assertEqual(self.replaying().words, ["left"])
        self.land_all()
        self.left_by_the_dead("left later")
        self.recorder.look()
        self.nothing_under_way()
        self.clock.advance(LOOK_EVERY)
        self.recorder.look()
        self.assertEqual(self.replaying().words, ["left later"])
        self.land_all()
        self.left_by_the_dead("left last")
        self.recorder.look()
        self.nothing_under_way()
        self.recorder.back()
        self.assertEqual(self.replaying().words, ["left last"])
        self.land_all()


class Flights(Away):
    """Two commits at once."""

    flights = 2

    def test_two(self) -> None:
        """There are two and no third, and they land in either order."""
        for first in (0, 1):
            answers = [self.ask("one"), self.ask("two"), self.ask("three"), self.ask("four")]
            flights = self.pool.under_way
            self.assertEqual([flight.words for flight in flights], [["one"], ["two"]])
            flights[first].finish()
            self.assertEqual([kept.called for kept in answers], [first == 0, first == 1, False, False])
            self.assertEqual([flight.words for flight in self.pool.under_way][-1], ["three", "four"])
            self.land_all()
            self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 4)

    def test_one_fails(self) -> None:
        """A commit that fails takes nothing from the other."""
        for fails in (0, 1):
            answers = [self.ask("one"), self.ask("two")]
            flights = self.pool.under_way
            flights[fails].fail(StoreUnavailable())
            self.assertEqual([kept.called for kept in answers], [fails == 0, fails == 1])
            flights[1 - fails].finish()
            self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 2)
            self.assertEqual(self.recorder.spooled, 1)
            self.recorder.back()
            self.land_all()

    def test_forgetting_sees_all_out(self) -> None:
        """FORGET waits for both commits, for one that is overdue, and for a batch of the spool."""
        self.ask("one")
        self.ask("two")
        forgetting = Deferred.fromCoroutine(self.recorder.take_back(ANNA.id, None))
        for flight in self.pool.under_way:
            self.assertNoResult(forgetting)
            flight.finish()
        self.assertEqual(self.successResultOf(forgetting), 0)
        self.ask("slow")
        self.clock.advance(1)
        forgetting = Deferred.fromCoroutine(self.recorder.take_back(ANNA.id, None))
        self.assertNoResult(forgetting)
        self.pool.only.fail(StoreUnavailable())
        self.assertEqual(self.successResultOf(forgetting), 0)
        self.recorder.back()
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(self.recorder.take_back(BERT.id, None))), 0)
        forgetting = Deferred.fromCoroutine(self.recorder.take_back(ANNA.id, None))
        self.assertNoResult(forgetting)
        self.replaying().finish()
        self.successResultOf(forgetting)

    def test_dropped_rows_are_not_spooled(self) -> None:
        """What was dropped while its commit was under way, or in line for the disk, does not get there."""
        self.ask("gone")
        self.ask("stays", BERT)
        self.assertEqual(self.recorder.drop(ANNA.id, None), 0)
        for flight in self.pool.under_way:
            flight.fail(StoreUnavailable())
        self.thread.gated = True
        self.ask("under way")
        self.ask("in line")
        self.assertEqual(self.recorder.drop(ANNA.id, None), 2)
        self.thread.work(OSError(errno.ENOSPC, "No space left on device"))
        self.assertEqual((self.recorder.waiting, self.recorder.spooled, self.spool.waiting_of(BERT.id)), (0, 1, 1))


class Stopped(Away):
    """The end, in each state."""

    def reread(self) -> list[str]:
        """What the next process finds."""
        heir = Spool(self.spool.directory, self.most)
        self.addCleanup(heir.close)
        return [row.word for file in heir.sealed() for batch in heir.batches(file, 100) for row in batch]

    def test_while_all_is_well(self) -> None:
        """Rows in a commit and in line are spooled, and said to be kept; the commit may end as it likes."""
        answers = [self.ask("one"), self.ask("two")]
        self.recorder.stop()
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 2)
        self.assertEqual(self.reread(), ["one", "two"])
        self.store_fails()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_while_the_store_is_away(self) -> None:
        """Rows on their way to the disk get there, and what ends after the stop changes nothing."""
        self.go_away("one")
        self.thread.gated = True
        answers = [self.ask("two"), self.ask("three")]
        self.recorder.stop()
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 2)
        self.thread.work()
        self.assertEqual((self.thread.busy, self.reread()), (0, ["one", "two", "three"]))
        self.recorder.back()
        self.nothing_under_way()

    def test_during_a_replay(self) -> None:
        """The batch under way is the last, and its file stays for the next process."""
        self.go_away("one")
        self.recorder.back()
        batch = self.replaying()
        self.recorder.stop()
        batch.finish()
        self.nothing_under_way()
        self.assertEqual(self.reread(), ["one"])

    def test_full_spool(self) -> None:
        """What cannot be spooled is not confirmed."""
        self.spool.most = 0
        kept = self.ask("one")
        self.recorder.stop()
        self.assertIs(self.successResultOf(kept), False)
        self.assertEqual(len([line for line in self.lines if "may be lost" in line]), 1)

    def test_flush(self) -> None:
        """Flushing ends when rows are in the store or in the spool, and does not wait for a commit that hangs."""
        self.thread.gated = True
        self.ask("one")
        flushing = Deferred.fromCoroutine(self.recorder.flush())
        self.clock.advance(1)
        self.assertNoResult(flushing)
        self.thread.work()
        self.successResultOf(flushing)
        self.assertEqual(len(self.pool.under_way), 1)
