"""Queries on worker numbers: each process that writes history has one to itself.

Row ids hold the number (:func:`dictd.accounts.recorder.row_id`), so two
processes that had the same could make the same id. The number that was renewed
longest ago is the next to be taken, so that one is not used again while there
are others, also where a clock was set.
"""

from __future__ import annotations

from attrs import frozen

from dictd.errors import StoreUnavailable
from dictd.store.dialect import Dialect, Statement, Transaction, repeatable

#: How many numbers there are: ten bits of a row id.
NUMBERS = 1024
#: A holder renews this often, and has lost its number after being silent so long; milliseconds.
EVERY, LOST = 60_000, 600_000

# Locks on MySQL: who takes a number waits for whoever is taking one.
_FRESH = Statement(
    sqlite="SELECT coalesce(max(id) + 1, 0) FROM worker_lease",
    mysql="SELECT coalesce(max(id) + 1, 0) FROM worker_lease FOR UPDATE",
)
_OLDEST = Statement(
    sqlite="SELECT id, renewed FROM worker_lease ORDER BY renewed, id LIMIT 1",
    mysql="SELECT id, renewed FROM worker_lease ORDER BY renewed, id LIMIT 1 FOR UPDATE",
)
_ADD = Statement(
    sqlite="INSERT INTO worker_lease (id, holder, renewed) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
    mysql="INSERT INTO worker_lease (id, holder, renewed) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE id = id",
)
_HOLDER = Statement.both("SELECT id FROM worker_lease WHERE id = ? AND holder = ?")
_HOLDERS = Statement.both("SELECT holder FROM worker_lease WHERE renewed >= ? ORDER BY id")
_TAKE = Statement.both("UPDATE worker_lease SET holder = ?, renewed = ? WHERE id = ?")
_RENEW = Statement.both("UPDATE worker_lease SET renewed = ? WHERE id = ? AND holder = ?")


@frozen
class LeaseQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    @repeatable
    def take(self, txn: Transaction, holder: str, now: int) -> int:
        """Take a number.

        :param holder: who takes it, unlike any other.
        :param now: milliseconds since 1970.
        :raises StoreUnavailable: all are in use.
        """
        self.dialect.begin(txn)
        while True:
            txn.execute(self.dialect(_FRESH))
            fresh = int(txn.fetchone()[0])
            if fresh >= NUMBERS:
                break
            txn.execute(self.dialect(_ADD), (fresh, holder, now))
            txn.execute(self.dialect(_HOLDER), (fresh, holder))
            if txn.fetchone():
                return fresh
        txn.execute(self.dialect(_OLDEST))
        oldest, renewed = txn.fetchone()
        if 0 <= now - renewed < LOST:
            raise StoreUnavailable(f"{NUMBERS} processes write history already; there cannot be more")
        txn.execute(self.dialect(_TAKE), (holder, now, oldest))
        return int(oldest)

    @repeatable
    def holders(self, txn: Transaction, now: int) -> list[str]:
        """Who has a number just now: whoever has renewed it within the time of two renewals.

        :param now: milliseconds since 1970.
        """
        txn.execute(self.dialect(_HOLDERS), (now - 2 * EVERY,))
        return [holder for (holder,) in txn.fetchall()]

    @repeatable
    def give_back(self, txn: Transaction, number: int, holder: str, now: int) -> None:
        """The holder ends: where all numbers were taken once it may be had again, after those that rest longer."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_RENEW), (now - LOST, number, holder))

    @repeatable
    def renew(self, txn: Transaction, number: int, holder: str, now: int) -> bool:
        """Keep a number; false when another has it now."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_RENEW), (now, number, holder))
        return bool(txn.rowcount)
