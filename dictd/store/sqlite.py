"""SQLite: two files in the state directory, nothing to set up.

Two, because an import that shared a file with the history made its commits
wait for seconds.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dictd.errors import StoreUnavailable
from dictd.store import schema

ACCOUNTS_FILE = "accounts.sqlite"
DICTIONARIES_FILE = "dictionaries.sqlite"

#: How long SQLite waits for another process that writes, milliseconds.
_BUSY_TIMEOUT = 5000


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
    except StoreUnavailable:
        connection.close()
        raise
    return connection
