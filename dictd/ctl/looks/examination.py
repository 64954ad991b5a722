"""What all looks of the doctor share: whom they look at, how long they may take, what they have seen so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from sqlite3 import OperationalError

from attrs import field, frozen

from dictd.ctl.mysqlserver import MySQLServer
from dictd.ctl.root import Shared
from dictd.ctl.sqlitefiles import SQLiteFiles
from dictd.processes.state import Lock
from dictd.store.dialect import Connection
from dictd.store.dictionaries import Live
from dictd.store.faults import code_of
from dictd.store.mysql import MySQL

#: Of MariaDB and of MySQL: a statement took longer than it may.
_TIME_IS_UP = {1969, 3024}


@frozen
class Bounds:
    """How long something may take, seconds.

    :ivar query: one question to a database; ``work`` what a look reads by itself.
    :ivar look: a whole look, after which it is left to itself.
    """

    query: float
    work: float
    look: float


QUICK, THOROUGH = Bounds(3, 5, 20), Bounds(900, 3600, 7200)


@frozen(slots=False, eq=False)
class Examination:
    """One visit of the doctor.

    :ivar config: the settings file, if there is one.
    :ivar live: the dictionaries of the store, once they were looked at; ``unread`` what of it could not be read.
    :ivar away: told why, where the database does not answer: then nobody asks it again.
    """

    shared: Shared
    config: Path | None = None
    thorough: bool = False
    live: list[Live] = field(factory=list)
    unread: list[str] = field(factory=list)
    away: list[str] = field(factory=list)

    @property
    def bounds(self) -> Bounds:
        """How long everything may take."""
        return THOROUGH if self.thorough else QUICK

    @cached_property
    def kept(self) -> SQLiteFiles | MySQLServer:
        """What keeps the store.

        :raises SettingsRefused: the password or the certificates cannot be read.
        """
        database = self.shared.database
        if isinstance(database, MySQL):
            settings = self.shared.settings
            return MySQLServer(database, settings, max(settings.listen.processes, 1))
        return SQLiteFiles(self.shared.state.store)

    @contextmanager
    def reading(self, subject: str) -> Iterator[Connection | None]:
        """A connection that reads a subject of the store; ``None`` where there are no tables yet.

        What is asked by it may take :attr:`Bounds.query` seconds, then :func:`ran_out` tells it.
        """
        with self.kept.reading(subject, self.bounds.query) as connection:
            yield connection

    @property
    def lock(self) -> Lock:
        """Of the server."""
        return Lock(self.shared.state.directory / "lock")

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(time.time() * 1000)


def ran_out(error: BaseException) -> bool:
    """Whether a question to a database was given up because it took too long."""
    if isinstance(error, OperationalError):
        return "interrupted" in str(error)
    return code_of(error) in _TIME_IS_UP


def held(error: BaseException) -> bool:
    """Whether somebody else holds what was asked for, of SQLite."""
    return isinstance(error, OperationalError) and "is locked" in str(error)
