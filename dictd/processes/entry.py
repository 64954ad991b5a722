"""What a process asks of the store before it keeps a history: its number, where row ids go on, whether keys fit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

from attrs import define, field
from twisted.logger import Logger

from dictd.accounts.rowids import RowIds
from dictd.accounts.spool import Spool
from dictd.errors import StoreAway
from dictd.model import row_id
from dictd.processes.number import Number
from dictd.store import schema
from dictd.store.databases import Database
from dictd.store.dialect import SQLITE, Connection, Dialect, Transaction, repeatable
from dictd.store.faults import ERRORS, told
from dictd.store.history import HistoryQueries
from dictd.store.identity import IdentityQueries
from dictd.store.keys import KeyQueries
from dictd.store.pool import Pool

#: Row ids go on above those there are, but no further ahead of the clock than this, milliseconds.
_AHEAD = 600_000


@define
class Entry:
    """At once where the store answers when the process begins, else as soon as it does.

    :param server_key: the id of the server key.
    :param wall: seconds since 1970.
    :param spool: of all stores; from then on of this one.
    """

    _dialect: Dialect
    _number: Number
    _row_ids: RowIds
    _server_key: str
    _wall: Callable[[], float]
    _spool: Spool | None = None
    done: bool = field(default=False, init=False)
    log = Logger(namespace="dictd.accounts")

    def at_once(self, connection: Connection) -> None:
        """Ask on this thread.

        :raises StoreUnavailable: it cannot be used.
        :raises Exception: one of :data:`dictd.store.faults.ERRORS`.
        """
        answer = self._ask(connection.cursor())
        connection.commit()
        self._take(*answer)

    def soon(self, database: Database, seconds: float) -> None:
        """Ask on this thread, if it answers within so many seconds, whatever hangs.

        :raises StoreUnavailable: not now; :meth:`later` it may.
        """
        asked: list[Connection] = []
        over = threading.Event()

        def entered(connection: Connection) -> None:
            asked.append(connection)
            if over.is_set():
                raise StoreAway(f"{seconds:g} s are over")

        def cut() -> None:
            over.set()
            for connection in asked:
                database.cut(connection)

        timer = threading.Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            with closing(database.open("accounts", entered)) as connection:
                self.at_once(connection)
        except ERRORS as error:
            raise StoreAway(told(error)) from None
        finally:
            timer.cancel()

    async def later(self, pool: Pool) -> None:
        """Ask by the pool; nothing when that was done.

        :raises StoreUnavailable: not yet.
        """
        if not self.done:
            self._take(*await pool.first(self._ask))
            pool.ready = True
            self.log.info("accounts are here, and the history is kept")

    @repeatable
    def _ask(self, txn: Transaction) -> tuple[int, int, int, str]:
        if self._dialect is not SQLITE:
            schema.ensure(txn, self._dialect)
        last = HistoryQueries(self._dialect).last_rid(txn)
        elsewhere = KeyQueries(self._dialect).sealed_elsewhere(txn, self._server_key)
        return self._number.take(txn), last, elsewhere, IdentityQueries(self._dialect).name(txn)

    def _take(self, number: int, last: int, sealed_elsewhere: int, store: str) -> None:
        latest = row_id(int(self._wall() * 1000) + _AHEAD, 0, 0)
        if last > latest:
            self.log.warn("rows of the history are of the future: a clock is wrong, here or on another host")
        self._number.number = self._row_ids.worker = number
        self._row_ids.last = min(last, latest)
        if self._spool is not None:
            self._spool.directory /= store
        self.done = True
        if sealed_elsewhere:
            self.log.warn(
                "{count} keys for AUTH cannot be used: they are sealed under another server key than the one here",
                count=sealed_elsewhere,
            )
