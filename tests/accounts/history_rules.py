"""Rules of the state machine: what people look up, read and forget, and what they want to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from twisted.internet.defer import Deferred

from dictd.accounts.recorder import key_of
from dictd.errors import AccessDenied, OutcomeUnknown, StoreUnavailable
from dictd.model import LookUp, User, row_id
from dictd.store.history import HIGHEST, HistoryQueries
from tests.accounts.account_rules import AccountRules
from tests.accounts.failing_pool import Trouble
from tests.accounts.ledger import Found, Member, Row
from tests.accounts.people import (
    WORDS,
    asked,
    first_troubles,
    names,
    outcome_of,
    seats,
    some_words,
    spellings,
    troubles,
    words,
)
from tests.store.databases import committed

#: Instead of the number of a process.
ELSEWHERE = -2
DICTIONARIES = ("wordnet", "jargon", "*")
Asked = Sequence[tuple[int, int]]


class HistoryRules(AccountRules):
    """What people do with their histories."""

    # What people look up --------------------------------------------------------

    def recorded(self, user: User, member: Member, word: int, spelling: int, number: int) -> tuple[list[bool], Row]:
        """Look something up; the answer comes into the list."""
        shown = (WORDS[word][spelling], DICTIONARIES[spelling], number)
        kept: list[bool] = []
        before, now = self.process.row_ids.last, self.now
        answered: Deferred[bool] = self.process.recorder.record(user, *shown)
        answered.addCallback(kept.append)
        row = Row(word, self.process.row_ids.last, now, shown, False, self.process.number)
        if row.rid == before:
            assert kept == [False]  # it was not even taken
        elif member.there:
            assert all(row.rid > other.rid for other in member.history if other.process == row.process)
            member.add(row)
        return kept, row

    @rule(seat=seats, asked=asked, told=st.booleans(), troubles=first_troubles)
    def look_up(self, seat: int, asked: Asked, told: bool, troubles: Sequence[Trouble]) -> None:
        """What is looked up is kept if that is said; where there is a spool nothing else is ever said.

        :param told: whether this session knows that the history is paused; one in another process may not.
        """
        user, member = self.somebody(seat)
        if user is None or member is None or (told and not user.keeps):
            return
        self.expect(troubles)
        for number, (word, spelling) in enumerate(asked):
            kept, row = self.recorded(user, member, word, spelling, number)
            assert len(kept) == 1
            row.confirmed = kept[0]
            if self.process.row_ids.worker >= 0 and (self.directory or not (troubles or self.pool.down)):
                assert kept == [True]
        self.calm()

    @rule(name=names, word=words, spelling=spellings, ahead=st.sampled_from((0, 1, 3_600_000)))
    def look_up_elsewhere(self, name: int, word: int, spelling: int, ahead: int) -> None:
        """Another server, whose clock may be ahead, keeps a look-up."""
        member = self.ledger.members.get(name)
        if member is None or self.pool.down:
            return
        now = self.now + ahead
        self.elsewhere = max(self.elsewhere + 1, row_id(now, 1023, 0))
        row = self.made_elsewhere(member, self.elsewhere, now, word, spelling)
        connection = self.store.connect()
        committed(connection, HistoryQueries(self.store.dialect).keep, [row])
        connection.close()
        member.add(Row(word, row.rid, now, (row.word, row.dictionary, row.found), True, ELSEWHERE))

    def made_elsewhere(self, member: Member, rid: int, now: int, word: int, spelling: int) -> LookUp:
        """A row of another server."""
        spelled = WORDS[word][spelling]
        return LookUp(member.id, rid, now, spelled, key_of(spelled), DICTIONARIES[spelling], 7)

    @rule(seat=seats, word=words, spelling=spellings, whole=st.booleans(), waits=st.booleans())
    def forget_what_is_elsewhere(self, seat: int, word: int, spelling: int, whole: bool, waits: bool) -> None:
        """FORGET means what another server has kept, by a clock that is ahead, or has in its spool."""
        user, member = self.somebody(seat)
        if user is None or member is None or not member.there or self.pool.down:
            return
        row = self.made_elsewhere(member, row_id(self.now, 1022, 0), self.now, word, spelling)
        if not waits:
            name = self.name_of(member)
            self.look_up_elsewhere(name=name, word=word, spelling=spelling, ahead=3_600_000)
            self.the_store_is_as_the_ledger()
        self.forget(seat=seat, word=None if whole else word, spelling=0, troubles=[])
        if waits:
            connection = self.store.connect()
            committed(connection, HistoryQueries(self.store.dialect).replay, [row], self.now)
            connection.close()

    @rule(seat=seats, word=words, spelling=spellings, which=st.integers(0, 5), troubles=troubles)
    def look_up_beside_who_is_gone(
        self, seat: int, word: int, spelling: int, which: int, troubles: Sequence[Trouble]
    ) -> None:
        """A session elsewhere has not heard that its account is gone: its look-ups are in nobody's way."""
        user, member = self.somebody(seat)
        if user is None or member is None or not self.gone or not user.keeps or self.process.row_ids.worker < 0:
            return
        gone = self.gone[which % len(self.gone)]
        # A file that is read later has both.
        self.expect([Trouble.AWAY, Trouble.AWAY, *troubles])
        self.recorded(User(gone.id, "gone"), gone, word, spelling, 0)
        kept, row = self.recorded(user, member, word, spelling, 0)
        row.confirmed = kept == [True]
        self.calm()

    @rule(seat=seats, size=st.sampled_from((1, 2, 1000)), word=some_words, spelling=spellings, troubles=troubles)
    def read_history(self, seat: int, size: int, word: int | None, spelling: int, troubles: Sequence[Trouble]) -> None:
        """HISTORY comes to every row once, newest first, page by page; a word in every spelling."""
        user, member = self.somebody(seat)
        if user is None or member is None:
            return
        self.expect(troubles)
        wanted = [row.shown for row in member.kept(self.now) if word in (None, row.word)]
        spelled = None if word is None else WORDS[word][spelling]
        rows: list[LookUp] = []
        while True:
            before = rows[-1].rid if rows else HIGHEST
            page = outcome_of(self.process.recorder.newest(user, size, spelled, before))
            if isinstance(page, Exception):
                assert isinstance(page, StoreUnavailable) and (self.pool.down or troubles)
                break
            assert len(page) <= size
            rows += page
            assert len(rows) <= len(wanted)
            if not page:
                break
        shown = [(row.word, row.dictionary, row.found) for row in rows]
        assert shown == (wanted[: len(shown)] if isinstance(page, Exception) else wanted)
        self.calm()

    @rule(seat=seats, word=some_words, spelling=spellings, troubles=troubles)
    def forget(self, seat: int, word: int | None, spelling: int, troubles: Sequence[Trouble]) -> None:
        """FORGET takes a word in every spelling, or all, and says how many look-ups that were; none comes back."""
        user, member = self.somebody(seat)
        if user is None or member is None:
            return
        self.expect(troubles)
        covered = [row for row in member.history if word in (None, row.word)]
        gone = outcome_of(self.process.recorder.forget(user, None if word is None else WORDS[word][spelling]))
        self.forgotten(member, word, self.pool.ended_as("forget"))
        if isinstance(gone, Exception):
            assert isinstance(gone, StoreUnavailable) and (self.pool.down or troubles)
        else:
            # What is too old may be deleted already; a try whose answer was lost has counted for nobody.
            at_least = sum(row.seen and not member.over(row, self.now) for row in covered)
            assert (0 if self.pool.again else at_least) <= gone <= len(covered)
        self.calm()

    # What they want -----------------------------------------------------------------

    def wanted(self, member: Member, query: str, wish: dict[str, Any], outcome: object, column: int) -> bool:
        """A setting of an account is changed, or perhaps; whether it surely is.

        :param query: that changes it; ``column``: where it is seen.
        """

        def decided(found: Found) -> None:
            ((name, value),) = wish.items()
            now = found.users[member.id][column]
            assert now in (value, getattr(member, name))
            setattr(member, name, now)

        if isinstance(outcome, Exception):
            assert isinstance(outcome, StoreUnavailable)
            if self.pool.ended_as(query) is OutcomeUnknown and member.there:
                assert isinstance(outcome, OutcomeUnknown)
                self.ledger.doubts.append(decided)
        if self.pool.ended_as(query) is None and member.there:
            for name, value in wish.items():
                setattr(member, name, value)
        return not isinstance(outcome, Exception)

    @rule(seat=seats, asked=asked, troubles=first_troubles)
    def pause_unheard(self, seat: int, asked: Asked, troubles: list[Trouble]) -> None:
        """HISTORY OFF, and a session elsewhere has not heard of it: nothing is kept for it."""
        self.pause_or_go_on(seat=seat, keeps=False, troubles=[])
        self.look_up(seat=seat, asked=asked, told=False, troubles=troubles)

    @rule(seat=seats, keeps=st.booleans(), troubles=first_troubles)
    def pause_or_go_on(self, seat: int, keeps: bool, troubles: Sequence[Trouble]) -> None:
        """HISTORY OFF and ON reach all sessions of the account, and the store."""
        user, member = self.somebody(seat)
        if user is None or member is None:
            return
        self.expect(troubles)
        since = None if keeps else self.now + 1 if member.paused is None else member.paused
        outcome = outcome_of(self.process.keeping.go_on(user) if keeps else self.process.keeping.pause(user))
        if self.wanted(member, "set_paused", {"paused": since}, outcome, 3):
            assert {other.user.keeps for other in self.seats if other.user and other.user.id == user.id} == {keeps}
        self.calm()

    @rule(seat=seats, days=st.sampled_from((None, 1, 3)), troubles=troubles)
    def keep_days(self, seat: int, days: int | None, troubles: Sequence[Trouble]) -> None:
        """HISTORY KEEP."""
        user, member = self.somebody(seat)
        if user is None or member is None:
            return
        self.expect(troubles)
        outcome = outcome_of(self.process.keeping.keep_days(user, days))
        self.wanted(member, "set_keep_days", {"days": days}, outcome, 4)
        self.calm()

    @rule(seat=seats)
    def ask_who(self, seat: int) -> None:
        """WHOAMI tells what is so now, also what this process was not told."""
        member = self.at(seat)
        self.expect(())
        outcome = outcome_of(self.process.keeping.standing(self.seats[seat]))
        if member is None:
            assert isinstance(outcome, AccessDenied)
        elif self.pool.down:
            assert isinstance(outcome, StoreUnavailable)
        elif not member.there:
            assert isinstance(outcome, AccessDenied)
        else:
            assert not isinstance(outcome, Exception)
            assert (outcome[0].role, outcome[0].keeps, outcome[1]) == (member.role, member.paused is None, member.days)
