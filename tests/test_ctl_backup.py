"""dictctl backup and restore: what they do and refuse."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from dictd.ctl.backups import refilling, target
from dictd.model import LookUp, row_id
from dictd.processes import serverkey
from dictd.processes.state import Lock
from dictd.sections import Store
from dictd.store import databases
from dictd.store.history import HistoryQueries
from tests.store.databases import is_mariadb, on_both
from tests.support import stored
from tests.support.stored import Content, body
from tests.test_ctl import BIRDS, Commands

NOW = int(time.time() * 1000)
#: Rows of three users; the second has paused, the third keeps for ten days.
USERS = [
    (7, "anna", b"anna", "$argon2id$a", "admin", 1, 0, b"n" * 16, None, None, 0),
    (8, "боб", "боб".encode(), "$argon2id$b", "user", 2, 1, None, 5_000, None, 2),
    ((1 << 53) - 1, "王芳", "王芳".encode(), "$argon2id$c", "user", 3, 0, None, None, 10, 1 << 40),
]


def looked_up(user: int, rid: int, word: str = "penguin", when: int = NOW) -> LookUp:
    """A row of the history."""
    return LookUp(user, rid, when, word, word.encode(), "birds", 1)


class Backups(Commands):
    """A store with three users."""

    def setUp(self) -> None:
        super().setUp()
        self.dump = self.files / "dump.jsonl.gz"

    def filled(self) -> None:
        """Users, keys, history, and a dictionary."""
        rows = [(7, row_id(NOW, 1, number), NOW, f"w{number}", b"w", "birds", 1) for number in range(40)]
        rows.append((8, row_id(NOW, 2, 0), 4_000, "é😀\\", b"\xff\x00", "", 0))
        tables: dict[str, list[tuple[Any, ...]]] = {
            "user": USERS,
            "user_key": [(7, "laptop", b"\0sealed", "0011", 5, None), (7, "phone", b"\xff", "0022", 6, 7)],
            "hist": rows,
            "forgotten": [(8, b"", 1 << 62, 9)],
            "invite": [(b"c" * 32, "ABCD", 1, 2, 3)],
        }
        stored.fill(self, self.state, Content(tables, {}), self.url)
        self.done("import", self.file("birds.tsv", BIRDS))

    def elsewhere(self) -> Path:
        """Another state directory, where nothing is yet."""
        return self.files / "elsewhere"

    def lines(self) -> list[str]:
        """The lines of the dump."""
        return gzip.decompress(self.dump.read_bytes()).decode().splitlines()

    def write(self, lines: list[str], sums: bool = True) -> str:
        """A dump with other lines; its last line is made anew."""
        if sums:
            end = json.loads(lines[-1])
            table = ""
            counts: dict[str, int] = {}
            for line in lines[1:-1]:
                if line.startswith('{"table":'):
                    table = json.loads(line)["table"]
                    counts.setdefault(table, 0)
                else:
                    counts[table] += 1
            text = "".join(f"{line}\n" for line in lines[:-1])
            end["end"] = {"counts": counts, "sha256": sha256(text.encode()).hexdigest()}
            lines = [*lines[:-1], json.dumps(end)]
        path = self.files / "changed.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return str(path)

    def assertSound(self) -> None:
        """The doctor finds nothing but that there is no key."""
        found = self.ctl("--json", "doctor").stdout
        self.assertEqual(
            {one["about"] for one in json.loads(found) if one["state"] == "fault"} - {"keys"}, set(), found
        )

    def everything(self) -> list[str]:
        """What a backup of the store has now."""
        path = self.files / f"now-{len(list(self.files.iterdir()))}.jsonl"
        self.done("backup", str(path))
        return body(path)

    def database(self) -> databases.Database:
        """The store."""
        return databases.database(Store(url=self.url), self.state / "store")

    def run_(self, query: Callable[..., Any], *args: Any) -> Any:
        """A query on the accounts."""
        with closing(self.database().connect("accounts")) as connection:
            found = query(connection.cursor(), *args)
            connection.commit()
        return found


@on_both
class Dump(Backups):
    """The logical dump."""

    def test_there_and_back(self) -> None:
        """What is restored over the store is what was backed up, whatever happened between; all is told."""
        self.filled()
        before = self.everything()
        out = self.done("backup", str(self.dump))
        self.assertRegex(
            out,
            r"^3 accounts, 2 keys for AUTH, 41 rows of history, 1 word forgotten, 1 invite, 1 dictionary,"
            r" 3 headwords: all is in .*dump\.jsonl\.gz, \d+\.\d s, \d+\.\d MB\.\n"
            r"Not in it: .*server\.key, which opens the keys for AUTH; keep a copy in another place\.\n$",
        )
        self.assertEqual(self.dump.stat().st_mode & 0o777, 0o600)
        self.run_(lambda txn: txn.execute("DELETE FROM hist"))
        self.run_(lambda txn: txn.execute("UPDATE user SET passwd = 'x', name_key = 'y' WHERE id = 7"))
        self.done("import", self.file("crow.tsv", "crow\tanother\n"))
        self.done("import", self.file("birds.tsv", "crow\tanother\n"))
        out = self.done("restore", str(self.dump), "--replace", "--yes")
        self.assertRegex(out, r"^3 accounts, .* 3 headwords: all is there, as it was 20\d\d-[\dT:-]+Z; \d+\.\d s\.\n$")
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])
        self.assertSound()

    def test_json(self) -> None:
        """With --json one value each."""
        self.filled()
        made = self.value("backup", str(self.dump))
        rows = {"user": 3, "user_key": 2, "hist": 41, "forgotten": 1, "invite": 1, "dictionary": 1}
        self.assertLessEqual((rows | {"means": 3, "words": 3}).items(), made["rows"].items())
        self.assertEqual((made["file"], made["spooled"]), (str(self.dump), 0))
        self.assertEqual(made["octets"], self.dump.stat().st_size)
        looked = self.value("restore", "--check", str(self.dump))
        self.assertEqual((looked["rows"], looked["dictionaries"]), (made["rows"], ["birds"]))
        found = self.value("restore", str(self.dump), "--replace", "--yes")
        self.assertEqual((found["rows"], found["replaced"]), (made["rows"], rows))
        self.assertEqual(len(found["remarks"]), 1)
        self.assertIn("2 keys for AUTH cannot be used", found["remarks"][0])

    def test_standard_output(self) -> None:
        """``-`` is standard output, plain, and everything else is said beside it."""
        self.filled()
        result = self.ctl("backup", "-")
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertEqual(json.loads(result.stdout.splitlines()[0])["dictd"], "backup")
        self.assertIn("3 accounts", result.stderr)
        plain = self.files / "plain"
        plain.write_text(result.stdout, "utf-8")
        self.assertEqual(body(plain), self.everything())
        self.assertIn("is whole", self.done("restore", "--check", str(plain)))

    def test_without_dictionaries(self) -> None:
        """They can be left out; then those of the store stay."""
        self.filled()
        self.assertNotIn("headword", self.done("backup", str(self.dump), "--without-dictionaries"))
        self.done("import", self.file("crow.tsv", "crow\tanother\n"))
        out = self.done("restore", str(self.dump), "--replace", "--yes")
        self.assertIn("those of the store stay", out)
        self.assertEqual([one["name"] for one in self.value("list")], ["birds", "crow"])

    def test_order_and_time(self) -> None:
        """Dictionaries keep their order, and the time of their import."""
        for name in ("zebra", "ant", "moth"):
            self.done("import", self.file(f"{name}.tsv", f"{name}\tan animal\n"))
        self.done("remove", "zebra")
        before = self.value("list")
        self.done("backup", str(self.dump))
        self.done("import", self.file("ant.tsv", "ant\tanother\n"))
        self.done("restore", str(self.dump), "--replace", "--yes")
        after = self.value("list")
        for one in (*before, *after):
            del one["generation"]
        self.assertEqual(after, before)

    def test_not_empty(self) -> None:
        """A store that has anything is not filled unless that is said, and what is there is told."""
        self.filled()
        self.done("backup", str(self.dump))
        line = self.refused("restore", str(self.dump))
        self.assertIn("is not empty: 3 accounts, 2 keys for AUTH, 41 rows of history", line)
        self.assertIn("1 dictionary; with --replace all that is lost; nothing was changed", line)
        self.assertIn("say so with --yes", self.refused("restore", str(self.dump), "--replace"))
        self.done("backup", str(self.dump), "--without-dictionaries", "--overwrite")
        self.run_(lambda txn: txn.execute("DELETE FROM user"))
        self.run_(lambda txn: txn.execute("DELETE FROM invite"))
        self.done("restore", str(self.dump))

    def test_there_already(self) -> None:
        """A backup that is there is not replaced unless that is said, and never by half of one."""
        self.filled()
        self.done("backup", str(self.dump))
        before = self.dump.read_bytes()
        self.assertIn("--overwrite", self.refused("backup", str(self.dump)))
        real = stored.inventory.rows

        def failing(*args: Any) -> Any:
            yield from list(real(*args))[:1]
            raise OSError(28, "No space left on device")

        self.patch(stored.inventory, "rows", failing)
        line = self.refused("backup", str(self.dump), "--overwrite")
        self.assertIn("No space left on device; the backup of before stays", line)
        self.assertEqual(self.dump.read_bytes(), before)
        self.assertEqual([path.name for path in self.files.iterdir() if "partial" in path.name], [])

    def test_left_by_a_killed_one(self) -> None:
        """What a backup that was killed has left is taken away by the next; that of one that runs stays."""
        self.filled()
        left, used = (self.files / f".{self.dump.name}.{pid}.partial" for pid in (2**22 + 1, os.getppid()))
        left.touch()
        used.touch()
        self.done("backup", str(self.dump))
        self.assertEqual((left.exists(), used.exists()), (False, True))

    def test_no_place(self) -> None:
        """A directory, a device, a directory that is not there: one line each."""
        self.filled()
        self.assertIn("is not a file", self.refused("backup", str(self.files)))
        self.assertIn("is not a file", self.refused("backup", "/dev/null"))
        self.assertIn("there is no directory", self.refused("backup", str(self.files / "no" / "x.gz")))
        self.assertIn("No such file", self.refused("restore", str(self.files / "no.gz")))

    def test_new_rows(self) -> None:
        """Whoever keeps a history after a restore begins above all rows that were restored."""
        self.filled()
        self.done("backup", str(self.dump))
        self.done("restore", str(self.dump), "--replace", "--yes")
        last = max(row[1] for row in stored.rows(self.dump, "hist"))
        found = self.run_(HistoryQueries(self.database().dialect).last_rid)
        self.assertEqual(found, max(last, 1 << 62))

    def test_clock(self) -> None:
        """A clock that is behind the history is told of: row ids would not rise."""
        self.filled()
        self.done("backup", str(self.dump))
        self.patch(target, "time", _Clock(NOW / 1000 - 86_400))
        result = self.ctl("restore", str(self.dump), "--replace", "--yes")
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertRegex(result.stderr, "the history has rows of .*, and the clock here says .*: set it before")

    def test_keys(self) -> None:
        """Keys that are sealed under another server.key than the one here are told of."""
        key = serverkey.load((self.files / "key").absolute())
        self.filled()
        self.run_(lambda txn: txn.execute(f"UPDATE user_key SET key_id = '{key.id}'"))  # noqa: S608 - hexadecimal
        self.done("backup", str(self.dump))
        state = self.state / "server.key"
        state.write_bytes((self.files / "key").read_bytes())
        state.chmod(0o600)
        result = self.ctl("restore", str(self.dump), "--replace", "--yes")
        self.assertRegex(result.stderr, rf"(?m)^next type: \S*twistd dictd --state-dir {self.state} *(--store \S+)?$")
        state.unlink()
        result = self.ctl("restore", str(self.dump), "--replace", "--yes")
        self.assertIn("before the first start, or everybody needs new keys\n", result.stderr)
        self.assertNotIn("next type", result.stderr)
        serverkey.load(state)
        (remark,) = self.value("restore", str(self.dump), "--replace", "--yes")["remarks"]
        self.assertIn("is not the one here", remark)

    def test_server_runs(self) -> None:
        """While a server runs here nothing is restored."""
        self.filled()
        self.done("backup", str(self.dump))
        lock = Lock(self.state / "lock")
        self.assertTrue(lock.take())
        self.addCleanup(lock.release)
        line = self.refused("restore", str(self.dump), "--replace", "--yes")
        self.assertIn(f"(process {os.getpid()}); end it first: dictctl stop", line)

    def test_failure(self) -> None:
        """One that fails in its middle: SQLite is as before, MySQL is used by nobody until another comes to its end."""
        self.filled()
        before = self.everything()
        self.done("backup", str(self.dump))
        real = refilling.RefillQueries.add

        def failing(queries: Any, txn: Any, table: Any, *args: Any, **kwargs: Any) -> None:
            if table.name == "words":
                raise OSError(28, "No space left on device")
            real(queries, txn, table, *args, **kwargs)

        self.patch(refilling.RefillQueries, "add", failing)
        line = self.refused("restore", str(self.dump), "--replace", "--yes")
        self.assertIn("No space left on device", line)
        self.patch(refilling.RefillQueries, "add", real)
        if is_mariadb(self):
            self.assertIn("half restored, and no server uses it: type the same command again", line)
            self.assertIn("has not come to its end; type dictctl restore FILE again", self.refused("list"))
            self.assertIn("has not come to its end", self.refused("backup", str(self.files / "half.gz")))
            self.assertIn("has not come to its end", self.ctl("doctor").stdout)
            # There is no need to say --replace: all that is there is of the restore.
            self.done("restore", str(self.dump))
        else:
            self.assertIn("nothing was changed", line)
            self.assertEqual(self.count("generation", "CASE WHEN state = 'loading' THEN 1 END"), 0)
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])

    def test_somebody_writes(self) -> None:
        """Rows that somebody else has added meanwhile are seen, and nothing is called whole."""
        self.filled()
        self.done("backup", str(self.dump))
        real = refilling.RefillQueries.add

        def more(queries: Any, txn: Any, table: Any, *args: Any, **kwargs: Any) -> None:
            real(queries, txn, table, *args, **kwargs)
            if table.name == "hist":
                HistoryQueries(self.database().dialect)._insert(txn, [looked_up(7, 5)])  # noqa: SLF001 - another's

        self.patch(refilling.RefillQueries, "add", more)
        line = self.refused("restore", str(self.dump), "--replace", "--yes")
        self.assertIn("hist has 42 rows, and 41 were written", line)


class _Clock:
    """The clock of a machine that was just set up."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def time(self) -> float:
        """Seconds since 1970."""
        return self._seconds
