"""What people are told when the answer to a COMMIT is lost: the real pool, a real MariaDB, and a wire that is cut."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from dictd.accounts import invites
from dictd.accounts.commons import OneProcess
from dictd.accounts.passwords import Passwords
from dictd.accounts.recorder import Recorder, RowIds
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.config import Accounts as AccountSettings
from dictd.errors import NameTaken, OutcomeUnknown, StoreUnavailable
from dictd.limits import Guesses, Peer, Rate
from dictd.sections import Store
from dictd.store import databases
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.invites import InviteQueries
from dictd.store.pool import open_pool
from tests.accounts.test_passwords import CountingHasher
from tests.accounts.test_roster import Seat
from tests.store.databases import make_tables
from tests.support.mariadb import shared
from tests.support.tcpproxy import Wire

HERE = Peer.at("192.0.2.1")
SECRET, OTHER = "correct horse", "battery staple"


class Lost(TestCase):
    """A registrar whose database is behind a wire."""

    timeout = 60.0

    def setUp(self) -> None:
        """As the wiring puts it together, with hashes that cost nothing."""
        self.server = shared(tcp=True)
        self.name = self.server.database()
        self.addCleanup(self.server.drop, self.name)
        make_tables(self.server.url(self.name))
        self.wire = Wire.to(self.server.port, self)
        store = Store(url=self.server.url(self.name, port=self.wire.port))
        self.pool = open_pool(databases.database(store, Path(self.mktemp())), "accounts", reactor)
        self.addCleanup(self.pool.close)
        passwords = Passwords(reactor, CountingHasher(), 32, ThreadPool(0, 1, "passwords"))
        passwords.start()
        self.addCleanup(passwords.stop)
        commons = OneProcess(Guesses(), Rate(1000, 3600.0), lambda: 0.0)
        history = HistoryQueries(self.pool.dialect)
        recorder = Recorder(self.pool, history, RowIds(0), Clock(), time.time, commons)
        self.addCleanup(recorder.stop)
        self.roster = Roster()
        self.parts: dict[str, Any] = {
            "roster": self.roster,
            "recorder": recorder,
            "pool": self.pool,
            "queries": AccountQueries(self.pool.dialect),
            "passwords": passwords,
            "commons": commons,
            "wall": time.time,
        }
        self.registrar = Registrar(settings=AccountSettings(), **self.parts)
        self.seat = Seat()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database has."""
        return self.server.rows(self.name, statement)

    async def test_registered_though_the_answer_was_lost(self) -> None:
        """The pool asks again, and the row with our nonce is ours: told from a name that is taken."""
        self.wire.lose_answer_to(b"COMMIT")
        user = await self.registrar.register("anna", SECRET, HERE, self.seat)
        self.assertEqual((self.wire.lost, self.seat.user), (1, user))
        self.assertEqual(self.rows("SELECT id, name FROM user"), [(user.id, "anna")])
        with self.assertRaises(NameTaken):
            await self.registrar.register("anna", SECRET, HERE, Seat())

    async def test_invite_is_used_once(self) -> None:
        """Also where the answer is lost and it is asked again."""
        code, stored = invites.new(int(time.time() * 1000), int((time.time() + 60) * 1000), 2)
        await self.pool.run(InviteQueries(self.pool.dialect).add, stored)
        registrar = Registrar(settings=AccountSettings(registration="invite"), **self.parts)

        async def losing(*_: object) -> None:
            self.wire.lose_answer_to(b"COMMIT")

        self.patch(Registrar, "_check", losing)
        await registrar.register("anna", SECRET, HERE, self.seat, code)
        self.assertEqual((self.wire.lost, self.rows("SELECT uses FROM invite")), (1, [(1,)]))

    async def test_nobody_knows_whether_it_is_registered(self) -> None:
        """Lost twice: 480 that tells to try LOGIN, and LOGIN works."""
        self.wire.lose_answer_to(b"COMMIT", times=2)
        with self.assertRaises(OutcomeUnknown) as caught:
            await self.registrar.register("anna", SECRET, HERE, self.seat)
        self.assertEqual((caught.exception.code, self.seat.user), (480, None))
        self.assertIn("try LOGIN", caught.exception.text)
        await self.registrar.log_in("anna", SECRET, HERE, self.seat)

    async def test_certainly_not_registered(self) -> None:
        """The database is away, or goes while it is asked: plain 480, and no word of an account."""
        self.wire.lose_question(b"COMMIT", times=2)
        with self.assertRaises(StoreUnavailable) as caught:
            await self.registrar.register("anna", SECRET, HERE, self.seat)
        # Whether a COMMIT has reached the other side cannot be told from here.
        self.assertIs(type(caught.exception), OutcomeUnknown)
        self.wire.refuse()
        self.wire.reset()
        for _ in range(5):
            with self.assertRaises(StoreUnavailable) as caught:
                await self.registrar.register("bert", SECRET, HERE, self.seat)
            self.assertIs(type(caught.exception), StoreUnavailable)
            self.assertNotIn("LOGIN", caught.exception.text)
        self.assertEqual(self.rows("SELECT name FROM user"), [])

    async def test_password_perhaps_changed(self) -> None:
        """480 that says so, and the other sessions are out as if it were."""
        user = await self.registrar.register("anna", SECRET, HERE, self.seat)
        other = Seat()
        self.roster.enter(user, other)
        before = self.rows("SELECT passwd FROM user")
        hashing = Passwords.hash

        async def losing(passwords: Passwords, secret: str) -> str:
            self.wire.lose_answer_to(b"COMMIT", times=2)
            return await hashing(passwords, secret)

        self.patch(Passwords, "hash", losing)
        with self.assertRaises(OutcomeUnknown) as caught:
            await self.registrar.change_password(self.seat, SECRET, OTHER, HERE)
        self.assertIn("may have been changed", caught.exception.text)
        self.assertEqual((self.seat.user, other.user), (user, None))
        self.assertNotEqual(self.rows("SELECT passwd FROM user"), before)

    async def test_perhaps_deleted(self) -> None:
        """480 that says so, and every session of it is out as if it were."""
        user = await self.registrar.register("anna", SECRET, HERE, self.seat)
        other = Seat()
        self.roster.enter(user, other)
        delete = AccountQueries.delete

        def losing(*args: Any) -> Any:
            self.wire.lose_answer_to(b"COMMIT", times=2)
            return delete(*args)

        losing.repeatable = True  # type: ignore[attr-defined]
        self.patch(AccountQueries, "delete", losing)
        with self.assertRaises(OutcomeUnknown) as caught:
            await self.registrar.unregister(self.seat, SECRET, HERE)
        self.assertIn("may have been deleted", caught.exception.text)
        self.assertEqual((self.seat.user, other.user), (None, None))
        self.assertEqual(self.rows("SELECT name FROM user"), [])

    async def test_no_answer_in_time(self) -> None:
        """While the COMMIT waits the outcome is unknown; while anything before it does, it is not."""
        add = AccountQueries.add

        def stalling(*args: Any) -> Any:
            user = add(*args)
            self.wire.stall()
            return user

        patched = self.patch(AccountQueries, "add", stalling)
        with self.assertRaises(OutcomeUnknown):
            await self.registrar.register("bert", SECRET, HERE, self.seat)
        patched.restore()
        with self.assertRaises(StoreUnavailable) as caught:
            await self.registrar.register("anna", SECRET, HERE, self.seat)
        self.assertIs(type(caught.exception), StoreUnavailable)
        self.assertEqual(self.rows("SELECT name FROM user"), [])
