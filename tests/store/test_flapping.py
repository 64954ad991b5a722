"""A pool whose store answers now and then, with time in the test's hand."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from pymysql.err import OperationalError
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import StoreUnavailable
from dictd.store.dialect import MYSQL
from dictd.store.pool import _CALM, PROBE, Pool
from dictd.store.threads import Question


@define
class Answers:
    """In the place of the threads: a read is answered, a write fails, as during a backup that locks all tables."""

    writes: bool = field(default=False, init=False)

    def ask(self, question: Question) -> Deferred[Any]:
        """As :meth:`dictd.store.threads.Threads.ask`."""
        if self.writes:
            question.reached = True
            return fail(OperationalError(2013, "timed out"))
        return succeed(None)

    def close(self) -> None:
        """Nothing to close."""


class Flapping(SynchronousTestCase):
    """Reads are answered, writes are not."""

    def test_said_once(self) -> None:
        """Two seconds of answers between failures are no recovery: the log hears of one trouble, not of many."""
        clock, threads = Clock(), Answers()
        pool = Pool(MYSQL, threads, clock, 2.0, lambda: 0.5)  # type: ignore[arg-type]
        self.addCleanup(pool.close)
        with capturedLogs() as events:
            for _ in range(20):
                threads.writes = True
                for _ in range(2):
                    self.failureResultOf(Deferred.fromCoroutine(pool.run(lambda _: None)), StoreUnavailable)
                threads.writes = False
                clock.advance(PROBE * 1.2)
        said = [line for line in map(formatEvent, events) if "account store" in line]
        self.assertLessEqual(len(said), 3, said)
        self.assertTrue(pool.failing)
        for _ in range(int(_CALM / PROBE) + 2):
            clock.advance(PROBE * 1.2)
        self.assertFalse(pool.failing)
        self.assertEqual(said[-1], "the account store fails: timed out (2013)")
