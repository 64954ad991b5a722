"""Several hosts: the next one serves when one does not, and nobody goes back by himself."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import gatherResults

from dictd.store import threads
from dictd.store.pool import Pool
from tests.store.pools import SHORT, PoolCase, read, restore, victim, write
from tests.support.mariadb import MariaDB
from tests.support.tcpproxy import Wire


class Failover(PoolCase):
    """Two servers that know nothing of each other, each with a database of the same name."""

    def setUp(self) -> None:
        """Empty tables on both."""
        super().setUp()
        self.both = [victim(number) for number in range(2)]
        self.server, self.name = self.both[0], "cluster"
        for server in self.both:
            self.addCleanup(restore, server)
            server.grant("plain")
            server.rows("", f"CREATE OR REPLACE DATABASE {self.name}")
            self.tables(server, self.name)

    def cluster(self, *ports: int, **settings: float) -> Pool:
        """A pool on both, in this order."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports or [server.port for server in self.both])
        return self.opened(f"mysql://plain@{hosts}/{self.name}", **settings)

    def rows(self) -> list[int]:
        """How many rows each has."""
        return [server.rows(self.name, "SELECT count(*) FROM made")[0][0] for server in self.both]

    async def sticks(self, pool: Pool, back: Callable[[], None]) -> None:
        """When the first is back nobody goes there, and the log has told of one change."""
        back()
        self.patch(threads, "_IDLE", 0.0)
        before = self.rows()
        for number in range(3):
            await pool.run(write, number)
        await self.everywhere(pool)
        self.assertEqual(self.rows(), [before[0], before[1] + 3])
        self.assertEqual(len([line for line in self.lines() if "is asked from now on" in line]), 1)

    async def test_first_is_first(self) -> None:
        """While all is well the first serves everybody."""
        pool = self.cluster()
        await self.everywhere(pool)
        await pool.run(write, 1)
        self.assertEqual((self.rows(), self.lines()), ([1, 0], []))

    async def test_killed(self) -> None:
        """After kill -9 of the first the next query of each thread succeeds, on the second."""
        pool = self.cluster()
        await self.everywhere(pool)
        self.both[0].kill()
        await gatherResults([self.started(pool, write, number) for number in range(8)])
        self.assertEqual(self.both[1].rows(self.name, "SELECT count(*) FROM made"), [(8,)])
        await self.sticks(pool, self.both[0].launch)
        self.assertEqual(len(self.lines()), 1)

    async def test_refused_at_the_beginning(self) -> None:
        """The first is not there when the process starts."""
        wire = Wire.to(self.both[0].port, self)
        wire.refuse()
        pool = self.cluster(wire.port, self.both[1].port)
        await pool.run(write, 1)
        self.assertEqual(self.rows(), [0, 1])
        await self.sticks(pool, wire.listen)

    async def test_too_many_connections(self) -> None:
        """The first has no room."""
        full = MariaDB.started(self, ("--max-connections=10",), tcp=True)
        full.grant("plain")
        full.rows("", f"CREATE DATABASE {self.name}")
        taken = self.opened(full.url(self.name, user="plain"), connections=10)
        await self.everywhere(taken, 10)
        pool = self.cluster(full.port, self.both[1].port)
        await pool.run(write, 1)
        self.assertEqual(self.rows(), [0, 1])

    async def test_read_only(self) -> None:
        """The first takes no writes any more: they go to the second, and soon reads do too."""
        pool = self.cluster()
        await self.everywhere(pool)
        self.both[0].rows("", "SET GLOBAL read_only = 1")
        await gatherResults([self.started(pool, write, number) for number in range(8)])
        self.assertEqual(self.rows(), [0, 8])

        def port(txn: threads.Any) -> int:
            txn.execute("SELECT @@port")
            return int(txn.fetchone()[0])

        self.assertEqual(set(await self.everywhere(pool, query=port)), {self.both[1].port})
        await self.sticks(pool, partial(restore, self.both[0]))

    async def test_read_only_at_the_beginning(self) -> None:
        """A first that only reads is passed over while another writes."""
        self.both[0].rows("", "SET GLOBAL read_only = 1")
        pool = self.cluster()
        await pool.run(read)
        await pool.run(write, 1)
        self.assertEqual(self.rows(), [0, 1])

    async def test_all_read_only(self) -> None:
        """Reads go on, writes are refused, the log is not flooded; when one writes again it serves."""
        for server in self.both:
            server.rows("", "SET GLOBAL read_only = 1")
        pool = self.cluster()
        for number in range(6):
            self.assertEqual(await pool.run(read), 1)
            await self.refused(pool, write, number)
        self.assertFalse(pool._breaker.open)
        self.assertEqual(len(self.lines()), 1)
        self.both[1].rows("", "SET GLOBAL read_only = 0")
        await pool.run(write, 1)
        self.assertEqual(self.rows(), [0, 1])

    async def test_stopped(self) -> None:
        """The first hangs: after the time for an answer the second is asked, by all threads."""
        pool = self.cluster(answer_seconds=SHORT)
        await self.everywhere(pool)
        self.both[0].stop_answering()
        await self.refused(pool)
        begun = time.monotonic()
        await gatherResults([self.started(pool, write, number) for number in range(8)])
        self.assertLess(time.monotonic() - begun, SHORT)
        self.assertEqual(self.both[1].rows(self.name, "SELECT count(*) FROM made"), [(8,)])
        await self.sticks(pool, self.both[0].go_on)

    async def test_stopped_at_the_beginning(self) -> None:
        """The first hangs when we come: it is given up, and the second asked next."""
        self.both[0].stop_answering()
        pool = self.cluster(answer_seconds=SHORT)
        await self.refused(pool)
        await pool.run(write, 1)
        self.both[0].go_on()
        self.assertEqual(self.rows(), [0, 1])

    async def test_last_of_three(self) -> None:
        """One refuses, one hangs: the third serves."""
        wire = Wire.to(self.both[0].port, self)
        wire.refuse()
        self.both[0].stop_answering()
        pool = self.cluster(wire.port, self.both[0].port, self.both[1].port, answer_seconds=SHORT)
        await self.refused(pool)
        await pool.run(write, 1)
        self.both[0].go_on()
        self.assertEqual(self.rows(), [0, 1])

    async def test_waiting_is_no_silence(self) -> None:
        """Who waits for a lock until his time is over has not been left alone by the server."""
        self.both[0].rows(self.name, "INSERT INTO known VALUES (1)")
        pool = self.cluster(answer_seconds=1.3)
        other = self.both[0].root(self.name)
        self.addCleanup(other.close)
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM known FOR UPDATE")

        def wait(txn: threads.Any) -> None:
            txn.execute("UPDATE known SET number = 2")

        await self.refused(pool, wait)
        await pool.run(write, 1)
        self.assertEqual(self.rows(), [1, 0])
