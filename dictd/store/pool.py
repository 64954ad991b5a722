"""The account store behind adbapi: threads, a bound on what waits, a breaker, one kind of trouble."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dictd.errors import AccountsUnavailable, OutcomeUnknown, StoreUnavailable
from dictd.store.breaker import Breaker
from dictd.store.databases import Database
from dictd.store.dialect import Dialect, Transaction, is_repeatable, repeatable
from dictd.store.faults import ERRORS, READ_ONLY, Fault, code_of, fault_of, told
from dictd.store.threads import Question, Threads

P = ParamSpec("P")
T = TypeVar("T")

#: Queries that may wait for a thread; one more is refused at once.
MAX_WAITING = 256
#: How often a store that failed is asked whether it is back, seconds, give or take a fifth.
PROBE = 1.0
#: A store that takes some queries and fails others, as a full or a read-only one does, is well
#: when it has not failed for so long, seconds.
_CALM = 5.0


class _NoAnswer(Exception):  # noqa: N818 - not an error: a time that has passed
    """Nobody answered in time."""


@define(eq=False)
class Pool:
    """Runs queries on threads, each with a connection of its own.

    Made by :func:`open_pool`, in the process and after the fork that uses it.

    :param clock: the reactor.
    :ivar on_back: called when a store that failed can perhaps be asked again.
    :ivar ready: whether what has to be asked before all else was answered, see :meth:`first`.
    """

    dialect: Dialect
    _threads: Threads
    _clock: Any
    _answer_seconds: float
    _draw: Callable[[], float] = random.random
    on_back: list[Callable[[], None]] = field(factory=list, init=False)
    ready: bool = field(default=True, init=False)
    _breaker: Breaker = field(factory=Breaker, init=False)
    _busy: int = field(default=0, init=False)
    _closed: bool = field(default=False, init=False)
    _failing: bool = field(default=False, init=False)
    _partly: bool = field(default=False, init=False)
    _flapping: bool = field(default=False, init=False)
    _well_at: float = field(default=float("-inf"), init=False)
    _failed_at: float = field(default=0.0, init=False)
    _probe: Any = field(default=None, init=False)
    log = Logger()

    async def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query in a transaction: committed when it returns, rolled back when it raises.

        Where it is marked :func:`~dictd.store.dialect.repeatable` it may run twice.

        :raises StoreUnavailable: the database does not answer, is full or locked; at once while that is known.
        :raises OutcomeUnknown: the same, and the query may have been committed.
        :raises AccountsUnavailable: too many queries wait already.
        """
        self.ensure()
        result: T = await self.first(query, *args, **kwargs)
        return result

    async def first(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`run`, also while others have to wait: see :attr:`ready`."""
        result: T = await self._ask(Question(partial(_run, query, args, kwargs), is_repeatable(query)))
        self._succeeded()
        return result

    def ensure(self) -> None:
        """Nothing, where a query could be asked: what costs much before it need not be done in vain.

        :raises StoreUnavailable: it is known not to answer.
        :raises AccountsUnavailable: too many queries wait already.
        """
        if self._closed or self._busy >= MAX_WAITING:
            raise AccountsUnavailable()
        if self._breaker.open or not self.ready:
            raise StoreUnavailable()

    async def _ask(self, question: Question) -> Any:
        self._busy += 1

        def nobody_waits(_: Any) -> None:
            timer.cancel()
            self._threads.give_up(question)

        def too_late() -> None:
            self._threads.give_up(question)
            answered.errback(_NoAnswer())

        def done(result: Any) -> None:
            self._busy -= 1
            if not answered.called:
                timer.cancel()
                answered.callback(result)  # a Failure too

        answered: Deferred[Any] = Deferred(nobody_waits)
        timer = self._clock.callLater(self._answer_seconds, too_late)
        self._threads.ask(question).addBoth(done)
        try:
            return await answered
        except ERRORS as error:
            fault = fault_of(error)
            if fault is Fault.OURS:
                raise
            # Of what is only full, or takes no writes, others may still read.
            partly = question.reached and (fault in (Fault.AWAY, Fault.AGAIN) or code_of(error) in READ_ONLY)
            self._failed(told(error), partly, fault is Fault.SLOW)
            raise _trouble(question) from error
        except _NoAnswer:
            self._failed(f"no answer in {self._answer_seconds:g} s", partly=False, slow=True)
            raise _trouble(question) from None

    def _failed(self, why: str, partly: bool, slow: bool) -> None:
        if self._closed:
            return
        now = self._clock.seconds()
        if not self._failing:
            self.log.warn("the account store fails: {error}", error=why)
            self._flapping = now - self._well_at < _CALM
        self._partly = partly and (self._partly or not self._failing)
        self._failing, self._failed_at = True, now
        if not partly:
            self._breaker.failed(slow)
        if self._probe is None:
            self._probe_soon()

    def _succeeded(self) -> None:
        """It answers. Where it failed some queries and not others, that does not say yet that all is well."""
        self._breaker.succeeded()
        now = self._clock.seconds()
        if not self._failing or ((self._partly or self._flapping) and now - self._failed_at < _CALM):
            return
        self._failing = self._partly = False
        self._well_at = now
        self.log.info("the account store works again")

    def _probe_soon(self) -> None:
        self._probe = self._clock.callLater(PROBE * (0.8 + 0.4 * self._draw()), self._ask_again)

    def _ask_again(self) -> None:
        asked = Deferred.fromCoroutine(self._ask(Question(_probe, repeatable=True)))
        asked.addCallbacks(self._back, self._still_away)

    def _back(self, _: Any) -> None:
        self._probe = None
        if self._closed:
            return
        self._succeeded()
        for call in self.on_back:
            try:
                call()
            except Exception:  # noqa: BLE001 - the others are called too, and the probe goes on
                self.log.failure("what waits for the account store to be back has failed")
        if self._failing and self._probe is None:
            self._probe_soon()

    def _still_away(self, failure: Failure) -> None:
        self._probe = None
        if failure.check(StoreUnavailable) is None:
            self.log.failure("the account store could not be asked", failure=failure)
        if not self._closed:
            self._probe_soon()

    @property
    def failing(self) -> bool:
        """Whether the last query could not be asked."""
        return self._failing

    @property
    def busy(self) -> int:
        """Queries that run or wait."""
        return self._busy

    def close(self) -> None:
        """Close the connections; whoever waits for an answer has none."""
        self._closed = True
        if self._probe is not None and self._probe.active():
            self._probe.cancel()
        self._threads.close()


def _trouble(question: Question) -> StoreUnavailable:
    return OutcomeUnknown() if question.unknown else StoreUnavailable()


def _run(query: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], txn: Any) -> Any:
    return query(txn, *args, **kwargs)


@repeatable
def _probe(txn: Any) -> None:
    txn.execute("SELECT 1")
    txn.fetchall()


def open_pool(database: Database, subject: str, reactor: Any) -> Pool:
    """A pool of connections to a subject of the store."""
    threads = Threads(database, subject, reactor, time.monotonic, random.random)
    return Pool(database.dialect, threads, reactor, database.answer_seconds)
