"""What tells one store from another, wherever it has moved: rows that wait for it go nowhere else."""

from __future__ import annotations

import secrets

from attrs import frozen

from dictd.store.dialect import Dialect, Statement, Transaction

_SAME = Statement.both("SELECT name FROM store_identity WHERE id = 1")
_NAME = Statement(
    sqlite="INSERT INTO store_identity (id, name) VALUES (1, ?) ON CONFLICT (id) DO NOTHING",
    mysql="INSERT INTO store_identity (id, name) VALUES (1, %s) ON DUPLICATE KEY UPDATE id = id",
)


@frozen
class IdentityQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def name(self, txn: Transaction) -> str:
        """Sixteen hexadecimal digits that no other store has; made when they are asked for first."""
        if found := self.known(txn):
            return found
        txn.execute(self.dialect(_NAME), (secrets.token_hex(8),))
        return self.known(txn)

    def known(self, txn: Transaction) -> str:
        """The same, empty where it was not asked for yet."""
        txn.execute(self.dialect(_SAME))
        row = txn.fetchone()
        return str(row[0]) if row else ""
