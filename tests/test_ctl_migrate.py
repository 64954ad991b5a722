"""dictctl migrate: the tables of MySQL, and SQLite's files."""

from __future__ import annotations

import sqlite3
from typing import Any

from dictd.store import schema
from dictd.store.dialect import MYSQL
from tests.store.databases import fresh_mysql
from tests.support.mariadb import shared
from tests.test_ctl import BIRDS, Commands

#: What the user of store.url needs at run time, and for dictctl.
RUN = "SELECT, INSERT, UPDATE, DELETE"
#: What one needs who makes and changes the tables.
MIGRATE = "SELECT, INSERT, CREATE, ALTER, INDEX, REFERENCES"


class OnMariaDB(Commands):
    """An empty database."""

    def setUp(self) -> None:
        super().setUp()
        self.url = fresh_mysql(self, tables=False)
        self.name = self.url.partition("?")[0].rpartition("/")[2]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What root finds."""
        return shared().rows(self.name, statement)

    def tables(self) -> set[str]:
        """The tables that are there."""
        return {row[0] for row in self.rows("SHOW TABLES")}

    def user(self, name: str, rights: str) -> str:
        """A user of this database with these rights and no password; the URL by which it comes."""
        shared().rows("", f"CREATE OR REPLACE USER {name}@localhost")
        self.addCleanup(shared().rows, "", f"DROP USER {name}@localhost")
        shared().rows("", f"GRANT {rights} ON `{self.name}`.* TO {name}@localhost")
        return shared().url(self.name, name)

    def test_migrate(self) -> None:
        """The tables are made, each subject and step told; a second run has nothing to do."""
        self.assertIn("type: dictctl migrate", self.refused("list"))
        lines = self.done("migrate").splitlines()
        versions = [schema.migrations(subject, MYSQL)[-1].version for subject in schema.SUBJECTS]
        self.assertRegex(lines[0], rf"^accounts: no tables yet; steps? [\d, ]*{versions[0]} applied$")
        self.assertRegex(lines[1], rf"^dictionaries: no tables yet; steps? [\d, ]*{versions[1]} applied$")
        self.assertRegex(lines[2], rf"^The store is ready: {self.name} at .*\. Start the server: twistd dictd$")
        self.assertLessEqual({"user", "hist", "words", "means", "schema_version"}, self.tables())
        self.assertEqual(self.done("migrate").splitlines()[0], f"accounts: schema {versions[0]}, up to date")
        self.assertIn("No dictionary yet", self.done("list"))

    def test_dry_run(self) -> None:
        """Nothing is changed; what is printed makes the same tables, as the store then says itself."""
        out = self.done("migrate", "--dry-run")
        self.assertTrue(out.endswith("Nothing was changed.\n"))
        self.assertRegex(out, r"^accounts: no tables yet; steps? [\d, ]+ to apply\n")
        self.assertEqual(self.tables(), set())
        script = out[out.index("-- accounts") :].removesuffix("Nothing was changed.\n")
        for statement in script.split(";\n"):
            if statement.strip():
                self.rows(statement)
        self.assertIn("up to date", self.done("migrate"))
        self.assertIn("No dictionary yet", self.done("list"))

    def test_json(self) -> None:
        """One value: what was there, the steps, the statements, and whether they were run."""
        planned = self.value("migrate", "--dry-run")
        self.assertFalse(planned["applied"])
        done = self.value("migrate")
        self.assertTrue(done["applied"])
        self.assertEqual([one["subject"] for one in done["subjects"]], list(schema.SUBJECTS))
        for before, after in zip(planned["subjects"], done["subjects"], strict=True):
            self.assertEqual((before["before"], before["steps"]), (0, after["steps"]))
            self.assertTrue(before["steps"])
            self.assertIn("CREATE TABLE", " ".join(before["statements"]))
        self.assertEqual([one["steps"] for one in self.value("migrate")["subjects"]], [[], []])

    def test_cut_off(self) -> None:
        """A migration that ended in its middle is completed by another run."""
        statements = self.value("migrate", "--dry-run")["subjects"][0]["statements"]
        for statement in statements[:3]:
            self.rows(statement)
        self.assertIn("applied", self.done("migrate"))
        self.assertIn("No dictionary yet", self.done("list"))

    def test_newer(self) -> None:
        """A database of a newer dictd is refused, and not touched."""
        self.done("migrate")
        self.rows("INSERT INTO schema_version VALUES ('dictionaries', 99, 0)")
        self.rows("DELETE FROM schema_version WHERE subject = 'accounts'")
        for command in (("migrate",), ("migrate", "--dry-run")):
            self.assertIn("newer dictd", self.refused(*command))
        self.assertEqual(self.rows("SELECT subject FROM schema_version WHERE subject = 'accounts'"), [])

    def test_rights(self) -> None:
        """Who may not create is told so; who may is enough to migrate, and the rights at run time for all else."""
        admin, run = self.user("keeper", MIGRATE), self.user("dictd", RUN)
        self.url = run
        line = self.refused("migrate")
        self.assertIn("CREATE command denied", line)
        self.assertIn("the user dictd may not: name one who may CREATE, ALTER, INDEX and REFERENCES", line)
        self.assertEqual(self.tables(), set())
        self.url = admin
        self.assertIn("The store is ready", self.done("migrate"))
        self.url = run
        self.assertIn("up to date", self.done("migrate"))
        self.done("import", self.file("birds.tsv", BIRDS))
        self.done("import", "--fast", self.file("birds.tsv", "crow\tnew\n"))
        self.assertEqual(self.served("crow"), [("birds", "crow\n    new")])
        self.done("remove", "birds")
        self.assertNotIn("fault", self.done("doctor"))

    def test_away(self) -> None:
        """A database that does not answer is one line."""
        self.url = "mysql://root@localhost/x?socket=/nowhere/at/all"
        for command in (("migrate",), ("migrate", "--dry-run")):
            self.assertIn("does not answer", self.refused(*command))


class OnSQLite(Commands):
    """Files that need no migration by hand."""

    def test_new(self) -> None:
        """It says so, tells what a dry run would do and makes nothing then; without one the files are there."""
        result = self.ctl("migrate", "--dry-run")
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn("needs no migration by hand", result.stderr)
        self.assertIn("CREATE TABLE", result.stdout)
        self.assertFalse(self.state.exists())
        self.assertIn("applied", self.done("migrate"))
        self.assertEqual([one["steps"] for one in self.value("migrate")["subjects"]], [[], []])

    def test_older(self) -> None:
        """An older file: a dry run tells its steps and leaves it as it is, a run brings it up to date."""
        self.done("migrate")
        path = self.state / "store" / "dictionaries.sqlite"
        with sqlite3.connect(path) as store:
            store.execute("DELETE FROM schema_version WHERE version > 1")
            store.execute("DROP TABLE import_lease")
        store.close()
        before = path.read_bytes()
        told = self.value("migrate", "--dry-run")["subjects"][1]
        self.assertEqual((told["before"], told["steps"][0]), (1, 2))
        self.assertEqual(path.read_bytes(), before)

    def test_newer(self) -> None:
        """A newer file is refused."""
        self.done("migrate")
        with sqlite3.connect(self.state / "store" / "accounts.sqlite") as store:
            store.execute("INSERT INTO schema_version VALUES ('accounts', 99, 0)")
        store.close()
        self.assertIn("newer dictd", self.refused("migrate"))
        self.assertIn("newer dictd", self.refused("migrate", "--dry-run"))
