"""Queries on invites: codes by which one may register."""

from __future__ import annotations

from attrs import field, frozen

from dictd.store.dialect import Dialect, Statement, Transaction, repeatable

_ADD = Statement.both("INSERT INTO invite (code, label, made, expires, uses) VALUES (?, ?, ?, ?, ?)")
_USE = Statement.both("UPDATE invite SET uses = uses - 1 WHERE code = ? AND uses > 0 AND expires > ?")
_GOOD = Statement.both("SELECT uses FROM invite WHERE code = ? AND uses > 0 AND expires > ?")
_ALL = Statement.both("SELECT code, label, made, expires, uses FROM invite ORDER BY made, label")
_DROP = Statement.both("DELETE FROM invite WHERE label = ?")
_OVER = Statement.both("DELETE FROM invite WHERE expires <= ? OR uses <= 0")


@frozen
class StoredInvite:
    """An invite as the store keeps it.

    :ivar code: the hash of its code, 32 octets; the code itself is kept nowhere.
    :ivar label: the first characters of the code, by which it is listed and dropped.
    :ivar made: milliseconds since 1970, UTC; ``expires`` too.
    :ivar uses: how many may still register by it.
    """

    code: bytes = field(repr=False)
    label: str
    made: int
    expires: int
    uses: int


@frozen
class InviteQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def add(self, txn: Transaction, invite: StoredInvite) -> None:
        """Keep a new one; those that are used up or over go."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_OVER), (invite.made,))
        txn.execute(self.dialect(_ADD), (invite.code, invite.label, invite.made, invite.expires, invite.uses))

    @repeatable
    def good(self, txn: Transaction, code: bytes, now: int) -> bool:
        """Whether one may register by a code just now; nothing is taken.

        :param code: its hash.
        :param now: milliseconds since 1970.
        """
        txn.execute(self.dialect(_GOOD), (code, now))
        return txn.fetchone() is not None

    def use(self, txn: Transaction, code: bytes, now: int) -> bool:
        """Take one use of a code, in a transaction that has begun; false when there is none left.

        :param code: its hash.
        :param now: milliseconds since 1970.
        """
        txn.execute(self.dialect(_USE), (code, now))
        return bool(txn.rowcount == 1)

    @repeatable
    def listed(self, txn: Transaction) -> list[StoredInvite]:
        """All that are kept, also those that are over."""
        txn.execute(self.dialect(_ALL))
        return [StoredInvite(*row) for row in txn.fetchall()]

    @repeatable
    def drop(self, txn: Transaction, label: str) -> int:
        """Delete those with a label; how many there were."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_DROP), (label,))
        return int(txn.rowcount)
