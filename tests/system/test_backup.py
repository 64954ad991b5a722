"""Backups of servers that run, and servers that run on what was restored."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dictd.sections import Store
from dictd.store import databases
from tests.store.databases import fresh_mysql, is_mariadb, on_both
from tests.store.databases import url as store_url
from tests.support import interrupted, stored
from tests.support.crew import BOOK, Crew, small_disk
from tests.support.kept import FEW, Kept
from tests.support.programs import dictctl
from tests.support.server import Caller, Server, clear, until
from tests.support.stored import Content, body, done, rows

#: Moments at which a restore is killed, spread evenly from its first step to its last.
MOMENTS = 8
WORDS = [f"w{number}" for number in range(1_200)]


def many(count: int) -> list[tuple[Any, ...]]:
    """Rows of so many users, 300 octets each."""
    return [(number, "x" * 60, b"%d" % number, "y" * 200, "user", 1, 0, None, None, None, 0) for number in range(count)]


class Moving(SynchronousTestCase):
    """A school moves from SQLite to MariaDB, and back."""

    def setUp(self) -> None:
        # A path that is short enough for a unix socket.
        self.place = Path(tempfile.mkdtemp(prefix="dictd-backup-"))
        self.addCleanup(clear, self.place)
        book = self.place / "book.tsv"
        book.write_text(BOOK, "utf-8")
        self.done(self.place / "one", "sqlite", "import", str(book), "--name", "animals")

    def done(self, state: Path, url: str, *arguments: str) -> str:
        """dictctl, which must end with 0; what it said."""
        options = () if url == "sqlite" else ("--store", url)
        ended = dictctl(state, *options, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr.decode())
        return ended.stdout.decode()

    def serve(self, state: Path, url: str) -> Server:
        """A server of a store, ended with the test."""
        server = Server.started(state, surroundings={"DICTD_STORE_URL": url, "DICTD_ACCOUNTS_REGISTRATION": "open"})
        self.addCleanup(server.kill)
        return server

    def auth(self, caller: Caller, secret: str) -> int:
        """Log in by a key."""
        message_id = caller.banner.split()[-1]
        answer = hashlib.md5((message_id + secret).encode(), usedforsecurity=False).hexdigest()
        return caller.code(f"AUTH alice {answer}")

    def test_there_and_back(self) -> None:
        """The old password and the old key log in, the history is there and goes on, dictionaries are served."""
        with closing((server := self.serve(self.place / "one", "sqlite")).connect()) as caller:
            self.assertEqual(caller.code("REGISTER alice correct-horse"), 280)
            secret = caller.ask("KEY NEW laptop")[1]
            for word in ("penguin", "crow", "unicorn"):
                caller.ask(f"DEFINE * {word}")
        server.stop()
        asked = ["unicorn", "crow", "penguin"]
        state, url = self.place / "one", "sqlite"
        for name, target in (("two", fresh_mysql(self)), ("three", "sqlite")):
            dump = self.place / f"{name}.jsonl.gz"
            self.done(state, url, "backup", str(dump))
            before, state, url = state, self.place / name, target
            self.done(state, url, "restore", str(dump))
            shutil.copy(before / "server.key", state / "server.key")
            server = self.serve(state, url)
            with closing(server.connect()) as caller, closing(server.connect()) as other:
                self.assertEqual(caller.code("LOGIN alice correct-horse"), 230)
                self.assertEqual(self.auth(other, secret), 230)
                self.assertEqual(self.history(caller), asked)
                self.assertIn("a bird that swims", "\n".join(caller.ask("DEFINE * penguin")))
                caller.ask(f"DEFINE * {name}")
                # New rows have higher ids than all that were restored, or they would not be the first.
                asked = [name, "penguin", *asked]
                self.assertEqual(self.history(caller), asked)
            server.stop()
            self.assertEqual([line for line in server.said.decode().splitlines() if "Traceback" in line], [])
            self.assertNotIn("fault", self.done(state, url, "doctor"))

    def history(self, caller: Caller) -> list[str]:
        """The words, newest first."""
        return [line.split('"')[1] for line in caller.ask("HISTORY 50")[1:-2]]


@on_both
class UnderLoad(Kept):
    """While sixteen connections look words up."""

    def backups(self, crew: Crew, *options: str, **surroundings: str) -> None:
        """Three of them, while the load goes on; each has what was promised before it was begun, once."""
        store = ("--store", self.database.url(self.name, "dictd")) if is_mariadb(self) else ()
        for number in range(3):
            self.more(crew, FEW)
            promised = set(self.truth.confirmed)
            dump = crew.state.parent / f"{number}.jsonl.gz"
            done = dictctl(crew.state, *store, "backup", str(dump))
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            words = [row[3] for row in rows(dump, "hist")]
            self.assertEqual(promised - set(words), set())
            self.assertEqual(self.truth.twice(words), [])
            self.assertEqual(dictctl(crew.state.parent / "none", "restore", "--check", str(dump)).returncode, 0)
        self.more(crew)

    def test_dump(self) -> None:
        """Nothing that was promised before is missing, and nobody waits for it."""
        crew = self.begin()
        self.backups(crew)
        self.assertEqual(self.truth.unconfirmed, set())
        self.compare(crew)


class CopiedUnderLoad(Kept):
    """SQLite's files."""

    def test_files(self) -> None:
        """They are copied whole under load, brought back, and served."""
        crew = self.begin()
        promised = set(self.truth.confirmed)
        copies = crew.state.parent / "copies"
        done = dictctl(crew.state, "backup", "--with-key", f"{copies}/")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.more(crew)
        self.compare(crew)
        state = crew.state.parent / "other"
        done = dictctl(state, "restore", str(copies))
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        words = [word for (word,) in stored.sqlite_rows(state, "SELECT word FROM hist")]
        self.assertEqual(promised - set(words), set())
        server = Server.started(state)
        self.addCleanup(server.kill)
        with closing(server.connect()) as caller:
            self.assertEqual(caller.code("LOGIN alice correct-horse"), 230)
            self.assertEqual(caller.code("DEFINE animals penguin"), 250)
        server.stop()


class InTheSpool(Kept):
    """While MariaDB is away rows wait in the spool; a backup after it is back has them, wherever they are."""

    store = "mariadb"
    wired = True

    def test_replayed_meanwhile(self) -> None:
        """Backups while the spool comes home have each row that was promised."""
        crew = self.begin()
        url = self.database.url(self.name, "dictd")
        for number in range(3):
            self.wire.refuse()
            self.wire.reset()
            self.more(crew, FEW * 4)
            promised = set(self.truth.confirmed)
            if number:
                self.wire.listen()
            dump = crew.state.parent / f"{number}.jsonl"
            done = dictctl(crew.state, "--store", url, "backup", str(dump))
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            words = [row[3] for row in rows(dump, "hist")]
            self.assertEqual(promised - set(words), set())
            self.assertEqual(self.truth.twice(words), [])
            if not number:
                self.assertIn(b"waited in the spool", done.stdout)
            self.wire.listen()
            self.more(crew)
        self.compare(crew)


@on_both
class Killed(SynchronousTestCase):
    """kill -9 of a restore."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()
        self.url = store_url(self)
        self.options = ("--store", self.url) if is_mariadb(self) else ()
        self.files = Path(self.mktemp()).absolute()
        self.files.mkdir()
        self.dumps = {name: self.made(name) for name in ("old", "new")}

    def made(self, name: str) -> Path:
        """The dump of a store whose every row says its name."""
        state = self.files / name
        users = [(number, f"{name}{number}", f"{name}{number}".encode(), name, "user", 1, 0, None, None, None, 0)
                 for number in range(1, 30)]  # fmt: skip
        hist = [(1 + number % 29, number, 1, name, name.encode(), name, 1) for number in range(1, 3_000)]
        hist.sort()
        stored.fill(self, state, Content({"user": users, "hist": hist}, {}))
        book = self.files / f"{name}.tsv"
        book.write_text("".join(f"{word}\t{name}\n" for word in WORDS), "utf-8")
        done(state, "sqlite", "import", str(book), "--name", "words")
        dump = self.files / f"{name}.jsonl.gz"
        done(state, "sqlite", "backup", str(dump))
        return dump

    def restored(self, name: str) -> None:
        """Restore one over whatever there is."""
        done(self.state, self.url, "restore", str(self.dumps[name]), "--replace", "--yes")
        self.assertEqual(self.everything(), body(self.dumps[name]))

    def everything(self) -> list[str]:
        """What a backup has now."""
        dump = self.files / "now.jsonl"
        done(self.state, self.url, "backup", "--overwrite", str(dump))
        return body(dump)

    def rows(self, sql: str) -> list[Any]:
        """What a statement finds."""
        database: Any = databases.database(Store(url=self.url), self.state / "store")
        subject = "dictionaries" if "generation" in sql or "means" in sql else "accounts"
        opened = database.patient() if is_mariadb(self) else database.connect(subject)
        with closing(opened) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())

    def test_killed(self) -> None:
        """At any step SQLite's accounts are the old ones or the new ones; MySQL is whole, or used by nobody."""
        self.restored("old")
        arguments = (*self.options, "restore", str(self.dumps["new"]), "--replace", "--yes")
        out, err = interrupted.started("count", 0, self.state, *arguments).communicate(timeout=120)
        steps = int(out.decode().split()[-2])
        self.assertEqual(self.everything(), body(self.dumps["new"]), err)
        seen = set()
        for moment in range(MOMENTS):
            self.restored("old")
            process = interrupted.started("kill", 1 + moment * (steps - 2) // (MOMENTS - 1), self.state, *arguments)
            process.communicate(timeout=120)
            self.assertEqual(process.returncode, -9)
            marked = self.rows("SELECT count(*) FROM schema_version WHERE subject = 'restoring'") == [(1,)]
            names = {row[0] for row in self.rows("SELECT passwd FROM user UNION ALL SELECT word FROM hist")}
            live = self.rows(
                "SELECT mean FROM means m JOIN dictionary d ON d.live_gen = m.gen"
                " JOIN generation g ON g.id = m.gen WHERE no = 0"
            )
            self.assertEqual(len(live), 1)
            if marked:
                self.assertTrue(is_mariadb(self))
                refused = stored.dictctl(self.state, self.url, "list")
                self.assertIn("type dictctl restore FILE again", refused.stderr)
            else:
                self.assertEqual(len(names), 1)
                if names == {"old"}:
                    self.assertIn("old", live[0][0])
                    self.assertEqual(self.everything(), body(self.dumps["old"]))
            seen.add("marked" if marked else names.pop())
            # The same again completes it, and leaves nothing behind.
            self.restored("new")
            self.assertEqual(self.rows("SELECT count(*) FROM generation"), [(1,)])
            self.assertEqual(self.rows("SELECT count(*) FROM schema_version WHERE subject = 'restoring'"), [(0,)])
        self.assertLessEqual({"old", "marked" if is_mariadb(self) else "new"}, seen)


class Full(SynchronousTestCase):
    """A disk without room."""

    def test_backup(self) -> None:
        """There is no half backup: the one of before stays, and nothing is left beside it."""
        state = Path(self.mktemp()).absolute()
        disk = Path(self.mktemp()).absolute()
        small_disk(self, disk, 2)
        stored.fill(self, state, Content({"user": [], "hist": []}, {}))
        target = disk / "dump.jsonl"
        self.assertEqual(dictctl(state, "backup", str(target)).returncode, 0)
        before = target.read_bytes()
        clean = Path(self.mktemp()).absolute()
        stored.fill(self, clean, Content({"user": many(9_000)}, {}))
        for arguments in (("--overwrite", str(target)), (f"{disk}/copies/",)):
            done = dictctl(clean, "backup", *arguments)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertNotIn(b"Traceback", done.stderr)
            self.assertEqual([path.name for path in disk.iterdir()], [target.name])
            self.assertEqual(target.read_bytes(), before)
        self.assertIn(b"No space left on device", dictctl(clean, "backup", "--overwrite", str(target)).stderr)

    def test_restore(self) -> None:
        """The store stays what it was."""
        state = Path(self.mktemp()).absolute()
        small_disk(self, state, 3)
        stored.fill(self, state, Content({"user": [(7, "a", b"a", "x", "user", 1, 0, None, None, None, 0)]}, {}))
        other = Path(self.mktemp()).absolute()
        stored.fill(self, other, Content({"user": many(15_000)}, {}))
        dump, copies = other.with_suffix(".gz"), other.with_suffix(".copies")
        self.assertEqual(dictctl(other, "backup", str(dump)).returncode, 0)
        self.assertEqual(dictctl(other, "backup", "--files", str(copies)).returncode, 0)
        for backup in (dump, copies):
            done = dictctl(state, "restore", str(backup), "--replace", "--yes")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(b"nothing was changed", done.stderr)
            self.assertNotIn(b"Traceback", done.stderr)
            self.assertEqual(stored.sqlite_rows(state, "SELECT id FROM user"), [(7,)])


class Beside(SynchronousTestCase):
    """A server that runs."""

    def test_server_runs(self) -> None:
        """A restore is refused while it does; none begins while one is restored."""
        crew = Crew.started(self)
        dump = crew.state.parent / "dump.gz"
        self.assertEqual(dictctl(crew.state, "backup", str(dump)).returncode, 0)
        refused = dictctl(crew.state, "restore", str(dump), "--replace", "--yes")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"end it first: dictctl stop", refused.stderr)
        self.assertEqual(dictctl(crew.state, "stop").returncode, 0)
        process = interrupted.started("pause", 2, crew.state, "restore", str(dump), "--replace", "--yes")
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), b"paused\n")
        server = Server(crew.state)
        server.launch()
        self.addCleanup(server.kill)
        until("it to end", lambda: server.process.poll() is not None)
        self.assertIn(b"dictd runs already", b"".join(server.process.stdout or ()))
        _, err = process.communicate(b"\n", timeout=60)
        self.assertEqual(process.returncode, 0, err.decode())
