"""The account store behind adbapi: threads, a bound on what waits, one kind of trouble."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import define, field
from twisted.enterprise import adbapi
from twisted.logger import Logger

from dictd.errors import AccountsUnavailable, StoreUnavailable
from dictd.store.dialect import SQLITE, Dialect, Transaction
from dictd.store.sqlite import ACCOUNTS_FILE, connect, prepare

P = ParamSpec("P")
T = TypeVar("T")

#: Queries that may wait for a thread; one more is refused at once.
MAX_WAITING = 256
_THREADS = 3


@define(eq=False)
class Pool:
    """Runs queries on threads, each with a connection of its own.

    Made by :func:`open_accounts`, in the process and after the fork that uses it.
    """

    dialect: Dialect
    _connections: adbapi.ConnectionPool
    _busy: int = field(default=0, init=False)
    _closed: bool = field(default=False, init=False)
    _failing: bool = field(default=False, init=False)
    log = Logger()

    async def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query in a transaction: committed when it returns, rolled back when it raises.

        :raises StoreUnavailable: the database does not answer, is full or locked.
        :raises AccountsUnavailable: too many queries wait already.
        """
        if self._closed or self._busy >= MAX_WAITING:
            raise AccountsUnavailable()
        self._busy += 1
        try:
            result: T = await self._connections.runInteraction(query, *args, **kwargs)
        except sqlite3.ProgrammingError:
            raise  # a fault of ours, which no other try mends
        except (sqlite3.Error, adbapi.ConnectionLost) as error:
            if not self._failing:
                self.log.warn("the account store fails: {error}", error=str(error))
            self._failing = True
            raise StoreUnavailable() from error
        else:
            if self._failing:
                self.log.info("the account store works again")
            self._failing = False
            return result
        finally:
            self._busy -= 1

    @property
    def failing(self) -> bool:
        """Whether the last query could not be asked."""
        return self._failing

    @property
    def busy(self) -> int:
        """Queries that run or wait."""
        return self._busy

    def close(self) -> None:
        """Close the connections; waits for queries that are running."""
        self._closed = True
        self._connections.close()


def open_accounts(directory: Path, reactor: Any) -> tuple[Pool, sqlite3.Connection]:
    """Open ``accounts.sqlite``, brought up to date.

    :param directory: ``store/`` of the state directory.
    :returns: the pool, and a connection of the calling thread for what is asked
        once at start; the caller closes it.
    :raises StoreUnavailable: it cannot be opened, or is of a newer program.
    """
    path = directory / ACCOUNTS_FILE
    connection = connect(path, "accounts")
    pool = adbapi.ConnectionPool(
        "sqlite3",
        str(path),
        isolation_level=None,
        check_same_thread=False,  # adbapi closes from the reactor's thread
        cp_min=1,
        cp_max=_THREADS,
        cp_noisy=False,
        cp_openfun=prepare,
        cp_reactor=reactor,
    )
    return Pool(SQLITE, pool), connection
