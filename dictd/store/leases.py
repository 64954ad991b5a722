"""Queries on worker numbers: each process that writes history has one to itself.

Row ids hold the number (:func:`dictd.accounts.recorder.row_id`), so two
processes that had the same could make the same id. The number that was renewed
longest ago is the next to be taken, so that one is not used again while there
are others, also where a clock was set.
"""

from __future__ import annotations

from attrs import frozen

from dictd.errors import StoreUnavailable
from dictd.store.dialect import BEGIN, Dialect, Statement, Transaction

#: How many numbers there are: ten bits of a row id.
NUMBERS = 1024
#: A holder renews this often, and has lost its number after being silent so long; milliseconds.
EVERY, LOST = 60_000, 600_000

_FRESH = Statement(sqlite="SELECT coalesce(max(id) + 1, 0) FROM worker_lease")
_OLDEST = Statement(sqlite="SELECT id, renewed FROM worker_lease ORDER BY renewed, id LIMIT 1")
_ADD = Statement(sqlite="INSERT INTO worker_lease (id, holder, renewed) VALUES (?, ?, ?)")
_TAKE = Statement(sqlite="UPDATE worker_lease SET holder = ?, renewed = ? WHERE id = ?")
_RENEW = Statement(sqlite="UPDATE worker_lease SET renewed = ? WHERE id = ? AND holder = ?")


@frozen
class LeaseQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def take(self, txn: Transaction, holder: str, now: int) -> int:
        """Take a number.

        :param holder: who takes it, unlike any other.
        :param now: milliseconds since 1970.
        :raises StoreUnavailable: all are in use.
        """
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_FRESH))
        fresh = int(txn.fetchone()[0])
        if fresh < NUMBERS:
            txn.execute(self.dialect(_ADD), (fresh, holder, now))
            return fresh
        txn.execute(self.dialect(_OLDEST))
        oldest, renewed = txn.fetchone()
        if 0 <= now - renewed < LOST:
            raise StoreUnavailable(f"{NUMBERS} processes write history already; there cannot be more")
        txn.execute(self.dialect(_TAKE), (holder, now, oldest))
        return int(oldest)

    def give_back(self, txn: Transaction, number: int, holder: str) -> None:
        """The holder ends: of numbers that were all taken once this is the next."""
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_RENEW), (0, number, holder))

    def renew(self, txn: Transaction, number: int, holder: str, now: int) -> bool:
        """Keep a number; false when another has it now."""
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_RENEW), (now, number, holder))
        return bool(txn.rowcount)
