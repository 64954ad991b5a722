"""The tables of MySQL: made by ``dictctl migrate`` alone, whatever cuts it off, and the same as SQLite's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import SchemaRefused, StoreUnavailable
from dictd.sections import Store
from dictd.store import databases, schema
from dictd.store.dialect import MYSQL, SQLITE
from dictd.store.faults import ERRORS
from dictd.store.mysql import MySQL
from dictd.store.schema import SUBJECTS, migrate, migrations
from dictd.store.sqlite import FILES, connect
from dictd.storeurl import StoreURL
from tests.store.databases import fresh_mysql
from tests.support import mariadb


@define
class Interrupted:
    """A connection that is killed by the server after so many statements and commits."""

    connection: Any
    kill: Callable[[], object]
    left: int
    asked: Any = None

    def cursor(self) -> Any:
        """Counts what is done on it."""
        return self

    def step(self, done: Any) -> Any:
        """One more."""
        self.left -= 1
        if self.left == 0:
            self.kill()
        return done

    def execute(self, *given: Any) -> Any:
        """A statement."""
        self.asked = self.connection.cursor()
        return self.step(self.asked.execute(*given))

    def fetchone(self) -> Any:
        """What it found."""
        return self.asked.fetchone()

    def commit(self) -> Any:
        """A commit."""
        return self.step(self.connection.commit())

    def rollback(self) -> None:
        """Not asked for."""

    def close(self) -> None:
        """Not asked for."""


class MigrationCase(SynchronousTestCase):
    """An empty database."""

    def setUp(self) -> None:
        """Without tables."""
        self.server = mariadb.shared()
        self.fresh()

    def fresh(self) -> None:
        """Another one."""
        self.url = fresh_mysql(self, tables=False)
        self.name = StoreURL.parse(self.url).database

    def connection(self) -> Any:
        """A connection for dictctl migrate."""
        connection = MySQL.of(StoreURL.parse(self.url), Store()).patient()
        self.addCleanup(self.hang_up, connection)
        return connection

    def hang_up(self, connection: Any) -> None:
        """Close it where that has not been done."""
        if connection.open:
            connection.close()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        return self.server.rows(self.name, statement)

    def columns(self) -> dict[str, list[str]]:
        """Every table and the names of its columns, in order."""
        found: dict[str, list[str]] = {}
        for table, column in self.rows(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = database()"
            " ORDER BY table_name, ordinal_position"
        ):
            found.setdefault(table, []).append(column)
        return found


class Migrations(MigrationCase):
    """Bringing a database up to date."""

    def wanted(self, subject: str) -> list[int]:
        """The steps there are."""
        return [step.version for step in migrations(subject, MYSQL)]

    def test_twice(self) -> None:
        """Each step is done once and written down; the second time there is nothing to do."""
        connection = self.connection()
        for subject in SUBJECTS:
            self.assertEqual(migrate(connection, subject, MYSQL), self.wanted(subject))
        before = self.rows("SELECT subject, version, applied FROM schema_version ORDER BY subject, version")
        self.assertEqual([row[:2] for row in before], [(one, step) for one in SUBJECTS for step in self.wanted(one)])
        for subject in SUBJECTS:
            self.assertEqual(migrate(connection, subject, MYSQL), [])
        self.assertEqual(self.rows("SELECT subject, version, applied FROM schema_version"), before)

    def test_last_steps_are_the_same(self) -> None:
        """Both dialects end with the same number."""
        for subject in SUBJECTS:
            self.assertEqual(migrations(subject, MYSQL)[-1].version, migrations(subject, SQLITE)[-1].version)

    def test_same_tables(self) -> None:
        """Both dialects end with the same tables, and those with the same columns."""
        found: dict[str, list[str]] = {}
        for subject in SUBJECTS:
            migrate(self.connection(), subject, MYSQL)
            file = connect(Path(self.mktemp()) / FILES[subject], subject)
            self.addCleanup(file.close)
            for (table,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if not table.startswith("sqlite_"):
                    found[table] = [row[1] for row in file.execute(f"PRAGMA table_info({table})")]
        sorted_found = {table: sorted(names) for table, names in found.items()}
        self.assertEqual({table: sorted(names) for table, names in self.columns().items()}, sorted_found)

    def test_every_table_is_ours(self) -> None:
        """No table or column is left to what the server takes by default."""
        for subject in SUBJECTS:
            migrate(self.connection(), subject, MYSQL)
        tables = self.rows(
            "SELECT DISTINCT engine, table_collation FROM information_schema.tables WHERE table_schema = database()"
        )
        self.assertEqual(tables, [("InnoDB", "utf8mb4_bin")])
        columns = self.rows(
            "SELECT DISTINCT collation_name FROM information_schema.columns"
            " WHERE table_schema = database() AND collation_name IS NOT NULL"
        )
        self.assertEqual(columns, [("utf8mb4_bin",)])

    def test_cut_off_anywhere(self) -> None:
        """Killed after any of its statements, the next one completes it, and then nothing is left to do."""
        for subject in SUBJECTS:
            migrate(self.connection(), subject, MYSQL)
        whole = self.columns()
        for subject in SUBJECTS:
            cut = 0
            while True:
                cut += 1
                self.fresh()
                connection = self.connection()
                thread = connection.thread_id()
                trial = Interrupted(connection, partial(self.server.rows, "", f"KILL {thread}"), cut)
                with contextlib.suppress(*ERRORS):
                    migrate(trial, subject, MYSQL)
                if trial.left > 0:
                    break
                for one in SUBJECTS:
                    migrate(self.connection(), one, MYSQL)
                    self.assertEqual(migrate(self.connection(), one, MYSQL), [], f"cut after {cut}")
                self.assertEqual(self.columns(), whole, f"cut after {cut}")
            self.assertGreater(cut, 8)

    def test_two_at_once(self) -> None:
        """Of several who migrate at the same moment one does each step, and all find it done."""
        connections = [self.connection() for _ in range(4)]
        together = Barrier(4, timeout=20)

        def run(connection: Any) -> list[int]:
            together.wait()
            return [step for subject in SUBJECTS for step in migrate(connection, subject, MYSQL)]

        with ThreadPoolExecutor(4) as threads:
            applied = [step for steps in threads.map(run, connections) for step in steps]
        self.assertEqual(sorted(applied), sorted(step for subject in SUBJECTS for step in self.wanted(subject)))

    def test_somebody_else_migrates(self) -> None:
        """Who has waited in vain is told so."""
        self.patch(schema, "_LOCK", schema._LOCK.replace("50", "0"))
        other = self.server.root()
        self.addCleanup(other.close)
        with other.cursor() as cursor:
            cursor.execute(schema._LOCK)
        refusal = self.assertRaises(StoreUnavailable, migrate, self.connection(), "accounts", MYSQL)
        self.assertIn("somebody else", refusal.text)
        self.assertEqual(self.columns(), {})


class Refusals(MigrationCase):
    """Databases that are not as this program wants them."""

    def refusal(self) -> str:
        """What is said to who connects."""
        database = databases.database(Store(url=self.url), Path())
        return self.assertRaises(SchemaRefused, database.connect, "accounts").text

    def make(self) -> None:
        """All tables."""
        for subject in SUBJECTS:
            migrate(self.connection(), subject, MYSQL)

    def test_empty(self) -> None:
        """A database without tables is not ours yet."""
        self.assertEqual(self.refusal(), "the database has no tables of dictd; type: dictctl migrate")
        self.assertEqual(self.columns(), {})

    def test_older(self) -> None:
        """One that lacks a step is left as it is."""
        self.make()
        known = migrations("dictionaries", MYSQL)
        more = schema.Migration(known[-1].version + 1, ("CREATE TABLE more (a INT)",))
        real = migrations
        self.patch(
            schema, "migrations", lambda subject, dialect: real(subject, dialect) + [more] * (subject != "accounts")
        )
        self.assertEqual(self.refusal(), "the database has an older schema than this program; type: dictctl migrate")
        self.assertEqual(migrate(self.connection(), "dictionaries", MYSQL), [more.version])
        databases.database(Store(url=self.url), Path()).connect("accounts").close()

    def test_newer(self) -> None:
        """One of a newer program is neither used nor migrated."""
        self.make()
        self.rows("INSERT INTO schema_version VALUES ('accounts', 99, 0)")
        self.assertIn("written by a newer dictd", self.refusal())
        self.assertRaises(SchemaRefused, migrate, self.connection(), "accounts", MYSQL)
        self.assertEqual(migrate(self.connection(), "dictionaries", MYSQL), [])
