"""What differs between SQL servers: the text of a statement.

Each subject (:mod:`~dictd.store.accounts`, :mod:`~dictd.store.history`,
:mod:`~dictd.store.dictionaries`) keeps its statements in :class:`Statement`
values, one text for each dialect side by side, and takes the dialect once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from attrs import frozen

_Query = TypeVar("_Query", bound=Callable[..., Any])


@frozen
class Statement:
    """One statement, written for each dialect."""

    sqlite: str
    mysql: str

    @classmethod
    def both(cls, text: str) -> Statement:
        """A statement of which only the marks of its parameters differ: ``?`` here."""
        if "%" in text or "'?" in text or "?'" in text:
            raise ValueError(text)
        return cls(text, text.replace("?", "%s"))


class Transaction(Protocol):
    """What queries are run on: a cursor of DB-API 2.0."""

    @property
    def rowcount(self) -> Any:
        """Rows the last statement touched; those an UPDATE found, also where it changed nothing."""

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


class Connection(Protocol):
    """A connection of DB-API 2.0, as far as it is asked for."""

    def cursor(self) -> Any:
        """A cursor."""

    def commit(self) -> Any:
        """End the transaction."""

    def rollback(self) -> Any:
        """End it as if it had not been."""

    def close(self) -> Any:
        """Close the connection."""


@frozen
class Dialect:
    """A kind of SQL server.

    :ivar mark: of a parameter.
    """

    name: str
    mark: str

    def __call__(self, statement: Statement) -> str:
        """The text of a statement in this dialect."""
        text: str = getattr(statement, self.name)
        return text

    def begin(self, txn: Transaction) -> None:
        """Begin a transaction that writes; on MySQL the first statement does."""
        if text := self(_BEGIN):
            txn.execute(text)

    def marks(self, count: int) -> str:
        """The marks of so many parameters, for ``IN (...)``."""
        return ", ".join([self.mark] * count)


SQLITE = Dialect("sqlite", "?")
MYSQL = Dialect("mysql", "%s")

_BEGIN = Statement(sqlite="BEGIN IMMEDIATE", mysql="")


def repeatable(query: _Query) -> _Query:
    """Mark a query that may run again after its COMMIT was lost on the way: it does nothing twice."""
    query.repeatable = True  # type: ignore[attr-defined]
    return query


def is_repeatable(query: Callable[..., Any]) -> bool:
    """Whether a query is marked :func:`repeatable`."""
    return bool(getattr(query, "repeatable", False))
