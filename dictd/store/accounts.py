"""Queries on users."""

from __future__ import annotations

from hashlib import blake2b

from attrs import frozen

from dictd.errors import InviteRefused, NameTaken
from dictd.model import Account, User
from dictd.store.dialect import Dialect, Statement, Transaction, repeatable
from dictd.store.invites import InviteQueries

#: What waits for whoever changes what belongs to an account, and keeps it until the end of the transaction.
LOCK = Statement(sqlite="SELECT id FROM user WHERE id = ?", mysql="SELECT id FROM user WHERE id = %s FOR UPDATE")

_FIND = Statement.both("SELECT id, name, passwd, role, disabled, paused FROM user WHERE name_key = ?")
_MADE = Statement.both("SELECT id, name, role, nonce FROM user WHERE name_key = ?")
_ADD = Statement(
    sqlite="INSERT INTO user (id, name, name_key, passwd, role, created, nonce) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (name_key) DO NOTHING",
    mysql="INSERT INTO user (id, name, name_key, passwd, role, created, nonce) VALUES (%s, %s, %s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE id = id",
)
_CHANGE_PASSWD = Statement.both("UPDATE user SET passwd = ? WHERE id = ? AND passwd = ?")
_PASSWD = Statement.both("SELECT passwd FROM user WHERE id = ?")
_SET_ROLE = Statement.both("UPDATE user SET role = ? WHERE name_key = ?")
_PAUSE = Statement.both("UPDATE user SET paused = coalesce(paused, ?) WHERE id = ?")
_GO_ON = Statement.both("UPDATE user SET paused = NULL WHERE id = ?")
_KEEP_DAYS = Statement.both("UPDATE user SET keep_days = ? WHERE id = ?")
_STANDING = Statement.both("SELECT name, role, paused, keep_days FROM user WHERE id = ? AND disabled = 0")
_DELETE = Statement.both("DELETE FROM user WHERE id = ?")
_DELETE_KEYS = Statement.both("DELETE FROM user_key WHERE user_id = ?")
_DELETE_HISTORY = Statement.both("DELETE FROM hist WHERE user_id = ?")
_DELETE_FORGOTTEN = Statement.both("DELETE FROM forgotten WHERE user_id = ?")


@frozen
class AccountQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    @repeatable
    def find(self, txn: Transaction, name_key: bytes) -> Account | None:
        """The account with a folded name."""
        txn.execute(self.dialect(_FIND), (name_key,))
        row = txn.fetchone()
        if row is None:
            return None
        user_id, name, passwd, role, disabled, paused = row
        return Account(User(user_id, name, role, keeps=paused is None), passwd, bool(disabled))

    @repeatable
    def add(
        self,
        txn: Transaction,
        name: str,
        name_key: bytes,
        passwd: str,
        created: int,
        nonce: bytes,
        invite: bytes | None = None,
    ) -> User:
        """Make an account.

        :param created: milliseconds since 1970.
        :param nonce: 16 octets unlike any other. An account that has them was made by this call
            before, and its answer was lost.
        :param invite: the hash of a code that is used up by this, see :mod:`dictd.store.invites`.
        :raises NameTaken: the name is somebody else's.
        :raises InviteRefused: the code is none, or used up.
        """
        self.dialect.begin(txn)
        made = self._made(txn, name_key)
        if made is None:
            if invite is not None and not InviteQueries(self.dialect).use(txn, invite, created):
                raise InviteRefused()
            txn.execute(self.dialect(_ADD), (_id(nonce, name_key), name, name_key, passwd, "user", created, nonce))
            made = self._made(txn, name_key)
        if made is None or made[1] != nonce:
            raise NameTaken()
        return made[0]

    def _made(self, txn: Transaction, name_key: bytes) -> tuple[User, bytes | None] | None:
        txn.execute(self.dialect(_MADE), (name_key,))
        row = txn.fetchone()
        return (User(row[0], row[1], row[2]), row[3]) if row else None

    @repeatable
    def change_passwd(self, txn: Transaction, user_id: int, old: str, new: str) -> bool:
        """Set the hash if it still is the old one (compare and set)."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_CHANGE_PASSWD), (new, user_id, old))
        if txn.rowcount == 1:
            return True
        # Hashes are salted: where the new one stands, it was set by this call before.
        txn.execute(self.dialect(_PASSWD), (user_id,))
        return bool(txn.fetchone() == (new,))

    @repeatable
    def set_role(self, txn: Transaction, name_key: bytes, role: str) -> bool:
        """Give an account a role; false when there is no such account."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_SET_ROLE), (role, name_key))
        return bool(txn.rowcount == 1)

    @repeatable
    def set_paused(self, txn: Transaction, user_id: int, since: int | None) -> None:
        """Keep no look-ups that are made from a time on, milliseconds since 1970; with ``None`` keep them again."""
        self.dialect.begin(txn)
        if since is None:
            txn.execute(self.dialect(_GO_ON), (user_id,))
        else:
            txn.execute(self.dialect(_PAUSE), (since, user_id))

    @repeatable
    def set_keep_days(self, txn: Transaction, user_id: int, days: int | None) -> None:
        """Keep look-ups for so many days; with ``None`` for ever."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_KEEP_DAYS), (days, user_id))

    @repeatable
    def standing(self, txn: Transaction, user_id: int) -> tuple[User, int | None] | None:
        """A user as they are now, and for how many days look-ups are kept: ``None`` for ever."""
        txn.execute(self.dialect(_STANDING), (user_id,))
        row = txn.fetchone()
        if row is None:
            return None
        name, role, paused, days = row
        return User(user_id, name, role, keeps=paused is None), days

    @repeatable
    def delete(self, txn: Transaction, user_id: int) -> bool:
        """Delete an account with its keys and what is left of its history.

        A long history goes before, in slices: :meth:`dictd.store.history.HistoryQueries.forget`.
        """
        self.dialect.begin(txn)
        # First the account, as everybody does who touches what belongs to it.
        txn.execute(self.dialect(LOCK), (user_id,))
        txn.fetchall()
        for statement in (_DELETE_HISTORY, _DELETE_KEYS, _DELETE_FORGOTTEN, _DELETE):
            txn.execute(self.dialect(statement), (user_id,))
        return bool(txn.rowcount == 1)


def _id(nonce: bytes, name_key: bytes) -> int:
    """The id of a new account: 53 bits that no other has, nor will have.

    Not the next number: a database that was restored, or a second host that did
    not hear of the last account, would give it again, and a session that is still
    open would be somebody else's.
    """
    return int.from_bytes(blake2b(nonce + name_key, digest_size=8).digest()) >> 11
