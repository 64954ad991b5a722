"""dictctl backup and restore where SQLite keeps the store: old schemas, and copies of its files."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from dictd.accounts.spool import Spool
from dictd.processes import serverkey
from dictd.store.identity import IdentityQueries
from tests.support import stored
from tests.test_ctl_backup import USERS, Backups, looked_up


class OnSQLite(Backups):
    """The dump, where there is nothing but SQLite."""

    def test_nothing_there(self) -> None:
        """Where there is no store nothing is made by looking for one."""
        self.assertIn("there is no store yet", self.refused("backup", str(self.dump)))
        self.assertFalse(self.state.exists())
        self.assertFalse(self.dump.exists())

    def test_new_state(self) -> None:
        """A state directory that is not there yet is made; a restored store is another store than the one it is of."""
        self.filled()
        name = self.run_(IdentityQueries(self.database().dialect).name)
        self.done("backup", str(self.dump))
        before = self.everything()
        self.assertEqual(json.loads(self.lines()[0])["store"], name)
        self.state = self.elsewhere()
        self.done("restore", str(self.dump))
        self.assertEqual(self.everything(), before)
        self.assertNotEqual(self.run_(IdentityQueries(self.database().dialect).name), name)

    def test_older_schema(self) -> None:
        """A file of before migrations is backed up as it is, not migrated, and is restored into tables of today."""
        self.filled()
        self.older()
        self.done("backup", str(self.dump))
        header = json.loads(self.lines()[0])
        self.assertEqual(header["schemas"], {"accounts": 1, "dictionaries": 1})
        self.assertNotIn("nonce", self.lines()[1])
        found = stored.sqlite_rows(self.state, "SELECT max(version) FROM schema_version WHERE subject = 'accounts'")
        self.assertEqual(found, [(1,)], "it was not migrated")
        self.state = self.elsewhere()
        self.done("restore", str(self.dump))
        users = stored.sqlite_rows(self.state, "SELECT id, name, nonce, paused, keep_days FROM user ORDER BY id")
        self.assertEqual(users, [(one[0], one[1], None, None, None) for one in USERS])
        self.assertEqual(len(stored.sqlite_rows(self.state, "SELECT rid FROM hist")), 41)
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])

    def older(self) -> None:
        """Take back what later migrations have made."""
        with closing(self.database().connect("accounts")) as connection:
            for column in ("nonce", "paused", "keep_days", "epoch"):
                connection.cursor().execute(f"ALTER TABLE user DROP COLUMN {column}")
            for table in ("user_key", "worker_lease", "forgotten", "invite", "store_identity", "miss"):
                connection.cursor().execute(f"DROP TABLE IF EXISTS {table}")
            connection.cursor().execute("DELETE FROM schema_version WHERE version > 1")
        with closing(self.database().connect("dictionaries")) as connection:
            connection.cursor().execute("ALTER TABLE words DROP COLUMN frequency")
            connection.cursor().execute("DROP TABLE import_lease")
            connection.cursor().execute("DELETE FROM schema_version WHERE version > 1")

    def test_newer(self) -> None:
        """A backup of a newer program is refused, whether its form or its schema is newer; so is a newer store."""
        self.filled()
        self.done("backup", str(self.dump))
        lines = self.lines()
        head = json.loads(lines[0])
        for changed in ({"format": 2}, {"schemas": {"accounts": 99, "dictionaries": 3}}):
            path = self.write([json.dumps(head | changed), *lines[1:]])
            self.assertRegex(self.refused("restore", path), "newer dictd made it|dictd 0.* made it; restore it with")
        self.run_(lambda txn: txn.execute("INSERT INTO schema_version VALUES ('accounts', 99, 0)"))
        self.assertIn("newer dictd", self.refused("backup", str(self.files / "x.gz")))

    def test_usage(self) -> None:
        """Options that do not go together."""
        for args in (
            ("backup",),
            ("backup", "x.gz", "--with-key"),
            ("backup", "x/", "--without-dictionaries"),
            ("backup", "x", "--files", "--overwrite"),
            ("restore",),
        ):
            self.misused(*args)


class Copies(Backups):
    """SQLite's files in a directory."""

    def setUp(self) -> None:
        super().setUp()
        self.filled()
        self.copies = self.files / "copies"

    def test_there_and_back(self) -> None:
        """They are copied, for this user alone, and brought back over whatever there is."""
        before = self.everything()
        out = self.done("backup", f"{self.copies}/")
        self.assertRegex(out, r"^2 files, \d+\.\d MB, \d+\.\d s: SQLite finds them sound\.\nNot in it: .*server\.key")
        names = {path.name: path.stat().st_mode & 0o777 for path in self.copies.iterdir()}
        self.assertEqual(names, dict.fromkeys(("accounts.sqlite", "dictionaries.sqlite", "backup.json"), 0o600))
        self.assertEqual(self.copies.stat().st_mode & 0o777, 0o700)
        self.assertIn("is whole", self.done("restore", "--check", str(self.copies)))
        self.run_(lambda txn: txn.execute("DELETE FROM user"))
        self.done("remove", "birds")
        line = self.refused("restore", str(self.copies))
        self.assertIn("is not empty: 1 invite; with --replace", line)
        value = self.value("restore", str(self.copies), "--replace", "--yes")
        self.assertEqual(value["replaced"], {"invite": 1})
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])
        self.assertSound()

    def test_same_store(self) -> None:
        """What is brought back is the same store, with what waits for it in the spool; the key where it was taken."""
        name = self.run_(IdentityQueries(self.database().dialect).name)
        spool = Spool(self.state / "spool" / name, 1 << 20)
        spool.append([looked_up(7, 1 << 60, "waits")])
        self.assertIn("there is no", self.refused("backup", "--files", "--with-key", str(self.copies)))
        key = serverkey.load(self.state / "server.key")
        value = self.value("backup", "--files", "--with-key", str(self.copies))
        self.assertTrue(value["key"])
        (rows,) = (self.state / "spool" / name).iterdir()
        spool.close()
        old, self.state = self.state, self.elsewhere()
        self.done("restore", str(self.copies))
        self.assertEqual(self.run_(IdentityQueries(self.database().dialect).name), name)
        self.assertEqual((self.state / "spool" / name / rows.name).read_bytes(), rows.read_bytes())
        self.assertEqual(serverkey.load(self.state / "server.key"), key)
        for path in (*(self.state / "store").iterdir(), *(self.state / "spool").rglob("*"), self.state / "server.key"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)
        self.assertTrue(old.exists())

    def test_another_key(self) -> None:
        """A key that is there stays, and that is told."""
        serverkey.load(self.state / "server.key")
        self.done("backup", "--files", "--with-key", str(self.copies))
        (self.state / "server.key").unlink()
        key = serverkey.load(self.state / "server.key")
        value = self.value("restore", str(self.copies), "--replace", "--yes")
        self.assertIn("is another than the one in the backup, and stays", value["remarks"][-1])
        self.assertEqual(serverkey.load(self.state / "server.key"), key)

    def test_changed(self) -> None:
        """Copies that were changed, are not whole, or lead elsewhere, are refused; nothing is changed."""
        before = self.everything()
        self.done("backup", "--files", str(self.copies))
        manifest = self.copies / "backup.json"
        told = json.loads(manifest.read_text("utf-8"))
        for path in (self.copies / "accounts.sqlite", self.copies / "dictionaries.sqlite"):
            octets = path.read_bytes()
            for changed in (octets[:-1], octets[:5000] + bytes([octets[5000] ^ 1]) + octets[5001:], b""):
                path.write_bytes(changed)
                self.assertIn("was changed", self.refused("restore", str(self.copies), "--replace", "--yes"))
            path.write_bytes(octets)
        (self.files / "outside").write_bytes(b"x")
        wrong: tuple[object, ...] = (
            {**told, "format": 2},
            {**told, "schemas": {"accounts": 99, "dictionaries": 1}},
            {**told, "files": {}},
            {**told, "files": {**told["files"], "../outside": sha256(b"x").hexdigest()}},
            {**told, "files": {**told["files"], "spool/none.rows": "x"}},
            {**told, "more": 1},
            {**told, "schemas": []},
            {**told, "schemas": {"accounts": float("inf"), "dictionaries": 1}},
            {**told, "made": "today"},
            {**told, "made": 10**30},
            {**told, "version": "\x1b[2J"},
            [],
        )
        for text in (*map(json.dumps, wrong), "[" * 100_000):
            manifest.write_text(text, "utf-8")
            self.refused("restore", str(self.copies), "--replace", "--yes")
        manifest.write_text(json.dumps(told), "utf-8")
        self.assertEqual(self.everything(), before)

    def test_files_of_others(self) -> None:
        """A file that no backup has comes nowhere: not among the keys of the shell, nor out of the directory."""
        self.done("backup", "--files", str(self.copies))
        manifest = self.copies / "backup.json"
        told = json.loads(manifest.read_text("utf-8"))
        (self.copies / "spool" / "x" / "y").mkdir(parents=True)
        (self.copies / "manhole").mkdir()
        (self.copies / "spool" / "l").symlink_to("x/y")
        self.state = self.elsewhere()
        for name in ("manhole/authorized_keys", "spool/l/../../../out.rows", "spool/note", "spool//a.rows", "more"):
            path = self.copies / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
            manifest.write_text(
                json.dumps({**told, "files": {**told["files"], name: sha256(b"x").hexdigest()}}), "utf-8"
            )
            self.assertIn("names", self.refused("restore", str(self.copies)), name)
            self.assertIn("names", self.refused("restore", "--check", str(self.copies)), name)
            self.assertFalse((self.state / name).exists(), name)

    def test_damaged(self) -> None:
        """A file that SQLite finds damaged makes no backup that could be taken for a good one."""
        path = self.state / "store" / "accounts.sqlite"
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            file.execute("PRAGMA writable_schema = ON")
            file.execute("UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'hist_rid'")
            file.commit()
        self.assertIn("is damaged", self.refused("backup", "--files", str(self.copies)))
        self.assertFalse(self.copies.exists())
        self.assertEqual([one.name for one in self.files.iterdir() if "partial" in one.name], [])

    def test_there_already(self) -> None:
        """A directory that has anything is left alone; an empty one will do."""
        self.copies.mkdir()
        self.done("backup", str(self.copies), "--files")
        self.assertIn("is there already", self.refused("backup", str(self.copies), "--files"))
        self.assertIn("there is no directory", self.refused("backup", str(Path(self.copies) / "a" / "b"), "--files"))

    def test_into_mysql(self) -> None:
        """They do not go into another database; what does is named."""
        self.done("backup", "--files", str(self.copies))
        self.url = "mysql://root@localhost/x?socket=/nowhere/at/all"
        self.assertIn("dictctl backup FILE.jsonl.gz", self.refused("restore", str(self.copies)))
