"""The number of this process among all that write history: leased, and renewed while it lives."""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from collections.abc import Callable

from attrs import define

from dictd.accounts.recorder import RowIds
from dictd.store.leases import LeaseQueries
from dictd.store.pool import Pool


@define
class Number:
    """A leased number.

    :param wall: seconds since 1970.
    """

    number: int
    _holder: str
    _queries: LeaseQueries
    _wall: Callable[[], float]

    @classmethod
    def taken(cls, queries: LeaseQueries, connection: sqlite3.Connection, wall: Callable[[], float]) -> Number:
        """Take one.

        :raises StoreUnavailable: there is none.
        """
        holder = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
        number = queries.take(connection.cursor(), holder, int(wall() * 1000))
        connection.commit()
        return cls(number, holder, queries, wall)

    async def give_back(self, pool: Pool) -> None:
        """This process writes no more.

        :raises StoreUnavailable: the store does not answer; the number is free again in ten minutes.
        """
        await pool.run(self._queries.give_back, self.number, self._holder)

    async def renew(self, pool: Pool, row_ids: RowIds) -> bool:
        """Keep the number, or take another where this one was lost while the process was stopped.

        :returns: whether it was kept.
        :raises StoreUnavailable: the store does not answer; the number is still ours.
        """
        now = int(self._wall() * 1000)
        if await pool.run(self._queries.renew, self.number, self._holder, now):
            return True
        self.number = row_ids.worker = await pool.run(self._queries.take, self._holder, now)
        return False
