"""dictctl doctor: tables, rows of nobody, keys and what holds them, on SQLite and on MariaDB."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from dictd.accounts.keys import ServerKey
from dictd.ctl import mysqlserver, sqlitefiles
from dictd.ctl.looks import clocks, examination, shapes
from dictd.processes import serverkey
from dictd.sections import Store
from dictd.store import databases, schema, sqlite
from dictd.store.dialect import MYSQL
from dictd.store.sqlite import FILES, connect
from tests.store.databases import fresh_mysql, is_mariadb, on_both
from tests.support.mariadb import MariaDB, shared
from tests.support.programs import program
from tests.test_ctl import BIRDS, Commands

_USER = "INSERT INTO user (id, name, name_key, passwd, created) VALUES (1, 'alice', 'alice', '', 0)"


class Doctor(Commands):
    """A dictionary and an account, on either database."""

    def setUp(self) -> None:
        """A database of its own, as this is about tables."""
        super().setUp()
        if is_mariadb(self):
            self.server = shared()
            self.url = fresh_mysql(self, tables=False)
            self.done("migrate")
        self.done("import", self.file("birds.tsv", BIRDS))
        with closing(self.opened("accounts")):
            pass  # which makes it
        self.patch(clocks, "synchronised", lambda: True)
        self.do(_USER)

    def opened(self, subject: str) -> Any:
        """A connection to the store."""
        return databases.database(Store(url=self.url), self.state / "store").connect(subject)

    def do(self, *statements: str, subject: str = "accounts") -> None:
        """Change it behind everybody's back, whatever belongs to whom."""
        with closing(self.opened(subject)) as connection:
            cursor = connection.cursor()
            cursor.execute("SET foreign_key_checks = 0" if is_mariadb(self) else "PRAGMA foreign_keys = OFF")
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def look(self, code: int = 0, *options: str) -> dict[str, list[tuple[str, str]]]:
        """What the doctor found, by what it looked at."""
        result = self.ctl("--json", "doctor", *options)
        self.assertEqual(result.exit_code, code, result.output)
        found: dict[str, list[tuple[str, str]]] = {}
        for finding in json.loads(result.stdout):
            self.assertNotIn("\n", finding["text"])
            found.setdefault(finding["about"], []).append((finding["state"], finding["text"]))
        return found

    def fault(self, about: str, *options: str) -> str:
        """The one fault there is."""
        found = self.look(1, *options)
        faults = [(where, text) for where, told in found.items() for state, text in told if state == "fault"]
        self.assertEqual([where for where, _ in faults], [about], faults)
        return faults[0][1]


@on_both
class Tables(Doctor):
    """Tables that are not as the migrations make them."""

    def typed(self, text: str) -> None:
        """Do what a finding says to type."""
        if is_mariadb(self):
            for statement in (
                text.partition("type in the database: ")[2].partition("; and then: dictctl migrate")[0].split(";")
            ):
                if statement:
                    self.server.rows(self.url.partition("?")[0].rpartition("/")[2], statement)
            if "dictctl migrate" in text:
                self.done("migrate")
        else:
            program("sqlite3")
            subprocess.run(text.partition("type: ")[2], shell=True, check=True)  # noqa: S602 - as it is typed

    def test_index(self) -> None:
        """An index that is gone; what it says to type brings it back."""
        self.do("DROP INDEX hist_rid" + (" ON hist" if is_mariadb(self) else ""))
        text = self.fault("schema")
        self.assertIn("hist has no index on (rid)", text)
        self.typed(text)
        self.look()

    def test_column(self) -> None:
        """A column that is gone, and one of another kind."""
        self.do("ALTER TABLE invite DROP COLUMN uses")
        text = self.fault("schema")
        self.assertIn("invite has no column uses", text)
        if not is_mariadb(self):
            self.assertIn("restore it from a backup", text)
            return
        self.typed(text)
        self.look()
        self.do("ALTER TABLE hist MODIFY word VARCHAR(100)")
        text = self.fault("schema")
        self.assertIn("hist.word is varchar(100), not varchar(512) not null", text)
        self.typed(text)
        self.look()

    def test_column_of_somebody(self) -> None:
        """A column that dictd does not know is nobody's business, unless rows cannot be added for it."""
        kind = "VARCHAR(9)" if is_mariadb(self) else "TEXT"
        self.do(
            f"ALTER TABLE user ADD COLUMN remark {kind}", f"ALTER TABLE user ADD COLUMN note {kind} NOT NULL DEFAULT ''"
        )
        self.look()
        if is_mariadb(self):
            self.do("ALTER TABLE user ADD COLUMN shoe INT NOT NULL")
            text = self.fault("schema")
            self.assertIn("user has a column shoe that nobody fills", text)
            self.typed(text)
            self.look()

    def test_table(self) -> None:
        """A table that is gone."""
        self.do("DROP TABLE invite")
        text = self.fault("schema")
        self.assertIn("there is no table invite", text)
        if is_mariadb(self):
            self.typed(text)
            self.look()

    def test_bond(self) -> None:
        """Rows that are no longer bound to their users."""
        if is_mariadb(self):
            self.do("ALTER TABLE user_key DROP FOREIGN KEY user_key_user")
        else:
            self.do(
                "DROP TABLE user_key",
                "CREATE TABLE user_key (user_id INTEGER NOT NULL, label TEXT NOT NULL, sealed BLOB NOT NULL,"
                " key_id TEXT NOT NULL, created INTEGER NOT NULL, last_used INTEGER, PRIMARY KEY (user_id, label))",
            )
        text = self.fault("schema")
        self.assertIn("rows of user_key are not bound to those of user (no foreign key on user_id)", text)
        if is_mariadb(self):
            self.typed(text)
            self.look()

    def test_engine(self) -> None:
        """A table that knows no transactions, and one that compares as people do."""
        if not is_mariadb(self):
            return
        for change, said in (
            ("ALTER TABLE invite ENGINE = MyISAM", "invite is myisam utf8mb4_bin, not innodb utf8mb4_bin"),
            (
                "ALTER TABLE invite CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
                "invite is innodb utf8mb4_general_ci, not innodb utf8mb4_bin",
            ),
        ):
            self.do(change)
            text = self.fault("schema")
            self.assertIn(said, text)
            self.typed(text)
            self.look()

    def test_rights_of_an_application(self) -> None:
        """Who may only read and write rows sees the same."""
        if is_mariadb(self):
            name = self.url.partition("?")[0].rpartition("/")[2]
            self.server.rows("", "CREATE OR REPLACE USER modest@localhost")
            self.server.rows("", f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO modest@localhost")
            self.url = self.url.replace("root@", "modest@")
            self.assertEqual({state for told in self.look().values() for state, _ in told} - {"note"}, {"ok"})

    def test_read(self) -> None:
        """Every statement of the migrations is understood, and each subject has its tables."""
        for subject, tables in (("accounts", "hist"), ("dictionaries", "words")):
            last = schema.migrations(subject, MYSQL)[-1].version
            self.assertIn(tables, shapes.of_mysql_migrations(subject, last))
        found: shapes.Shapes = {}
        for statement in (
            "CREATE TABLE IF NOT EXISTS t (a INT NOT NULL, b VARCHAR(9) DEFAULT 'x,y (z', PRIMARY KEY (a)) ENGINE = X",
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS c BIGINT NOT NULL",
            "ALTER TABLE t ADD UNIQUE KEY t_c (c)",
            "CREATE INDEX IF NOT EXISTS t_b ON t (b, c)",
            "UPDATE t SET c = 1",
        ):
            shapes._take(found, statement)
        self.assertEqual(
            {name: one.type for name, one in found["t"].columns.items()}, {"a": "int", "b": "varchar(9)", "c": "bigint"}
        )
        self.assertEqual(
            {(key.columns, key.unique) for key in found["t"].keys},
            {(("a",), True), (("c",), True), (("b", "c"), False)},
        )
        self.assertRaises(ValueError, shapes._take, found, "RENAME TABLE t TO u")


@on_both
class Orphans(Doctor):
    """Rows that nobody owns."""

    def delete(self, text: str, subject: str) -> None:
        """Do what a finding says to type."""
        self.do(text.partition("type in the database: ")[2].removesuffix(";"), subject=subject)
        self.look()

    def test_users(self) -> None:
        """Of users who are gone; what is typed takes them away and leaves the others."""
        for table, of in (
            ("hist", "INSERT INTO hist VALUES ({}, 1, 0, 'w', 'w', 'd', 1)"),
            ("user_key", "INSERT INTO user_key VALUES ({}, 'x', 'x', 'x', 0, 0)"),
            ("forgotten", "INSERT INTO forgotten VALUES ({}, 'x', 1, 0)"),
        ):
            if table != "user_key":
                self.do(of.format(1))
            self.do(*(of.format(user) for user in (7, 8, 9)))
            found = [
                text for told in self.look(1).values() for state, text in told if state == "fault" and table in text
            ]
            self.assertEqual(len(found), 1, found)
            self.assertIn(f"({table}) of 3 users not in user, such as 7; after a backup type", found[0])
            self.delete(found[0], "accounts")
            self.assertEqual(self.rows(f"SELECT count(*) FROM {table}"), 0 if table == "user_key" else 1)  # noqa: S608

    def rows(self, statement: str) -> int:
        """The one number that it finds."""
        with closing(self.opened("accounts")) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return int(cursor.fetchone()[0])

    def test_generations(self) -> None:
        """Words and articles of an import that is no more."""
        self.do(
            "INSERT INTO words (gen, k, seq, word, k2, mean_no) VALUES (77, 'a', 0, 'a', 'a', 0)",
            "INSERT INTO means (gen, no, mean, markup, senses) VALUES (78, 0, 'a', '', '')",
            subject="dictionaries",
        )
        words, means = (text for _, text in self.look(1)["orphans"])
        self.assertIn("there are headwords (words) of 1 generation not in generation, such as 77", words)
        self.assertIn("there are articles (means) of 1 generation not in generation, such as 78", means)
        self.do(words.partition("type in the database: ")[2].removesuffix(";"), subject="dictionaries")
        self.delete(means, "dictionaries")

    def test_live_of_nothing(self) -> None:
        """A dictionary whose words are gone; a held import of nothing."""
        self.do("UPDATE dictionary SET live_gen = 4711", subject="dictionaries")
        found = self.look(1)
        self.assertEqual(found["orphans"], [("fault", "the words of birds are not in the store; import it again")])
        self.done("import", self.file("birds.tsv", BIRDS))
        self.do("INSERT INTO import_lease VALUES ('fish', 'elsewhere.invalid 1 1', 4712, 0, 0)", subject="dictionaries")
        self.assertIn("somebody holds the import of fish", self.look()["orphans"][0][1])

    def test_words_without_article(self) -> None:
        """Only where it may take its time."""
        self.do("DELETE FROM means WHERE no = 0", subject="dictionaries")
        self.look()
        self.assertRegex(self.fault("orphans", "--thorough"), "^'.*' of generation [0-9]+ leads to no article")

    def test_too_many(self) -> None:
        """Where it takes too long it says so, and how it can have the time."""
        if is_mariadb(self):
            lock = self.opened("accounts")
            lock.cursor().execute("LOCK TABLES forgotten WRITE")
        self.patch(examination, "QUICK", examination.Bounds(0.5 if is_mariadb(self) else -1, 5, 8))
        self.patch(sqlitefiles, "_STEPS", 1)
        began = time.monotonic()
        found = self.look()["orphans"]
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual({state for state, _ in found}, {"note"})
        for _, text in found:
            self.assertIn("dictctl doctor --thorough takes the time", text)
        if is_mariadb(self):
            self.assertTrue(found[0][1].startswith("not all notes of what was forgotten were looked at"), found)
            lock.close()
        self.patch(sqlitefiles, "_STEPS", 20_000)
        self.assertEqual(self.look(0, "--thorough")["orphans"][0][0], "ok")


@on_both
class Keys(Doctor):
    """server.key, and the keys that are sealed under it."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.state / "server.key"
        self.key = serverkey.load(self.path)

    def keep(self, key: ServerKey, label: str) -> None:
        """Give Alice a key."""
        with closing(self.opened("accounts")) as connection:
            mark = "%s" if is_mariadb(self) else "?"
            values = (1, label, key.seal(1, label, "f" * 32), key.id, 0)
            connection.cursor().execute(
                f"INSERT INTO user_key (user_id, label, sealed, key_id, created) VALUES ({', '.join([mark] * 5)})",  # noqa: S608
                values,
            )
            connection.commit()

    def test_good(self) -> None:
        """Each opens."""
        self.assertEqual(self.look()["keys"], [("ok", f"{self.path} is good")])
        self.keep(self.key, "laptop")
        self.assertEqual(self.look()["keys"], [("ok", f"{self.path} is good, 1 key for AUTH is sealed under it")])

    def test_of_another_machine(self) -> None:
        """Another machine has another server.key on the same store: that is seen, and how many keys it is about."""
        self.keep(self.key, "laptop")
        self.keep(ServerKey.made(), "phone")
        text = self.fault("keys")
        self.assertIn(f"1 key for AUTH is sealed under another server.key than {self.path}", text)
        self.assertIn("copy server.key from the machine that made them (chmod 600)", text)

    def test_gone(self) -> None:
        """None is a note where no key needs it, else a fault; it is not made by looking."""
        self.path.unlink()
        self.assertEqual(self.look()["keys"][0][0], "note")
        self.keep(self.key, "laptop")
        self.assertIn("1 key for AUTH is sealed under one; bring it back from a backup", self.fault("keys"))
        self.assertFalse(self.path.exists())

    def test_spoiled(self) -> None:
        """One that is no key, and a key in the store that somebody has changed."""
        self.keep(self.key, "laptop")
        self.do("UPDATE user_key SET user_id = 1, label = 'phone'")
        text = self.fault("keys")
        self.assertIn(
            "1 key for AUTH cannot be opened, such as 'phone' of user 1: somebody has changed the store", text
        )
        self.path.write_bytes(b"nonsense")
        self.assertIn("is not a server key; bring it back from a backup", self.fault("keys"))

    def test_modes(self) -> None:
        """One that others can read is told once."""
        self.path.chmod(0o644)
        self.assertIn(f"chmod 600 {self.path}", self.fault("modes"))


class Files(Doctor):
    """What is SQLite's alone."""

    def test_synchronous(self) -> None:
        """How a server has it, and what it costs where that is not FULL."""
        prepare = sqlite.prepare

        def hurried(connection: Any) -> None:
            prepare(connection)
            connection.execute("PRAGMA synchronous = NORMAL")

        self.patch(sqlite, "prepare", hurried)
        self.assertIn("synchronous = NORMAL: a power failure may lose", self.fault("store"))

    def test_locked(self) -> None:
        """A file that somebody has all to himself is worth a word, and is not waited for."""
        path = self.state / "store" / FILES["accounts"]
        self.patch(sqlitefiles, "_WAIT", 0.05)
        with closing(connect(path, "accounts")) as other:
            other.execute("PRAGMA journal_mode = DELETE")
            other.execute("BEGIN EXCLUSIVE")
            Path(f"{path}-wal").touch(0o600)  # or it would be read as one that nobody has
            found = self.look()
            other.rollback()
        self.assertTrue(any("is locked just now" in text for _, text in found["schema"]), found)
        for about in ("orphans", "clock", "keys"):
            self.assertEqual([state for state, _ in found[about]], ["note"], found[about])

    def test_too_big(self) -> None:
        """A file that cannot be looked through in the time is worth a word."""
        self.patch(examination, "QUICK", examination.Bounds(-1, 5, 8))
        self.patch(sqlitefiles, "_STEPS", 1)
        found = self.look()["schema"]
        self.assertIn("is not all looked through", found[0][1])
        self.assertEqual([state for state, _ in found], ["note", "note"])


class Hosts(Doctor):
    """Several hosts of MariaDB."""

    store = "mariadb"

    def setUp(self) -> None:
        """A second server with the same tables, as a replica has them."""
        super().setUp()
        self.name = self.url.partition("?")[0].rpartition("/")[2]
        self.first, self.second = shared(tcp=True), MariaDB.started(self, tcp=True)
        for server in (self.first, self.second):
            server.rows("", f"CREATE DATABASE IF NOT EXISTS {self.name}_h CHARACTER SET utf8mb4")
            server.grant("several")
        self.addCleanup(self.first.drop, f"{self.name}_h")
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.first, self.second))
        for server in (self.first, self.second):
            self.url = server.url(f"{self.name}_h", "several")
            self.done("migrate")
            self.do("INSERT INTO store_identity (id, name) VALUES (1, '0123456789abcdef')")
        self.url = f"mysql://several@{hosts}/{self.name}_h"
        self.done("import", self.file("birds.tsv", BIRDS))

    def said(self, code: int = 0) -> list[tuple[str, str]]:
        """What is said of the second host, besides that it answers."""
        where = f"127.0.0.1:{self.second.port}"
        return [(state, text) for state, text in self.look(code)["store"] if where in text and "answers in" not in text]

    def test_each(self) -> None:
        """Each by itself: another store, tables that are behind, one that takes no writes, one that is not there."""
        self.assertEqual(self.said(), [])
        self.second.rows("", "SET GLOBAL read_only = 1")
        ((state, text),) = self.said()
        self.assertEqual(state, "note")
        self.assertIn("it takes no writes (read_only), so a server goes to another host", text)
        self.second.rows("", "SET GLOBAL read_only = 0")
        rows = f"{self.name}_h"
        self.second.rows(rows, "DELETE FROM schema_version WHERE subject = 'accounts'")
        ((state, text),) = self.said(1)
        self.assertIn("has other tables than", text)
        self.assertIn("(schema accounts 0 and dictionaries", text)
        self.second.rows(rows, "UPDATE store_identity SET name = 'another'")
        ((state, text),) = self.said(1)
        self.assertIn("has another store than", text)
        self.second.rows(rows, "DROP TABLE store_identity")
        ((state, text),) = self.said(1)
        self.assertIn("has no store of dictd", text)
        self.second.kill()
        ((state, text),) = self.said()
        self.assertEqual((state, "does not answer" in text), ("note", True))

    def test_all_read_only(self) -> None:
        """Where nobody takes writes that is a fault of each; a server that starts then has no accounts."""
        for server in (self.first, self.second):
            server.rows("", "SET GLOBAL read_only = 1")
            self.addCleanup(server.rows, "", "SET GLOBAL read_only = 0")
        faults = [text for state, text in self.look(1)["store"] if state == "fault"]
        self.assertEqual(len(faults), 2, faults)
        self.assertIn(
            "a server that starts now has none until it takes them; type there: SET GLOBAL read_only = OFF", faults[0]
        )
        for server in (self.first, self.second):
            server.rows("", "SET GLOBAL read_only = 0")

    def test_hangs(self) -> None:
        """A host that takes connections and says nothing is told within seconds; the other is looked at."""
        self.second.stop_answering()
        self.addCleanup(self.second.go_on)
        began = time.monotonic()
        ((state, text),) = self.said()
        self.assertEqual(state, "note")
        self.assertLess(time.monotonic() - began, 15)


class Hanging(Doctor):
    """One host of MariaDB, of this test's own."""

    store = "mariadb"

    def setUp(self) -> None:
        super().setUp()
        self.server = MariaDB.started(
            self, options=("--innodb-doublewrite=0", "--init-connect=SET timestamp=1000000000"), tcp=True
        )
        self.server.grant("single")
        self.url = self.server.url(self.server.database(), "single")
        self.done("migrate")
        self.done("import", self.file("birds.tsv", BIRDS))

    def test_flush_and_clock(self) -> None:
        """Torn pages are worth a word, a clock that is years behind is a fault."""
        found = self.look(1)
        self.assertTrue(any("innodb_doublewrite is OFF" in text for state, text in found["store"] if state == "note"))
        ((state, text),) = found["clock"]
        self.assertEqual(state, "fault")
        self.assertRegex(text, r"^the clock of the database is [\d,]+ days \d+ h behind this one; timedatectl")

    def test_cluster(self) -> None:
        """A node of Galera says whether it has a majority, and whether it is in step; here we say it in its place."""
        as_a_node = "SELECT 'wsrep_cluster_status', '{}' UNION ALL SELECT 'wsrep_local_state_comment', '{}'"
        for status, state, kind, said in (
            ("Primary", "Synced", "ok", "is in step with its cluster"),
            ("Primary", "Donor/Desynced", "note", "is not in step with its cluster (Donor/Desynced"),
            ("non-Primary", "Initialized", "fault", "without a majority (non-Primary): it takes no writes"),
        ):
            self.patch(mysqlserver, "_GALERA", as_a_node.format(status, state))
            found = self.look(1)["store"]
            self.assertTrue(any(said in text and told == kind for told, text in found), found)

    def test_hangs(self) -> None:
        """A database that says nothing is one fault, told within seconds; what needs it is left out, and said to be."""
        self.server.stop_answering()
        self.addCleanup(self.server.go_on)
        began = time.monotonic()
        found = self.look(1)
        self.assertLess(time.monotonic() - began, 12)
        faults = [(about, text) for about, told in found.items() for state, text in told if state == "fault"]
        self.assertEqual([about for about, _ in faults], ["store"], faults)
        self.assertIn(("note", "not looked at, as the database does not answer: schema, orphans"), found["store"])
        self.assertEqual(found["words"], [("ok", "birds: 3 headwords asked, all defined")])
