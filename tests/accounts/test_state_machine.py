"""Accounts and histories against a plain model, step by step, on a real file that is opened again and again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import argon2
from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.commons import OneProcess
from dictd.accounts.passwords import Passwords, normal
from dictd.accounts.recorder import RETRY, Recorder, RowIds
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.config import Accounts as AccountSettings
from dictd.errors import LoginFailed, NameTaken, StoreUnavailable
from dictd.limits import MEMORY, Guesses, Peer, Rate
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import SQLITE, Transaction
from dictd.store.history import HistoryQueries
from dictd.store.pool import Pool
from dictd.store.sqlite import ACCOUNTS_FILE, connect
from tests.accounts.test_roster import Seat
from tests.store.databases import committed

P = ParamSpec("P")
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


def outcome_of(coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
    """What a coroutine returned or raised; it must have ended."""
    ended: list[T | Failure] = []
    Deferred.fromCoroutine(coroutine).addBoth(ended.append)
    assert ended, "the coroutine waits for something"
    if isinstance(ended[0], Failure):
        ended[0].raiseException()
    return ended[0]


def refusal_of(coroutine: Coroutine[Deferred[Any], Any, object]) -> type[BaseException] | None:
    """The kind of exception a coroutine ended with, ``None`` where it returned."""
    try:
        outcome_of(coroutine)
    except (LoginFailed, NameTaken, StoreUnavailable) as error:
        return type(error)
    return None


@define(eq=False)
class SinglePool:
    """Runs each query at once on one connection, in a transaction as adbapi does.

    :ivar away: whether every query fails.
    """

    connection: sqlite3.Connection
    away: bool = False

    async def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`dictd.store.pool.Pool.run`."""
        if self.away:
            raise StoreUnavailable()
        return committed(self.connection, query, *args, **kwargs)


@define(eq=False)
class CheapPasswords:
    """The methods of :class:`Passwords`, at once and for nothing."""

    _hasher: argon2.PasswordHasher = field(
        factory=lambda: argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )

    async def hash(self, secret: str) -> str:
        """As :meth:`Passwords.hash`."""
        return self._hasher.hash(normal(secret))

    async def verify(self, passwd: str | None, secret: str) -> bool:
        """As :meth:`Passwords.verify`."""
        if passwd is None:
            return False
        try:
            return self._hasher.verify(passwd, normal(secret))
        except argon2.exceptions.VerifyMismatchError:
            return False

    def outdated(self, passwd: str) -> bool:
        """As :meth:`Passwords.outdated`."""
        return self._hasher.check_needs_rehash(passwd)


@define(eq=False)
class Member:
    """An account as the model has it.

    :ivar history: index of the word, its spelling, the dictionary and how many were found; newest first.
    """

    id: int
    secret: str
    history: list[tuple[int, str, str, int]] = field(factory=list)


seats = st.integers(0, 2)
names = st.integers(0, len(NAMES) - 1)
words = st.integers(0, len(WORDS) - 1)
spellings = st.integers(0, 2)
secrets = st.sampled_from(SECRETS)
#: A password that is said; None is the one that holds.
tried = st.none() | secrets
counts = st.sampled_from((1, 2, 3, 1000))


class Accounts(RuleBasedStateMachine):
    """Three people, three names, one server that is started again now and then."""

    directories = count()

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.path = directory / str(next(self.directories)) / ACCOUNTS_FILE
        self.steady = 0.0
        self.wall = 1_767_323_045.678
        self.members: dict[int, Member] = {}
        self.seated: list[int | None] = [None, None, None]
        self.ids: set[int] = set()
        self.open()

    def open(self) -> None:
        """Start the server."""
        self.connection = connect(self.path, "accounts")
        self.pool = SinglePool(self.connection)
        pool = cast(Pool, self.pool)
        self.clock = Clock()
        history = HistoryQueries(SQLITE)
        row_ids = RowIds(3, history.last_rid(self.connection.cursor()))
        commons = OneProcess(Guesses(), Rate(1_000_000, 3600.0), lambda: self.steady)
        self.recorder = Recorder(pool, history, row_ids, self.clock, lambda: self.wall, commons)
        self.roster = Roster()
        self.registrar = Registrar(
            settings=AccountSettings(),
            roster=self.roster,
            recorder=self.recorder,
            pool=pool,
            queries=AccountQueries(SQLITE),
            passwords=cast(Passwords, CheapPasswords()),
            commons=commons,
            wall=lambda: self.wall,
        )
        self.seats = [Seat(), Seat(), Seat()]

    def teardown(self) -> None:
        """Stop the server for good."""
        self.recorder.stop()
        assert self.clock.getDelayedCalls() == []
        self.connection.close()

    def member_at(self, seat: int) -> Member | None:
        """Who sits there, in the model."""
        name = self.seated[seat]
        return None if name is None else self.members[name]

    def said(self, member: Member | None, secret: str | None) -> str:
        """The password that is tried on an account."""
        if secret is None:
            return member.secret if member else SECRETS[0]
        return secret

    def later(self) -> None:
        """Let enough time pass that no failure is remembered."""
        self.steady += MEMORY + 1

    # What people do ---------------------------------------------------------

    @initialize(some=st.booleans())
    def begin(self, some: bool) -> None:
        """Either nobody is here yet, or everybody sits in a new account."""
        for number in range(3) if some else ():
            self.register(seat=number, name=number, spelling=0, secret=SECRETS[number])

    @rule(seat=seats, name=names, spelling=spellings, secret=secrets)
    def register(self, seat: int, name: int, spelling: int, secret: str) -> None:
        """A name is had once, in whatever spelling; its id never came before."""
        registering = self.registrar.register(NAMES[name][spelling], secret, PEER, self.seats[seat])
        if name in self.members:
            assert refusal_of(registering) is NameTaken
            return
        user = outcome_of(registering)
        assert user.id not in self.ids
        self.ids.add(user.id)
        self.members[name] = Member(user.id, secret)
        self.seated[seat] = name

    @rule(seat=seats, name=names, spelling=spellings, secret=tried)
    def log_in(self, seat: int, name: int, spelling: int, secret: str | None) -> None:
        """The password that holds now logs in, no other does."""
        self.later()
        member = self.members.get(name)
        said = self.said(member, secret)
        refused = refusal_of(self.registrar.log_in(NAMES[name][spelling], said, PEER, self.seats[seat]))
        if member is not None and member.secret == said:
            assert refused is None
            self.seated[seat] = name
        else:
            assert refused is LoginFailed

    @rule(seat=seats)
    def log_out(self, seat: int) -> None:
        """Leaving is for one seat."""
        self.roster.leave(self.seats[seat])
        self.seated[seat] = None

    @rule(seat=seats, secret=tried, new=secrets)
    def change_password(self, seat: int, secret: str | None, new: str) -> None:
        """With the right password it changes, and everybody else of that account has to log in again."""
        self.later()
        member = self.member_at(seat)
        said = self.said(member, secret)
        refused = refusal_of(self.registrar.change_password(self.seats[seat], said, new, PEER))
        if member is None or member.secret != said:
            assert refused is LoginFailed
            return
        assert refused is None
        member.secret = new
        name = self.seated[seat]
        self.seated = [None if other == name and n != seat else other for n, other in enumerate(self.seated)]

    @rule(seat=seats, secret=tried)
    def unregister(self, seat: int, secret: str | None) -> None:
        """With the right password the account is gone, for everybody who sat in it."""
        self.later()
        member, name = self.member_at(seat), self.seated[seat]
        said = self.said(member, secret)
        refused = refusal_of(self.registrar.unregister(self.seats[seat], said, PEER))
        if member is None or name is None or member.secret != said:
            assert refused is LoginFailed
            return
        assert refused is None
        del self.members[name]
        self.seated = [None if other == name else other for other in self.seated]

    # What they look up --------------------------------------------------------

    @rule(seat=seats, asked=st.lists(st.tuples(words, spellings), min_size=1, max_size=5), away=st.booleans())
    def look_up(self, seat: int, asked: list[tuple[int, int]], away: bool) -> None:
        """Look-ups of somebody logged in are kept; in an outage they are not confirmed, and kept afterwards."""
        user, member = self.seats[seat].user, self.member_at(seat)
        if user is None or member is None:
            return
        self.pool.away = away
        for number, (word, spelling) in enumerate(asked):
            dictionary = ("wordnet", "jargon", "*")[spelling]
            kept: list[bool] = []
            self.recorder.record(user, WORDS[word][spelling], dictionary, number).addCallback(kept.append)
            assert kept == [not away]
            member.history.insert(0, (word, WORDS[word][spelling], dictionary, number))
        self.pool.away = False
        self.clock.advance(RETRY)

    @rule(seat=seats, number=counts, word=st.none() | words, spelling=spellings)
    def read_history(self, seat: int, number: int, word: int | None, spelling: int) -> None:
        """HISTORY lists as many as were asked for, newest first, those of a word in every spelling."""
        user, member = self.seats[seat].user, self.member_at(seat)
        if user is None or member is None:
            return
        asked = None if word is None else WORDS[word][spelling]
        rows = outcome_of(self.recorder.newest(user, number, asked))
        wanted = [row[1:] for row in member.history if word in (None, row[0])][:number]
        assert [(row.word, row.dictionary, row.found) for row in rows] == wanted

    @rule(seat=seats, word=words, spelling=spellings)
    def forget_word(self, seat: int, word: int, spelling: int) -> None:
        """FORGET takes a word in every spelling, and says how many look-ups that were."""
        user, member = self.seats[seat].user, self.member_at(seat)
        if user is None or member is None:
            return
        gone = outcome_of(self.recorder.forget(user, WORDS[word][spelling]))
        assert gone == sum(row[0] == word for row in member.history)
        member.history = [row for row in member.history if row[0] != word]

    @rule(seat=seats)
    def forget_all(self, seat: int) -> None:
        """FORGET * leaves nothing of this account."""
        user, member = self.seats[seat].user, self.member_at(seat)
        if user is None or member is None:
            return
        assert outcome_of(self.recorder.forget(user, None)) == len(member.history)
        member.history = []

    # What happens around them ---------------------------------------------------

    @rule(seconds=st.sampled_from((-3600.0, -0.001, 0.0, 0.001, 3600.0)))
    def set_wall_clock(self, seconds: float) -> None:
        """The wall clock goes on, stands still, or is put back."""
        self.wall += seconds

    @rule(again=st.booleans())
    def restart(self, again: bool) -> None:
        """The server is stopped and started: nobody is logged in, until they log in again."""
        self.teardown()
        self.open()
        before, self.seated = self.seated, [None, None, None]
        for seat, name in enumerate(before):
            if again and name is not None:
                self.log_in(seat=seat, name=name, spelling=1, secret=None)

    # What always holds -------------------------------------------------------------

    @invariant()
    def histories_are_those_of_the_model(self) -> None:
        """Each account has its rows, newest first, and nobody else has any."""
        found: dict[int, list[tuple[str, str, int]]] = {member.id: [] for member in self.members.values()}
        for user_id, *row in self.connection.execute(
            "SELECT user_id, word, dictionary, found FROM hist ORDER BY user_id, rid DESC"
        ):
            found[user_id].append(tuple(row))
        assert found == {member.id: [row[1:] for row in member.history] for member in self.members.values()}

    @invariant()
    def accounts_are_those_of_the_model(self) -> None:
        """There are exactly the accounts that were registered and not deleted."""
        found = {row[0] for row in self.connection.execute("SELECT id FROM user")}
        assert found == {member.id for member in self.members.values()}

    @invariant()
    def sessions_are_those_of_the_model(self) -> None:
        """Who sits where is known on both sides."""
        found = [seat.user.id if seat.user else None for seat in self.seats]
        assert found == [None if name is None else self.members[name].id for name in self.seated]


class AgainstTheModel(SynchronousTestCase):
    """The machine, run."""

    def test_accounts_and_histories(self) -> None:
        """Whatever three people do in whatever order, the store holds what a plain dict would."""
        directory = Path(self.mktemp())
        run_state_machine_as_test(
            cast(type[RuleBasedStateMachine], lambda: Accounts(directory)),
            settings=settings(deadline=None, max_examples=80, stateful_step_count=40),
        )
