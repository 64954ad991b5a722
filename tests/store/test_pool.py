"""The pool of connections, on the real reactor and its threads."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from stat import S_IMODE
from threading import Barrier, Event
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import LogEvent, LogLevel, capturedLogs
from twisted.trial.unittest import TestCase

from dictd.errors import AccountsUnavailable, StoreUnavailable
from dictd.model import User
from dictd.store import pool
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import SQLITE, Transaction
from dictd.store.pool import MAX_WAITING, Pool, open_pool
from dictd.store.sqlite import ACCOUNTS_FILE, SQLite, connect
from tests.store.databases import count_ids
from tests.store.test_sqlite import WANTED

#: Nothing here takes this long: a thread that waits longer waits for ever.
LONG = 20.0


def broken(txn: Transaction) -> None:
    """A query that SQLite refuses."""
    txn.execute("SELECT * FROM a_table_that_is_not_there")


def nothing(txn: Transaction) -> int:
    """A query that succeeds."""
    txn.execute("SELECT 1")
    return int(txn.fetchone()[0])


def told(events: Sequence[LogEvent]) -> list[LogLevel]:
    """The levels of what the pool logged."""
    return [event["log_level"] for event in events if event.get("log_namespace") == "dictd.store.pool.Pool"]


class Pooled(TestCase):
    """A pool on a fresh database."""

    timeout = LONG

    def setUp(self) -> None:
        """Open it as the server does."""
        count_ids(self)
        self.directory = Path(self.mktemp())
        database = SQLite(self.directory)
        self.connection = database.connect("accounts")
        self.pool = open_pool(database, "accounts", reactor)
        self.addCleanup(self.connection.close)
        self.addCleanup(self.close)
        self.queries = AccountQueries(SQLITE)

    def close(self) -> None:
        """Close the pool unless the test has."""
        pool, self.pool = self.pool, None  # type: ignore[assignment]
        if pool is not None:
            pool.close()

    def remove_files(self) -> None:
        """Take the whole directory away."""
        self.connection.close()
        shutil.rmtree(self.directory)

    def started(self, query: Any, *args: Any, pool: Pool | None = None) -> Deferred[Any]:
        """A query that is under way."""
        return Deferred.fromCoroutine((pool or self.pool).run(query, *args))

    def names(self) -> list[str]:
        """The accounts in the file, as another connection sees them."""
        return [row[0] for row in self.connection.execute("SELECT name FROM user ORDER BY id")]

    # Transactions -----------------------------------------------------------

    async def test_returning_commits(self) -> None:
        """A query that returned is on disk, for every other connection to see, and its result comes back."""
        user = await self.pool.run(self.queries.add, "anna", b"anna", "hash", 1, nonce=b"n")
        self.assertEqual(user, User(1, "anna"))
        self.assertEqual(self.names(), ["anna"])

    async def test_raising_rolls_back(self) -> None:
        """A query that raised has done nothing; its exception comes through and the connection is fit for the next."""

        def half(txn: Transaction) -> None:
            self.queries.add(txn, "half", b"half", "hash", 1, b"n")
            raise LookupError("half way")

        for _ in range(6):
            with self.assertRaises(LookupError):
                await self.pool.run(half)
        self.assertEqual(self.names(), [])
        await self.pool.run(self.queries.add, "whole", b"whole", "hash", 1, b"n")
        self.assertEqual(self.names(), ["whole"])

    async def test_error_of_sqlite_rolls_back(self) -> None:
        """What a query wrote before SQLite refused its next statement is not kept."""

        def half(txn: Transaction) -> None:
            self.queries.add(txn, "half", b"half", "hash", 1, b"n")
            broken(txn)

        with self.assertRaises(StoreUnavailable):
            await self.pool.run(half)
        self.assertEqual(self.names(), [])

    async def test_writers_at_once_stand_in_line(self) -> None:
        """Transactions that read and then write do not fail each other: BEGIN IMMEDIATE puts them in line."""

        def next_name(txn: Transaction) -> None:
            SQLITE.begin(txn)
            txn.execute("SELECT count(*) FROM user")
            name = f"user {txn.fetchone()[0]}"
            txn.execute(
                "INSERT INTO user (name, name_key, passwd, created) VALUES (?, ?, 'x', 0)", (name, name.encode())
            )

        await gatherResults([self.started(next_name) for _ in range(30)])
        self.assertEqual(self.names(), [f"user {number}" for number in range(30)])

    # Connections --------------------------------------------------------------

    async def test_pragmas_are_set_on_every_connection(self) -> None:
        """Each thread's own connection writes ahead, syncs every commit, checks references and waits."""
        together = Barrier(2, timeout=LONG / 2)

        def pragmas(txn: Transaction) -> dict[str, Any]:
            together.wait()
            found = {}
            for pragma in WANTED:
                txn.execute(f"PRAGMA {pragma}")
                found[pragma] = txn.fetchone()[0]
            return found

        found = await gatherResults([self.started(pragmas), self.started(pragmas)])
        self.assertEqual(found, [WANTED, WANTED])

    async def test_files_are_for_their_owner_alone(self) -> None:
        """What the pool writes beside the database is 0600 as the database is."""
        await self.pool.run(self.queries.add, "anna", b"anna", "hash", 1, b"n")
        modes = {path.name: S_IMODE(path.stat().st_mode) for path in self.directory.iterdir()}
        self.assertEqual(set(modes.values()), {0o600}, modes)
        self.assertIn(ACCOUNTS_FILE, modes)

    # What waits ---------------------------------------------------------------

    async def test_too_many_are_refused_at_once(self) -> None:
        """With MAX_WAITING under way one more is refused without waiting; those are answered, and then it goes on."""
        gate = Event()
        self.addCleanup(gate.set)

        def blocked(txn: Transaction) -> int:
            if not gate.wait(LONG):
                raise AssertionError("the gate was never opened")
            return nothing(txn)

        under_way = [self.started(blocked) for _ in range(MAX_WAITING)]
        with capturedLogs() as events:
            refused = self.failureResultOf(self.started(nothing), AccountsUnavailable)
        self.assertEqual(refused.value.code, 480)
        self.assertEqual(told(events), [], "a crowd is not an outage")
        gate.set()
        self.assertEqual(await gatherResults(under_way), [1] * MAX_WAITING)
        self.assertEqual(await self.pool.run(nothing), 1)

    async def test_failed_queries_do_not_count_as_waiting(self) -> None:
        """Failures free their place: more than MAX_WAITING of them leave the pool usable."""
        for _ in range(4):
            failing = [self.started(broken) for _ in range(MAX_WAITING // 2)]
            for query in failing:
                await self.assertFailure(query, StoreUnavailable)
        self.assertEqual(await self.pool.run(nothing), 1)

    # Trouble --------------------------------------------------------------------

    async def test_outage_is_logged_once(self) -> None:
        """Every query of an outage fails as StoreUnavailable; the log has one warning and one line when it is over."""
        self.patch(pool, "_CALM", 0.0)
        with capturedLogs() as events:
            for _ in range(5):
                with self.assertRaises(StoreUnavailable) as caught:
                    await self.pool.run(broken)
                self.assertEqual(caught.exception.code, 480)
                self.assertIsInstance(caught.exception.__cause__, sqlite3.Error)
            self.assertEqual(told(events), [LogLevel.warn])
            for _ in range(3):
                await self.pool.run(nothing)
        self.assertEqual(told(events), [LogLevel.warn, LogLevel.info])

    async def test_each_outage_is_logged(self) -> None:
        """A second outage, after the store worked again, has lines of its own."""
        self.patch(pool, "_CALM", 0.0)
        with capturedLogs() as events:
            for _ in range(2):
                for _ in range(2):
                    with self.assertRaises(StoreUnavailable):
                        await self.pool.run(broken)
                await self.pool.run(nothing)
        self.assertEqual(told(events), [LogLevel.warn, LogLevel.info] * 2)

    async def test_outage_of_some_is_logged_once(self) -> None:
        """Where some queries fail and others do not, as on a full disk, there are not two lines for each of them."""
        with capturedLogs() as events:
            for _ in range(5):
                with self.assertRaises(StoreUnavailable):
                    await self.pool.run(broken)
                await self.pool.run(nothing)
            self.assertEqual((told(events), self.pool.failing), ([LogLevel.warn], True))
            self.patch(pool, "_CALM", 0.0)
            await self.pool.run(nothing)
        self.assertEqual((told(events), self.pool.failing), ([LogLevel.warn, LogLevel.info], False))

    async def test_warning_says_why(self) -> None:
        """The administrator reads what SQLite said; the client does not."""
        with capturedLogs() as events, self.assertRaises(StoreUnavailable) as caught:
            await self.pool.run(broken)
        warnings = [event for event in events if event.get("log_namespace") == "dictd.store.pool.Pool"]
        self.assertIn("a_table_that_is_not_there", warnings[0]["error"])
        self.assertNotIn("a_table_that_is_not_there", caught.exception.text)

    async def test_locked_database_is_unavailable_and_heals(self) -> None:
        """While another program holds the write lock writes fail as StoreUnavailable, and afterwards work again."""

        def impatient(txn: Transaction) -> None:
            txn.execute("PRAGMA busy_timeout = 1")
            self.queries.add(txn, "anna", b"anna", "hash", 1, b"n")

        other = connect(self.directory / ACCOUNTS_FILE, "accounts")
        self.addCleanup(other.close)
        SQLITE.begin(other.cursor())
        with self.assertRaises(StoreUnavailable):
            await self.pool.run(impatient)
        other.rollback()
        await self.pool.run(impatient)
        self.assertEqual(self.names(), ["anna"])

    async def test_file_that_cannot_be_opened_is_unavailable(self) -> None:
        """A thread whose connection cannot be made reports it like any other outage."""
        self.remove_files()
        with self.assertRaises(StoreUnavailable):
            await self.pool.run(nothing)

    # The end ----------------------------------------------------------------------

    async def test_closed_pool_refuses(self) -> None:
        """A query asked of a closed pool is refused at once instead of never being answered."""
        pool = self.pool
        self.close()
        self.failureResultOf(self.started(nothing, pool=pool), AccountsUnavailable)

    async def test_queries_under_way_are_answered(self) -> None:
        """Queries asked before the pool is closed still run and are answered, those in line too."""
        await self.pool.run(nothing)  # the threads start when the reactor does
        under_way = [self.started(nothing) for _ in range(20)]
        self.close()
        self.assertEqual(await gatherResults(under_way), [1] * 20)

    async def test_closing_leaves_no_connection(self) -> None:
        """After closing nobody has the file open: the log SQLite writes ahead is folded in and gone."""
        await self.pool.run(self.queries.add, "anna", b"anna", "hash", 1, b"n")
        self.connection.close()
        self.close()
        self.assertEqual([path.name for path in self.directory.iterdir()], [ACCOUNTS_FILE])
