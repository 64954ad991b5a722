"""dictctl doctor on MySQL: is the server as dictd needs it?"""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from dictd.ctl import mysqlserver
from dictd.ctl.sqlitefiles import SQLiteFiles
from dictd.importers.lease import Holder
from dictd.store.sqlite import connect
from dictd.storeurl import Host
from tests.store.databases import fresh_mysql
from tests.support.mariadb import MariaDB, shared
from tests.test_ctl import BIRDS, Commands
from tests.test_doctor import LOOKS


class Doctor(Commands):
    """A dictionary in MariaDB."""

    store: ClassVar[str] = "mariadb"

    def look(self, code: int = 0) -> dict[str, list[tuple[str, str]]]:
        """What the doctor found, by what it looked at."""
        result = self.ctl("--json", "doctor")
        self.assertEqual(result.exit_code, code, result.output)
        found: dict[str, list[tuple[str, str]]] = {}
        for finding in json.loads(result.stdout):
            self.assertNotIn("\n", finding["text"])
            found.setdefault(finding["about"], []).append((finding["state"], finding["text"]))
        faults = [state for about in found.values() for state, _ in about if state == "fault"]
        self.assertEqual(bool(faults), bool(code), found)
        return found

    def said(self, about: str, state: str, *words: str) -> None:
        """The one finding of a kind about something has these words."""
        told = [text for kind, text in self.look(int(state == "fault")).get(about, []) if kind == state]
        self.assertEqual(len(told), 1, told)
        for word in words:
            self.assertIn(word, told[0])


class Well(Doctor):
    """Nothing to complain of, and what is worth a note."""

    def setUp(self) -> None:
        super().setUp()
        self.done("import", self.file("birds.tsv", BIRDS))

    def rows(self, statement: str, *values: object) -> None:
        """Run a statement as root in the database."""
        shared().rows(self.url.partition("?")[0].rpartition("/")[2], statement, *values)

    def test_well(self) -> None:
        """Who answers, how fast, which version; both schemas; the dictionary in step."""
        found = self.look()
        self.assertEqual(list(found), LOOKS)
        ((state, text),) = found["store"]
        self.assertEqual(state, "ok")
        self.assertRegex(text, r"socket answers in [\d.]+ ms, lets us in in \d+ ms: \d+\.\d+\.\d+-MariaDB")
        self.assertEqual([state for state, _ in found["schema"]], ["ok", "ok"])

    def test_no_state_directory(self) -> None:
        """The database is looked at all the same, and no directory is made."""
        self.state = self.state.with_name("elsewhere")
        found = self.look()
        self.assertEqual(list(found), ["settings", "programs", "store", "schema", "orphans", "clock", "state"])
        self.assertFalse(self.state.exists())

    def test_imports(self) -> None:
        """An import that was cut off, one under way, and old generations are told of."""
        here = Holder.here()
        self.rows("INSERT INTO import_lease VALUES ('trees', %s, 7, 0, 0)", str(Holder(here.host, here.pid, 1)))
        self.said("imports", "note", "an import of trees was cut off")
        self.rows("UPDATE import_lease SET holder = %s", str(here))
        self.said("imports", "ok", f"trees is being imported by process {os.getpid()}")
        self.rows("INSERT INTO generation VALUES (99, 'x', 'dead', '', '', 0, 0, 0, 0, 0)")
        self.said("imports", "note", "1 old generation wait to be deleted")

    def test_schema(self) -> None:
        """No tables, older ones and newer ones are faults, each with what to do."""
        self.rows("INSERT INTO schema_version VALUES ('accounts', 99, 0)")
        self.said("schema", "fault", "accounts has schema 99, this program knows")
        self.rows("DELETE FROM schema_version WHERE subject = 'accounts'")
        self.said("schema", "fault", "accounts has no tables yet; type: dictctl migrate")

    def test_spool(self) -> None:
        """History that waits in the state directory is counted, with how long; its modes are looked at."""
        spool = self.state / "spool" / "cbe6f6478db41546"
        spool.mkdir(mode=0o700)
        path = spool / "1000000000000000000-12-abcdef01.rows"
        path.write_bytes(b"header\n")
        path.chmod(0o600)
        self.assertNotIn("spool", self.look())
        path.write_bytes(b"header\nrow\nrow\n")
        self.said("spool", "note", "2 rows of history wait there, since ")
        self.rows("INSERT INTO store_identity (id, name) VALUES (1, %s)", spool.name)
        self.said("spool", "note", "2 rows of history wait there, since ")
        self.rows("UPDATE store_identity SET name = 'another'")
        self.said("spool", "note", f"2 rows of history in {spool} wait for another store than that of store.url")
        path.chmod(0o644)
        self.said("modes", "fault", str(path))

    def test_password_file(self) -> None:
        """A password file that others can read is a fault, with what to type."""
        path = self.file("password", "secret")
        settings = self.file("dictd.toml", f'[store]\nurl = "{self.url}"\npassword_file = "{path}"\n')
        self.url = "sqlite"
        result = self.ctl("--config", settings, "--json", "doctor")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("can be read by others: chmod go= ", result.stdout)
        self.assertNotIn("secret", result.output)

    def test_far_away(self) -> None:
        """A host on another machine without store.ca: passwords' hashes go in the clear."""
        self.patch(Host, "here", property(lambda _: False))
        self.said("store", "note", "store.ca is empty", "in the clear")

    def test_away(self) -> None:
        """A database that does not answer is a fault; what needs it is not looked at, and nothing hangs."""
        self.url = "mysql://root@localhost/x?socket=/nowhere/at/all"
        found = self.look(1)
        self.assertIn("does not answer", found["store"][0][1])
        self.assertEqual(found["lexicon"], [("note", "not compared with the store, which cannot be read")])


class OnSQLite(Doctor):
    """The same look at the spool."""

    store: ClassVar[str] = "sqlite"

    def test_spool(self) -> None:
        """Rows of this store and of another are told apart once the store has a name, and it is given none."""
        self.done("import", self.file("birds.tsv", BIRDS))
        files = SQLiteFiles(self.state / "store")
        names = ("0123456789abcdef", "fedcba9876543210")
        for name in names:
            directory = self.state / "spool" / name
            directory.mkdir(mode=0o700)
            (directory / "1000000000000000000-12-abcdef01.rows").write_bytes(b"header\nrow\n")
        for path in directory.parent.rglob("*.rows"):
            path.chmod(0o600)
        self.said("spool", "note", "2 rows of history wait there, since ")
        with closing(connect(Path(files.shown("accounts")), "accounts")) as connection:
            self.said("spool", "note", "2 rows of history wait there, since ")
            self.assertEqual(list(connection.execute("SELECT name FROM store_identity")), [])
            connection.execute("INSERT INTO store_identity (id, name) VALUES (1, ?)", names[:1])
            connection.commit()
        ours, others = (text for _, text in self.look()["spool"])
        self.assertIn("1 row of history wait there, since ", ours)
        self.assertIn(f"1 row of history in {directory} wait for another store", others)


class Server(Doctor):
    """What a server's own settings are worth."""

    def setUp(self) -> None:
        super().setUp()
        self.server = MariaDB.started(
            self,
            options=("--max-connections=12", "--max-allowed-packet=4M", "--sync-binlog=0", "--log-bin=log"),
            tcp=True,
        )
        self.url = fresh_mysql(self, self.server)
        self.done("import", self.file("birds.tsv", BIRDS))

    def test_settings(self) -> None:
        """Too few connections and a read-only server are faults, what may lose data or refuse articles is a note."""
        self.patch(mysqlserver, "_OTHERS", 100)
        self.server.rows("", "SET GLOBAL innodb_flush_log_at_trx_commit = 2")
        name = self.url.rpartition("/")[2]
        self.server.rows("", f"ALTER DATABASE {name} CHARACTER SET latin1")
        told = dict.fromkeys(("fault", "note"), "")
        for state, text in self.look(1)["store"]:
            told[state] = told.get(state, "") + text + "\n"
        self.assertIn("max_connections is 12, one server takes up to 1", told["fault"])
        for word in (
            "innodb_flush_log_at_trx_commit is 2: a crash of its machine may lose the last second",
            "sync_binlog is 0",
            "max_allowed_packet is 4 MiB",
            "character set is latin1",
        ):
            self.assertIn(word, told["note"])
        self.patch(mysqlserver, "_OTHERS", 1)
        self.server.rows("", "SET GLOBAL read_only = 1")
        self.said("store", "fault", "it takes no writes")
        self.server.rows("", "SET GLOBAL read_only = 0")

    def test_binary_log(self) -> None:
        """One that takes statements alone refuses all that we write: a fault, and it does refuse."""
        self.server.rows("", "SET GLOBAL binlog_format = STATEMENT")
        found = [text for kind, text in self.look(1)["store"] if kind == "fault"]
        self.assertTrue(any("binlog_format is STATEMENT" in text for text in found), found)
        self.assertEqual(self.ctl("invite").exit_code, 1)
        self.server.rows("", "SET GLOBAL binlog_format = MIXED")
        found = [text for kind, text in self.look(0)["store"] if kind == "fault"]
        self.assertFalse(any("binlog_format" in text for text in found), found)

    def test_hosts(self) -> None:
        """Each host is tried; one that does not answer is a note while another does."""
        self.url = self.url.replace("@127.0.0.1", "@127.0.0.2:1,127.0.0.1")
        found = self.look()["store"]
        self.assertTrue(any(state == "note" and "127.0.0.2:1 does not answer" in text for state, text in found), found)
        self.assertTrue(any("is the first that takes writes" in text for _, text in found), found)
