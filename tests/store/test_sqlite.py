"""SQLite files: what each connection is set to, who may read them, how they fail."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from stat import S_IMODE

from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import StoreUnavailable
from dictd.store.dialect import SQLITE
from dictd.store.sqlite import ACCOUNTS_FILE, connect
from tests.store.databases import Database

#: WAL; FULL; on; five seconds.
WANTED = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


class Connections(SynchronousTestCase):
    """What :func:`connect` hands out."""

    def test_pragmas_are_set(self) -> None:
        """A connection writes ahead, syncs every commit, checks references and waits for other writers."""
        database = Database.fresh(self, "accounts")
        found = {pragma: database.rows(f"PRAGMA {pragma}")[0][0] for pragma in WANTED}
        self.assertEqual(found, WANTED)

    def test_transactions_are_begun_by_hand(self) -> None:
        """Python's sqlite3 begins nothing by itself, so BEGIN IMMEDIATE is the first word of a write."""
        database = Database.fresh(self, "accounts")
        database.connection.execute("INSERT INTO user (name, name_key, passwd, created) VALUES ('a', 'a', 'x', 0)")
        self.assertFalse(database.connection.in_transaction)
        SQLITE.begin(database.connection.cursor())
        self.assertTrue(database.connection.in_transaction)
        database.connection.rollback()

    def test_second_writer_is_told_at_begin(self) -> None:
        """BEGIN takes the write lock at once: the second writer fails there and not in the middle of its work."""
        database = Database.fresh(self, "accounts")
        second = connect(database.path, "accounts")
        self.addCleanup(second.close)
        second.execute("PRAGMA busy_timeout = 1")
        SQLITE.begin(database.connection.cursor())
        self.assertRaises(sqlite3.OperationalError, SQLITE.begin, second.cursor())
        database.connection.rollback()


class Modes(SynchronousTestCase):
    """Who may read the files."""

    def setUp(self) -> None:
        """The widest mask a server may have been started with."""
        self.addCleanup(os.umask, os.umask(0))

    def test_files_are_for_their_owner_alone(self) -> None:
        """The database and the files SQLite puts beside it have mode 0600, whatever the umask."""
        database = Database.fresh(self, "accounts")
        database.connection.execute("INSERT INTO user (name, name_key, passwd, created) VALUES ('a', 'a', 'x', 0)")
        modes = {path.name: S_IMODE(path.stat().st_mode) for path in database.path.parent.iterdir()}
        self.assertEqual(modes, dict.fromkeys((ACCOUNTS_FILE, f"{ACCOUNTS_FILE}-wal", f"{ACCOUNTS_FILE}-shm"), 0o600))

    def test_directory_is_for_its_owner_alone(self) -> None:
        """A store directory that had to be made has mode 0700."""
        database = Database.fresh(self, "dictionaries")
        self.assertEqual(S_IMODE(database.path.parent.stat().st_mode), 0o700)


class Faults(SynchronousTestCase):
    """Files that cannot be used."""

    def test_not_a_database(self) -> None:
        """A file of something else is refused in one line with its path, and is not touched."""
        path = Path(self.mktemp())
        path.write_bytes(b"this is not a database, it is a letter\n" * 100)
        refusal = self.assertRaises(StoreUnavailable, connect, path, "accounts")
        self.assertIn(str(path), refusal.text)
        self.assertNotIn("\n", refusal.text)
        self.assertEqual(path.read_bytes(), b"this is not a database, it is a letter\n" * 100)

    def test_directory_that_cannot_be_made(self) -> None:
        """A path below a file is refused in one line, not with a traceback."""
        path = Path(self.mktemp())
        path.touch()
        refusal = self.assertRaises(StoreUnavailable, connect, path / "store" / ACCOUNTS_FILE, "accounts")
        self.assertIn("cannot be opened", refusal.text)

    def test_path_of_a_directory(self) -> None:
        """A directory where the file should be is refused in one line."""
        path = Path(self.mktemp())
        path.mkdir()
        refusal = self.assertRaises(StoreUnavailable, connect, path, "accounts")
        self.assertIn("cannot be opened", refusal.text)
