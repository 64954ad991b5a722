"""SQLite's files, looked at and not touched."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar

from attrs import field, frozen

from dictd.ctl.findings import Finding
from dictd.ctl.looks import shapes
from dictd.store import schema, sqlite
from dictd.store.dialect import SQLITE, Dialect
from dictd.store.sqlite import FILES

#: How long it waits for somebody who has all of a file to himself, seconds.
_WAIT = 1.0
_STEPS = 20_000
_SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


@frozen
class SQLiteFiles:
    """Both of them.

    :ivar directory: ``store/`` of the state directory.
    :ivar damaged: the subjects that cannot be read, once :meth:`schema` has looked; they are not read again.
    """

    directory: Path
    damaged: set[str] = field(factory=set, init=False)
    dialect: ClassVar[Dialect] = SQLITE

    def shown(self, subject: str) -> str:
        """Where a subject is."""
        return str(self.directory / FILES[subject])

    def server(self) -> Iterator[Finding]:
        """There is none; whether each commit is on the disk when it is answered for."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            sqlite.prepare(connection)
            (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        if synchronous < 2:
            text = f"SQLite is used with synchronous = {_SYNCHRONOUS[synchronous]}: a power failure may lose the last"
            yield Finding("store", "fault", f"{text} look-ups that were answered as kept; install dictd anew")
        else:
            text = (
                f"SQLite, each commit is on the disk before it is answered (synchronous = {_SYNCHRONOUS[synchronous]})"
            )
            yield Finding("store", "ok", text)

    def schema(self, seconds: float) -> Iterator[Finding]:
        """The versions of the files, whether SQLite finds them sound, and the tables as they should be.

        :param seconds: for one file.
        """
        for subject, name in FILES.items():
            path = self.directory / name
            if not path.exists():
                yield Finding("schema", "note", f"{path} is not there yet")
                continue
            try:
                yield from self._judged(subject, path, seconds)
            except sqlite3.Error as trouble:
                if "is locked" in str(trouble):
                    text = f"{path} is locked just now, a program has all of it to itself; look again in a moment"
                    yield Finding("schema", "note", text)
                else:
                    self.damaged.add(subject)
                    text = f"{path} cannot be read: {trouble}; restore it from a backup: dictctl restore"
                    yield Finding("schema", "fault", text)

    def _judged(self, subject: str, path: Path, seconds: float) -> Iterator[Finding]:
        with closing(read_only(path)) as connection:
            known = schema.migrations(subject, SQLITE)[-1].version
            version = schema.version(connection.cursor(), subject, SQLITE)
            found = shapes.of_sqlite(connection)
            sound = _sound(connection, seconds)
        if sound is None:
            text = f"{path} is not all looked through, it is too big; dictctl doctor --thorough takes the time"
            yield Finding("schema", "note", text)
        elif sound != "ok":
            self.damaged.add(subject)
            yield Finding("schema", "fault", f"{path} is damaged: {sound}; restore it from a backup: dictctl restore")
            return
        if version > known:
            text = f"{path} has schema {version}, this program knows {known}: it is older than the one that wrote it"
            yield Finding("schema", "fault", f"{text}; install that one")
            return
        wrong = list(shapes.differences(shapes.of_sqlite_migrations(subject, version), found))
        for text, statement in wrong:
            hint = f'type: sqlite3 {path} "{statement}"' if statement else "restore it from a backup: dictctl restore"
            yield Finding("schema", "fault", f"{path}: {text}; {hint}")
        if wrong:
            return
        if version < known:
            yield Finding("schema", "note", f"{path} has schema {version}; the next start brings it to {known}")
        elif sound:
            yield Finding("schema", "ok", f"{path} is sound, schema {version}")

    @contextmanager
    def reading(self, subject: str, seconds: float) -> Iterator[sqlite3.Connection | None]:
        """A connection that reads for so long; ``None`` where nothing is there yet."""
        path = self.directory / FILES[subject]
        if not path.exists() or subject in self.damaged:
            yield None
            return
        with closing(read_only(path)) as connection:
            _limit(connection, seconds)
            there = schema.version(connection.cursor(), subject, SQLITE)
            yield connection if there else None


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that neither makes nor changes anything.

    Where nobody has the database open, and so no WAL lies beside it, SQLite would
    make one even to read, as the user who looks, whom the server need not be.
    """
    alone = not path.with_name(f"{path.name}-wal").exists()
    name = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    return sqlite3.connect(name, timeout=_WAIT, uri=True)


def _limit(connection: sqlite3.Connection, seconds: float) -> None:
    """From now on questions may take so long, together; then they are interrupted."""
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)


def _sound(connection: sqlite3.Connection, seconds: float) -> str | None:
    """What SQLite says of a file, ``ok`` if all is well; ``None`` where it takes too long."""
    _limit(connection, seconds)
    try:
        return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return None
        raise
