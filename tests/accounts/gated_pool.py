"""A stand-in for the pool that does nothing by itself: the test decides when and how each query ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from dictd.model import LookUp
from dictd.store.history import HistoryQueries
from tests.store.databases import committed


@define(eq=False)
class Flight:
    """One query that is under way."""

    query: Callable[..., Any]
    args: tuple[Any, ...]
    done: Deferred[Any] = field(factory=Deferred)

    @property
    def rows(self) -> list[LookUp]:
        """The rows of a commit of history."""
        rows: list[LookUp] = self.args[0]
        return rows

    @property
    def words(self) -> list[str]:
        """The words of a commit of history, in its order."""
        return [row.word for row in self.rows]

    def finish(self, result: object = None) -> None:
        """It is committed; a replay says how many rows were wanted."""
        if result is None and self.query.__name__ == "replay":
            result = len(self.rows)
        self.done.callback(result)

    def fail(self, error: Exception) -> None:
        """It is rolled back."""
        self.done.errback(error)

    def execute(self, connection: sqlite3.Connection, lost: Exception | None = None) -> None:
        """Run it for real and commit; where ``lost`` is given, its answer does not come back."""
        result = committed(connection, self.query, *self.args)
        if lost is None:
            self.finish(result)
        else:
            self.fail(lost)


@define(eq=False)
class GatedPool:
    """Takes queries and keeps them.

    :ivar flights: every query there was, in order.
    """

    flights: list[Flight] = field(factory=list)
    ready: bool = True

    def ensure(self) -> None:
        """As :meth:`dictd.store.pool.Pool.ensure`."""

    async def first(self, query: Callable[..., Any], *args: Any) -> Any:
        """As :meth:`dictd.store.pool.Pool.first`."""
        return await self.run(query, *args)

    async def run(self, query: Callable[..., Any], *args: Any) -> Any:
        """As :meth:`dictd.store.pool.Pool.run`; FORGET's first question is answered at once."""
        if getattr(query, "__func__", None) is HistoryQueries.latest:
            return 0
        flight = Flight(query, args)
        self.flights.append(flight)
        return await flight.done

    @property
    def under_way(self) -> list[Flight]:
        """The queries that have not ended."""
        return [flight for flight in self.flights if not flight.done.called]

    @property
    def only(self) -> Flight:
        """The one query that is under way."""
        (flight,) = self.under_way
        return flight
