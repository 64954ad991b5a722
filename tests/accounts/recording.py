"""A recorder with time, commits and the thread of its spool in the test's hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.commons import OneProcess
from dictd.accounts.recorder import Recorder
from dictd.accounts.rowids import RowIds
from dictd.accounts.spool import Spool
from dictd.errors import StoreUnavailable
from dictd.limits import Guesses, Rate
from dictd.model import User
from dictd.store.dialect import SQLITE
from dictd.store.history import HistoryQueries
from dictd.store.pool import Pool
from tests.accounts.gated_pool import GatedPool

ANNA, BERT = User(1, "anna"), User(2, "bert")
WORKER = 5
NOW = 1_767_323_045.678


@define(eq=False)
class Thread:
    """What is to be done on a thread, at once or when the test says so."""

    gated: bool = False
    _waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = field(factory=list)

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """As ``deferToThreadPool`` with its first two arguments given."""
        if not self.gated:
            return maybeDeferred(function, *args)
        done: Deferred[Any] = Deferred()
        self._waiting.append((lambda: function(*args), done))
        return done

    @property
    def busy(self) -> int:
        """How much there is to do."""
        return len(self._waiting)

    def work(self, error: Exception | None = None, which: int = 0) -> None:
        """Do what was asked for first, or another, or let it end with an error."""
        function, done = self._waiting.pop(which)
        if error:
            done.errback(error)
        else:
            maybeDeferred(function).chainDeferred(done)


class Recording(SynchronousTestCase):
    """A recorder on a pool that waits for the test."""

    def setUp(self) -> None:
        """Everything at its beginning."""
        self.clock = Clock()
        self.wall = NOW
        self.pool = GatedPool()
        self.queries = HistoryQueries(SQLITE)
        self.recorder = self.made()
        self.addCleanup(self.no_timer_is_left)

    def no_timer_is_left(self) -> None:
        """Whatever happened, a stop takes every timer away."""
        self.recorder.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def made(
        self,
        most_rows: int = 256,
        most_waiting: int = 4096,
        patience: float = 2.0,
        flights: int = 1,
        spool: Spool | None = None,
        in_thread: Callable[..., Deferred[Any]] | None = None,
    ) -> Recorder:
        """A recorder with these bounds."""
        return Recorder(
            cast(Pool, self.pool),
            self.queries,
            RowIds(WORKER),
            self.clock,
            lambda: self.wall,
            OneProcess(Guesses(), Rate(1, 1.0), float),
            most_rows=most_rows,
            most_waiting=most_waiting,
            patience=patience,
            flights=flights,
            spool=spool,
            in_thread=in_thread,
        )

    def ask(self, word: str, user: User = ANNA) -> Deferred[bool]:
        """Look a word up."""
        return self.recorder.record(user, word, "wordnet", 1)

    def words_under_way(self) -> list[str]:
        """The words of the one commit that is under way."""
        flight = self.pool.only
        self.assertEqual(flight.query, self.queries.keep)
        return flight.words

    def store_fails(self) -> None:
        """The commit that is under way is refused by the store."""
        self.pool.only.fail(StoreUnavailable())

    def nothing_under_way(self) -> None:
        """Assert that the pool has nothing to do."""
        self.assertEqual(self.pool.under_way, [])
