"""SQLite's files, looked at and not touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from attrs import frozen

from dictd.ctl.findings import Finding
from dictd.store import schema
from dictd.store.dialect import SQLITE, Connection
from dictd.store.sqlite import FILES


@frozen
class SQLiteFiles:
    """Both of them.

    :ivar directory: ``store/`` of the state directory.
    """

    directory: Path

    def shown(self, subject: str) -> str:
        """Where a subject is."""
        return str(self.directory / FILES[subject])

    def server(self) -> Iterator[Finding]:
        """There is none."""
        yield from ()

    def schema(self) -> Iterator[Finding]:
        """The versions of the files, and whether SQLite finds them sound."""
        for subject, name in FILES.items():
            path = self.directory / name
            if not path.exists():
                yield Finding("schema", "note", f"{path} is not there yet")
                continue
            try:
                with closing(read_only(path)) as connection:
                    known = schema.migrations(subject, SQLITE)[-1].version
                    version = schema.version(connection.cursor(), subject, SQLITE)
                    (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            except sqlite3.Error as trouble:
                yield Finding("schema", "fault", f"{path} cannot be read: {trouble}; restore it from a backup")
                continue
            if sound != "ok":
                yield Finding("schema", "fault", f"{path} is damaged: {sound}; restore it from a backup")
            elif version > known:
                yield Finding("schema", "fault", f"{path} has schema {version}, this program knows {known}")
            elif version < known:
                yield Finding("schema", "note", f"{path} has schema {version}; the next start brings it to {known}")
            else:
                yield Finding("schema", "ok", f"{path} is sound, schema {version}")

    @contextmanager
    def dictionaries(self) -> Iterator[Connection | None]:
        """A connection that reads; ``None`` where nothing is there yet."""
        path = self.directory / FILES["dictionaries"]
        if not path.exists():
            yield None
            return
        with closing(read_only(path)) as connection:
            yield connection


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that neither makes nor changes anything.

    Where nobody has the database open, and so no WAL lies beside it, SQLite would
    make one even to read, as the user who looks, whom the server need not be.
    """
    alone = not path.with_name(f"{path.name}-wal").exists()
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}", uri=True)
