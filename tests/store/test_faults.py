"""What the errors of a database mean, and what is made of them."""

from __future__ import annotations

import sqlite3
from threading import Barrier

import pymysql
from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import NameTaken, StoreUnavailable
from dictd.store import pool as pools
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import MYSQL, Transaction
from dictd.store.faults import Fault, code_of, fault_of, told
from dictd.store.leases import LeaseQueries
from tests.store.databases import make_tables
from tests.store.pools import LONG, PoolCase, read, slow, victim, who, write
from tests.support.mariadb import shared

_Operational = pymysql.err.OperationalError


class Kinds(SynchronousTestCase):
    """Which is which."""

    def test_of_mysql(self) -> None:
        """Every error of the notes, as PyMySQL raises it."""
        lost = "Lost connection to MySQL server during query"
        for fault, errors in {
            Fault.LOST: (
                _Operational(2013, lost),
                _Operational(2013, f"{lost} ([Errno 104] Connection reset by peer)"),
                _Operational(2006, "MySQL server has gone away (BrokenPipeError(32, 'Broken pipe'))"),
                _Operational(1927, "Connection was killed"),
                _Operational(1053, "Server shutdown in progress"),
                pymysql.err.InterfaceError(0, ""),
                pymysql.err.InternalError(1927, "Connection was killed"),
                pymysql.err.Error("Already closed"),
            ),
            Fault.SLOW: (
                _Operational(2013, f"{lost} (timed out)"),
                _Operational(2013, f"{lost} (The read operation timed out)"),
                _Operational(2006, "MySQL server has gone away (TimeoutError('timed out'))"),
                _Operational(2003, "cannot connect to db:3306: timed out"),
            ),
            Fault.ELSEWHERE: (
                _Operational(2003, "cannot connect to db:3306: [Errno 111] Connection refused"),
                _Operational(1040, "Too many connections"),
                _Operational(1047, "WSREP has not yet prepared node for application use"),
                _Operational(1290, "running with the --read-only option"),
            ),
            Fault.AGAIN: (_Operational(1205, "Lock wait timeout"), _Operational(1213, "Deadlock found")),
            Fault.AWAY: (
                _Operational(1317, "Query execution was interrupted"),
                _Operational(1045, "Access denied"),
                _Operational(1114, "The table is full"),
                _Operational(1180, "Got error 6 during COMMIT"),
                _Operational(2026, "the certificate is not good"),
            ),
            Fault.OURS: (
                pymysql.err.IntegrityError(1062, "Duplicate entry"),
                pymysql.err.DataError(1406, "Data too long"),
                pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax"),
            ),
        }.items():
            for error in errors:
                self.assertIs(fault_of(error), fault, repr(error))

    def test_of_sqlite(self) -> None:
        """A file is full, or locked, or not there; a wrong call is our fault."""
        self.assertIs(fault_of(sqlite3.OperationalError("database or disk is full")), Fault.AWAY)
        self.assertIs(fault_of(sqlite3.ProgrammingError("wrong number")), Fault.OURS)

    def test_told(self) -> None:
        """In words, with the number where there is one."""
        self.assertEqual(told(_Operational(1040, "Too many connections")), "Too many connections (1040)")
        self.assertEqual(told(_Operational(-1, "it is not strict")), "it is not strict")
        self.assertEqual(told(sqlite3.OperationalError("disk is full")), "disk is full")
        self.assertEqual(
            (code_of(_Operational(1040, "")), code_of(sqlite3.Error("x")), code_of(Exception())), (1040, -1, -1)
        )


class Locks(PoolCase):
    """Transactions that are in each other's way."""

    def table(self, txn: Transaction, number: int) -> None:
        """Lock one of two rows."""
        txn.execute("UPDATE known SET number = number WHERE number = %s", (number,))

    async def test_deadlock(self) -> None:
        """Two that wait for each other: one is rolled back and begins again, and both are done, once."""
        pool = self.opened(self.made(shared()))
        self.server.rows(self.name, "INSERT INTO known VALUES (1), (2)")
        together, tries = Barrier(2, timeout=LONG), []

        def cross(txn: Transaction, first: int, second: int) -> None:
            tries.append(first)
            write(txn, first)
            self.table(txn, first)
            if len(tries) <= 2:
                together.wait()
            self.table(txn, second)

        await gatherResults([self.started(pool, cross, 1, 2), self.started(pool, cross, 2, 1)])
        self.assertEqual(len(tries), 3)
        self.assertEqual(self.server.rows(self.name, "SELECT number FROM made ORDER BY number"), [(1,), (2,)])
        self.assertEqual(self.lines(), [])

    async def test_lock_waited_for(self) -> None:
        """A lock that is not had in a second: everything is rolled back, not the statement alone, and begun again."""
        pool = self.opened(self.made(shared()), answer_seconds=10.0)
        self.server.rows(self.name, "INSERT INTO known VALUES (1)")
        other = self.server.root(self.name)
        self.addCleanup(other.close)
        other.begin()
        with other.cursor() as cursor:
            cursor.execute("UPDATE known SET number = number WHERE number = 1")
        tries = []

        def wait(txn: Transaction) -> None:
            tries.append(1)
            write(txn, len(tries))
            if len(tries) == 2:
                other.rollback()
            self.table(txn, 1)

        await pool.run(wait)
        self.assertEqual((len(tries), self.server.rows(self.name, "SELECT number FROM made")), (2, [(2,)]))
        self.assertEqual(self.lines(), [])

    async def test_never_had(self) -> None:
        """After four times it is enough; the breaker does not open for it."""
        pool = self.opened(self.made(shared()))
        tries = []

        def deadlock(txn: Transaction) -> None:
            tries.append(1)
            write(txn, 1)
            raise _Operational(1213, "Deadlock found")

        for _ in range(4):
            await self.refused(pool, deadlock)
        self.assertEqual((len(tries), self.count(), await pool.run(read)), (16, 0, 1))

    async def test_numbers_taken_at_once(self) -> None:
        """Workers that all begin at the same moment, each with a pool: each has a number of its own."""
        address = self.made(shared())
        make_tables(address)
        queries, workers = LeaseQueries(MYSQL), [self.opened(address) for _ in range(4)]
        taken = await gatherResults(
            [
                self.started(pool, queries.take, f"{index} {number}", 0)
                for index, pool in enumerate(workers)
                for number in range(8)
            ]
        )
        self.assertEqual(sorted(taken), list(range(32)))


class Partly(PoolCase):
    """A database that does some of what it is asked."""

    async def test_read_only(self) -> None:
        """Reads go on, writes are refused, and nothing else is; afterwards it works again, without a new start."""
        self.patch(pools, "PROBE", 20.0)  # its answer would hide what is counted
        self.made(victim())
        self.server.grant("plain")
        pool = self.opened(self.server.url(self.name, user="plain"))
        await self.everywhere(pool)
        self.server.rows("", "SET GLOBAL read_only = 1")
        for number in range(6):
            await self.refused(pool, write, number)
        self.assertFalse(pool._breaker.open)
        for number in range(3):
            self.assertEqual(await pool.run(read), 1)
            await self.refused(pool, write, number)
        self.assertEqual(len(self.lines()), 1)
        self.server.rows("", "SET GLOBAL read_only = 0")
        await pool.run(write, 1)
        self.assertEqual((self.count(), len(self.lines())), (1, 1))

    async def test_query_killed(self) -> None:
        """A statement that an administrator ends is refused, and its connection stays."""
        pool = self.opened(self.made(shared()), connections=1)
        asked = self.started(pool, slow)
        (connection,) = await self.running()
        self.server.rows("", f"KILL QUERY {connection}")
        await self.assertFailure(asked, StoreUnavailable)
        self.assertEqual(await pool.run(who), connection)
        self.assertFalse(pool._breaker.open)

    async def test_our_faults(self) -> None:
        """What is no fault of the database comes through as it is, nothing is kept, and no outage is told."""
        address = self.made(shared())
        make_tables(address)
        pool = self.opened(address)

        def twice(txn: Transaction) -> None:
            for _ in range(2):
                txn.execute("INSERT INTO known VALUES (1)")

        with self.assertRaises(pymysql.err.IntegrityError):
            await pool.run(twice)
        queries = AccountQueries(MYSQL)
        await pool.run(queries.add, "anna", b"anna", "hash", 0, b"mine")
        with self.assertRaises(NameTaken):
            await pool.run(queries.add, "anna", b"anna", "hash", 0, b"his")
        self.assertEqual((self.count("known"), pool.failing, self.lines()), (0, False, []))
