"""``dictctl import --fast``: whether LOAD DATA LOCAL may be used.

What is sent is rows in memory, never a file (:mod:`dictd.store.loading`); it is
allowed all the same only where nobody can stand between us and the database.
"""

from __future__ import annotations

from contextlib import closing

from dictd.errors import StoreUnavailable
from dictd.sections import Store
from dictd.store.databases import Database
from dictd.store.dialect import Connection
from dictd.store.mysql import MySQL

_WITHOUT = "importing without it"


def why_not(database: Database, settings: Store) -> str:
    """Why ``--fast`` cannot be, in a line for the administrator; empty where it can.

    :raises StoreUnavailable: the database does not answer.
    """
    if not isinstance(database, MySQL):
        return "--fast is for MySQL and MariaDB; SQLite is fast enough"
    if not settings.ca and not all(host.here for host in database.url.hosts):
        return f"--fast needs a database on this machine, or TLS with its certificates in store.ca; {_WITHOUT}"
    with closing(database.patient()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@GLOBAL.local_infile")
        (allowed,) = cursor.fetchone() or (0,)
        connection.rollback()
    return "" if allowed else f"--fast needs local_infile, which is off on the database's server; {_WITHOUT}"


def fast_connection(database: Database) -> Connection:
    """A connection for LOAD DATA LOCAL.

    :raises StoreUnavailable: the database cannot be used; :func:`why_not` was not asked.
    """
    if not isinstance(database, MySQL):
        raise StoreUnavailable("only MySQL has LOAD DATA LOCAL")
    return database.loading()
