"""Queries on users."""

from __future__ import annotations

from attrs import frozen

from dictd.model import Account, User
from dictd.store.dialect import BEGIN, Dialect, Statement, Transaction

_FIND = Statement(sqlite="SELECT id, name, passwd, role, disabled FROM user WHERE name_key = ?")
_ADD = Statement(
    sqlite="INSERT INTO user (name, name_key, passwd, role, created) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name_key) DO NOTHING"
)
_CHANGE_PASSWD = Statement(sqlite="UPDATE user SET passwd = ? WHERE id = ? AND passwd = ?")
_DELETE = Statement(sqlite="DELETE FROM user WHERE id = ?")
_DELETE_KEYS = Statement(sqlite="DELETE FROM user_key WHERE user_id = ?")
_DELETE_HISTORY = Statement(sqlite="DELETE FROM hist WHERE user_id = ?")


@frozen
class AccountQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def find(self, txn: Transaction, name_key: bytes) -> Account | None:
        """The account with a folded name."""
        txn.execute(self.dialect(_FIND), (name_key,))
        row = txn.fetchone()
        if row is None:
            return None
        user_id, name, passwd, role, disabled = row
        return Account(User(user_id, name, role), passwd, bool(disabled))

    def add(self, txn: Transaction, name: str, name_key: bytes, passwd: str, created: int) -> User | None:
        """Make an account; ``None`` when the name is taken.

        :param created: milliseconds since 1970.
        """
        role = "user"
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_ADD), (name, name_key, passwd, role, created))
        if txn.rowcount != 1:
            return None
        return User(int(txn.lastrowid), name, role)

    def change_passwd(self, txn: Transaction, user_id: int, old: str, new: str) -> bool:
        """Set the hash if it still is the old one (compare and set)."""
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_CHANGE_PASSWD), (new, user_id, old))
        return bool(txn.rowcount == 1)

    def delete(self, txn: Transaction, user_id: int) -> bool:
        """Delete an account with its whole history and its keys."""
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_DELETE_HISTORY), (user_id,))
        txn.execute(self.dialect(_DELETE_KEYS), (user_id,))
        txn.execute(self.dialect(_DELETE), (user_id,))
        return bool(txn.rowcount == 1)
