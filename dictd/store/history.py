"""Queries on what users looked up."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dictd.model import LookUp
from dictd.store.dialect import BEGIN, Dialect, Statement, Transaction

# The user may have been deleted while the row waited: then it is not wanted.
_KEEP = Statement(
    sqlite="INSERT INTO hist (user_id, rid, time, word, k, dictionary, found)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM user WHERE id = ?1)"
    " ON CONFLICT (user_id, rid) DO NOTHING"
)
_NEWEST = Statement(
    sqlite="SELECT user_id, rid, time, word, k, dictionary, found FROM hist WHERE user_id = ? ORDER BY rid DESC LIMIT ?"
)
_NEWEST_OF_WORD = Statement(
    sqlite="SELECT user_id, rid, time, word, k, dictionary, found FROM hist"
    " WHERE user_id = ? AND k = ? ORDER BY rid DESC LIMIT ?"
)
_FORGET = Statement(sqlite="DELETE FROM hist WHERE user_id = ? AND k = ?")
_FORGET_ALL = Statement(sqlite="DELETE FROM hist WHERE user_id = ?")
# One step into the primary key for each user, instead of all rows.
_LAST_RID = Statement(sqlite="SELECT coalesce(max((SELECT max(rid) FROM hist WHERE user_id = user.id)), 0) FROM user")


@frozen
class HistoryQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def keep(self, txn: Transaction, rows: Sequence[LookUp]) -> None:
        """Insert rows; one that is there already stays as it is, so a retry doubles nothing."""
        txn.execute(self.dialect(BEGIN))
        txn.executemany(
            self.dialect(_KEEP),
            [(row.user_id, row.rid, row.time, row.word, row.k, row.dictionary, row.found) for row in rows],
        )

    def newest(self, txn: Transaction, user_id: int, count: int, k: bytes | None) -> list[LookUp]:
        """The latest rows, newest first; those of one folded word where ``k`` is given."""
        if k is None:
            txn.execute(self.dialect(_NEWEST), (user_id, count))
        else:
            txn.execute(self.dialect(_NEWEST_OF_WORD), (user_id, k, count))
        return [LookUp(*row) for row in txn.fetchall()]

    def forget(self, txn: Transaction, user_id: int, k: bytes | None) -> int:
        """Delete the rows of one folded word, or all; how many they were."""
        txn.execute(self.dialect(BEGIN))
        if k is None:
            txn.execute(self.dialect(_FORGET_ALL), (user_id,))
        else:
            txn.execute(self.dialect(_FORGET), (user_id, k))
        return int(txn.rowcount)

    def last_rid(self, txn: Transaction) -> int:
        """The highest row id of all, 0 when there is none."""
        txn.execute(self.dialect(_LAST_RID))
        return int(txn.fetchone()[0])
