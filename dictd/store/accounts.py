"""Queries on users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from attrs import field, frozen

from dictd.errors import InviteRefused, NameTaken
from dictd.model import Account, User
from dictd.store.dialect import Dialect, Statement, Transaction, repeatable
from dictd.store.invites import InviteQueries

#: What waits for whoever changes what belongs to an account, and keeps it until the end of the transaction.
LOCK = Statement(sqlite="SELECT id FROM user WHERE id = ?", mysql="SELECT id FROM user WHERE id = %s FOR UPDATE")

_FIND = Statement.both("SELECT id, name, passwd, role, disabled, paused, epoch FROM user WHERE name_key = ?")
_MADE = Statement.both("SELECT id, name, role, epoch, nonce FROM user WHERE name_key = ?")
_ADD = Statement(
    sqlite="INSERT INTO user (id, name, name_key, passwd, role, created, nonce) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (name_key) DO NOTHING",
    mysql="INSERT INTO user (id, name, name_key, passwd, role, created, nonce) VALUES (%s, %s, %s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE id = id",
)
# What ends the sessions of a user makes the epoch another in the same statement.
_CHANGE_PASSWD = Statement.both("UPDATE user SET passwd = ?, epoch = epoch + 1 WHERE id = ? AND passwd = ?")
_REHASH = Statement.both("UPDATE user SET passwd = ? WHERE id = ? AND passwd = ?")
_SET_PASSWD = Statement.both("UPDATE user SET passwd = ?, epoch = epoch + 1 WHERE id = ?")
_DISABLE = Statement.both("UPDATE user SET disabled = 1, epoch = epoch + 1 WHERE id = ?")
_ENABLE = Statement.both("UPDATE user SET disabled = 0 WHERE id = ?")
_PASSWD = Statement.both("SELECT passwd FROM user WHERE id = ?")
_SET_ROLE = Statement.both("UPDATE user SET role = ? WHERE name_key = ?")
_PAUSE = Statement.both("UPDATE user SET paused = coalesce(paused, ?) WHERE id = ?")
_GO_ON = Statement.both("UPDATE user SET paused = NULL WHERE id = ?")
_KEEP_DAYS = Statement.both("UPDATE user SET keep_days = ? WHERE id = ?")
_STANDING = Statement.both("SELECT name, role, paused, epoch, keep_days FROM user WHERE id = ? AND disabled = 0")
_STAND = Statement.both("SELECT id, name, role, paused, epoch FROM user WHERE id IN ({marks}) AND disabled = 0")
_DELETE = Statement.both("DELETE FROM user WHERE id = ?")
_DELETE_KEYS = Statement.both("DELETE FROM user_key WHERE user_id = ?")
_DELETE_HISTORY = Statement.both("DELETE FROM hist WHERE user_id = ?")
_DELETE_FORGOTTEN = Statement.both("DELETE FROM forgotten WHERE user_id = ?")


@frozen
class NewAccount:
    """An account that is to be made.

    :ivar passwd: an argon2id string.
    :ivar created: milliseconds since 1970.
    :ivar nonce: 16 octets unlike any other. An account that has them was made by the same call
        before, and its answer was lost.
    """

    name: str
    name_key: bytes
    passwd: str = field(repr=False)
    created: int
    nonce: bytes
    role: str = "user"


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
        user_id, name, passwd, role, disabled, paused, epoch = row
        return Account(User(user_id, name, role, paused is None, epoch), passwd, bool(disabled))

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
        """Make an account; see :class:`NewAccount`.

        :param invite: the hash of a code that is used up by this, see :mod:`dictd.store.invites`.
        :raises NameTaken: the name is somebody else's.
        :raises InviteRefused: the code is none, or used up.
        """
        self.dialect.begin(txn)
        made = self._made(txn, name_key)
        if made is None:
            if invite is not None and not InviteQueries(self.dialect).use(txn, invite, created):
                raise InviteRefused()
            made = self._add(txn, NewAccount(name, name_key, passwd, created, nonce))
        if made is None or made[1] != nonce:
            raise NameTaken()
        return made[0]

    @repeatable
    def add_all(self, txn: Transaction, accounts: Iterable[NewAccount]) -> None:
        """Make accounts, all or none.

        :raises NameTaken: a name is somebody's, the text tells which; the caller rolls back.
        """
        self.dialect.begin(txn)
        for new in accounts:
            made = self._made(txn, new.name_key) or self._add(txn, new)
            if made is None or made[1] != new.nonce:
                raise NameTaken(f"{new.name} has an account already")

    def _add(self, txn: Transaction, new: NewAccount) -> tuple[User, bytes | None] | None:
        """Make one, unless somebody was quicker; whose the name is then."""
        values = (_id(new.nonce, new.name_key), new.name, new.name_key, new.passwd, new.role, new.created, new.nonce)
        txn.execute(self.dialect(_ADD), values)
        return self._made(txn, new.name_key)

    def _made(self, txn: Transaction, name_key: bytes) -> tuple[User, bytes | None] | None:
        txn.execute(self.dialect(_MADE), (name_key,))
        row = txn.fetchone()
        if row is None:
            return None
        user_id, name, role, epoch, nonce = row
        return User(user_id, name, role, epoch=epoch), nonce

    @repeatable
    def change_passwd(self, txn: Transaction, user_id: int, old: str, new: str) -> bool:
        """Set the hash of another password if it still is the old one (compare and set); the epoch is the next."""
        return self._exchange(txn, _CHANGE_PASSWD, user_id, old, new)

    @repeatable
    def rehash(self, txn: Transaction, user_id: int, old: str, new: str) -> bool:
        """As :meth:`change_passwd`, of the same password: sessions go on."""
        return self._exchange(txn, _REHASH, user_id, old, new)

    def _exchange(self, txn: Transaction, statement: Statement, user_id: int, old: str, new: str) -> bool:
        self.dialect.begin(txn)
        txn.execute(self.dialect(statement), (new, user_id, old))
        if txn.rowcount == 1:
            return True
        # Hashes are salted: where the new one stands, it was set by this call before.
        return self.has_passwd(txn, user_id, new)

    @repeatable
    def has_passwd(self, txn: Transaction, user_id: int, passwd: str) -> bool:
        """Whether this is the hash of an account."""
        txn.execute(self.dialect(_PASSWD), (user_id,))
        return bool(txn.fetchone() == (passwd,))

    @repeatable
    def set_passwd(self, txn: Transaction, user_id: int, passwd: str, drop_keys: bool) -> bool:
        """Set the hash, whatever it was; false when there is no such account.

        :param drop_keys: delete the keys too.
        """
        self.dialect.begin(txn)
        txn.execute(self.dialect(_SET_PASSWD), (passwd, user_id))
        found = bool(txn.rowcount == 1)
        if drop_keys:
            txn.execute(self.dialect(_DELETE_KEYS), (user_id,))
        return found

    @repeatable
    def drop_keys(self, txn: Transaction, user_id: int) -> int:
        """Delete all keys of a user; how many there were."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_DELETE_KEYS), (user_id,))
        return int(txn.rowcount)

    @repeatable
    def set_disabled(self, txn: Transaction, user_ids: Iterable[int], disabled: bool) -> None:
        """Let nobody log in to these accounts; or again."""
        self.dialect.begin(txn)
        for user_id in user_ids:
            txn.execute(self.dialect(_DISABLE if disabled else _ENABLE), (user_id,))

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
        name, role, paused, epoch, days = row
        return User(user_id, name, role, paused is None, epoch), days

    @repeatable
    def as_they_are(self, txn: Transaction, user_ids: Sequence[int]) -> dict[int, User]:
        """Users as they are now, by id; who is gone or disabled is left out.

        :param user_ids: at least one.
        """
        txn.execute(self.dialect(_STAND).format(marks=self.dialect.marks(len(user_ids))), tuple(user_ids))
        return {
            user_id: User(user_id, name, role, paused is None, epoch)
            for user_id, name, role, paused, epoch in txn.fetchall()
        }

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
