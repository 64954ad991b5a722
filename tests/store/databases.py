"""A database on a real file, with queries run on it the way the pool runs them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from dictd.store.dialect import Transaction
from dictd.store.sqlite import ACCOUNTS_FILE, DICTIONARIES_FILE, connect

P = ParamSpec("P")
T = TypeVar("T")

_FILES = {"accounts": ACCOUNTS_FILE, "dictionaries": DICTIONARIES_FILE}


def committed(
    connection: sqlite3.Connection,
    query: Callable[Concatenate[Transaction, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a query in a transaction of its own: committed when it returns, rolled back when it raises."""
    try:
        result = query(connection.cursor(), *args, **kwargs)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return result


@define(eq=False)
class Database:
    """One database of one subject, open for the length of a test."""

    path: Path
    connection: sqlite3.Connection

    @classmethod
    def fresh(cls, case: SynchronousTestCase, subject: str) -> Database:
        """A new file in a directory of the test's own."""
        path = Path(case.mktemp()) / _FILES[subject]
        connection = connect(path, subject)
        case.addCleanup(connection.close)
        return cls(path, connection)

    def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query and commit."""
        return committed(self.connection, query, *args, **kwargs)

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a statement of the test's own finds."""
        return self.connection.execute(sql, parameters).fetchall()
