"""What the rules of the state machine have in common: three people, three names, one server, one store."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from dictd.accounts.recorder import key_of
from dictd.config import Accounts as AccountSettings
from dictd.errors import (
    AccessDenied,
    AccountsUnavailable,
    InviteRefused,
    LoginFailed,
    NameTaken,
    OutcomeUnknown,
)
from dictd.limits import MEMORY, Peer
from dictd.model import User
from tests.accounts.failing_pool import FailingPool, Trouble
from tests.accounts.ledger import Found, Ledger, Member
from tests.accounts.mortal import Disk, MortalStore
from tests.accounts.serving import Process
from tests.accounts.test_roster import Seat

T = TypeVar("T")
PEER = Peer.at("192.0.2.1")
#: Three names, each in spellings that are one account; the first is how it is registered here.
NAMES = (("bob", "Ｂｏｂ", "BOB"), ("Zoë", "ZOË", "zoe\u0308"), ("\u0958लम", "क\u093cलम", "क\u093cलम"))
#: Words in spellings that are one in the history.
WORDS = (
    ("Straße", "STRASSE", " strasse "),
    ("café", "CAFE\u0301", "café"),
    ("cafe", "Cafe", "ｃａｆｅ"),
    ("日本", "日本", "日本"),
)
SECRETS = ("correct horse", "battery staple", "Überraschung")
#: For so many steps the store is away when it is killed.
OUTAGE = 3
BEGAN = 1_767_323_045.678

seats = st.integers(0, 2)
names = st.integers(0, len(NAMES) - 1)
words = st.integers(0, len(WORDS) - 1)
#: A word, or all.
some_words = st.none() | words
spellings = st.integers(0, 2)
secrets = st.sampled_from(SECRETS)
#: A password that is said; None is the one that holds.
tried = st.none() | secrets | st.none()
asked = st.lists(st.tuples(words, spellings), min_size=1, max_size=5)
_kinds = st.sampled_from(Trouble)
#: So many queries go well, and then some do not.
_some_troubles = st.builds(
    lambda well, others: [Trouble.NONE] * well + others, st.integers(0, 3), st.lists(_kinds, min_size=1, max_size=2)
)
#: Of a step with one query.
first_troubles: st.SearchStrategy[list[Trouble]] = st.just([]) | st.lists(_kinds, min_size=1, max_size=2)
troubles: st.SearchStrategy[list[Trouble]] = st.just([]) | _some_troubles


def outcome_of(coroutine: Coroutine[Deferred[Any], Any, T]) -> T | Exception:
    """What a coroutine returned, or an expected trouble that it raised; it must have ended."""
    ended: list[T | Failure] = []
    Deferred.fromCoroutine(coroutine).addBoth(ended.append)
    assert ended, "the coroutine waits for something"
    if not isinstance(ended[0], Failure):
        return ended[0]
    ended[0].trap(LoginFailed, NameTaken, InviteRefused, AccessDenied, AccountsUnavailable)
    error = ended[0].value
    assert isinstance(error, Exception)
    return error


class People(RuleBasedStateMachine):
    """What is common to all rules.

    :ivar seated: the account, in the ledger, that each seat is logged in to; also one that is gone
        where this process was not told.
    :ivar elsewhere: the last row id of another server.
    """

    def __init__(self, store: MortalStore, directory: Path | None) -> None:
        super().__init__()
        self.store, self.directory = store, directory
        self.wall, self.steady = BEGAN, 0.0
        self.ledger = Ledger()
        self.seated: list[Member | None] = [None, None, None]
        self.gone: list[Member] = []
        self.dead: list[Process] = []
        self.settings = AccountSettings()
        self.codes: list[str] = []
        self.pool = FailingPool(store)
        self.disk = Disk(directory) if directory else None
        self.unwatch = self.disk.watch() if self.disk else lambda: None
        self.eye: Any = None
        self.outage = self.elsewhere = 0
        self.start()

    def start(self, begin: bool = True) -> None:
        """Start a server process."""
        # None starts in the millisecond in which another ended.
        self.wall += 0.002
        self.process = Process(
            len(self.dead), self.pool, self.directory, self.settings, lambda: self.wall, lambda: self.steady
        )
        self.seats = [Seat(), Seat(), Seat()]
        self.seated = [None, None, None]
        self.process.enter()
        if begin:
            self.process.begin()

    def teardown(self) -> None:
        """Stop everything for good."""
        self.pool.troubles = []
        self.process.stop()
        if self.eye:
            self.eye.close()
        self.unwatch()

    @property
    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self.wall * 1000)

    def expect(self, troubles: Sequence[Trouble]) -> None:
        """What will happen to the queries of this step; no failed login is remembered."""
        self.steady += MEMORY + 1
        self.pool.expect(troubles)

    def at(self, seat: int) -> Member | None:
        """Who sits there."""
        return self.seated[seat]

    def somebody(self, seat: int) -> tuple[User | None, Member | None]:
        """Who sits there; where nobody does somebody comes who belongs there, if that can be."""
        if self.seated[seat] is None and not self.pool.down:
            member = self.ledger.members.get(seat)
            self.expect(())
            if member is not None:
                came = self.process.registrar.log_in(NAMES[seat][1], member.secret, PEER, self.seats[seat])
                assert not isinstance(outcome_of(came), Exception)
                self.seated[seat] = member
        return self.seats[seat].user, self.seated[seat]

    def said(self, member: Member | None, secret: str | None) -> str:
        """The password that is tried on an account."""
        if secret is None:
            return member.secret if member else SECRETS[0]
        return secret

    def known(self, member: Member | None, said: str) -> bool:
        """Whether a password is that of an account that is there."""
        return member is not None and member.there and member.secret == said

    def calm(self) -> None:
        """The step is over: what can be tried again is."""
        self.pool.troubles = []
        if not self.pool.down and any(self.pool.ended_as(name) is not None for name, _ in self.pool.ended):
            self.process.back()

    def expelled(self, member: Member, but: int | None = None) -> None:
        """Everybody of an account is logged out here, but one seat."""
        self.seated = [None if other is member and n != but else other for n, other in enumerate(self.seated)]

    def is_gone(self, name: int) -> None:
        """An account is deleted; who sits in it may not know."""
        member = self.ledger.members.pop(name)
        member.there, member.history = False, []
        self.gone.append(member)

    def name_of(self, member: Member) -> int:
        """The number of its name."""
        return next(number for number, other in self.ledger.members.items() if other is member)

    def forgotten(self, member: Member, word: int | None, how: type[Exception] | None | bool) -> None:
        """A word, or all, was forgotten, or perhaps was, or was not.

        :param how: as :meth:`FailingPool.ended_as` has it.
        """
        covered = [row for row in member.history if word in (None, row.word)]
        if how is None:
            member.history = [row for row in member.history if row not in covered]
            return
        # What was in memory and not confirmed was taken back, whatever came of it.
        for row in covered:
            if not row.confirmed and not row.seen:
                row.process = -1
        if how is not OutcomeUnknown:
            return

        def decided(found: Found) -> None:
            there = found.rows.get(member.id, {})
            seen = [row.rid in there for row in covered if row.seen]
            assert len(set(seen)) <= 1, "half of it is forgotten"
            # Of what waits in a file the mark alone knows whether it will come.
            k = None if word is None else key_of(WORDS[word][0])
            waiting = [row.rid for row in covered if row.confirmed and not row.seen]
            marked = bool(waiting) and found.mark(member.id, k) >= max(waiting)
            if seen and waiting:
                assert seen[0] is not marked, "it is gone, or what waits of it will be"
            if marked or not all(seen):
                member.history = [row for row in member.history if row not in covered]

        self.ledger.doubts.append(decided)

    # What always holds -------------------------------------------------------------

    @invariant()
    def the_store_is_as_the_ledger(self) -> None:
        """Accounts, invites and histories are those that are believed, no more and no less."""
        self.pool.troubles = []
        if self.pool.down:
            if self.eye:
                self.eye.close()
                self.eye = None
            self.outage += 1
            if self.outage <= OUTAGE:
                return
            self.outage = 0
            self.pool.launch()
            self.process.back()
        self.eye = self.eye or self.store.connect()
        found = Found.by(self.eye)
        self.ledger.decide(found)
        self.ledger.compare(found, self.now, self.process.number, self.process.drained)

    @invariant()
    def sessions_are_as_the_ledger(self) -> None:
        """Who sits where is known on both sides."""
        found = [seat.user.id if seat.user else None for seat in self.seats]
        assert found == [member.id if member else None for member in self.seated]
