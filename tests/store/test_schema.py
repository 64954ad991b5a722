"""The schema: every step once, whole or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import StoreUnavailable
from dictd.store import schema
from dictd.store.dialect import SQLITE
from dictd.store.dictionaries import DictionaryQueries
from dictd.store.schema import Migration, migrate, migrations
from dictd.store.sqlite import ACCOUNTS_FILE, DICTIONARIES_FILE, connect
from tests.store.databases import Database


def tables(connection: sqlite3.Connection) -> set[str]:
    """The tables there are, SQLite's own left out."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {row[0] for row in found}


class Steps(SynchronousTestCase):
    """The migrations that are shipped."""

    def test_each_subject_has_steps_from_one_without_gaps(self) -> None:
        """The numbers of the files of a subject are 1, 2, 3 and so on, in order."""
        for subject in ("accounts", "dictionaries"):
            steps = migrations(subject, SQLITE)
            self.assertEqual([step.version for step in steps], list(range(1, len(steps) + 1)), subject)
            self.assertTrue(steps, subject)

    def test_statements_are_whole_and_without_comments(self) -> None:
        """A semicolon in a comment does not cut a statement: each part of a file is one complete statement."""
        for subject in ("accounts", "dictionaries"):
            for step in migrations(subject, SQLITE):
                for statement in step.statements:
                    self.assertTrue(sqlite3.complete_statement(statement.rstrip(";") + ";"), statement)
                    self.assertNotIn("--", statement)


class Migrating(SynchronousTestCase):
    """Bringing one database up to date."""

    def unmigrated(self) -> sqlite3.Connection:
        """An empty database."""
        connection = sqlite3.connect(self.mktemp(), isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def steps(self, *steps: Migration) -> None:
        """Let the subject have these steps."""
        self.patch(schema, "migrations", lambda subject, dialect: list(steps))

    def test_fresh_database_gets_every_step_once(self) -> None:
        """A new database has each version of its subject written down, once."""
        for subject in ("accounts", "dictionaries"):
            connection = self.unmigrated()
            applied = migrate(connection, subject)
            self.assertEqual(applied, [step.version for step in migrations(subject, SQLITE)])
            noted = connection.execute("SELECT subject, version FROM schema_version ORDER BY version").fetchall()
            self.assertEqual(noted, [(subject, version) for version in applied])
            self.assertFalse(connection.in_transaction)

    def test_second_time_does_nothing(self) -> None:
        """A database that is up to date is left as it is, its rows too."""
        connection = self.unmigrated()
        migrate(connection, "accounts")
        connection.execute("INSERT INTO user (name, name_key, passwd, created) VALUES ('a', 'a', 'x', 0)")
        before = connection.execute("SELECT * FROM schema_version").fetchall()
        self.assertEqual(migrate(connection, "accounts"), [])
        self.assertEqual(connection.execute("SELECT * FROM schema_version").fetchall(), before)
        self.assertEqual(connection.execute("SELECT count(*) FROM user").fetchall(), [(1,)])
        self.assertFalse(connection.in_transaction)

    def test_only_later_steps_are_applied(self) -> None:
        """A database of an older program gets what is new, in the order of the numbers."""
        first = Migration(1, ("CREATE TABLE one (a)",))
        connection = self.unmigrated()
        self.steps(first)
        self.assertEqual(migrate(connection, "accounts"), [1])
        self.steps(first, Migration(2, ("CREATE TABLE two (a)",)), Migration(3, ("ALTER TABLE two ADD COLUMN b",)))
        self.assertEqual(migrate(connection, "accounts"), [2, 3])
        self.assertEqual(tables(connection), {"one", "two", "schema_version"})

    def test_failing_step_leaves_everything_as_it_was(self) -> None:
        """One bad statement takes back its own step and those applied before it in the same go."""
        first = Migration(1, ("CREATE TABLE one (a)",))
        connection = self.unmigrated()
        self.steps(first)
        migrate(connection, "accounts")
        before = connection.execute("SELECT * FROM schema_version").fetchall()
        second = Migration(2, ("CREATE TABLE two (a)", "INSERT INTO one VALUES (2)"))
        self.steps(first, second, Migration(3, ("CREATE TABLE three (a)", "CREATE TABLE this is not SQL")))
        self.assertRaises(sqlite3.OperationalError, migrate, connection, "accounts")
        self.assertFalse(connection.in_transaction)
        self.assertEqual(tables(connection), {"one", "schema_version"})
        self.assertEqual(connection.execute("SELECT * FROM one").fetchall(), [])
        self.assertEqual(connection.execute("SELECT * FROM schema_version").fetchall(), before)

    def test_failing_first_step_leaves_an_empty_database(self) -> None:
        """A fresh database whose migration fails has no table at all, so that the next try begins anew."""
        connection = self.unmigrated()
        self.steps(Migration(1, ("CREATE TABLE one (a)", "CREATE TABLE one (a)")))
        self.assertRaises(sqlite3.OperationalError, migrate, connection, "accounts")
        self.assertEqual(tables(connection), set())

    def test_database_of_a_newer_program_is_refused(self) -> None:
        """A higher version than is known is refused in a sentence with both numbers, and nothing is changed."""
        connection = self.unmigrated()
        migrate(connection, "accounts")
        known = migrations("accounts", SQLITE)[-1].version
        connection.execute("INSERT INTO schema_version VALUES ('accounts', ?, 0)", (known + 6,))
        refusal = self.assertRaises(StoreUnavailable, migrate, connection, "accounts")
        self.assertEqual(
            refusal.text,
            f"the accounts database has schema {known + 6}, this program knows {known}:"
            " it was written by a newer dictd",
        )
        self.assertFalse(connection.in_transaction)

    def test_subjects_count_for_themselves(self) -> None:
        """A version of one subject says nothing about the other in the same database, as in MySQL."""
        connection = self.unmigrated()
        migrate(connection, "accounts")
        connection.execute("INSERT INTO schema_version VALUES ('accounts', 99, 0)")
        wanted = [step.version for step in migrations("dictionaries", SQLITE)]
        self.assertEqual(migrate(connection, "dictionaries"), wanted)


class Frequencies(SynchronousTestCase):
    """The third step of the dictionaries."""

    def test_store_of_the_second_version(self) -> None:
        """A store of version 2 keeps its words, of unknown frequency, and takes new ones with theirs."""
        path = Path(self.mktemp()) / DICTIONARIES_FILE
        steps = migrations("dictionaries", SQLITE)
        patched = self.patch(schema, "migrations", lambda subject, dialect: steps[:2])
        old = connect(path, "dictionaries")
        old.execute("INSERT INTO words (gen, k, seq, word, k2, mean_no) VALUES (1, x'61', 0, 'a', x'61', 5)")
        old.close()
        patched.restore()
        connection = connect(path, "dictionaries")
        self.addCleanup(connection.close)
        applied = connection.execute("SELECT version FROM schema_version ORDER BY version").fetchall()
        self.assertEqual(applied[:3], [(1,), (2,), (3,)])
        queries = DictionaryQueries(SQLITE)
        queries.add_words(connection.cursor(), 1, [(b"b", 1, "B", b"b", 6, "main", 1 << 40)])
        self.assertEqual(
            list(queries.read_words(connection.cursor(), 1)), [(b"a", "a", b"a", 5, 0), (b"b", "B", b"b", 6, 1 << 40)]
        )


class Files(SynchronousTestCase):
    """The two files of SQLite."""

    def test_subjects_are_two_files(self) -> None:
        """Accounts and dictionaries share neither a file nor a table."""
        self.assertNotEqual(ACCOUNTS_FILE, DICTIONARIES_FILE)
        accounts, dictionaries = Database.fresh(self, "accounts"), Database.fresh(self, "dictionaries")
        self.assertEqual(
            tables(accounts.connection),
            {
                "user",
                "user_key",
                "hist",
                "worker_lease",
                "forgotten",
                "invite",
                "miss",
                "store_identity",
                "schema_version",
            },
        )
        self.assertEqual(
            tables(dictionaries.connection),
            {"dictionary", "generation", "import_lease", "words", "means", "schema_version"},
        )

    def test_newer_file_is_refused_by_connect(self) -> None:
        """Who opens a file of a newer program is told so in the same plain sentence."""
        database = Database.fresh(self, "dictionaries")
        database.connection.execute("INSERT INTO schema_version VALUES ('dictionaries', 99, 0)")
        refusal = self.assertRaises(StoreUnavailable, connect, database.path, "dictionaries")
        self.assertIn("written by a newer dictd", refusal.text)

    def test_failing_migration_is_told_with_the_path(self) -> None:
        """A migration that fails becomes one line that names the file."""
        path = Path(self.mktemp()) / ACCOUNTS_FILE
        self.patch(schema, "migrations", lambda subject, dialect: [Migration(1, ("CREATE TABLE no good at all",))])
        refusal = self.assertRaises(StoreUnavailable, connect, path, "accounts")
        self.assertIn(str(path), refusal.text)
        self.assertNotIn("\n", refusal.text)
