"""Queries on all accounts at once, for whoever looks after them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dictd.store.dialect import Dialect, Statement, Transaction, repeatable

_ALL = Statement.both(
    "SELECT id, name, name_key, role, created, disabled, paused, keep_days FROM user ORDER BY name_key"
)
_TAKEN = Statement.both("SELECT name_key FROM user WHERE name_key IN ({marks})")
_BEGINNING = Statement.both(
    "SELECT name, name_key FROM user WHERE name_key >= ? AND name_key < ? ORDER BY name_key LIMIT ?"
)
# The latest row is the last of its user: a step into the index, however long the history is.
_LAST = "(SELECT time FROM hist WHERE hist.user_id = user.id ORDER BY hist.rid DESC LIMIT 1)"
_KEYS = "(SELECT count(*) FROM user_key WHERE user_key.user_id = user.id)"
_ROWS = "(SELECT count(*) FROM hist WHERE hist.user_id = user.id)"
_BRIEF = Statement.both(f"SELECT id, {_LAST}, {_KEYS}, NULL FROM user WHERE id IN ({{marks}})")  # noqa: S608 - constants
_WHOLE = Statement.both(f"SELECT id, {_LAST}, {_KEYS}, {_ROWS} FROM user WHERE id IN ({{marks}})")  # noqa: S608 - constants

#: Accounts that one statement asks for.
_AT_ONCE = 2000


@frozen
class Resident:
    """An account, as the list of all has it.

    :ivar name_key: folded.
    :ivar created: milliseconds since 1970.
    :ivar keeps: whether look-ups are kept; ``keep_days``: for how long, ``None`` for ever.
    """

    id: int
    name: str
    name_key: str
    role: str
    created: int
    disabled: bool
    keeps: bool
    keep_days: int | None


@frozen
class Traces:
    """What somebody has left.

    :ivar last: when the latest look-up was that is kept, milliseconds since 1970.
    :ivar rows: how many are kept, where that was asked for.
    """

    last: int | None
    keys: int
    rows: int | None


@frozen
class CensusQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    @repeatable
    def residents(self, txn: Transaction) -> list[Resident]:
        """All accounts, by name."""
        txn.execute(self.dialect(_ALL))
        return [
            Resident(user_id, name, bytes(key).decode("utf-8"), role, created, bool(disabled), paused is None, days)
            for user_id, name, key, role, created, disabled, paused, days in txn.fetchall()
        ]

    @repeatable
    def between(self, txn: Transaction, first: bytes, end: bytes, most: int) -> list[tuple[str, str]]:
        """Names and folded names from one to before another, as many as that at the most."""
        txn.execute(self.dialect(_BEGINNING), (first, end, most))
        return [(name, bytes(key).decode("utf-8")) for name, key in txn.fetchall()]

    @repeatable
    def traces(self, txn: Transaction, user_ids: Sequence[int], counted: bool = False) -> dict[int, Traces]:
        """What accounts have left; those that are gone are left out.

        :param counted: count the rows of the history too, which looks at each.
        """
        text, found = self.dialect(_WHOLE if counted else _BRIEF), {}
        for first in range(0, len(user_ids), _AT_ONCE):
            part = user_ids[first : first + _AT_ONCE]
            txn.execute(text.format(marks=self.dialect.marks(len(part))), part)
            found.update({user_id: Traces(*left) for user_id, *left in txn.fetchall()})
        return found

    @repeatable
    def taken(self, txn: Transaction, name_keys: Sequence[bytes]) -> set[bytes]:
        """Which of some folded names are somebody's."""
        found: set[bytes] = set()
        for first in range(0, len(name_keys), _AT_ONCE):
            part = name_keys[first : first + _AT_ONCE]
            txn.execute(self.dialect(_TAKEN).format(marks=self.dialect.marks(len(part))), part)
            found.update(bytes(key) for (key,) in txn.fetchall())
        return found
