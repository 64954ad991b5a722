"""Sessions of one server, held against a store that another server has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts import standing
from dictd.accounts.roster import Change
from dictd.accounts.standing import EVERY, Standing
from dictd.errors import OutcomeUnknown, StoreUnavailable
from dictd.model import User
from dictd.processes import seats
from dictd.store.accounts import AccountQueries
from dictd.store.keys import KeyQueries
from tests.store.databases import committed, on_both
from tests.support.house import Client, House, ImmediatePasswords, ImmediatePool

GONE = "421 your account was changed elsewhere, please connect again\r\n"


@define(eq=False)
class Held:
    """A pool whose answers wait: asked at once, answered when the test says so.

    :ivar waiting: the answers.
    :ivar asked: the arguments of each question.
    """

    pool: ImmediatePool
    holding: bool = False
    waiting: list[Deferred[None]] = field(factory=list)
    asked: list[tuple[str, tuple[Any, ...]]] = field(factory=list)

    async def run(self, query: Callable[..., Any], *args: Any) -> Any:
        """As :meth:`dictd.store.pool.Pool.run`."""
        self.asked.append((query.__name__, args))
        answer = await self.pool.run(query, *args)
        if self.holding:
            self.waiting.append(Deferred())
            await self.waiting[-1]
        return answer

    def answer(self) -> None:
        """Let those come that wait."""
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one.callback(None)


class HouseCase(SynchronousTestCase):
    """A house that looks each second, and a store that others change too."""

    def setUp(self) -> None:
        self.house = House(Path(self.mktemp()), pool=ImmediatePool.of(self))
        self.roster = self.house.registrar.roster
        self.queries = AccountQueries(self.house.pool.dialect)
        self.held = Held(self.house.pool)
        pool: Any = self.held
        self.standing = Standing(
            self.roster, pool, self.queries, self.house.clock, partial(seats.end, self.house.factory)
        )
        self.alice, self.bob = self.house.member("alice"), self.house.member("bob")

    def user(self, client: Client) -> User:
        """Who it is."""
        user = client.protocol.session.user
        assert user is not None
        return user

    def change(self, query: Callable[..., Any], *args: Any) -> Any:
        """What another server does, or dictctl there."""
        return committed(self.house.pool.connection, query, *args)

    def disable(self, client: Client, disabled: bool = True) -> None:
        """Of dictctl, elsewhere."""
        self.change(self.queries.set_disabled, [self.user(client).id], disabled)

    def passwd(self, client: Client) -> str:
        """The hash in the store."""
        account = self.change(self.queries.find, self.user(client).key.encode())
        return str(account.passwd)

    def look(self, seconds: float = EVERY) -> None:
        """Time passes, and each second it is looked."""
        for _ in range(int(seconds)):
            self.house.clock.advance(1)
            self.standing.look()

    def again(self, name: str = "alice", secret: str = "correct-horse") -> Client:  # noqa: S107 - a test's
        """Another session of somebody."""
        client = self.house.welcome()
        self.assertEqual(client.codes(f"LOGIN {name} {secret}"), [230])
        return client

    def ended(self, *clients: Client) -> None:
        """They were told why, and closed; nothing more of theirs is answered."""
        for client in clients:
            self.assertEqual(client.heard().decode(), GONE)
            self.assertTrue(client.line.half_closed)
            self.assertIsNone(client.protocol.session.user)

    def goes_on(self, *clients: Client) -> None:
        """They are logged in, and have heard nothing."""
        for client in clients:
            self.assertEqual(client.heard(), b"")
            self.assertEqual(client.codes("HISTORY"), [250])


@on_both
class ChangedElsewhere(HouseCase):
    """What another server has done to an account."""

    def test_changes(self) -> None:
        """Disabled, disabled and enabled, another password by either way, deleted: ended, and nobody else."""
        queries = self.queries
        changes: list[list[tuple[Any, ...]]] = [
            [(queries.set_disabled, True)],
            [(queries.set_disabled, True), (queries.set_disabled, False)],
            [(queries.set_passwd, "another", False)],
            [(queries.set_passwd, "another", True), (queries.change_passwd, "another", "a third")],
            [(queries.delete,)],
        ]
        for number, made in enumerate(changes):
            one = self.house.member(f"user{number}")
            two, user_id = self.again(f"user{number}"), self.user(one).id
            for query, *args in made:
                self.change(query, [user_id] if query == queries.set_disabled else user_id, *args)
            self.goes_on(one)
            self.look()
            self.ended(one, two)
        self.goes_on(self.alice, self.bob)

    def test_what_ends_nothing(self) -> None:
        """Nor does another hash of the same password, or that somebody is enabled who was not disabled."""
        user = self.user(self.alice)
        self.change(self.queries.rehash, user.id, self.passwd(self.alice), "another")
        self.disable(self.alice, False)
        self.look()
        self.goes_on(self.alice, self.bob)

    def test_login_that_renews_its_hash(self) -> None:
        """The sessions that there are go on."""
        before = self.passwd(self.alice)
        self.patch(ImmediatePasswords, "outdated", lambda *_: True)
        again = self.again()
        self.assertNotEqual(self.passwd(self.alice), before)
        self.look()
        self.goes_on(self.alice, again)

    def test_restored(self) -> None:
        """A database that is older than the session ends it too."""
        self.assertEqual(self.alice.codes("PASSWD correct-horse battery-staple"), [282])
        self.look()
        self.goes_on(self.alice)
        self.change(lambda txn: txn.execute("UPDATE user SET epoch = 0"))
        self.look()
        self.ended(self.alice)
        self.goes_on(self.bob)

    def test_every_way_in(self) -> None:
        """Sessions know the epoch however they came: REGISTER, LOGIN, AUTH; after it was changed some times."""
        for secret in ("battery-staple", "correct-horse"):
            old = {"battery-staple": "correct-horse", "correct-horse": "battery-staple"}[secret]
            self.assertEqual(self.alice.codes(f"PASSWD {old} {secret}"), [282])
        by_password = self.again()
        key = self.alice.ask("KEY NEW laptop").split("\n")[1].strip()
        by_key = self.authenticated("alice", key)
        self.assertEqual([self.user(one).epoch for one in (self.alice, by_password, by_key)], [2, 2, 2])
        self.look()
        self.goes_on(self.alice, by_password, by_key)
        self.disable(self.alice)
        self.look()
        self.ended(self.alice, by_password, by_key)

    def authenticated(self, name: str, key: str) -> Client:
        """A session that came by a key."""
        client = self.house.welcome()
        message_id = client.protocol.session.message_id
        answer = hashlib.md5((message_id + key).encode(), usedforsecurity=False).hexdigest()
        self.assertEqual(client.codes(f"AUTH {name} {answer}"), [230])
        return client

    def test_who_came_after(self) -> None:
        """Of two sessions the one that came by what holds now stays."""
        self.assertTrue(self.change(self.queries.set_passwd, self.user(self.alice).id, self.passwd(self.bob), False))
        after = self.again()
        self.look()
        self.ended(self.alice)
        self.goes_on(after, self.bob)

    def test_history_and_role(self) -> None:
        """HISTORY OFF and ON reach sessions here, and so does a role; they go on."""
        user = self.user(self.alice)
        for since, role in ((1, "admin"), (None, "user")):
            self.change(self.queries.set_paused, user.id, since)
            self.change(self.queries.set_role, b"alice", role)
            before = self.roster.expulsions
            self.look()
            self.assertEqual(self.user(self.alice), evolve(user, role=role, keeps=since is None))
            self.assertGreater(self.roster.expulsions, before)
        self.assertEqual(self.user(self.bob), User(self.user(self.bob).id, "bob"))

    def test_whoami(self) -> None:
        """A session that has ended elsewhere does not come by a new epoch before it is looked; nor by an invite."""
        self.change(self.queries.set_passwd, self.user(self.alice).id, "another", False)
        self.assertEqual(self.alice.codes("WHOAMI"), [530])
        self.assertEqual(self.user(self.alice).epoch, 0)
        self.look()
        self.ended(self.alice)
        self.assertEqual(self.bob.codes("WHOAMI"), [285])

    def test_keys(self) -> None:
        """Nor does it make a key, by which it would come back."""
        user = self.user(self.alice)
        self.change(self.queries.set_passwd, user.id, "another", True)
        self.assertEqual(self.alice.codes("KEY NEW laptop"), [530])
        self.assertEqual(self.change(KeyQueries(self.house.pool.dialect).of, user.id), [])
        self.assertEqual(self.bob.codes("KEY NEW laptop"), [250])

    def test_own_account_while_disabled(self) -> None:
        """Before it is looked it changes and deletes nothing, with the right password either."""
        self.disable(self.alice)
        before = self.passwd(self.alice)
        self.assertEqual(self.alice.codes("PASSWD correct-horse battery-staple"), [531])
        self.assertEqual(self.alice.codes("UNREGISTER correct-horse"), [531])
        self.assertEqual(self.passwd(self.alice), before)


class Asking(HouseCase):
    """When it is asked, and what an answer is worth."""

    def asked(self) -> list[Any]:
        """The users of each question so far."""
        return [args[0] for name, args in self.held.asked if name == "as_they_are"]

    def test_every_few_seconds(self) -> None:
        """All who are logged in, in one question each five seconds."""
        ids = [self.user(client).id for client in (self.alice, self.bob)]
        self.look(EVERY - 1)
        self.assertEqual(self.asked(), [])
        self.look(1)
        self.assertEqual([sorted(each) for each in self.asked()], [sorted(ids)])
        self.look(2 * EVERY)
        self.assertEqual(len(self.asked()), 3)

    def test_nobody(self) -> None:
        """Where nobody is logged in nothing is asked."""
        self.assertEqual((self.alice.codes("LOGOUT"), self.bob.codes("LOGOUT")), ([285], [285]))
        self.look(3 * EVERY)
        self.assertEqual(self.held.asked, [])

    def test_slices(self) -> None:
        """Many are asked for in several statements; all who have ended do end."""
        others = [self.house.member(f"user{number}") for number in range(5)]
        for one in others:
            self.disable(one)
        with patch.object(standing, "SLICE", 3):
            self.look()
        self.assertEqual([len(each) for each in self.asked()], [3, 3, 1])
        self.ended(*others)
        self.goes_on(self.alice, self.bob)

    def test_one_at_a_time(self) -> None:
        """As long as an answer is due nothing else is asked; after it the next is asked in its time."""
        self.held.holding = True
        self.look(4 * EVERY)
        self.assertEqual(len(self.asked()), 1)
        self.held.answer()
        self.look(1)
        self.assertEqual(len(self.asked()), 2)

    def test_away(self) -> None:
        """Where the store cannot be asked nobody is thrown out and nothing is logged; when it is back it is asked."""
        self.disable(self.alice)
        self.house.pool.away = True
        with capturedLogs() as events:
            self.look(3 * EVERY)
        self.assertEqual(
            [event for event in events if event.get("log_namespace", "").startswith(standing.__name__)], []
        )
        self.assertEqual((self.alice.heard(), self.bob.heard()), (b"", b""))
        self.house.pool.away = False
        self.look()
        self.ended(self.alice)
        self.goes_on(self.bob)

    def test_trouble(self) -> None:
        """Trouble that is not expected is logged, and it is asked again."""

        def broken(*_: Any) -> None:
            raise ZeroDivisionError

        with patch.object(AccountQueries, "as_they_are", broken):
            self.look()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.disable(self.alice)
        self.look()
        self.ended(self.alice)

    def test_logged(self) -> None:
        """Who was signed out is in the log, and how many connections that were; nothing else is."""
        self.again()
        with capturedLogs() as events:
            self.look()
            self.disable(self.alice)
            self.look()
        said = [event for event in events if event.get("log_namespace", "").startswith(standing.__name__)]
        self.assertEqual([(one["names"], one["count"]) for one in said], [("alice", 2)])

    # An answer that is older than what has happened here meanwhile --------------------

    def test_login_meanwhile(self) -> None:
        """Who has logged in since the question goes by no answer to it."""
        self.held.holding = True
        self.look()
        self.assertEqual(self.alice.codes("PASSWD correct-horse battery-staple"), [282])
        after = self.again(secret="battery-staple")  # noqa: S106
        self.held.answer()
        self.goes_on(self.alice, after)

    def test_login_that_is_overtaken(self) -> None:
        """Who was verified before a change elsewhere, and is let in after it, does not outlast it."""
        account = self.change(self.queries.find, b"alice")
        self.change(self.queries.set_passwd, account.user.id, "another", False)
        late = self.house.welcome()
        self.roster.enter(account.user, late.protocol.session)
        self.look()
        self.ended(self.alice, late)

    def test_history_meanwhile(self) -> None:
        """HISTORY OFF that was said here since the question holds."""
        self.held.holding = True
        self.look()
        self.assertEqual(self.alice.codes("HISTORY OFF"), [287])
        self.held.answer()
        self.assertFalse(self.user(self.alice).keeps)

    def test_logout_meanwhile(self) -> None:
        """Who has left since, or is somebody else, is left alone."""
        self.disable(self.alice)
        self.held.holding = True
        self.look()
        self.assertEqual(self.alice.codes("LOGOUT", "LOGIN bob correct-horse"), [285, 230])
        self.held.answer()
        self.goes_on(self.alice, self.bob)

    def test_another_meanwhile(self) -> None:
        """Who has logged in as somebody else since stays that."""
        self.held.holding = True
        self.look()
        self.assertEqual(self.alice.codes("LOGIN bob correct-horse"), [230])
        self.held.answer()
        self.assertEqual(self.user(self.alice).name, "bob")

    def test_closing(self) -> None:
        """One that has said QUIT is told nothing more."""
        self.disable(self.alice)
        self.alice.ask("QUIT")
        self.look()
        self.assertEqual(self.alice.heard(), b"")


@on_both
class ByItself(HouseCase):
    """A session that changes its own account is not ended by that."""

    def slow(self, query: str, trouble: type[Exception] | None = None, done: bool = True) -> Deferred[None]:
        """The next answer of a query waits until this is fired, and then is perhaps trouble."""
        run, waits = self.house.pool.run, Deferred[None]()

        async def later(asked: Callable[..., Any], *args: Any) -> Any:
            if asked.__name__ != query:
                return await run(asked, *args)
            result = await run(asked, *args) if done else None
            await waits
            if trouble:
                raise trouble()
            return result

        self.patch(ImmediatePool, "run", lambda pool, *args: later(*args))
        return waits

    def test_password(self) -> None:
        """Looked at between the change and its answer, and after it: it stays, and the others end."""
        other, answer = self.again(), self.slow("change_passwd")
        self.alice.send(b"PASSWD correct-horse battery-staple\r\n")
        self.look()
        self.ended(other)
        answer.callback(None)
        self.assertEqual(self.alice.heard()[:4], b"282 ")
        self.look()
        self.goes_on(self.alice)
        self.assertEqual(self.user(self.alice).epoch, 1)

    def test_answer_that_is_older(self) -> None:
        """Asked before the change, answered after it."""
        self.held.holding = True
        self.look()
        self.assertEqual(self.alice.codes("PASSWD correct-horse battery-staple"), [282])
        self.held.answer()
        self.held.holding = False
        self.look()
        self.goes_on(self.alice)

    def unknown(self, done: bool) -> None:
        """The answer to the COMMIT of a PASSWD is lost."""
        answer = self.slow("change_passwd", OutcomeUnknown, done)
        self.alice.send(b"PASSWD correct-horse battery-staple\r\n")
        answer.callback(None)
        self.assertEqual(self.alice.heard()[:4], b"480 ")

    def settled(self, done: bool) -> None:
        """Whether it was done or not the session stays; that it was is known from the hash."""
        self.unknown(done)
        self.assertEqual(self.alice.codes("WHOAMI", "KEY NEW laptop", "KEY DROP laptop"), [285, 250, 284])
        for _ in range(2):
            self.look()
            self.goes_on(self.alice)
        self.assertEqual(self.user(self.alice).epoch, int(done))
        self.assertEqual(self.roster.change_of(self.alice.protocol.session) is None, done)

    def test_unknown_and_done(self) -> None:
        """The answer was lost on the way back."""
        self.settled(done=True)

    def test_unknown_and_not_done(self) -> None:
        """The question was lost."""
        self.settled(done=False)

    def test_done_later(self) -> None:
        """A COMMIT that comes after its answer was given up is recognised when it is there."""
        self.unknown(done=False)
        self.look()
        change = self.roster.change_of(self.alice.protocol.session)
        assert change is not None
        self.change(self.queries.change_passwd, self.user(self.alice).id, self.passwd(self.alice), change.passwd)
        self.look()
        self.goes_on(self.alice)
        self.assertEqual(self.user(self.alice).epoch, 1)

    def outlasted(self, query: Callable[..., Any], *args: Any) -> None:
        """Who only tried, and perhaps knew that nobody would answer, does not outlast the change of another."""
        self.unknown(done=False)
        self.change(query, *args)
        self.look()
        self.ended(self.alice)

    def test_unknown_and_passwd(self) -> None:
        """Another password, by which the epoch is what this session would have made it."""
        self.outlasted(self.queries.set_passwd, self.user(self.alice).id, "another", False)

    def test_unknown_and_disabled(self) -> None:
        """Disabled."""
        self.outlasted(self.queries.set_disabled, [self.user(self.alice).id], True)

    def test_unknown_and_deleted(self) -> None:
        """Deleted."""
        self.outlasted(self.queries.delete, self.user(self.alice).id)

    def test_changed_again(self) -> None:
        """Done, and then changed by another: it ends."""
        self.unknown(done=True)
        self.change(self.queries.set_passwd, self.user(self.alice).id, "another", False)
        self.look()
        self.ended(self.alice)

    def test_disabled_in_between(self) -> None:
        """Done, then disabled and enabled: it ends, though its password holds."""
        self.unknown(done=True)
        for disabled in (True, False):
            self.disable(self.alice, disabled)
        self.look()
        self.ended(self.alice)

    def test_not_done(self) -> None:
        """Where it is sure that nothing was done nothing is believed later."""
        answer = self.slow("change_passwd", StoreUnavailable, done=False)
        self.alice.send(b"PASSWD correct-horse battery-staple\r\n")
        session = self.alice.protocol.session
        self.assertIsNotNone(self.roster.change_of(session))
        answer.callback(None)
        self.assertEqual(self.alice.heard()[:4], b"480 ")
        self.assertIsNone(self.roster.change_of(session))
        self.look()
        self.goes_on(self.alice)

    def test_overtaken(self) -> None:
        """A password that was changed by another while this one hashed: refused, and ended by that."""
        answer = self.slow("change_passwd", done=False)
        self.alice.send(b"PASSWD correct-horse battery-staple\r\n")
        self.change(self.queries.set_passwd, self.user(self.alice).id, "another", False)
        answer.callback(None)
        self.assertEqual(self.alice.heard()[:4], b"531 ")
        self.look()
        self.ended(self.alice)

    def test_unregister(self) -> None:
        """Looked at between the deletion and its answer: the answer comes, and no 421 before it."""
        other, answer = self.again(), self.slow("delete")
        self.alice.send(b"UNREGISTER correct-horse\r\n")
        self.look()
        self.ended(other)
        answer.callback(None)
        self.assertEqual(self.alice.heard()[:4], b"286 ")
        self.assertIsNone(self.alice.protocol.session.user)

    def test_left(self) -> None:
        """Who logs out, or in again, has changed nothing."""
        self.roster.changes(self.alice.protocol.session, Change("hash", 1))
        self.assertEqual(self.alice.codes("LOGIN alice correct-horse"), [230])
        self.assertIsNone(self.roster.change_of(self.alice.protocol.session))
        self.assertNotIn("secret hash", repr(Change("secret hash", 1)))
