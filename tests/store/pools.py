"""Pools on a real MariaDB, with the real reactor and its threads."""

from __future__ import annotations

import atexit
import functools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Barrier
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from dictd.errors import StoreUnavailable
from dictd.sections import Store
from dictd.store import databases
from dictd.store import pool as pools
from dictd.store.dialect import Transaction, repeatable
from dictd.store.pool import Pool, open_pool
from dictd.storeurl import StoreURL
from tests.store.databases import fresh_mysql
from tests.support import mariadb

#: Nothing here takes so long: who waits longer waits for ever.
LONG = 20.0
#: Time for an answer where a test waits until it has passed.
SHORT = 0.3


@functools.cache
def victim(number: int = 0) -> mariadb.MariaDB:
    """A server that a test may kill and stop; it serves again when the test has ended."""
    server = mariadb.MariaDB.started(tcp=True)
    atexit.register(server.stop)
    return server


def restore(server: mariadb.MariaDB) -> None:
    """Whatever was done to it, it serves again."""
    if server.process.poll() is not None:
        server.launch()
    server.go_on()
    server.rows("", "SET GLOBAL read_only = 0")


@repeatable
def read(txn: Transaction) -> int:
    """A query that succeeds."""
    txn.execute("SELECT 1")
    return int(txn.fetchone()[0])


def write(txn: Transaction, number: int) -> None:
    """A query that may not run twice: it adds a row each time."""
    txn.execute("INSERT INTO made (number) VALUES (%s)", (number,))


@repeatable
def write_once(txn: Transaction, number: int) -> None:
    """A query that may: the row is there once."""
    txn.execute("INSERT INTO known (number) VALUES (%s) ON DUPLICATE KEY UPDATE number = number", (number,))


def who(txn: Transaction) -> int:
    """The number of the connection at the server."""
    txn.execute("SELECT connection_id()")
    return int(txn.fetchone()[0])


def slow(txn: Transaction, seconds: float = LONG) -> None:
    """A query that takes its time in the server."""
    txn.execute("SELECT sleep(%s)", (seconds,))


def lines(events: Sequence[LogEvent]) -> list[str]:
    """What the store has logged."""
    return [
        f"{event['log_level'].name}: {formatEvent(event)}"
        for event in events
        if str(event.get("log_namespace")).startswith("dictd.store")
    ]


class PoolCase(TestCase):
    """Pools that end with the test, leave no thread behind, and log no error."""

    timeout = LONG * 2
    server: mariadb.MariaDB
    name: str
    #: How often a store that failed is asked, seconds.
    probe = 0.05

    def setUp(self) -> None:
        """Watch the log and the threads."""
        self.patch(pools, "PROBE", self.probe)
        before = set(threading.enumerate())
        self.addCleanup(lambda: self.assertEqual(self.flushLoggedErrors(), []))
        self.addCleanup(lambda: self.assertEqual(self.threads(before), [], "threads are left"))
        captured = capturedLogs()
        self.events = captured.__enter__()
        self.addCleanup(captured.__exit__, None, None, None)

    def threads(self, before: set[threading.Thread]) -> list[threading.Thread]:
        """Those of pools that have come since."""
        return [one for one in threading.enumerate() if one not in before and "PoolThread" in one.name]

    def made(self, server: mariadb.MariaDB) -> str:
        """The URL of a database with tables of our own."""
        self.server = server
        address = fresh_mysql(self, server, tables=False)
        self.addCleanup(restore, server)
        self.name = StoreURL.parse(address).database
        self.tables(server, self.name)
        return address

    def tables(self, server: mariadb.MariaDB, name: str) -> None:
        """What the queries here write to."""
        server.rows(name, "CREATE TABLE made (number INT NOT NULL) ENGINE = InnoDB")
        server.rows(name, "CREATE TABLE known (number INT NOT NULL PRIMARY KEY) ENGINE = InnoDB")

    def opened(self, address: str, **settings: Any) -> Pool:
        """A pool on a database."""
        pool = open_pool(databases.database(Store(url=address, **settings), Path()), "accounts", reactor)
        self.addCleanup(pool.close)
        return pool

    def started(self, pool: Pool, query: Any, *args: Any) -> Deferred[Any]:
        """A query that is under way."""
        return Deferred.fromCoroutine(pool.run(query, *args))

    async def everywhere(self, pool: Pool, count: int = 4, query: Callable[[Transaction], Any] = who) -> list[Any]:
        """Ask on so many threads at once."""
        together = Barrier(count, timeout=LONG)

        def ask(txn: Transaction) -> Any:
            together.wait()
            return query(txn)

        asked: list[Any] = await gatherResults([self.started(pool, repeatable(ask)) for _ in range(count)])
        return asked

    async def refused(self, pool: Pool, query: Any = read, *args: Any) -> float:
        """Ask in vain; how long that took, seconds."""
        begun = time.monotonic()
        with self.assertRaises(StoreUnavailable):
            await pool.run(query, *args)
        return time.monotonic() - begun

    async def until(self, what: str, happened: Callable[[], bool]) -> float:
        """Let the reactor run until something has happened; how long that took, seconds."""
        begun = time.monotonic()
        while not happened():
            self.assertLess(time.monotonic() - begun, LONG, f"waited for {what}")
            await deferLater(reactor, 0.005)
        return time.monotonic() - begun

    async def running(self, what: str = "sleep", count: int = 1) -> list[int]:
        """Wait until so many statements run in the server; their connections."""
        found: list[int] = []

        def there() -> bool:
            found[:] = [
                row[0]
                for row in self.server.rows(
                    "",
                    "SELECT id FROM information_schema.processlist WHERE info LIKE %s AND id <> connection_id()",
                    f"%{what}%",
                )
            ]
            return len(found) >= count

        await self.until(f"{count} times {what}", there)
        return found

    def count(self, table: str = "made") -> int:
        """How many rows there are."""
        return int(self.server.rows(self.name, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - ours

    def lines(self) -> list[str]:
        """What the store has logged so far."""
        return lines(self.events)
