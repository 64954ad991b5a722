"""The schema: numbered migrations, each applied once, in one transaction.

``migrations/SUBJECT-NUMBER.DIALECT.sql``. SQLite keeps the subjects
``accounts`` and ``dictionaries`` in two files, because an import would make
history commits wait in one.
"""

from __future__ import annotations

import re
import sqlite3
import time
from importlib.resources import files

from attrs import frozen

from dictd.errors import StoreUnavailable
from dictd.store.dialect import BEGIN, SQLITE, Dialect, Statement

_VERSIONS = Statement(
    sqlite="CREATE TABLE IF NOT EXISTS schema_version (subject TEXT NOT NULL, version INTEGER NOT NULL,"
    " applied INTEGER NOT NULL, PRIMARY KEY (subject, version))"
)
_CURRENT = Statement(sqlite="SELECT coalesce(max(version), 0) FROM schema_version WHERE subject = ?")
_APPLIED = Statement(sqlite="INSERT INTO schema_version (subject, version, applied) VALUES (?, ?, ?)")


@frozen
class Migration:
    """One step of the schema."""

    version: int
    statements: tuple[str, ...]


def migrations(subject: str, dialect: Dialect) -> list[Migration]:
    """The steps of a subject, in order."""
    steps: list[Migration] = []
    for file in (files("dictd.store") / "migrations").iterdir():
        match = re.fullmatch(rf"{subject}-(\d+)\.{dialect.name}\.sql", file.name)
        if match:
            text = re.sub(r"(?m)^--.*\n", "", file.read_text("utf-8"))
            statements = tuple(part.strip() for part in text.split(";\n") if part.strip())
            steps.append(Migration(int(match[1]), statements))
    return sorted(steps, key=lambda step: step.version)


def version(cursor: sqlite3.Cursor, subject: str, dialect: Dialect) -> int:
    """The version of a database, 0 for one that is new."""
    try:
        cursor.execute(dialect(_CURRENT), (subject,))
    except sqlite3.OperationalError:
        return 0  # no such table
    return int(cursor.fetchone()[0])


def migrate(connection: sqlite3.Connection, subject: str, dialect: Dialect = SQLITE) -> list[int]:
    """Bring one database up to date.

    :returns: the versions that were applied now.
    :raises StoreUnavailable: the database is of a newer program than this one.
    """
    steps = migrations(subject, dialect)
    cursor = connection.cursor()
    if version(cursor, subject, dialect) == steps[-1].version:
        return []  # without a lock that an import or a commit would have to wait for
    cursor.execute(dialect(BEGIN))
    try:
        cursor.execute(dialect(_VERSIONS))
        current = version(cursor, subject, dialect)
        if current > steps[-1].version:
            raise StoreUnavailable(
                f"the {subject} database has schema {current}, this program knows {steps[-1].version}:"
                " it was written by a newer dictd"
            )
        applied: list[int] = []
        for step in steps:
            if step.version > current:
                for statement in step.statements:
                    cursor.execute(statement)
                cursor.execute(dialect(_APPLIED), (subject, step.version, int(time.time() * 1000)))
                applied.append(step.version)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return applied
