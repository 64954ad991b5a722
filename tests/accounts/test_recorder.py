"""The recorder: what it promises, and when, with time and commits in the test's hand."""

from __future__ import annotations

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.recorder import RETRY
from dictd.accounts.rowids import RowIds
from dictd.errors import AccountsUnavailable, StoreUnavailable
from dictd.lexicon import folding
from dictd.model import EPOCH, User, row_id
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import SQLITE
from dictd.store.history import HIGHEST
from tests.accounts.recording import ANNA, BERT, NOW, WORKER, Recording
from tests.store.databases import Database, count_ids


class Rows(Recording):
    """What is written of a look-up."""

    def test_row_has_what_was_asked(self) -> None:
        """A row says who asked what and when, what was found, and the key that finds every spelling again."""
        self.recorder.record(BERT, "Straße", "eng-deu", 3)
        (row,) = self.pool.only.rows
        now = int(NOW * 1000)
        self.assertEqual((row.user_id, row.time, row.rid), (BERT.id, now, row_id(now, WORKER, 0)))
        self.assertEqual((row.word, row.k, row.dictionary, row.found), ("Straße", b"strasse", "eng-deu", 3))

    def test_long_word_is_cut_to_what_a_row_holds(self) -> None:
        """Of a very long word 512 characters are kept; its key is one that the store takes."""
        self.ask("x" * 600)
        (row,) = self.pool.only.rows
        self.assertEqual(row.word, "x" * 512)
        self.assertLessEqual(len(row.k), folding.MAX_KEY + 1)

    def test_long_word_is_found_as_it_was_asked(self) -> None:
        """HISTORY and FORGET of a very long word mean the row that was kept of it, not another key."""
        word = "Donaudampfschiff" * 40
        self.ask(word)
        (row,) = self.pool.only.rows
        self.pool.only.finish()
        reading = Deferred.fromCoroutine(self.recorder.newest(ANNA, 5, word))
        self.assertEqual(self.pool.only.args, (ANNA.id, 5, row.k, int(NOW * 1000), HIGHEST))
        self.pool.only.finish([])
        self.successResultOf(reading)
        forgetting = Deferred.fromCoroutine(self.recorder.forget(ANNA, word))
        self.assertEqual(self.pool.only.args[:2], (ANNA.id, row.k))
        self.pool.only.finish(1)
        self.assertEqual(self.successResultOf(forgetting), 1)

    def test_long_word_is_forgotten_while_it_waits(self) -> None:
        """A very long word that still waits for its commit is taken back like any other."""
        self.ask("first")
        word = "x" * 600
        self.ask(word)
        forgetting = Deferred.fromCoroutine(self.recorder.forget(ANNA, word))
        self.pool.only.finish()
        self.assertEqual([flight.query for flight in self.pool.under_way], [self.queries.forget])
        self.pool.only.finish(0)
        self.assertEqual(self.successResultOf(forgetting), 1)

    def test_newest_asks_for_the_folded_word(self) -> None:
        """HISTORY with a word asks for its key, without a word for everything, and hands back what it gets."""
        for word, k in (("STRASSE", b"strasse"), ("", b""), (None, None)):
            reading = Deferred.fromCoroutine(self.recorder.newest(ANNA, 7, word))
            self.assertEqual(self.pool.only.query, self.queries.newest)
            self.assertEqual(self.pool.only.args, (ANNA.id, 7, k, int(NOW * 1000), HIGHEST))
            self.pool.only.finish([word])
            self.assertEqual(self.successResultOf(reading), [word])


class Groups(Recording):
    """Which rows leave together."""

    def test_answer_follows_the_commit(self) -> None:
        """A look-up leaves at once, and is answered True only when its commit has ended."""
        kept = self.ask("one")
        self.assertEqual(self.words_under_way(), ["one"])
        self.clock.advance(1.9)
        self.assertNoResult(kept)
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)
        self.nothing_under_way()

    def test_one_flight_at_a_time(self) -> None:
        """Rows that come while a commit is under way wait for its end and leave together, in order."""
        first = self.ask("one")
        others = [self.ask("two"), self.ask("three", BERT), self.ask("four", BERT)]
        self.assertEqual(self.words_under_way(), ["one"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(first), True)
        self.assertEqual(self.words_under_way(), ["two", "three", "four"])
        for kept in others:
            self.assertNoResult(kept)
        self.pool.only.finish()
        self.assertEqual([self.successResultOf(kept) for kept in others], [True] * 3)
        self.nothing_under_way()

    def test_most_rows_of_a_flight(self) -> None:
        """A group has at most most_rows; the rest leaves in the next, none is lost and none comes twice."""
        self.recorder = self.made(most_rows=2)
        answers = [self.ask(str(number)) for number in range(6)]
        flights = []
        while self.pool.under_way:
            flights.append(self.words_under_way())
            self.pool.only.finish()
        self.assertEqual(flights, [["0"], ["1", "2"], ["3", "4"], ["5"]])
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 6)

    def test_answers_come_in_the_order_of_the_questions(self) -> None:
        """Within a group and from group to group the first who asked is answered first."""
        self.recorder = self.made(most_rows=3)
        heard: list[int] = []

        def heard_of(number: int, kept: bool) -> None:
            heard.append(number)

        for number in range(8):
            self.ask(str(number), (ANNA, BERT)[number % 2]).addCallback(partial(heard_of, number))
        while self.pool.under_way:
            self.pool.only.finish()
        self.assertEqual(heard, list(range(8)))

    def test_rows_of_a_group_are_in_the_order_of_the_table(self) -> None:
        """A group is sorted as the primary key is, so that commits of several workers lock in one order."""
        self.ask("first")
        for user in (BERT, ANNA, BERT, ANNA):
            self.ask(user.name, user)
        self.pool.only.finish()
        keys = [(row.user_id, row.rid) for row in self.pool.only.rows]
        self.assertEqual(keys, sorted(keys))
        self.assertEqual([user_id for user_id, _ in keys], [1, 1, 2, 2])

    def test_answer_that_brings_a_look_up(self) -> None:
        """A client that asks again the moment it is answered does not make two commits at once."""
        answers: list[Deferred[bool]] = []

        def again(number: int, kept: bool) -> None:
            answers.append(self.ask(f"again {number}"))

        for number in range(3):
            self.ask(f"first {number}").addCallback(partial(again, number))
        self.pool.only.finish()
        self.assertEqual(len(self.pool.under_way), 1)
        while self.pool.under_way:
            self.assertEqual(len(self.pool.under_way), 1)
            self.pool.only.finish()
        self.assertEqual(len(answers), 3)
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 3)
        words = [word for flight in self.pool.flights for word in flight.words]
        self.assertEqual(sorted(words), sorted(f"{when} {n}" for when in ("first", "again") for n in range(3)))


class Patience(Recording):
    """What cannot be said in time."""

    def test_slow_commit_is_not_confirmed(self) -> None:
        """After two seconds the answer is False, not a moment earlier."""
        kept = self.ask("slow")
        self.clock.advance(1.999)
        self.assertNoResult(kept)
        self.clock.advance(0.001)
        self.assertIs(self.successResultOf(kept), False)

    def test_row_that_was_not_confirmed_is_committed(self) -> None:
        """Patience ends the wait of the client, not the row: those that waited in line are written too, once each."""
        answers = [self.ask("flying"), self.ask("waiting")]
        self.clock.advance(2)
        self.assertEqual([self.successResultOf(kept) for kept in answers], [False, False])
        self.pool.only.finish()
        self.assertEqual(self.words_under_way(), ["waiting"])
        self.pool.only.finish()
        self.nothing_under_way()
        self.assertEqual([flight.words for flight in self.pool.flights], [["flying"], ["waiting"]])

    def test_each_answer_has_its_own_patience(self) -> None:
        """Who asked later waits as long as who asked first."""
        first = self.ask("first")
        self.clock.advance(1.5)
        second = self.ask("second")
        self.clock.advance(0.5)
        self.assertIs(self.successResultOf(first), False)
        self.clock.advance(1.4)
        self.assertNoResult(second)
        self.clock.advance(0.1)
        self.assertIs(self.successResultOf(second), False)

    def test_patience_goes_on_after_an_answer(self) -> None:
        """A look-up made while the timer of an earlier, answered one runs loses patience in its own time."""
        self.ask("quick")
        self.pool.only.finish()
        self.clock.advance(1)
        kept = self.ask("slow")
        self.clock.advance(1.9)
        self.assertNoResult(kept)
        self.clock.advance(0.1)
        self.assertIs(self.successResultOf(kept), False)

    def test_answer_that_brings_a_look_up_starts_no_second_timer(self) -> None:
        """A client that asks again the moment it hears False shares the one timer with those who still wait."""
        again: list[Deferred[bool]] = []

        def ask_again(kept: bool) -> None:
            again.append(self.ask("again"))

        self.ask("first").addCallback(ask_again)
        self.clock.advance(1)
        waiting = self.ask("waiting")
        self.clock.advance(1)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(1)
        self.assertIs(self.successResultOf(waiting), False)
        self.assertNoResult(again[0])
        self.clock.advance(1)
        self.assertIs(self.successResultOf(again[0]), False)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_patience_is_a_setting(self) -> None:
        """Another patience is kept to."""
        self.recorder = self.made(patience=7)
        kept = self.ask("slow")
        self.clock.advance(6.9)
        self.assertNoResult(kept)
        self.clock.advance(0.1)
        self.assertIs(self.successResultOf(kept), False)

    def test_idle_recorder_has_no_timer(self) -> None:
        """Once all is answered no timer is left running for ever."""
        self.ask("one")
        self.pool.only.finish()
        self.clock.advance(2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_crowd_is_not_confirmed_at_once(self) -> None:
        """Over most_waiting the answer is False at once and the row is not kept; below, it goes on."""
        self.recorder = self.made(most_waiting=3)
        kept = [self.ask(word) for word in ("one", "two", "three")]
        self.assertIs(self.successResultOf(self.ask("too many")), False)
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept[0]), True)
        fourth = self.ask("four")
        self.assertNoResult(fourth)
        self.assertIs(self.successResultOf(self.ask("too many again")), False)
        while self.pool.under_way:
            self.pool.only.finish()
        self.assertEqual([flight.words for flight in self.pool.flights], [["one"], ["two", "three"], ["four"]])
        self.assertIs(self.successResultOf(fourth), True)


class Outages(Recording):
    """A store that fails."""

    def test_outage_is_said_at_once(self) -> None:
        """With the first failure everybody who waits hears False, and so does at once who asks while it lasts."""
        answers = [self.ask("flying"), self.ask("waiting")]
        self.store_fails()
        self.assertEqual([self.successResultOf(kept) for kept in answers], [False, False])
        self.assertIs(self.successResultOf(self.ask("later")), False)
        self.nothing_under_way()

    def test_rows_of_an_outage_are_kept(self) -> None:
        """What could not be written is tried again with what came meanwhile, in order, until the store takes it."""
        waiting = ["one", "two", "three"]
        self.ask("one")
        self.ask("two")
        self.store_fails()
        self.ask("three")
        for _ in range(3):
            self.nothing_under_way()
            self.clock.advance(RETRY)
            self.assertEqual(self.words_under_way(), waiting)
            waiting.append("meanwhile")
            self.assertIs(self.successResultOf(self.ask("meanwhile")), False)
            self.store_fails()
        self.clock.advance(RETRY)
        self.assertEqual(self.words_under_way(), waiting)
        self.pool.only.finish()
        self.nothing_under_way()

    def test_retries_do_not_hammer(self) -> None:
        """Between two tries there is a pause, whoever asks meanwhile."""
        self.ask("one")
        self.store_fails()
        for _ in range(5):
            self.ask("more")
        self.clock.advance(RETRY * 0.99)
        self.nothing_under_way()
        self.clock.advance(RETRY * 0.01)
        self.assertEqual(len(self.pool.under_way), 1)

    def test_recovery_is_said(self) -> None:
        """After a retry that succeeds answers are True again, once their own commit has ended."""
        self.ask("one")
        self.store_fails()
        self.clock.advance(RETRY)
        self.pool.only.finish()
        kept = self.ask("two")
        self.assertNoResult(kept)
        self.assertEqual(self.words_under_way(), ["two"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)

    def test_recovery_is_said_while_the_rest_is_written(self) -> None:
        """Once the first group is through the store works: who asks while the others follow waits for the commit."""
        self.recorder = self.made(most_rows=1)
        self.ask("one")
        self.ask("two")
        self.store_fails()
        self.clock.advance(RETRY)
        self.pool.only.finish()
        self.assertEqual(self.words_under_way(), ["two"])
        kept = self.ask("three")
        self.assertNoResult(kept)
        self.pool.only.finish()
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)

    def test_recovery_is_said_when_all_was_taken_back(self) -> None:
        """Where nothing is left to try again, the next look-up tries, and is not held to be lost for ever."""
        self.ask("one")
        self.store_fails()
        self.recorder.drop(ANNA.id, None)
        self.clock.advance(RETRY)
        self.nothing_under_way()
        kept = self.ask("two")
        self.assertNoResult(kept)
        self.assertEqual(self.words_under_way(), ["two"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)

    def test_waiting_is_bounded_in_an_outage(self) -> None:
        """A long outage fills no more than most_waiting: what is over is given up."""
        self.recorder = self.made(most_waiting=3)
        for number in range(10):
            kept = self.ask(str(number))
            if number == 0:
                self.store_fails()
            self.assertIs(self.successResultOf(kept), False)
        self.clock.advance(RETRY)
        while self.pool.under_way:
            self.pool.only.finish()
        self.assertEqual([flight.words for flight in self.pool.flights], [["0"], ["0", "1", "2"]])

    def test_crowded_pool_is_no_reason_to_lose_rows(self) -> None:
        """A pool that refuses because too many queries wait is tried again like a store that is away."""
        first, second = self.ask("one"), self.ask("two")
        self.pool.only.fail(AccountsUnavailable())
        self.assertEqual(self.flushLoggedErrors(), [], "expected trouble is no traceback")
        self.assertEqual([self.successResultOf(kept) for kept in (first, second)], [False, False])
        self.clock.advance(RETRY)
        self.assertEqual(self.words_under_way(), ["one", "two"])
        self.pool.only.finish()

    def test_unexpected_trouble_is_logged_and_passes(self) -> None:
        """A fault in our own code loses its group and says so in the log; the next groups are written."""
        answers = [self.ask("poison"), self.ask("next")]
        self.pool.only.fail(ZeroDivisionError("a fault of ours"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIs(self.successResultOf(answers[0]), False)
        self.assertEqual(self.words_under_way(), ["next"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(answers[1]), True)
        self.assertEqual([flight.words for flight in self.pool.flights], [["poison"], ["next"]])

    def test_guilty_row_alone(self) -> None:
        """Of a group that the store refuses each row goes by itself, and only the one to blame is not kept."""
        first = self.ask("first")
        answers = [self.ask(word) for word in ("one", "poison", "two")]
        self.pool.only.finish()
        self.pool.only.fail(ZeroDivisionError("a fault of ours"))
        late = self.ask("late")
        words: list[list[str]] = []
        while self.pool.under_way:
            self.assertEqual([kept.called for kept in answers], [len(words) > number for number in range(3)])
            words.append(self.words_under_way())
            if words[-1] == ["poison"]:
                self.pool.only.fail(ZeroDivisionError("a fault of ours"))
            else:
                self.pool.only.finish()
        self.assertEqual(words, [["one"], ["poison"], ["two"], ["late"]])
        self.assertEqual(
            [self.successResultOf(kept) for kept in (first, *answers, late)], [True, True, False, True, True]
        )
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_unexpected_trouble_in_an_outage_passes(self) -> None:
        """A fault in a retry ends the outage too: later look-ups are tried."""
        self.ask("poison")
        self.store_fails()
        self.clock.advance(RETRY)
        self.pool.only.fail(ZeroDivisionError("a fault of ours"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        kept = self.ask("next")
        self.assertEqual(self.words_under_way(), ["next"])
        self.pool.only.finish()
        self.assertIs(self.successResultOf(kept), True)


class Forgetting(Recording):
    """Rows that are taken back."""

    def forget(self, word: str | None, user: User = ANNA) -> Deferred[int]:
        """Forget a word or all."""
        return Deferred.fromCoroutine(self.recorder.forget(user, word))

    def test_forgetting_asks_the_store(self) -> None:
        """With nothing on its way the store is asked at once, for the key or for all; its count is the answer."""
        for word, k in (("STRASSE", b"strasse"), (None, None)):
            forgetting = self.forget(word)
            self.assertEqual(self.pool.only.query, self.queries.forget)
            now = int(NOW * 1000)
            self.assertEqual(self.pool.only.args, (ANNA.id, k, row_id(now + 1, 0, 0), now, 0))
            self.pool.only.finish(4)
            self.assertEqual(self.successResultOf(forgetting), 4)

    def test_clock_that_was_put_back(self) -> None:
        """Forgetting means every row that was made before, and none that is made after it, whatever the clock says."""
        for step in (0, -3600):
            self.ask("before")
            (before,) = self.pool.only.rows
            self.pool.only.finish()
            self.wall += step
            forgetting = self.forget(None)
            upto = self.pool.only.args[2]
            self.assertGreaterEqual(upto, before.rid)
            self.pool.only.finish(1)
            self.successResultOf(forgetting)
            self.ask("after")
            (after,) = self.pool.only.rows
            self.assertGreater(after.rid, upto)
            self.pool.only.finish()

    def test_waiting_rows_are_taken_along(self) -> None:
        """Rows in line are not written, their answers are False, and they count as forgotten."""
        self.ask("first", BERT)
        gone = [self.ask("Straße"), self.ask("STRASSE")]
        stays = [self.ask("weg"), self.ask("Straße", BERT)]
        forgetting = self.forget("strasse")
        self.assertEqual([self.successResultOf(kept) for kept in gone], [False, False])
        self.pool.only.finish()
        keep, forget = self.pool.under_way
        self.assertEqual(keep.words, ["weg", "Straße"])
        self.assertEqual([row.user_id for row in keep.rows], [ANNA.id, BERT.id])
        forget.finish(3)
        self.assertEqual(self.successResultOf(forgetting), 5)
        keep.finish()
        self.assertEqual([self.successResultOf(kept) for kept in stays], [True, True])

    def test_all_waiting_rows_of_the_user_are_taken_along(self) -> None:
        """Forgetting all spares the rows of others."""
        self.ask("first", BERT)
        self.ask("one")
        self.ask("two")
        stays = self.ask("three", BERT)
        forgetting = self.forget(None)
        self.pool.only.finish()
        keep, forget = self.pool.under_way
        self.assertEqual(keep.words, ["three"])
        forget.finish(0)
        self.assertEqual(self.successResultOf(forgetting), 2)
        keep.finish()
        self.assertIs(self.successResultOf(stays), True)

    def test_flight_under_way_is_waited_for(self) -> None:
        """A row that is being committed is deleted after its commit: forgetting earlier would let it come back."""
        kept = self.ask("one")
        forgetting = self.forget("one")
        self.assertEqual(self.pool.only.query, self.queries.keep)
        self.assertNoResult(forgetting)
        self.pool.only.finish()
        self.assertEqual(self.pool.only.query, self.queries.forget)
        self.pool.only.finish(1)
        self.assertEqual(self.successResultOf(forgetting), 1)
        self.assertIs(self.successResultOf(kept), False)

    def test_flight_that_fails_does_not_bring_rows_back(self) -> None:
        """Rows forgotten while their commit was under way are not tried again when it fails; others are."""
        self.ask("first", BERT)
        self.ask("gone")
        stays = self.ask("stays")
        self.pool.only.finish()
        forgetting = self.forget("gone")
        self.store_fails()
        self.pool.only.finish(0)
        self.successResultOf(forgetting)
        self.assertIs(self.successResultOf(stays), False)
        self.clock.advance(RETRY)
        self.assertEqual(self.words_under_way(), ["stays"])

    def test_rows_of_a_failed_flight_are_taken_along(self) -> None:
        """Rows that wait to be tried again are gone and count: nobody will see them any more."""
        self.ask("gone")
        self.ask("gone")
        self.store_fails()
        forgetting = self.forget("gone")
        self.assertEqual(self.pool.only.query, self.queries.forget)
        self.pool.only.finish(0)
        self.clock.advance(RETRY)
        self.nothing_under_way()
        self.assertEqual(self.successResultOf(forgetting), 2)

    def test_store_that_is_away_is_said(self) -> None:
        """When the store cannot delete, the person hears that and not a count."""
        forgetting = self.forget("one")
        self.pool.only.fail(StoreUnavailable())
        self.failureResultOf(forgetting, StoreUnavailable)

    def test_drop_spares_others(self) -> None:
        """Dropping a user's rows at once touches nobody else's, and counts those that had not begun."""
        self.ask("first")
        self.ask("one")
        self.ask("two")
        stays = self.ask("three", BERT)
        self.assertEqual(self.recorder.drop(ANNA.id, None), 2)
        self.store_fails()
        self.assertIs(self.successResultOf(stays), False)
        self.clock.advance(RETRY)
        self.assertEqual(self.words_under_way(), ["three"])

    def test_drop_of_an_empty_word_is_not_of_everything(self) -> None:
        """The empty key is a word, None is all."""
        self.ask("first")
        self.ask("one")
        self.assertEqual(self.recorder.drop(ANNA.id, b""), 0)
        self.pool.only.finish()
        self.assertEqual(self.words_under_way(), ["one"])


class Ends(Recording):
    """Flushing and stopping."""

    def flush(self) -> Deferred[None]:
        """Ask for everything to be written."""
        return Deferred.fromCoroutine(self.recorder.flush())

    def test_flush_of_nothing_is_done(self) -> None:
        """A recorder at rest is flushed at once."""
        self.assertIsNone(self.successResultOf(self.flush()))

    def test_flush_waits_for_the_last_row(self) -> None:
        """Flushing ends with the commit of the last row that waited, not with that of the flight under way."""
        self.recorder = self.made(most_rows=1)
        answers = [self.ask(word) for word in ("one", "two", "three")]
        flushing = self.flush()
        for word in ("one", "two", "three"):
            self.assertNoResult(flushing)
            self.assertEqual(self.words_under_way(), [word])
            self.pool.only.finish()
        self.successResultOf(flushing)
        self.assertEqual([self.successResultOf(kept) for kept in answers], [True] * 3)

    def test_flush_gives_up_on_a_failing_store(self) -> None:
        """A store that is away does not hold up the end of the server."""
        self.ask("one")
        self.ask("two")
        flushing = self.flush()
        self.store_fails()
        self.successResultOf(flushing)
        self.successResultOf(self.flush())

    def test_flush_survives_unexpected_trouble(self) -> None:
        """A fault in a commit does not leave the end of the server waiting for ever."""
        self.ask("one")
        flushing = self.flush()
        self.pool.only.fail(ZeroDivisionError("a fault of ours"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.successResultOf(flushing)

    def test_stop_answers_everybody(self) -> None:
        """Whoever waits hears False, in the flight and in line, and no timer is left."""
        answers = [self.ask("flying"), self.ask("waiting")]
        self.recorder.stop()
        self.assertEqual([self.successResultOf(kept) for kept in answers], [False, False])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_in_an_outage_takes_the_retry_away(self) -> None:
        """The timer of the next try goes too, and so does that of a second stop."""
        self.ask("one")
        self.store_fails()
        self.recorder.stop()
        self.recorder.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_flight_that_fails_after_the_stop_is_not_tried_again(self) -> None:
        """A commit that is still under way at the stop may fail later: no timer is set on a reactor that is ending."""
        self.ask("one")
        self.recorder.stop()
        self.store_fails()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_flight_that_ends_after_the_stop_is_the_last(self) -> None:
        """The pool is closed after the stop: nothing more is asked of it."""
        self.ask("one")
        self.ask("two")
        self.recorder.stop()
        self.pool.only.finish()
        self.nothing_under_way()

    def test_look_up_after_the_stop_is_not_confirmed(self) -> None:
        """A client that is still being answered hears False at once and starts no timer."""
        self.recorder.stop()
        self.assertIs(self.successResultOf(self.ask("late")), False)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.nothing_under_way()


class OnDisk(Recording):
    """The same with the real query on a real file."""

    def setUp(self) -> None:
        """Two accounts in a database."""
        super().setUp()
        self.database = Database.fresh(self, "accounts")
        count_ids(self)
        for user in (ANNA, BERT):
            added = self.database.run(AccountQueries(SQLITE).add, user.name, user.name.encode(), "hash", 0, b"nonce")
            self.assertEqual(added, user)

    def stored(self, user: User = ANNA) -> list[str]:
        """The words in a user's history, newest first."""
        return [row.word for row in self.database.run(self.queries.newest, user.id, 1000, None, int(NOW * 1000))]

    def land_all(self) -> None:
        """Let every commit succeed."""
        while self.pool.under_way:
            self.pool.under_way[0].execute(self.database.connection)

    def test_lost_answers_double_nothing(self) -> None:
        """A group that was committed but reported as failed is written again by the retry, and is there once."""
        for word in ("one", "two", "one"):
            self.ask(word)
        self.pool.only.execute(self.database.connection, lost=StoreUnavailable())
        self.ask("four")
        self.clock.advance(RETRY)
        self.pool.only.execute(self.database.connection, lost=StoreUnavailable())
        self.clock.advance(RETRY)
        self.land_all()
        self.assertEqual(self.stored(), ["four", "one", "two", "one"])

    def test_row_that_was_not_confirmed_is_in_the_history(self) -> None:
        """What was answered with False for want of time is there once its commit has ended."""
        answers = [self.ask("one"), self.ask("two")]
        self.clock.advance(2)
        self.assertEqual([self.successResultOf(kept) for kept in answers], [False, False])
        self.assertEqual(self.stored(), [])
        self.land_all()
        self.assertEqual(self.stored(), ["two", "one"])

    def test_forgotten_rows_do_not_come_back(self) -> None:
        """Rows written, under way and in line are all gone after forgetting, and all are counted."""
        self.ask("written")
        self.land_all()
        self.ask("under way")
        self.ask("in line")
        self.ask("in line", BERT)
        forgetting = Deferred.fromCoroutine(self.recorder.forget(ANNA, None))
        self.land_all()
        self.assertEqual(self.successResultOf(forgetting), 3)
        self.assertEqual(self.stored(), [])
        self.assertEqual(self.stored(BERT), ["in line"])

    def test_order_survives_a_clock_that_goes_back(self) -> None:
        """Newest first is the order in which people asked, also when the wall clock was put back an hour."""
        for word, wall in (("one", NOW), ("two", NOW - 3600), ("three", NOW - 3599), ("four", NOW + 1)):
            self.wall = wall
            self.ask(word)
            self.land_all()
        self.assertEqual(self.stored(), ["four", "three", "two", "one"])


class Ids(SynchronousTestCase):
    """Row ids of one worker."""

    now = int(NOW * 1000)

    def test_parts_of_an_id(self) -> None:
        """Milliseconds since 2025, ten bits of worker, twelve bits of counter."""
        rid = RowIds(WORKER).next(self.now)
        self.assertEqual((rid >> 22, rid >> 12 & 0x3FF, rid & 0xFFF), (self.now - EPOCH, WORKER, 0))
        self.assertEqual(EPOCH, 1_735_689_600_000)

    def test_ids_rise_when_the_clock_goes_back(self) -> None:
        """However far the clock is put back, the next id is higher than the last."""
        row_ids = RowIds(WORKER)
        found = [row_ids.next(self.now + ago) for ago in (0, -1, -3_600_000, -self.now, 0, 1)]
        self.assertEqual(found, sorted(set(found)))

    def test_ten_thousand_in_one_millisecond(self) -> None:
        """More ids than the counter has room for are still unique, in order, and this worker's."""
        row_ids = RowIds(1023)
        found = [row_ids.next(self.now) for _ in range(10_000)]
        self.assertEqual(found, sorted(set(found)))
        self.assertEqual({rid >> 12 & 0x3FF for rid in found}, {1023})

    def test_ids_of_workers_differ(self) -> None:
        """Two workers in the same milliseconds never make the same id."""
        first, second = RowIds(1), RowIds(2)
        mine = {first.next(self.now + n // 5000) for n in range(10_000)}
        others = {second.next(self.now + n // 5000) for n in range(10_000)}
        self.assertEqual(mine & others, set())

    def test_ids_go_on_above_the_last(self) -> None:
        """After a restart with a slow clock ids go on above the highest in the store, whoever made that."""
        for last_worker, counter in ((WORKER, 0), (WORKER, 0xFFF), (WORKER - 1, 7), (WORKER + 1, 0), (1023, 0xFFF)):
            last = row_id(self.now + 86_400_000, last_worker, counter)
            row_ids = RowIds(WORKER, last)
            found = [row_ids.next(self.now + n) for n in range(3)]
            self.assertEqual(found, sorted(set(found)))
            self.assertGreater(found[0], last)
            self.assertEqual({rid >> 12 & 0x3FF for rid in found}, {WORKER})

    @given(
        worker=st.integers(0, 1023),
        last=st.integers(0, 1 << 62),
        times=st.lists(st.integers(0, EPOCH * 2), min_size=1, max_size=30),
    )
    @settings(deadline=None)
    def test_any_clock(self, worker: int, last: int, times: list[int]) -> None:
        """Whatever the clock says, ids rise, stay above the last, bear the worker and fit a signed 64-bit column."""
        row_ids = RowIds(worker, last)
        found = [row_ids.next(now) for now in times]
        self.assertEqual(found, sorted(set(found)))
        self.assertGreater(found[0], last)
        self.assertEqual({rid >> 12 & 0x3FF for rid in found}, {worker})
        self.assertLess(found[-1], 1 << 63)
