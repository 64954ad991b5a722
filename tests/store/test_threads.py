"""Connections that die, statements that are lost, threads that hang: on a real MariaDB."""

from __future__ import annotations

import signal
import time

from twisted.internet.defer import gatherResults

from dictd.errors import StoreUnavailable
from dictd.store import pool as pools
from dictd.store import threads
from tests.store.pools import SHORT, PoolCase, read, slow, victim, who, write, write_once
from tests.support import mariadb
from tests.support.tcpproxy import Wire


class Stale(PoolCase):
    """Connections that are dead before they are used again."""

    async def test_server_killed_between(self) -> None:
        """After kill -9 and a new start the first query of each thread succeeds."""
        address = self.made(victim())
        pool = self.opened(address)
        first = await self.everywhere(pool)
        self.server.kill()
        self.server.launch()
        self.assertEqual(len(set(await self.everywhere(pool))), len(first))
        await pool.run(write, 1)
        self.assertEqual((self.count(), self.lines()), (1, []))

    async def test_idle_connections_are_asked(self) -> None:
        """The same where nobody has found out yet, and the query may not run twice."""
        self.patch(threads, "_IDLE", 0.0)
        pool = self.opened(self.made(mariadb.shared()), connections=1)
        for number in range(3):
            self.server.rows("", f"KILL {await pool.run(who)}")
            await pool.run(write, number)
        self.assertEqual((self.count(), self.lines()), (3, []))

    async def test_connection_killed_by_the_server(self) -> None:
        """A connection that was used just now is not asked whether it lives: the query is asked again."""
        pool = self.opened(self.made(mariadb.shared()), connections=1)
        for query in (write, write_once):
            for number in range(3):
                self.server.rows("", f"KILL {await pool.run(who)}")
                await pool.run(query, number)
        self.assertEqual((self.count("made"), self.count("known"), self.lines()), (3, 3, []))

    async def test_one_found_dead_makes_others_asked(self) -> None:
        """When one connection is found dead, those of other threads are asked before they are used."""
        pool = self.opened(self.made(mariadb.shared()))
        for connection in await self.everywhere(pool):
            self.server.rows("", f"KILL {connection}")
        asked = []
        real = pool._threads._database.alive

        def alive(connection: object) -> bool:
            asked.append(connection)
            return real(connection)

        self.patch(type(pool._threads._database), "alive", lambda _, connection: alive(connection))
        await pool.run(read)
        await self.everywhere(pool, query=read)
        self.assertGreaterEqual(len(set(map(id, asked))), 4 - 1)

    async def test_silent_for_too_long(self) -> None:
        """The server has closed connections that nobody used."""
        pool = self.opened(self.made(mariadb.shared()))
        self.patch(threads, "_IDLE", 0.0)

        def impatient(txn: pools.Transaction) -> int:
            txn.execute("SET SESSION wait_timeout = 1")
            return who(txn)

        (connection,) = await self.everywhere(pool, 1, impatient)
        await self.until(
            "the server to close it",
            lambda: not self.server.rows("", "SELECT 1 FROM information_schema.processlist WHERE id = %s", connection),
        )
        await pool.run(write, 1)
        self.assertEqual((self.count(), self.lines()), (1, []))


class Lost(PoolCase):
    """Statements that are lost on their way, or whose answers are."""

    def wired(self, **settings: float) -> pools.Pool:
        """A pool behind a wire."""
        self.made(mariadb.shared(tcp=True))
        self.wire = Wire.to(self.server.port, self)
        return self.opened(self.server.url(self.name, port=self.wire.port), connections=1, **settings)

    async def test_question_lost(self) -> None:
        """A statement that has not come through is asked again, whatever it is, once."""
        pool = self.wired()
        self.wire.lose_question(b"INSERT INTO made (number) VALUES (1)")
        await pool.run(write, 1)
        self.assertEqual((self.count(), self.wire.lost), (1, 1))
        self.wire.lose_question(b"INSERT INTO made (number) VALUES (2)", times=2)
        await self.refused(pool, write, 2)
        self.assertEqual((self.count(), self.wire.lost), (1, 3))

    async def test_answer_lost(self) -> None:
        """Before its COMMIT nothing has happened: it is asked again and is there once."""
        pool = self.wired()
        self.wire.lose_answer_to(b"INSERT INTO made (number) VALUES (1)")
        await pool.run(write, 1)
        self.assertEqual((self.count(), self.wire.lost), (1, 1))

    async def test_commit_lost(self) -> None:
        """What may run twice runs again: its row is there once."""
        pool = self.wired()
        self.wire.lose_answer_to(b"COMMIT")
        await pool.run(write_once, 1)
        self.assertEqual((self.count("known"), self.wire.lost, self.lines()), (1, 1, []))

    async def test_commit_lost_for_ever(self) -> None:
        """It runs again once, and then nobody knows."""
        pool = self.wired()
        self.wire.lose_answer_to(b"COMMIT", times=2)
        await self.refused(pool, write_once, 1)
        self.assertEqual((self.count("known"), self.wire.lost), (1, 2))

    async def test_commit_lost_of_what_runs_once(self) -> None:
        """What may not run twice is not run again: the store is unavailable, and the row is there, once."""
        pool = self.wired()
        self.wire.lose_answer_to(b"COMMIT")
        await self.refused(pool, write, 1)
        self.assertEqual((self.count(), self.wire.lost), (1, 1))
        await pool.run(write, 2)
        self.assertEqual(self.count(), 2)

    async def test_commit_not_come_through(self) -> None:
        """The same where the COMMIT was lost itself, for nobody can tell; the row is not there."""
        pool = self.wired()
        self.wire.lose_question(b"COMMIT")
        await self.refused(pool, write, 1)
        self.assertEqual((self.count(), self.wire.lost), (0, 1))

    async def test_read_time_out(self) -> None:
        """Whoever has waited as long as may be is not asked again, also where that may be."""
        pool = self.wired(answer_seconds=5.0)
        await pool.run(read)
        used = pool._threads._ours.values()
        for one in used:
            one.connection.patient(SHORT)
        self.wire.stall()
        took = await self.refused(pool, read)
        self.assertGreater(took, SHORT * 0.9)
        self.assertLess(took, SHORT * 2)
        self.assertEqual(len(self.lines()), 1)
        self.assertIn("timed out", self.lines()[0])

    async def test_killed_in_the_middle(self) -> None:
        """A connection that is killed while a statement runs: it is asked again."""
        pool = self.opened(self.made(mariadb.shared()))
        asked = self.started(pool, slow, 0.5)
        (connection,) = await self.running()
        self.server.rows("", f"KILL {connection}")
        await self.running()
        await asked
        self.assertEqual(self.lines(), [])

    async def test_server_killed_in_the_middle(self) -> None:
        """Whoever is asked just then is told at once, and when the server is back the next succeeds."""
        pool = self.opened(self.made(victim()))
        asked = [self.started(pool, slow) for _ in range(3)]
        await self.running(count=3)
        self.server.kill()
        for one in asked:
            await self.assertFailure(one, StoreUnavailable)
        self.server.launch()
        await self.until("the store", lambda: not pool.failing)
        await pool.run(write, 1)
        self.assertEqual([line.split(":")[0] for line in self.lines()], ["warn", "info"])

    async def test_in_order(self) -> None:
        """A server that is ended in order is no other trouble."""
        pool = self.opened(self.made(victim()))
        await self.everywhere(pool)
        self.server.kill(signal.SIGTERM)
        await self.refused(pool)
        self.server.launch()
        await self.until("the store", lambda: not pool.failing)
        await self.everywhere(pool)


class Hanging(PoolCase):
    """Servers that take a question and say nothing."""

    def hung(self, **settings: float) -> pools.Pool:
        """A pool on a server that a test may stop."""
        address = self.made(victim())
        return self.opened(address, answer_seconds=SHORT, **settings)

    async def test_threads_are_free_again(self) -> None:
        """After the time for an answer no thread waits any more, and nothing of what stood in line is begun."""
        pool = self.hung()
        await self.everywhere(pool)
        self.server.stop_answering()
        begun = time.monotonic()
        asked = [self.started(pool, write, 1) for _ in range(pools.MAX_WAITING)]
        for one in asked:
            await self.assertFailure(one, StoreUnavailable)
        self.assertLess(time.monotonic() - begun, SHORT + 0.4)
        self.assertLess(await self.until("the threads", lambda: pool.busy <= 1), 0.3)  # a probe perhaps
        self.server.go_on()
        await self.until("the store", lambda: not pool.failing)
        self.assertEqual(self.count(), 0)

    async def test_closed_meanwhile(self) -> None:
        """The pool ends soon, the second time at once, and whoever waits is told."""
        pool = self.hung()
        await self.everywhere(pool)
        self.server.stop_answering()
        asked = [self.started(pool, read) for _ in range(20)]
        begun = time.monotonic()
        pool.close()
        self.assertLess(time.monotonic() - begun, SHORT + 0.5)
        pool.close()
        self.assertEqual([one for one in pool._threads.threadpool.threads if one.is_alive()], [])
        for one in asked:
            await self.assertFailure(one, StoreUnavailable)
        self.assertEqual(self.lines(), [])

    async def test_closed_while_it_connects(self) -> None:
        """The same where the threads have no connection yet."""
        pool = self.hung(connect_seconds=30.0)
        self.server.stop_answering()
        asked = [self.started(pool, read) for _ in range(20)]
        await self.until("the first to begin", lambda: len(pool._threads._asked) == 4)
        begun = time.monotonic()
        pool.close()
        self.assertLess(time.monotonic() - begun, SHORT + 0.5)
        for one in asked:
            await self.assertFailure(one, StoreUnavailable)

    async def test_closed_in_peace(self) -> None:
        """Where the server answers, what is under way or in line is done first."""
        address = self.made(mariadb.shared())
        pool = self.opened(address)
        asked = [self.started(pool, write, number) for number in range(40)]
        await self.until("the first", lambda: self.count() > 0)
        pool.close()
        await gatherResults(asked)
        self.assertEqual(self.count(), 40)
