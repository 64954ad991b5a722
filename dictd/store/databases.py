"""Which database keeps the store, as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from dictd.sections import Store
from dictd.store.dialect import Connection, Dialect
from dictd.storeurl import StoreURL


class Database(Protocol):
    """A database, and how to come to it.

    :ivar driver: the module of its driver, for adbapi.
    :ivar flights: commits of the history that are worth being under way at once.
    :ivar threads: connections of one process; ``hosts``: servers that are tried in turn.
    :ivar answer_seconds: how long a query may take.
    """

    @property
    def dialect(self) -> Dialect: ...
    @property
    def driver(self) -> str: ...
    @property
    def flights(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def hosts(self) -> int: ...
    @property
    def answer_seconds(self) -> float: ...

    @property
    def used(self) -> str:
        """Where it is asked just now, for people."""

    def shown(self, subject: str) -> str:
        """Where it is, for people."""

    def connect(self, subject: str) -> Connection:
        """A connection of this thread, which may take its time, to a database that is up to date.

        :raises StoreAway: it does not answer.
        :raises StoreUnavailable: it cannot be used.
        """

    def open(self, subject: str, entered: Callable[[Connection], None]) -> Connection:
        """A connection for the pool.

        :param entered: told of it before it waits for anything; of several, where several hosts are tried.
            What it raises comes through.
        :raises Exception: one of :data:`dictd.store.faults.ERRORS`.
        """

    def alive(self, connection: Any) -> bool:
        """Whether a connection still leads anywhere."""

    def cut(self, connection: Any) -> None:
        """From another thread: who waits on this connection waits no longer. Does not wait itself."""

    def leave(self, connection: Any) -> None:
        """The server of this connection does not serve us: the next one is tried first from now on."""

    def snapshot(self, connection: Connection) -> None:
        """From here to the end of the transaction the same is read."""


def database(settings: Store, directory: Path) -> Database:
    """The database of the settings.

    :param directory: ``store/`` of the state directory.
    :raises SettingsRefused: the password or the certificates cannot be read.
    """
    url = StoreURL.parse(settings.url)
    if url.kind == "sqlite":
        from dictd.store.sqlite import SQLite

        return SQLite(directory, settings.answer_seconds)
    from dictd.store.mysql import MySQL

    return MySQL.of(url, settings)
