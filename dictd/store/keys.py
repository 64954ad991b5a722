"""Queries on the keys of users."""

from __future__ import annotations

from attrs import frozen

from dictd.errors import NameTaken, TooManyKeys
from dictd.model import Account, StoredKey
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import BEGIN, Dialect, Statement, Transaction

_OF = Statement(
    sqlite="SELECT user_id, label, sealed, key_id, created, last_used FROM user_key"
    " WHERE user_id = ? ORDER BY created, label"
)
_LABELS = Statement(sqlite="SELECT label FROM user_key WHERE user_id = ?")
# The user may have been deleted meanwhile: then the key is not wanted.
_ADD = Statement(
    sqlite="INSERT INTO user_key (user_id, label, sealed, key_id, created)"
    " SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM user WHERE id = ?1)"
)
_DROP = Statement(sqlite="DELETE FROM user_key WHERE user_id = ? AND label = ?")
_USED = Statement(
    sqlite="UPDATE user_key SET last_used = ? WHERE user_id = ? AND label = ? AND created = ?"
    " AND coalesce(last_used, 0) <= ?"
)
_SEALED_ELSEWHERE = Statement(sqlite="SELECT count(*) FROM user_key WHERE key_id <> ?")


@frozen
class KeyQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def of(self, txn: Transaction, user_id: int) -> list[StoredKey]:
        """The keys of a user, oldest first."""
        txn.execute(self.dialect(_OF), (user_id,))
        return [StoredKey(*row) for row in txn.fetchall()]

    def of_name(self, txn: Transaction, name_key: bytes) -> tuple[Account | None, list[StoredKey]]:
        """The account with a folded name and its keys; for an unknown name the same work and nothing."""
        account = AccountQueries(self.dialect).find(txn, name_key)
        return account, self.of(txn, account.user.id if account else 0)

    def add(self, txn: Transaction, key: StoredKey, most: int) -> bool:
        """Keep a new key; false when its user is gone.

        :param most: how many keys a user may have.
        :raises NameTaken: the user has a key of this label.
        :raises TooManyKeys: the user has as many as there may be.
        """
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_LABELS), (key.user_id,))
        labels = [label for (label,) in txn.fetchall()]
        if key.label in labels:
            raise NameTaken("you have a key of this label, please choose another or KEY DROP that one")
        if len(labels) >= most:
            raise TooManyKeys(f"{most} keys are the limit, KEY DROP one that you do not need")
        txn.execute(self.dialect(_ADD), (key.user_id, key.label, key.sealed, key.key_id, key.created))
        return bool(txn.rowcount == 1)

    def drop(self, txn: Transaction, user_id: int, label: str) -> bool:
        """Delete a key; false when there is none of this label."""
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_DROP), (user_id, label))
        return bool(txn.rowcount == 1)

    def used(self, txn: Transaction, key: StoredKey, now: int, spacing: int) -> None:
        """Note when a key was used, unless that was noted less than ``spacing`` before; milliseconds."""
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_USED), (now, key.user_id, key.label, key.created, now - spacing))

    def sealed_elsewhere(self, txn: Transaction, key_id: str) -> int:
        """How many keys are sealed under another server key than the one with this id."""
        txn.execute(self.dialect(_SEALED_ELSEWHERE), (key_id,))
        return int(txn.fetchone()[0])
