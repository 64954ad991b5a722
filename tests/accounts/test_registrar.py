"""Accounts end to end: the real pool, real threads, a real file, and a clock that the test turns."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import argon2
from attrs import define, evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from dictd.accounts.commons import OneProcess
from dictd.accounts.passwords import Passwords
from dictd.accounts.recorder import Recorder
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.accounts.rowids import RowIds
from dictd.config import Accounts as AccountSettings
from dictd.errors import (
    AccountsUnavailable,
    DictError,
    LoginFailed,
    NameNotAllowed,
    NameTaken,
    PasswordNotAllowed,
    RegistrationClosed,
    StoreUnavailable,
    TooManyAttempts,
)
from dictd.limits import Guesses, Peer, Rate
from dictd.model import User
from dictd.sections import Store
from dictd.store import databases
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.pool import open_pool
from tests.accounts.test_passwords import CountingHasher
from tests.accounts.test_roster import Seat
from tests.store.databases import count_ids

HERE, THERE = Peer.at("192.0.2.1"), Peer.at("2001:db8::1")
WALL = 1_767_323_045.678
SECRET, OTHER = "correct horse", "battery staple"


@define(eq=False)
class Desk:
    """A registrar with everything behind it that a test wants to touch."""

    registrar: Registrar
    passwords: Passwords
    hasher: argon2.PasswordHasher


class HeldPasswords(Passwords):
    """Passwords that stop once, after they have verified or before they hash, until the test lets them go on.

    :ivar at: where they stop next, "verify" or "hash"; empty: nowhere.
    :ivar reached: fires when they have come there; they go on when ``released`` fires.
    """

    at: str
    reached: Deferred[None]
    released: Deferred[None]

    def hold(self, at: str) -> None:
        """Stop there, the next time."""
        self.at, self.reached, self.released = at, Deferred(), Deferred()

    async def verify(self, passwd: str | None, secret: str) -> bool:
        """As its base, and then wait."""
        matches = await super().verify(passwd, secret)
        await self._stop("verify")
        return matches

    async def hash(self, secret: str) -> str:
        """Wait, and then as its base."""
        await self._stop("hash")
        return await super().hash(secret)

    async def _stop(self, at: str) -> None:
        if self.at == at:
            self.at = ""
            self.reached.callback(None)
            await self.released


class Registering(TestCase):
    """A registrar on a fresh database."""

    timeout = 30.0

    def setUp(self) -> None:
        """Put the parts together as the wiring does, with hashes that cost nothing."""
        count_ids(self)
        database = databases.database(Store(), Path(self.mktemp()))
        self.connection: Any = database.connect("accounts")
        self.addCleanup(self.connection.close)
        self.pool = open_pool(database, "accounts", reactor)
        self.addCleanup(self.pool.close)
        self.clock = Clock()
        self.steady = 0.0
        history = HistoryQueries(self.pool.dialect)
        self.recorder = Recorder(
            self.pool, history, RowIds(0), self.clock, lambda: WALL, OneProcess(Guesses(), Rate(1, 1.0), float)
        )
        self.addCleanup(self.recorder.stop)
        self.roster = Roster()
        self.desk = self.opened()
        self.registrar = self.desk.registrar
        self.seat = Seat()

    def opened(
        self,
        registration: str = "open",
        hasher: argon2.PasswordHasher | None = None,
        queue: int = 32,
        rate: int = 1000,
        kind: type[Passwords] = Passwords,
    ) -> Desk:
        """Another registrar on the same database."""
        hasher = hasher or CountingHasher()
        passwords = kind(reactor, hasher, queue, ThreadPool(0, 1, "passwords"))
        passwords.start()
        self.addCleanup(passwords.stop)
        registrar = Registrar(
            settings=AccountSettings(registration=registration),
            roster=self.roster,
            recorder=self.recorder,
            pool=self.pool,
            queries=AccountQueries(self.pool.dialect),
            passwords=passwords,
            commons=OneProcess(Guesses(), Rate(rate, 3600.0), lambda: self.steady),
            wall=lambda: WALL,
        )
        return Desk(registrar, passwords, hasher)

    async def registered(self, name: str = "anna", secret: str = SECRET) -> User:
        """An account, made from somewhere else by a session that is gone."""
        seat = Seat()
        user = await self.registrar.register(name, secret, THERE, seat)
        self.roster.leave(seat)
        return user

    async def log_in(self, name: str = "anna", secret: str = SECRET, peer: Peer = HERE) -> Seat:
        """A new session that is logged in."""
        seat = Seat()
        await self.registrar.log_in(name, secret, peer, seat)
        return seat

    async def refusal(self, name: str = "anna", secret: str = OTHER, peer: Peer = HERE) -> DictError:
        """What a login is refused with; the session stays nobody's."""
        seat = Seat()
        with self.assertRaises(DictError) as caught:
            await self.registrar.log_in(name, secret, peer, seat)
        self.assertIsNone(seat.user)
        error: DictError = caught.exception
        return error

    def passwd(self, name: str = "anna") -> str:
        """The hash in the database."""
        return str(self.row("SELECT passwd FROM user WHERE name = ?", name)[0])

    def row(self, sql: str, *parameters: object) -> tuple[Any, ...]:
        """One row of the database."""
        row: tuple[Any, ...] = self.connection.execute(sql, parameters).fetchone()
        return row

    def accounts(self) -> int:
        """How many accounts there are."""
        return int(self.row("SELECT count(*) FROM user")[0])

    def store_goes_away(self) -> None:
        """Let every query on users fail."""
        self.connection.execute("ALTER TABLE user RENAME TO user_away")

    def store_comes_back(self) -> None:
        """Let them succeed again."""
        self.connection.execute("ALTER TABLE user_away RENAME TO user")

    def store_is_full(self) -> None:
        """Let reads succeed and changes of a hash fail."""
        self.connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON user BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )

    # Registering ------------------------------------------------------------

    async def test_registering_makes_an_account_and_logs_in(self) -> None:
        """The new account is in the database under its folded name, hashed, and the session is its own."""
        user = await self.registrar.register("Ｂｏｂ", SECRET, HERE, self.seat)
        self.assertEqual((self.seat.user, user.name, user.role), (user, "Bob", "user"))
        found = self.row("SELECT id, name, name_key, role, created, disabled FROM user")
        self.assertEqual(found, (user.id, "Bob", b"bob", "user", int(WALL * 1000), 0))
        self.assertTrue(self.passwd("Bob").startswith("$argon2id$"))
        self.assertNotIn(SECRET, self.passwd("Bob"))
        self.assertEqual(self.roster.expel(user.id), 1)

    async def test_taken_name_is_refused_in_every_spelling(self) -> None:
        """Who has the name keeps it and the password; who wanted it is not logged in, nor out of where they were."""
        await self.registered("bob")
        before = self.passwd("bob")
        mine = await self.registrar.register("anna", SECRET, HERE, self.seat)
        for name in ("bob", "Ｂｏｂ", "BOB"):
            with self.assertRaises(NameTaken):
                await self.registrar.register(name, OTHER, HERE, self.seat)
            self.assertEqual(self.seat.user, mine)
        self.assertEqual(self.passwd("bob"), before)

    async def test_two_at_once_want_one_name(self) -> None:
        """Of two who register a name in the same moment one gets it and the other is told that it is taken."""
        seats = [Seat(), Seat()]
        tries = [
            Deferred.fromCoroutine(self.registrar.register(name, SECRET, HERE, seat)).addErrback(
                lambda failure: failure.trap(NameTaken)
            )
            for name, seat in zip(("bob", "BOB"), seats, strict=True)
        ]
        outcomes = await gatherResults(tries)
        self.assertEqual([outcome is NameTaken for outcome in outcomes].count(True), 1)
        self.assertEqual([seat.user is None for seat in seats], [outcome is NameTaken for outcome in outcomes])
        self.assertEqual(self.accounts(), 1)

    async def test_bad_names_and_passwords_are_refused(self) -> None:
        """Nothing is made of a name or a password that is not allowed."""
        for name in ("a", "anna@home", "an na", "x" * 33):
            with self.assertRaises(NameNotAllowed):
                await self.registrar.register(name, SECRET, HERE, self.seat)
        for secret in ("short", "x" * 513):
            with self.assertRaises(PasswordNotAllowed):
                await self.registrar.register("anna", secret, HERE, self.seat)
        self.assertEqual((self.accounts(), self.seat.user), (0, None))

    async def test_closed_registration(self) -> None:
        """Where registration is closed nobody registers, and those who have an account log in."""
        await self.registered()
        closed = self.opened(registration="closed").registrar
        for name in ("bob", "anna", "@"):
            with self.assertRaises(RegistrationClosed):
                await closed.register(name, SECRET, HERE, self.seat)
        self.assertEqual(self.accounts(), 1)
        await closed.log_in("anna", SECRET, HERE, self.seat)

    async def test_rate_of_registrations(self) -> None:
        """A network makes so many accounts an hour and then is told how long to wait; others are not concerned."""
        registrar = self.opened(rate=2).registrar
        await registrar.register("anna", SECRET, HERE, Seat())
        self.steady = 100.0
        await registrar.register("bert", SECRET, HERE, Seat())
        with self.assertRaises(TooManyAttempts) as caught:
            await registrar.register("carl", SECRET, HERE, self.seat)
        self.assertEqual((caught.exception.code, caught.exception.seconds), (481, 3500))
        self.assertIn("3500 seconds", caught.exception.text)
        self.assertIsNone(self.seat.user)
        await registrar.register("dora", SECRET, THERE, Seat())
        self.steady = 3600.0
        await registrar.register("carl", SECRET, HERE, self.seat)
        self.assertEqual(self.accounts(), 4)

    async def test_refused_registrations_do_not_count(self) -> None:
        """Who has to think of another name or password is not short of registrations for it."""
        registrar = self.opened(rate=1).registrar
        for name, secret in (("a", SECRET), ("anna", "short"), ("an na", SECRET)):
            with self.assertRaises((NameNotAllowed, PasswordNotAllowed)):
                await registrar.register(name, secret, HERE, self.seat)
        await registrar.register("anna", SECRET, HERE, self.seat)

    async def test_registering_when_the_store_is_away(self) -> None:
        """The person is told 480 and is not logged in; nothing is left half made."""
        self.store_goes_away()
        with self.assertRaises(StoreUnavailable) as caught:
            await self.registrar.register("anna", SECRET, HERE, self.seat)
        self.assertEqual((caught.exception.code, self.seat.user), (480, None))
        self.store_comes_back()
        await self.registrar.register("anna", SECRET, HERE, self.seat)

    # Logging in ---------------------------------------------------------------

    async def test_right_password_logs_in(self) -> None:
        """Every spelling of the name and of the password leads to the same account, shown as it was registered."""
        user = await self.registered("Zoë", "Überraschung")
        for name, secret in (("Zoë", "Überraschung"), ("ZOE\u0308", "U\u0308berraschung")):
            self.assertEqual((await self.log_in(name, secret)).user, user)

    async def test_wrong_password_and_unknown_names_are_one(self) -> None:
        """A wrong password, a name nobody has and a name nobody can have: same error, same text, same work."""
        await self.registered()
        hasher = self.desk.hasher
        assert isinstance(hasher, CountingHasher)
        heard = set()
        for name in ("anna", "nobody", "a", "an na", "@", ""):
            hasher.verified.clear()
            error = await self.refusal(name)
            heard.add((type(error), error.code, error.text))
            self.assertEqual(len(hasher.verified), 1, name)
            self.steady += 1000
        self.assertEqual(heard, {(LoginFailed, 531, LoginFailed.default)})

    async def test_failed_login_leaves_the_session_as_it_was(self) -> None:
        """Who mistypes the password of another account stays who they are."""
        await self.registered()
        mine = await self.registrar.register("bert", SECRET, HERE, self.seat)
        with self.assertRaises(LoginFailed):
            await self.registrar.log_in("anna", OTHER, HERE, self.seat)
        self.assertEqual(self.seat.user, mine)

    async def test_penalties(self) -> None:
        """After the first failure the next try waits 2 s, then 4, 8, 15 and 15, and is told the whole seconds left."""
        await self.registered()
        for penalty in (2, 4, 8, 15, 15, 15):
            self.assertIsInstance(await self.refusal(), LoginFailed)
            for later, left in ((0.0, penalty), (0.5, penalty), (penalty - 0.5, 1)):
                self.steady += later
                error = await self.refusal(secret=SECRET)
                assert isinstance(error, TooManyAttempts)
                self.assertEqual((error.code, error.seconds), (481, left))
                self.assertIn(f"{left} seconds", error.text)
                self.steady -= later
            self.steady += penalty
        self.assertEqual((await self.log_in()).user, User(1, "anna"))

    async def test_refused_tries_do_not_lengthen_the_penalty(self) -> None:
        """Knocking while the penalty runs neither counts nor looks at the password."""
        await self.registered()
        await self.refusal()
        hasher = self.desk.hasher
        assert isinstance(hasher, CountingHasher)
        hasher.verified.clear()
        for _ in range(20):
            self.assertIsInstance(await self.refusal(), TooManyAttempts)
        self.assertEqual(hasher.verified, [])
        self.steady += 2
        await self.log_in()

    async def test_success_clears_the_penalty(self) -> None:
        """After the right password the next failure costs 2 s again."""
        await self.registered()
        for wait in (2, 4, 8):
            await self.refusal()
            self.steady += wait
        await self.log_in()
        self.assertIsInstance(await self.refusal(), LoginFailed)
        error = await self.refusal()
        assert isinstance(error, TooManyAttempts)
        self.assertEqual(error.seconds, 2)

    async def test_penalty_is_of_one_account_and_one_network(self) -> None:
        """Failures of one network neither lock others out nor hinder it with another account."""
        await self.registered()
        await self.registered("bert")
        await self.refusal()
        self.assertIsInstance(await self.refusal(), TooManyAttempts)
        await self.log_in("bert")
        await self.log_in(peer=THERE)

    async def test_penalty_holds_in_every_spelling(self) -> None:
        """Another spelling of the name is the same account to guess at."""
        await self.registered("Bob")
        await self.refusal("Bob")
        for name in ("bob", "Ｂｏｂ", "BOB"):
            self.assertIsInstance(await self.refusal(name), TooManyAttempts)

    async def test_impossible_name_counts_as_one_failure(self) -> None:
        """Six slips in the name do not use up what a network may fail in all before everybody in it waits."""
        await self.registered()
        for _ in range(6):
            self.assertIsInstance(await self.refusal("an na"), LoginFailed)
            self.steady += 15
        self.steady -= 14
        self.assertEqual((await self.log_in()).user, User(1, "anna"))

    async def test_impossible_name_is_told_like_an_unknown_one(self) -> None:
        """A failure with one name does not make the first try of an impossible name wait, nor the other way round."""
        for first, second in (("nobody", "an na"), ("no body", "somebody")):
            self.assertIsInstance(await self.refusal(first), LoginFailed)
            self.assertIsInstance(await self.refusal(second), LoginFailed)
            self.steady += 1000

    async def test_store_that_is_away_is_480_and_no_guess(self) -> None:
        """While the store is away nobody logs in and nobody is punished for it."""
        await self.registered()
        self.store_goes_away()
        for _ in range(12):
            error = await self.refusal(secret=SECRET)
            self.assertIsInstance(error, StoreUnavailable)
            self.assertEqual(error.code, 480)
        self.store_comes_back()
        await self.log_in()

    async def test_crowd_at_the_hash_is_480_and_no_guess(self) -> None:
        """Where too many passwords wait to be verified one more is 480, and not a failure of that person."""
        await self.registered()
        self.registrar = self.opened(queue=0).registrar
        for _ in range(12):
            error = await self.refusal()
            self.assertIs(type(error), AccountsUnavailable)

    async def test_tries_at_once_are_bounded(self) -> None:
        """Guesses sent all at once on many connections do not escape the penalty; the right one is not among them."""
        await self.registered()
        tries = [
            Deferred.fromCoroutine(self.registrar.log_in("anna", f"a guess {number}", HERE, Seat())).addErrback(
                lambda failure: failure.trap(LoginFailed, TooManyAttempts)
            )
            for number in range(20)
        ]
        outcomes = await gatherResults(tries)
        self.assertEqual([outcome is LoginFailed for outcome in outcomes].count(True), 3)
        error = await self.refusal()
        assert isinstance(error, TooManyAttempts)
        self.assertEqual(error.seconds, 8)

    async def test_disabled_account_is_refused(self) -> None:
        """A disabled account hears what a wrong password hears, also with the right one, and works when enabled."""
        await self.registered()
        self.connection.execute("UPDATE user SET disabled = 1")
        error = await self.refusal(secret=SECRET)
        self.assertEqual((type(error), error.text), (LoginFailed, LoginFailed.default))
        self.connection.execute("UPDATE user SET disabled = 0")
        await self.log_in()

    # Outdated hashes --------------------------------------------------------------

    async def test_outdated_hash_is_renewed_at_login(self) -> None:
        """After the parameters were raised a login stores a new hash of the same password, once."""
        await self.registered()
        old = self.passwd()
        self.registrar = self.opened(hasher=CountingHasher(time_cost=2)).registrar
        await self.log_in()
        new = self.passwd()
        self.assertIn(",t=1,", old)
        self.assertIn(",t=2,", new)
        await self.log_in()
        self.assertEqual(self.passwd(), new)
        self.assertIsInstance(await self.refusal(), LoginFailed)

    async def test_hash_is_not_renewed_by_a_wrong_password(self) -> None:
        """Who does not know the password changes nothing."""
        await self.registered()
        old = self.passwd()
        self.registrar = self.opened(hasher=CountingHasher(time_cost=2)).registrar
        await self.refusal()
        self.assertEqual(self.passwd(), old)

    async def test_outdated_hash_and_a_new_password(self) -> None:
        """Changing the password at the first contact after the parameters were raised works in one step."""
        await self.registered()
        seat = await self.log_in()
        registrar = self.opened(hasher=CountingHasher(time_cost=2)).registrar
        await registrar.change_password(seat, SECRET, OTHER, HERE)
        self.assertIn(",t=2,", self.passwd())
        self.registrar = registrar
        await self.log_in(secret=OTHER)

    async def test_hash_that_cannot_be_renewed_keeps_nobody_out(self) -> None:
        """The right password is right, also while the disk is full: the hash is renewed another time."""
        await self.registered()
        old = self.passwd()
        self.registrar = self.opened(hasher=CountingHasher(time_cost=2)).registrar
        self.store_is_full()
        seat = await self.log_in()
        self.assertEqual(seat.user, User(1, "anna"))
        self.assertEqual(self.passwd(), old)

    # Changing the password -----------------------------------------------------------

    async def test_new_password_is_the_only_one(self) -> None:
        """After a change the old password is wrong and the new one right."""
        await self.registered()
        await self.registrar.change_password(await self.log_in(), SECRET, OTHER, HERE)
        self.assertIsInstance(await self.refusal(secret=SECRET), LoginFailed)
        self.steady += 2
        await self.log_in(secret=OTHER)

    async def test_new_password_logs_other_sessions_out(self) -> None:
        """Every other session of the user ends, wherever it is; this one and those of others stay."""
        user, other = await self.registered(), await self.registered("bert")
        here, also, there = await self.log_in(), await self.log_in(), await self.log_in(peer=THERE)
        berts = await self.log_in("bert")
        await self.registrar.change_password(here, SECRET, OTHER, HERE)
        self.assertEqual([seat.user for seat in (here, also, there, berts)], [evolve(user, epoch=1), None, None, other])

    async def test_wrong_old_password_changes_nothing(self) -> None:
        """A stolen session without the password changes nothing, and its guesses cost what logins cost."""
        user = await self.registered()
        before = self.passwd()
        here, there = await self.log_in(), await self.log_in()
        with self.assertRaises(LoginFailed):
            await self.registrar.change_password(here, OTHER, "a new password", HERE)
        with self.assertRaises(TooManyAttempts):
            await self.registrar.change_password(here, SECRET, "a new password", HERE)
        self.assertEqual((self.passwd(), here.user, there.user), (before, user, user))

    async def test_new_password_must_be_allowed(self) -> None:
        """A new password that is too short is refused before the old one is looked at, and costs no guess."""
        await self.registered()
        seat = await self.log_in()
        for _ in range(3):
            with self.assertRaises(PasswordNotAllowed):
                await self.registrar.change_password(seat, OTHER, "short", HERE)
        await self.registrar.change_password(seat, SECRET, OTHER, HERE)

    async def test_two_changes_at_once(self) -> None:
        """Of two sessions that change the password in the same moment one wins, and its password holds."""
        await self.registered()
        seats = [await self.log_in(), await self.log_in()]
        news = ["first new password", "second new password"]
        changes = [
            Deferred.fromCoroutine(self.registrar.change_password(seat, SECRET, new, HERE)).addErrback(
                lambda failure: failure.trap(LoginFailed)
            )
            for seat, new in zip(seats, news, strict=True)
        ]
        outcomes = await gatherResults(changes)
        winner = outcomes.index(None)
        self.assertIs(outcomes[1 - winner], LoginFailed)
        self.steady += 100
        await self.log_in(secret=news[winner])

    async def test_nobody_changes_no_password(self) -> None:
        """A session that is not logged in cannot change or delete anything."""
        await self.registered()
        with self.assertRaises(LoginFailed):
            await self.registrar.change_password(self.seat, SECRET, OTHER, HERE)
        with self.assertRaises(LoginFailed):
            await self.registrar.unregister(self.seat, SECRET, HERE)
        self.assertEqual(self.accounts(), 1)

    async def test_changing_when_the_store_is_away(self) -> None:
        """480, the session stays, and the old password still holds."""
        user = await self.registered()
        seat = await self.log_in()
        self.store_goes_away()
        with self.assertRaises(StoreUnavailable):
            await self.registrar.change_password(seat, SECRET, OTHER, HERE)
        self.store_comes_back()
        self.assertEqual(seat.user, user)
        await self.log_in()

    # Logins that something overtakes ----------------------------------------------------

    async def overtaken(self, at: str, change: Coroutine[Any, Any, object]) -> tuple[Seat, object]:
        """A login with the right password that stops, while something else happens from its beginning to its end.

        :param at: where it stops; at "hash" its outdated hash is about to be renewed.
        :returns: its session, and what it ended with.
        """
        desk = self.opened(kind=HeldPasswords, hasher=CountingHasher(time_cost=2 if at == "hash" else 1))
        assert isinstance(desk.passwords, HeldPasswords)
        desk.passwords.hold(at)
        seat = Seat()
        login = Deferred.fromCoroutine(desk.registrar.log_in("anna", SECRET, HERE, seat))
        outcome: Deferred[object] = login.addErrback(lambda failure: failure.value)
        await desk.passwords.reached
        await change
        desk.passwords.released.callback(None)
        return seat, await outcome

    async def test_login_that_began_before_a_change_does_not_outlast_it(self) -> None:
        """Whoever is being let in with the old password while the owner changes it is not in afterwards."""
        user = await self.registered()
        owner = await self.log_in()
        change = self.registrar.change_password(owner, SECRET, OTHER, HERE)
        thief, ended = await self.overtaken("verify", change)
        self.assertIsInstance(ended, LoginFailed)
        self.assertEqual((thief.user, owner.user), (None, evolve(user, epoch=1)))

    async def test_login_that_began_before_a_deletion_does_not_outlast_it(self) -> None:
        """Nobody is logged in to an account that was deleted meanwhile."""
        await self.registered()
        unregistering = self.registrar.unregister(await self.log_in(), SECRET, HERE)
        late, ended = await self.overtaken("verify", unregistering)
        self.assertIsInstance(ended, LoginFailed)
        self.assertIsNone(late.user)

    async def test_login_that_renews_its_hash_does_not_outlast_a_change(self) -> None:
        """The same holds while the outdated hash of the old password is about to be renewed."""
        user = await self.registered()
        owner = await self.log_in()
        change = self.registrar.change_password(owner, SECRET, OTHER, HERE)
        thief, ended = await self.overtaken("hash", change)
        self.assertIsInstance(ended, LoginFailed)
        self.assertEqual((thief.user, owner.user), (None, evolve(user, epoch=1)))
        self.assertNotIn(",t=2,", self.passwd(), "the owner's password was overwritten")

    async def test_right_password_is_right_whatever_others_do(self) -> None:
        """Another login that renews the hash, and a stranger who changes a password, make no right password wrong."""
        user = await self.registered()
        await self.registered("bert")
        bert = await self.log_in("bert")
        newer = self.opened(hasher=CountingHasher(time_cost=2)).registrar

        async def others() -> None:
            await newer.log_in("anna", SECRET, THERE, Seat())
            await self.registrar.change_password(bert, SECRET, OTHER, HERE)

        seat, ended = await self.overtaken("verify", others())
        self.assertEqual((ended, seat.user), (user, user))
        self.assertIn(",t=2,", self.passwd())

    async def test_registration_whose_account_is_disabled_meanwhile(self) -> None:
        """Nobody is logged in to an account that was disabled between its making and the answer."""
        registrar = self.registrar
        run = type(registrar._pool).run

        async def slow(pool: Any, query: Any, *arguments: Any) -> Any:
            answer = await run(pool, query, *arguments)
            if query == registrar._queries.add:
                await run(pool, registrar._queries.set_disabled, [answer.id], True)
                registrar.roster.expel(answer.id)  # as a sign-out that is heard before the answer
            return answer

        self.patch(type(registrar._pool), "run", slow)
        with self.assertRaises(LoginFailed):
            await registrar.register("anna", SECRET, HERE, self.seat)
        self.assertIsNone(self.seat.user)

    # Unregistering -----------------------------------------------------------------------

    async def test_unregistering_deletes_everything(self) -> None:
        """Account and history are gone, every session of the user is logged out, and others keep theirs."""
        user, other = await self.registered(), await self.registered("bert")
        here, there, berts = await self.log_in(), await self.log_in(peer=THERE), await self.log_in("bert")
        for owner in (user, other):
            self.assertTrue(await self.recorder.record(owner, "penguin", "wordnet", 1))
        await self.registrar.unregister(here, SECRET, HERE)
        self.assertEqual([seat.user for seat in (here, there, berts)], [None, None, other])
        self.assertEqual(self.connection.execute("SELECT name FROM user").fetchall(), [("bert",)])
        self.assertEqual(self.connection.execute("SELECT user_id FROM hist").fetchall(), [(other.id,)])
        self.assertIsInstance(await self.refusal(secret=SECRET), LoginFailed)

    async def test_rows_on_their_way_do_not_outlive_the_account(self) -> None:
        """Look-ups that wait for their commit when the account is deleted are never in the history."""
        user = await self.registered()
        seat = await self.log_in()
        waiting = [self.recorder.record(user, f"word {number}", "wordnet", 1) for number in range(5)]
        await self.registrar.unregister(seat, SECRET, HERE)
        await gatherResults(waiting)
        await self.recorder.flush()
        self.assertEqual(self.row("SELECT count(*) FROM hist"), (0,))

    async def test_name_is_free_again_and_its_history_is_empty(self) -> None:
        """Who registers a deleted name gets another id and finds nothing of who had it."""
        user = await self.registered()
        await self.recorder.record(user, "penguin", "wordnet", 1)
        await self.registrar.unregister(await self.log_in(), SECRET, HERE)
        again = await self.registrar.register("anna", OTHER, HERE, self.seat)
        self.assertNotEqual(again.id, user.id)
        self.assertEqual(await self.recorder.newest(again, 10, None), [])

    async def test_wrong_password_deletes_nothing(self) -> None:
        """Without the password the account, its history and its sessions stay."""
        user = await self.registered()
        seat = await self.log_in()
        await self.recorder.record(user, "penguin", "wordnet", 1)
        with self.assertRaises(LoginFailed):
            await self.registrar.unregister(seat, OTHER, HERE)
        self.assertEqual(seat.user, user)
        self.assertEqual(self.accounts(), 1)
        self.assertEqual(len(await self.recorder.newest(user, 10, None)), 1)

    async def test_account_that_another_has_anew(self) -> None:
        """A session that has not heard that its account is gone does nothing to another of its name and password."""
        gone = await self.registered()
        seat = await self.log_in()
        self.connection.execute("DELETE FROM user WHERE id = ?", (gone.id,))
        user = await self.registered()
        with self.assertRaises(LoginFailed):
            await self.registrar.unregister(seat, SECRET, HERE)
        with self.assertRaises(LoginFailed):
            await self.registrar.change_password(seat, SECRET, OTHER, HERE)
        self.assertEqual((await self.log_in()).user, user)

    async def test_unregistering_when_the_store_is_away(self) -> None:
        """480, and the person is still logged in to an account that is still there."""
        user = await self.registered()
        seat = await self.log_in()
        self.store_goes_away()
        with self.assertRaises(StoreUnavailable):
            await self.registrar.unregister(seat, SECRET, HERE)
        self.store_comes_back()
        self.assertEqual((seat.user, self.accounts()), (user, 1))
