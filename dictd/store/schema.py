"""The schema: numbered migrations, each applied once.

``migrations/SUBJECT-NUMBER.DIALECT.sql``. SQLite keeps the subjects
``accounts`` and ``dictionaries`` in two files, because an import would make
history commits wait in one; MySQL has both in one database. SQLite's files
are brought up to date when they are opened, in one transaction; MySQL's
tables by ``dictctl migrate`` alone.
"""

from __future__ import annotations

import re
import time
from importlib.resources import files

from attrs import frozen

from dictd.errors import SchemaRefused, StoreUnavailable
from dictd.store.dialect import SQLITE, Connection, Dialect, Statement, Transaction
from dictd.store.faults import ERRORS, Fault, code_of, fault_of

SUBJECTS = ("accounts", "dictionaries")
#: What stands among the versions while a database is being filled from a backup, see :mod:`dictd.store.refilling`.
RESTORING = "restoring"
HALF_RESTORED = "a restore into the database has not come to its end; type dictctl restore FILE again"

_VERSIONS = Statement(
    sqlite="CREATE TABLE IF NOT EXISTS schema_version (subject TEXT NOT NULL, version INTEGER NOT NULL,"
    " applied INTEGER NOT NULL, PRIMARY KEY (subject, version))",
    mysql="CREATE TABLE IF NOT EXISTS schema_version (subject VARCHAR(32) NOT NULL, version INT NOT NULL,"
    " applied BIGINT NOT NULL, PRIMARY KEY (subject, version)) ENGINE = InnoDB"
    " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
)
_THERE = Statement(
    sqlite="SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
    mysql="SELECT count(*) FROM information_schema.tables"
    " WHERE table_schema = database() AND table_name = 'schema_version'",
)
_CURRENT = Statement.both("SELECT coalesce(max(version), 0) FROM schema_version WHERE subject = ?")
_RESTORING = Statement.both("SELECT count(*) FROM schema_version WHERE subject = ?")
_APPLIED = Statement.both("INSERT INTO schema_version (subject, version, applied) VALUES (?, ?, ?)")
# A step that was cut off runs again, and MySQL has no ADD COLUMN IF NOT EXISTS, as MariaDB has.
_COLUMN_IS_THERE = 1060
# One at a time migrates; MySQL commits each statement by itself, so no transaction can see to that.
# Sooner than the connection gives up, which waits for a minute.
_LOCK = "SELECT GET_LOCK('dictd-migrate', 50)"
_UNLOCK = "SELECT RELEASE_LOCK('dictd-migrate')"


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


def version(cursor: Transaction, subject: str, dialect: Dialect) -> int:
    """The version of a database, 0 for one that is new."""
    cursor.execute(dialect(_THERE))
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(dialect(_CURRENT), (subject,))
    return int(cursor.fetchone()[0])


def pending(cursor: Transaction, subject: str, dialect: Dialect) -> list[Migration]:
    """The steps that a database lacks.

    :raises SchemaRefused: it is of a newer program than this one.
    """
    steps = migrations(subject, dialect)
    current = version(cursor, subject, dialect)
    if current > steps[-1].version:
        raise SchemaRefused(
            f"the {subject} database has schema {current}, this program knows {steps[-1].version}:"
            " it was written by a newer dictd"
        )
    return [step for step in steps if step.version > current]


def script(subject: str, steps: list[Migration], dialect: Dialect) -> list[str]:
    """The statements of some steps, as :func:`migrate` runs them; for people."""
    statements = [dialect(_VERSIONS)] if steps else []
    for step in steps:
        values = f"'{subject}', {step.version}, {int(time.time() * 1000)}"
        statements += [*step.statements, dialect(_APPLIED).replace(dialect.marks(3), values)]
    return statements


def half_restored(cursor: Transaction, dialect: Dialect) -> bool:
    """Whether a restore into a database was begun and has not come to its end; of one that has tables."""
    cursor.execute(dialect(_RESTORING), (RESTORING,))
    return bool(cursor.fetchone()[0])


def ensure(cursor: Transaction, dialect: Dialect) -> None:
    """Look whether a database has the schema of this program, and change nothing.

    :raises SchemaRefused: it has another.
    """
    for subject in SUBJECTS:
        if pending(cursor, subject, dialect):
            state = "an older schema than this program" if version(cursor, subject, dialect) else "no tables of dictd"
            raise SchemaRefused(f"the database has {state}; type: dictctl migrate")
    if half_restored(cursor, dialect):
        raise SchemaRefused(HALF_RESTORED)


def migrate(connection: Connection, subject: str, dialect: Dialect = SQLITE) -> list[int]:
    """Bring one database up to date.

    :returns: the versions that were applied now.
    :raises SchemaRefused: the database is of a newer program than this one.
    :raises StoreUnavailable: somebody else has been migrating for 50 seconds.
    """
    cursor = connection.cursor()
    if not pending(cursor, subject, dialect):
        connection.commit()
        return []  # without a lock that an import or a commit would have to wait for
    return _in_one(connection, subject) if dialect is SQLITE else _one_by_one(connection, subject, dialect)


def _in_one(connection: Connection, subject: str) -> list[int]:
    """In one transaction, of SQLite."""
    cursor = connection.cursor()
    SQLITE.begin(cursor)
    try:
        cursor.execute(SQLITE(_VERSIONS))
        applied = [_apply(cursor, step, subject, SQLITE) for step in pending(cursor, subject, SQLITE)]
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return applied


def _one_by_one(connection: Connection, subject: str, dialect: Dialect) -> list[int]:
    """Step by step, under a lock; one that was cut off is begun again."""
    cursor = connection.cursor()
    cursor.execute(_LOCK)
    if cursor.fetchone() != (1,):
        raise StoreUnavailable("somebody else has been migrating for 50 seconds; try again when that has ended")
    try:
        cursor.execute(dialect(_VERSIONS))
        applied = []
        for step in pending(cursor, subject, dialect):
            applied.append(_apply(cursor, step, subject, dialect))
            connection.commit()
    finally:
        try:
            cursor.execute(_UNLOCK)
        except ERRORS as error:
            if fault_of(error) is Fault.OURS:
                raise
    return applied


def _apply(cursor: Transaction, step: Migration, subject: str, dialect: Dialect) -> int:
    for statement in step.statements:
        try:
            cursor.execute(statement)
        except ERRORS as error:
            if code_of(error) != _COLUMN_IS_THERE:
                raise
    cursor.execute(dialect(_APPLIED), (subject, step.version, int(time.time() * 1000)))
    return step.version
