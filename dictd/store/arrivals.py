"""Queries on accounts that come from another program, with what was looked up there."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from attrs import field, frozen

from dictd.errors import NameTaken
from dictd.model import LookUp
from dictd.store.dialect import Dialect, Statement, Transaction, repeatable
from dictd.store.history import HistoryQueries

_ROW = "id, name, name_key, nonce, created"
_BY_NONCE = Statement(
    sqlite=f"SELECT {_ROW} FROM user WHERE nonce IN ({{marks}})",  # noqa: S608 - a constant
    mysql=f"SELECT {_ROW} FROM user WHERE nonce IN ({{marks}})",  # noqa: S608 - a constant
)
_BY_KEY = Statement(
    sqlite=f"SELECT {_ROW} FROM user WHERE name_key IN ({{marks}})",  # noqa: S608 - a constant
    mysql=f"SELECT {_ROW} FROM user WHERE name_key IN ({{marks}})",  # noqa: S608 - a constant
)
_ADD = Statement(
    sqlite="INSERT INTO user (id, name, name_key, passwd, role, created, nonce) VALUES (?, ?, ?, ?, 'user', ?, ?)"
    " ON CONFLICT (name_key) DO NOTHING",
    mysql="INSERT INTO user (id, name, name_key, passwd, role, created, nonce)"
    " VALUES (%s, %s, %s, %s, 'user', %s, %s) ON DUPLICATE KEY UPDATE id = id",
)
_IDS = Statement.both("SELECT rid FROM hist WHERE user_id = ?")
_AT_ONCE = 500


@frozen
class Arrived:
    """An account that is there.

    :ivar nonce: of the call that made it; ``None`` of a very old one.
    :ivar created: milliseconds since 1970.
    """

    id: int
    name: str
    key: bytes
    nonce: bytes | None
    created: int


@frozen
class Arrival:
    """An account that is to be made.

    :ivar nonce: the same for the same person of the same source, and unlike any other.
    """

    name: str
    key: bytes
    passwd: str = field(repr=False)
    nonce: bytes


@frozen
class ArrivalQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    @repeatable
    def of_nonces(self, txn: Transaction, nonces: Iterable[bytes]) -> dict[bytes, Arrived]:
        """The accounts that came before."""
        return {one.nonce: one for one in self._among(txn, _BY_NONCE, nonces) if one.nonce is not None}

    @repeatable
    def of_keys(self, txn: Transaction, keys: Iterable[bytes]) -> dict[bytes, Arrived]:
        """The accounts that have some folded names."""
        return {one.key: one for one in self._among(txn, _BY_KEY, keys)}

    @repeatable
    def arrive(
        self,
        txn: Transaction,
        arrivals: Sequence[Arrival],
        now: int,
        look_ups: Callable[[Mapping[bytes, Arrived], Callable[[int], set[int]]], Iterable[LookUp]],
        nonces: Sequence[bytes],
    ) -> int:
        """Make accounts, and keep what was looked up, all or nothing.

        :param now: milliseconds since 1970.
        :param look_ups: makes the rows of the accounts by their nonces; told how to find the row ids of a user.
        :param nonces: of the accounts that came before and have rows to come.
        :returns: how many rows were kept: not those that their user has forgotten here, or made while paused.
        :raises NameTaken: somebody has taken a name meanwhile.
        """
        self.dialect.begin(txn)
        for arrival in arrivals:
            number = int.from_bytes(secrets.token_bytes(8)) >> 11  # as dictd.store.accounts makes them
            txn.execute(self.dialect(_ADD), (number, arrival.name, arrival.key, arrival.passwd, now, arrival.nonce))
        known = self.of_nonces(txn, [*(arrival.nonce for arrival in arrivals), *nonces])
        for arrival in arrivals:
            if arrival.nonce not in known:
                raise NameTaken(f"{arrival.name} was registered meanwhile; nothing was changed, try again")
        rows = iter(look_ups(known, lambda user_id: self._row_ids(txn, user_id)))
        history, kept = HistoryQueries(self.dialect), 0
        while batch := list(islice(rows, _AT_ONCE)):
            kept += history.settle(txn, batch)
        return kept

    def _row_ids(self, txn: Transaction, user_id: int) -> set[int]:
        txn.execute(self.dialect(_IDS), (user_id,))
        return {rid for (rid,) in txn.fetchall()}

    def _among(self, txn: Transaction, statement: Statement, values: Iterable[bytes]) -> list[Arrived]:
        wanted, found = iter(values), []
        while batch := list(islice(wanted, _AT_ONCE)):
            txn.execute(self.dialect(statement).format(marks=self.dialect.marks(len(batch))), batch)
            found += [Arrived(*row) for row in txn.fetchall()]
        return found
