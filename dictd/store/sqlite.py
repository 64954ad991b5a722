"""SQLite: two files in the state directory, nothing to set up.

Two, because an import that shared a file with the history made its commits
wait for seconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from attrs import frozen

from dictd.errors import DictError, StoreUnavailable
from dictd.store import schema
from dictd.store.dialect import SQLITE, Connection, Dialect

ACCOUNTS_FILE = "accounts.sqlite"
DICTIONARIES_FILE = "dictionaries.sqlite"
FILES = {"accounts": ACCOUNTS_FILE, "dictionaries": DICTIONARIES_FILE}

#: How long SQLite waits for another process that writes, milliseconds.
_BUSY_TIMEOUT = 5000


@frozen
class SQLite:
    """See :class:`dictd.store.databases.Database`.

    :ivar directory: ``store/`` of the state directory.
    """

    directory: Path
    answer_seconds: float = 2.0
    dialect: ClassVar[Dialect] = SQLITE
    driver: ClassVar[str] = "sqlite3"
    flights: ClassVar[int] = 1
    threads: ClassVar[int] = 3
    hosts: ClassVar[int] = 1

    @property
    def used(self) -> str:
        """The directory."""
        return f"SQLite in {self.directory}"

    def shown(self, subject: str) -> str:
        """The file."""
        return str(self.directory / FILES[subject])

    def connect(self, subject: str) -> sqlite3.Connection:
        """Open the file of a subject, brought up to date."""
        return connect(self.directory / FILES[subject], subject)

    def open(self, subject: str, entered: Callable[[Connection], None]) -> sqlite3.Connection:
        """Open the file of a subject, which another connection has brought up to date."""
        # Closed from the thread of the reactor.
        connection = sqlite3.connect(self.directory / FILES[subject], isolation_level=None, check_same_thread=False)
        entered(connection)
        prepare(connection)
        return connection

    def alive(self, connection: Any) -> bool:
        """A file is."""
        return True

    def cut(self, connection: Any) -> None:
        """What it does just now is not given up: it ends by itself within the time-out of a lock."""

    def leave(self, connection: Any) -> None:
        """There is no other."""

    def snapshot(self, connection: Connection) -> None:
        """From here to the end of the transaction the same is read."""
        connection.cursor().execute("BEGIN")


def prepare(connection: sqlite3.Connection) -> None:
    """Set what every SQLite connection of ours needs: WAL, and a commit that survives a power failure."""
    for pragma in (
        f"busy_timeout = {_BUSY_TIMEOUT}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = FILE",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _open(path: Path) -> sqlite3.Connection:
    """A connection for this thread, with explicit transactions; the file is made 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection)
    return connection


def connect(path: Path, subject: str) -> sqlite3.Connection:
    """A connection of this thread to a database that is up to date.

    :raises StoreUnavailable: it cannot be opened, or is of a newer program.
    """
    try:
        connection = _open(path)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error}") from None
    try:
        schema.migrate(connection, subject)
    except sqlite3.Error as error:
        connection.close()
        raise StoreUnavailable(f"{path}: {error}") from None
    except DictError:
        connection.close()
        raise
    return connection
