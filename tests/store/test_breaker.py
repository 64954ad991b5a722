"""The breaker and the probe: a database that is away is refused at once, and is found to be back by itself."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import StoreUnavailable
from dictd.store.breaker import Breaker
from dictd.store.dialect import SQLITE
from dictd.store.pool import Pool
from tests.store.pools import SHORT, PoolCase, read, victim, write
from tests.support.mariadb import MariaDB, shared
from tests.support.tcpproxy import Wire


class Breakers(SynchronousTestCase):
    """When one opens."""

    def test_failures_in_a_row(self) -> None:
        """The third opens it; one answer between begins anew."""
        breaker = Breaker()
        for slow in (False, True):
            for _ in range(1 if slow else 2):
                breaker.failed(slow)
                self.assertFalse(breaker.open)
            breaker.succeeded()
        for wanted in (False, False, True, True):
            breaker.failed(slow=False)
            self.assertEqual(breaker.open, wanted)
        breaker.succeeded()
        self.assertFalse(breaker.open)

    def test_time_outs(self) -> None:
        """The second opens it."""
        breaker = Breaker()
        breaker.failed(slow=True)
        breaker.failed(slow=True)
        self.assertTrue(breaker.open)


class Threads:
    """Threads that answer when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Deferred[Any]]] = []
        self.given_up: list[Any] = []
        self.closed = 0

    def ask(self, question: Any) -> Deferred[Any]:
        """As the real ones."""
        question.reached = True
        self.asked.append((question, Deferred()))
        return self.asked[-1][1]

    def give_up(self, question: Any) -> None:
        """As the real ones."""
        self.given_up.append(question)

    def close(self) -> None:
        """As the real ones."""
        self.closed += 1


class Probes(SynchronousTestCase):
    """A pool on a clock, with threads that the test speaks for."""

    def setUp(self) -> None:
        """A pool that waits for two seconds."""
        self.clock, self.threads = Clock(), Threads()
        self.draws = 0.5
        self.pool = Pool(SQLITE, self.threads, self.clock, 2.0, lambda: self.draws)  # type: ignore[arg-type]
        self.back: list[float] = []
        self.pool.on_back.append(lambda: self.back.append(self.clock.seconds()))

    def ask(self) -> Deferred[Any]:
        """A query."""
        return Deferred.fromCoroutine(self.pool.run(read))

    def time_out(self) -> None:
        """A query that is not answered."""
        asked = self.ask()
        self.clock.advance(2.0)
        self.failureResultOf(asked, StoreUnavailable)

    def test_no_answer(self) -> None:
        """The thread is freed when the time is over, and what it answers then is nobody's."""
        asked = self.ask()
        self.clock.advance(1.99)
        self.assertNoResult(asked)
        self.clock.advance(0.02)
        self.failureResultOf(asked, StoreUnavailable)
        question, answer = self.threads.asked[0]
        self.assertEqual((self.threads.given_up, self.pool.busy), ([question], 1))
        answer.errback(ZeroDivisionError())
        self.assertEqual(self.pool.busy, 0)

    def test_cancelled(self) -> None:
        """Who waits no longer leaves no timer, and its thread is freed."""
        asked = self.ask()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertEqual((self.clock.getDelayedCalls(), len(self.threads.given_up)), ([], 1))
        self.threads.asked[0][1].callback(1)
        self.assertEqual((self.pool.busy, self.pool.failing), (0, False))

    def test_open(self) -> None:
        """After two time-outs nothing is asked any more, but a probe about once a second."""
        self.time_out()
        self.assertFalse(self.pool._breaker.open)
        self.time_out()
        before = len(self.threads.asked)
        for _ in range(100):
            self.failureResultOf(self.ask(), StoreUnavailable)
        self.assertEqual(len(self.threads.asked), before)

    def test_probes(self) -> None:
        """One at a time, each about a second after the end of the one before, until there is an answer."""
        self.time_out()
        wanted = 1.0
        for draw, wait in ((0.0, 0.8), (1.0, 1.2), (0.5, 1.0)):
            (timer,) = self.clock.getDelayedCalls()
            self.assertAlmostEqual(timer.getTime() - self.clock.seconds(), wanted)
            self.clock.advance(wanted)
            asked = len(self.threads.asked)
            self.draws, wanted = draw, wait
            self.clock.advance(2.0)
            self.assertEqual(len(self.threads.asked), asked)
        self.assertEqual(self.back, [])
        self.clock.advance(1.0)
        self.threads.asked[-1][1].callback(None)
        self.assertEqual((len(self.back), self.pool.failing, self.clock.getDelayedCalls()), (1, False, []))
        self.assertFalse(self.pool._breaker.open)

    def test_trouble_of_who_waits(self) -> None:
        """One that fails when the store is back does not keep the others from being called."""
        self.pool.on_back.insert(0, lambda: 1 // 0)  # type: ignore[arg-type]
        self.time_out()
        self.clock.advance(1.0)
        self.threads.asked[-1][1].callback(None)
        self.assertEqual(len(self.back), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_closed(self) -> None:
        """Nothing is asked after the end, whether a probe waits or is under way."""
        self.time_out()
        self.pool.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.pool.close()

    def test_closed_in_a_probe(self) -> None:
        """Its answer calls nobody, and there is no other."""
        self.time_out()
        self.clock.advance(1.0)
        self.pool.close()
        self.threads.asked[-1][1].callback(None)
        self.assertEqual((self.back, self.clock.getDelayedCalls()), ([], []))


class Away(PoolCase):
    """Databases that are away, for real."""

    probe = 1.0

    async def test_stopped(self) -> None:
        """SIGSTOP: in vain once for the whole time, then refused at once, and back by itself soon after SIGCONT."""
        pool = self.opened(self.made(victim()), answer_seconds=SHORT)
        await self.everywhere(pool)
        self.server.stop_answering()
        asked = [self.started(pool, read) for _ in range(4)]
        begun = time.monotonic()
        for one in asked:
            await self.assertFailure(one, StoreUnavailable)
        self.assertLess(time.monotonic() - begun, SHORT + 0.3)
        self.assertGreater(time.monotonic() - begun, SHORT - 0.05)
        for _ in range(200):
            self.assertLess(await self.refused(pool), 0.01)
        back: list[bool] = []
        pool.on_back.append(lambda: back.append(True))
        self.server.go_on()
        self.assertLess(await self.until("the store", lambda: not pool.failing), 1.2 + SHORT)
        self.assertEqual((await pool.run(read), back), (1, [True]))
        self.assertEqual([line.split(":")[0] for line in self.lines()], ["warn", "info"])

    async def test_refused(self) -> None:
        """Nobody listens: told in milliseconds, and after three at once; the lines of a whole outage are two."""
        self.made(shared(tcp=True))
        wire = Wire.to(self.server.port, self)
        wire.refuse()
        pool = self.opened(self.server.url(self.name, port=wire.port))
        for _ in range(3):
            self.assertLess(await self.refused(pool), 0.5)
        self.assertTrue(pool._breaker.open)
        for _ in range(20):
            self.assertLess(await self.refused(pool), 0.01)
        wire.listen()
        self.assertLess(await self.until("the store", lambda: not pool.failing), 1.5)
        self.assertEqual([line.split(":")[0] for line in self.lines()], ["warn", "info"])

    async def test_nobody_accepts(self) -> None:
        """A machine that is off: no longer than the time to connect, and no thread waits on."""
        self.made(shared(tcp=True))
        wire = Wire.to(self.server.port, self)
        wire.stall()
        pool = self.opened(self.server.url(self.name, port=wire.port), answer_seconds=SHORT, connect_seconds=30.0)
        self.assertLess(await self.refused(pool), SHORT + 0.3)
        self.assertLess(await self.until("the thread", lambda: not pool.busy), 0.3)
        wire.pass_all()
        self.assertLess(await self.until("the store", lambda: not pool.failing), 1.5)

    async def test_too_many_connections(self) -> None:
        """As if it were away; when there is room again it is back."""
        self.made(MariaDB.started(self, ("--max-connections=10",)))
        self.server.grant("plain")
        address = self.server.url(self.name, user="plain")
        first, second = self.opened(address, connections=10), self.opened(address)
        await self.everywhere(first, 10)
        for _ in range(3):
            await self.refused(second)
        self.assertLess(await self.refused(second), 0.01)
        self.assertIn("Too many connections (1040)", self.lines()[0])
        first.close()
        self.assertLess(await self.until("the store", lambda: not second.failing), 1.5)
        await second.run(write, 1)

    async def test_not_let_in(self) -> None:
        """A user who is not let in: it is not tried by everybody, and the password is told to nobody."""
        self.made(shared())
        self.server.grant("plain", "right")
        pool = self.opened(self.server.url(self.name, user="plain"), password="not the right one")  # noqa: S106
        for _ in range(3):
            with self.assertRaises(StoreUnavailable) as caught:
                await pool.run(read)
        self.assertTrue(pool._breaker.open)
        self.assertIn("Access denied", self.lines()[0])
        told = [*self.lines(), str(caught.exception), repr(caught.exception.__cause__), repr(pool), repr(pool._threads)]
        self.assertNotIn("not the right one", "".join(told))
