"""What differs between SQL servers: the text of a statement.

Each subject (:mod:`~dictd.store.accounts`, :mod:`~dictd.store.history`,
:mod:`~dictd.store.dictionaries`) keeps its statements in :class:`Statement`
values, one text for each dialect side by side, and takes the dialect once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from attrs import frozen


@frozen
class Statement:
    """One statement, written for each dialect."""

    sqlite: str


class Transaction(Protocol):
    """What queries are run on: a cursor of DB-API 2.0, or adbapi's transaction."""

    @property
    def rowcount(self) -> Any:
        """Rows the last statement touched."""

    @property
    def lastrowid(self) -> Any:
        """Id of the row the last INSERT made."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Run one statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Any:
        """Run one statement for many rows."""

    def fetchone(self) -> Any:
        """The next row or ``None``."""

    def fetchall(self) -> Any:
        """All rows left."""


@frozen
class Dialect:
    """A kind of SQL server."""

    name: str

    def __call__(self, statement: Statement) -> str:
        """The text of a statement in this dialect."""
        text: str = getattr(statement, self.name)
        return text


SQLITE = Dialect("sqlite")

BEGIN = Statement(sqlite="BEGIN IMMEDIATE")
