"""A database of its own for a test, with queries run on it the way the pool runs them: SQLite's files, or MariaDB."""

from __future__ import annotations

import itertools
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pymysql
from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from dictd.sections import Store
from dictd.store import accounts, databases, schema
from dictd.store.dialect import MYSQL, Connection, Dialect, Transaction
from dictd.store.faults import ERRORS, Fault, fault_of
from dictd.store.mysql import MySQL
from dictd.store.sqlite import FILES
from dictd.storeurl import StoreURL
from tests.support import mariadb

P = ParamSpec("P")
T = TypeVar("T")
_Case = TypeVar("_Case", bound=type[SynchronousTestCase])


#: Databases with tables that no test uses just now, of each server.
_kept: dict[Path, list[str]] = {}
#: How either database refuses a row that another is in the way of.
REFUSALS = (sqlite3.IntegrityError, pymysql.err.IntegrityError)


def on_both(case: _Case) -> _Case:
    """Run the tests of a class on MariaDB too: a second class of the module, named ``...OnMariaDB``."""
    name = f"{case.__name__}OnMariaDB"
    again = type(name, (case,), {"store": "mariadb", "__module__": case.__module__, "__doc__": case.__doc__})
    setattr(sys.modules[case.__module__], name, again)
    return case


def is_mariadb(case: SynchronousTestCase) -> bool:
    """Whether a test runs on MariaDB; see :func:`on_both`."""
    return getattr(case, "store", "sqlite") == "mariadb"


def url(case: SynchronousTestCase) -> str:
    """A ``store.url`` for a test: SQLite, or a database of MariaDB that has its tables and ends with the test."""
    return fresh_mysql(case) if is_mariadb(case) else "sqlite"


def fresh_mysql(case: SynchronousTestCase, server: mariadb.MariaDB | None = None, tables: bool = True) -> str:
    """The URL of a new database of a server, by default of the one that all tests of this process share."""
    server = server or mariadb.shared()
    if not tables:
        name = server.database()
        case.addCleanup(server.drop, name)
        return server.url(name)
    kept = _kept.setdefault(server.directory, [])
    name = kept.pop() if kept else server.database()
    address = server.url(name)
    make_tables(address)
    case.addCleanup(_clear, server, name, kept)
    return address


def _clear(server: mariadb.MariaDB, name: str, kept: list[str]) -> None:
    """Empty its tables, which takes less than to make them, and keep it for the next test."""
    with server.root(name) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        tables = {table for (table,) in cursor.fetchall()} - {"schema_version"}
        cursor.execute("SELECT subject, version FROM schema_version")
        if set(cursor.fetchall()) != {
            (subject, step.version) for subject in schema.SUBJECTS for step in schema.migrations(subject, MYSQL)
        }:
            cursor.execute(f"DROP DATABASE {name}")
            return
        cursor.execute("SET foreign_key_checks = 0")
        connection.begin()
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
        connection.commit()
    kept.append(name)


def make_tables(address: str) -> None:
    """What ``dictctl migrate`` does."""
    connection = MySQL.of(StoreURL.parse(address), Store()).patient()
    for subject in schema.SUBJECTS:
        schema.migrate(connection, subject, MYSQL)
    connection.close()


def count_ids(case: SynchronousTestCase) -> None:
    """Let accounts have the ids 1, 2, 3 ... in this test, instead of some that nobody can guess."""
    ids = itertools.count(1)
    case.patch(accounts, "_id", lambda *_: next(ids))


def committed(
    connection: Connection,
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


def again(
    connection: Connection,
    query: Callable[Concatenate[Transaction, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """As :func:`committed`, and begun anew where it was rolled back for another's sake, as the pool does."""
    while True:
        try:
            return committed(connection, query, *args, **kwargs)
        except ERRORS as error:
            if fault_of(error) is not Fault.AGAIN:
                raise


@define(eq=False)
class Database:
    """One database, open for the length of a test.

    :ivar path: the file, of SQLite.
    """

    path: Path
    made: databases.Database
    subject: str
    connection: Any

    @classmethod
    def fresh(cls, case: SynchronousTestCase, subject: str) -> Database:
        """A new one, of the kind that the test wants: see :func:`on_both`."""
        directory = Path(case.mktemp())
        made = databases.database(Store(url=url(case)), directory)
        connection = made.connect(subject)
        case.addCleanup(connection.close)
        return cls(directory / FILES[subject], made, subject, connection)

    @property
    def dialect(self) -> Dialect:
        """The kind of server."""
        return self.made.dialect

    def another(self) -> Any:
        """Another connection to it, of this thread, which the caller closes."""
        return self.made.open(self.subject, lambda connection: None)

    def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query and commit."""
        return committed(self.connection, query, *args, **kwargs)

    def do(self, sql: str, *parameters: object) -> None:
        """Run a statement of the test's own, and commit."""
        self.run(lambda txn: txn.execute(sql.replace("?", self.dialect.mark), parameters))

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a statement of the test's own finds; its parameters are marked by ``?``."""
        cursor = self.connection.cursor()
        cursor.execute(sql.replace("?", self.dialect.mark), parameters)
        return list(cursor.fetchall())
