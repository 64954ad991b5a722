"""A backup has what was promised, also where that waits in the spool; servers of other machines are in its way."""

from __future__ import annotations

import os
from contextlib import closing

from dictd.accounts.spool import Spool
from dictd.model import row_id
from dictd.store.history import HistoryQueries
from dictd.store.identity import IdentityQueries
from dictd.store.leases import LeaseQueries
from dictd.store.refilling import RefillQueries
from tests.store.databases import on_both
from tests.support import stored
from tests.test_ctl_backup import NOW, Backups, looked_up


@on_both
class Spooled(Backups):
    """Rows in the spool."""

    def test_spool(self) -> None:
        """Rows that wait in the spool for this store are in it, each once, without those that nobody wants."""
        self.filled()
        name = self.run_(IdentityQueries(self.database().dialect).name)
        spool = Spool(self.state / "spool" / name, 1 << 20)
        there = row_id(NOW, 1, 0)
        spool.append([looked_up(7, 1 << 60, "waits"), looked_up(7, there, "there"), looked_up(99, 5, "nobody's")])
        spool.append([looked_up(8, 3, "paused"), looked_up(7, 2, "old", 5), looked_up(7, 1 << 60, "waits")])
        other = Spool(self.state / "spool" / ("f" * 16), 1 << 20)
        other.append([looked_up(7, 3, "other's")])
        files = {path: path.read_bytes() for path in (self.state / "spool").rglob("*.rows")}
        out = self.done("backup", str(self.dump))
        self.assertIn("1 row of the history waited in the spool", out)
        words = [row[3] for row in stored.rows(self.dump, "hist")]
        self.assertEqual(sorted(words), sorted([*(f"w{number}" for number in range(40)), "é😀\\", "waits"]))
        self.assertEqual({path: path.read_bytes() for path in (self.state / "spool").rglob("*.rows")}, files)
        spool.close()
        other.close()
        self.done("restore", str(self.dump), "--replace", "--yes")

    def test_forgotten_in_the_spool(self) -> None:
        """What was forgotten while it waited does not come back by a backup."""
        self.filled()
        queries = HistoryQueries(self.database().dialect)
        name = self.run_(IdentityQueries(self.database().dialect).name)
        spool = Spool(self.state / "spool" / name, 1 << 20)
        spool.append([looked_up(7, 100, "secret"), looked_up(7, 101, "kept"), looked_up(7, 300, "secret")])
        self.run_(lambda txn: queries.forget(txn, 7, b"secret", 200, NOW))
        self.done("backup", str(self.dump))
        spool.close()
        words = [(row[1], row[3]) for row in stored.rows(self.dump, "hist") if row[1] < 1000]
        self.assertEqual(words, [(101, "kept"), (300, "secret")])


class OnMariaDB(Backups):
    """What is only so with MySQL and MariaDB."""

    store = "mariadb"

    def test_other_machines(self) -> None:
        """A server of another machine that uses the database is in the way, as long as it is heard of."""
        self.filled()
        self.done("backup", str(self.dump))
        queries = LeaseQueries(self.database().dialect)
        for holder in ("elsewhere 17 abcd", f"{os.uname().nodename} {os.getpid()} abcd"):
            number = self.run_(lambda txn, holder=holder: queries.take(txn, holder, NOW))
            line = self.refused("restore", str(self.dump), "--replace", "--yes")
            host, pid, _ = holder.split()
            self.assertIn(f"process {pid} on {host} uses this database; end its server first", line)
            self.run_(lambda txn, holder=holder, number=number: queries.give_back(txn, number, holder, NOW))
        self.run_(lambda txn: queries.take(txn, "elsewhere 18 abcd", NOW - 200_000))
        self.run_(lambda txn: queries.take(txn, f"{os.uname().nodename} {2**22 + 1} abcd", NOW))
        self.done("restore", str(self.dump), "--replace", "--yes")

    def test_two_at_once(self) -> None:
        """Nobody fills a database that somebody fills already, from whichever machine."""
        self.filled()
        self.done("backup", str(self.dump))
        with closing(self.database().connect("accounts")) as other:
            self.assertTrue(RefillQueries(self.database().dialect).alone(other.cursor()))
            line = self.refused("restore", str(self.dump), "--replace", "--yes")
        self.assertIn("somebody restores into this database already", line)
        self.done("restore", str(self.dump), "--replace", "--yes")

    def test_no_tables(self) -> None:
        """A database without tables is told from one that is empty."""
        self.filled()
        self.done("backup", str(self.dump))
        self.run_(lambda txn: txn.execute("DELETE FROM schema_version"))
        self.assertIn("type: dictctl migrate", self.refused("restore", str(self.dump)))
        self.assertIn("has no tables of dictd", self.refused("backup", str(self.files / "x.gz")))

    def test_too_long(self) -> None:
        """What SQLite takes and this database does not is seen before anything is written."""
        self.filled()
        self.done("backup", str(self.dump))
        before = self.everything()
        for text, long in (("laptop", "x" * 129), ("penguin", "😀" * 513), ("ABCD", "A" * 17)):
            lines = [line.replace(f'"{text}"', f'"{long}"') for line in self.lines()]
            line = self.refused("restore", self.write(lines), "--replace", "--yes")
            self.assertRegex(line, r"line \d+: \w+ is longer than this database takes it \(\d+\); nothing was changed")
        self.assertEqual(self.everything(), before)

    def test_files(self) -> None:
        """Its files are not ours to copy."""
        self.assertIn("dictctl backup FILE.jsonl.gz", self.refused("backup", str(self.files / "x") + "/"))
