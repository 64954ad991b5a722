"""Queries on the keys of users."""

from __future__ import annotations

from attrs import frozen

from dictd.errors import NameTaken, TooManyKeys
from dictd.model import Account, StoredKey
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import Dialect, Statement, Transaction, repeatable

_OF = Statement.both(
    "SELECT user_id, label, sealed, key_id, created, last_used FROM user_key WHERE user_id = ? ORDER BY created, label"
)
#: Waits for whoever changes the account, as :data:`dictd.store.accounts.LOCK`.
_HOLDER = Statement(
    sqlite="SELECT epoch FROM user WHERE id = ?", mysql="SELECT epoch FROM user WHERE id = %s FOR UPDATE"
)
_LABELS = Statement.both("SELECT label, sealed FROM user_key WHERE user_id = ?")
_ADD = Statement.both("INSERT INTO user_key (user_id, label, sealed, key_id, created) VALUES (?, ?, ?, ?, ?)")
_DROP = Statement.both("DELETE FROM user_key WHERE user_id = ? AND label = ?")
_USED = Statement.both(
    "UPDATE user_key SET last_used = ? WHERE user_id = ? AND label = ? AND created = ? AND coalesce(last_used, 0) <= ?"
)
_SEALED_ELSEWHERE = Statement.both("SELECT count(*) FROM user_key WHERE key_id <> ?")


@frozen
class KeyQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    @repeatable
    def of(self, txn: Transaction, user_id: int) -> list[StoredKey]:
        """The keys of a user, oldest first."""
        txn.execute(self.dialect(_OF), (user_id,))
        return [StoredKey(*row) for row in txn.fetchall()]

    @repeatable
    def of_name(self, txn: Transaction, name_key: bytes) -> tuple[Account | None, list[StoredKey]]:
        """The account with a folded name and its keys; for an unknown name the same work and nothing."""
        account = AccountQueries(self.dialect).find(txn, name_key)
        return account, self.of(txn, account.user.id if account else 0)

    @repeatable
    def add(self, txn: Transaction, key: StoredKey, most: int, epoch: int | None = None) -> bool:
        """Keep a new key; false when its user is gone.

        :param most: how many keys a user may have.
        :param epoch: of the session that made it: one that has ended leaves no way in behind.
        :raises NameTaken: the user has a key of this label.
        :raises TooManyKeys: the user has as many as there may be.
        """
        self.dialect.begin(txn)
        # One at a time adds keys; and the account may have been deleted meanwhile.
        txn.execute(self.dialect(_HOLDER), (key.user_id,))
        holder = txn.fetchone()
        if holder is None or epoch not in (None, holder[0]):
            return False
        txn.execute(self.dialect(_LABELS), (key.user_id,))
        labels: dict[str, bytes] = dict(txn.fetchall())
        if labels.get(key.label) == key.sealed:
            return True  # by this call before; no two are sealed alike
        if key.label in labels:
            raise NameTaken("you have a key of this label, please choose another or KEY DROP that one")
        if len(labels) >= most:
            raise TooManyKeys(f"{most} keys are the limit, KEY DROP one that you do not need")
        txn.execute(self.dialect(_ADD), (key.user_id, key.label, key.sealed, key.key_id, key.created))
        return True

    def drop(self, txn: Transaction, user_id: int, label: str) -> bool:
        """Delete a key; false when there is none of this label."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_DROP), (user_id, label))
        return bool(txn.rowcount == 1)

    @repeatable
    def used(self, txn: Transaction, key: StoredKey, now: int, spacing: int) -> None:
        """Note when a key was used, unless that was noted less than ``spacing`` before; milliseconds."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_USED), (now, key.user_id, key.label, key.created, now - spacing))

    @repeatable
    def sealed_elsewhere(self, txn: Transaction, key_id: str) -> int:
        """How many keys are sealed under another server key than the one with this id."""
        txn.execute(self.dialect(_SEALED_ELSEWHERE), (key_id,))
        return int(txn.fetchone()[0])
