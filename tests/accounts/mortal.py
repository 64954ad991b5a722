"""What the state machine kills: a store of either kind, and a disk that forgets what was not synced."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define, field

from dictd.sections import Store
from dictd.store import databases
from dictd.store.dialect import Dialect
from dictd.store.sqlite import FILES
from tests.store.databases import make_tables
from tests.support.mariadb import MariaDB

#: In an order in which rows may go that others refer to.
_TABLES = ("hist", "forgotten", "user_key", "invite", "user")
#: How often MariaDB is really killed in one example.
_KILLS = 2


class MortalStore:
    """A store that dies and comes back.

    :ivar ids: of every account that there ever was in it.
    """

    made: databases.Database
    ids: set[int]

    @property
    def dialect(self) -> Dialect:
        """The kind of server."""
        return self.made.dialect

    def connect(self) -> Any:
        """A connection, as the pool has it."""
        connection = self.made.open("accounts", lambda _: None)
        if self.dialect.name == "sqlite":
            # What a process has written is there after it; a power failure of SQLite is not looked at.
            connection.cursor().execute("PRAGMA synchronous = OFF")
        return connection

    def kill(self) -> None:
        """It dies; whoever has a connection closes it."""

    def launch(self) -> None:
        """It is there again."""


class SQLiteStore(MortalStore):
    """Files of its own; it dies with its connections."""

    def __init__(self, directory: Path) -> None:
        self.made = databases.database(Store(url="sqlite"), directory)
        self.ids = set()
        directory.mkdir(parents=True)
        (directory / FILES["accounts"]).write_bytes(_new_file())


@functools.cache
def _new_file() -> bytes:
    """A file of SQLite with its tables."""
    with tempfile.TemporaryDirectory() as directory:
        databases.database(Store(url="sqlite"), Path(directory)).connect("accounts").close()
        return Path(directory, FILES["accounts"]).read_bytes()


class MariaDBStore(MortalStore):
    """A server of its own, which is killed by signal 9; one database, emptied for each example."""

    def __init__(self, server: MariaDB, directory: Path) -> None:
        self._server, self._kills = server, 0
        url = server.url(server.database())
        make_tables(url)
        self.made = databases.database(Store(url=url), directory)
        self.ids = set()

    def empty(self) -> None:
        """No accounts, no history; ids go on."""
        self._kills = 0
        self.launch()
        with closing(self.connect()) as connection:
            for table in _TABLES:
                connection.cursor().execute(f"DELETE FROM {table}")  # noqa: S608 - constants
            connection.commit()

    def kill(self) -> None:
        """Signal 9; from the third time on only its connections are closed, which is quicker."""
        self._kills += 1
        if self._kills <= _KILLS:
            self._server.kill()

    def launch(self) -> None:
        """It begins and recovers."""
        if self._server.process.poll() is not None:
            self._server.launch()


@define(eq=False)
class Disk:
    """What of the files of a directory is on the disk, were the power to fail now."""

    directory: Path
    _octets: dict[int, int] = field(factory=dict)
    _names: set[str] = field(factory=set)

    def watch(self) -> Callable[[], None]:
        """See what is synced, until what is returned is called; the syncs themselves need not be done."""
        patches = patch("os.fdatasync", self._fdatasync), patch("os.fsync", self._fsync)
        for one in patches:
            one.start()

        def unwatch() -> None:
            for one in patches:
                one.stop()

        return unwatch

    def fail(self) -> None:
        """What was not synced is gone."""
        with suppress(FileNotFoundError):
            for path in list(self.directory.iterdir()):
                if path.name in self._names:
                    os.truncate(path, self._octets.get(path.stat().st_ino, 0))
                else:
                    path.unlink()

    def _fdatasync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self._octets[status.st_ino] = status.st_size

    def _fsync(self, descriptor: int) -> None:
        where = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if where == self.directory.absolute():
            self._names = set(os.listdir(where))
