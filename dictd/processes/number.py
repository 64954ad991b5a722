"""The number of this process among all that write history: leased, and renewed while it lives."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable

from attrs import define, field

from dictd.accounts.rowids import RowIds
from dictd.store.dialect import Transaction
from dictd.store.leases import LeaseQueries
from dictd.store.pool import Pool


def _me() -> str:
    return f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"


@define
class Number:
    """A number that is leased.

    :param wall: seconds since 1970.
    :ivar number: -1 as long as none was taken.
    """

    _queries: LeaseQueries
    _wall: Callable[[], float]
    number: int = field(default=-1, init=False)
    _holder: str = field(factory=_me, init=False)

    def take(self, txn: Transaction) -> int:
        """Take one, in a transaction; whoever commits it sets :attr:`number`.

        :raises StoreUnavailable: there is none.
        """
        return self._queries.take(txn, self._holder, int(self._wall() * 1000))

    async def give_back(self, pool: Pool) -> None:
        """This process writes no more.

        :raises StoreUnavailable: the store does not answer; the number is free again in ten minutes.
        """
        if self.number >= 0:
            await pool.run(self._queries.give_back, self.number, self._holder, int(self._wall() * 1000))

    async def renew(self, pool: Pool, row_ids: RowIds) -> bool:
        """Keep the number, or take another where this one was lost while the process was stopped.

        :returns: whether it was kept.
        :raises StoreUnavailable: the store does not answer; the number is still ours.
        """
        now = int(self._wall() * 1000)
        if self.number >= 0 and await pool.run(self._queries.renew, self.number, self._holder, now):
            return True
        # Without one nothing is kept, until there is another.
        self.number = row_ids.worker = -1
        self.number = row_ids.worker = await pool.run(self._queries.take, self._holder, now)
        return False
