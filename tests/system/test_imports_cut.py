"""Imports that are killed, stopped, run beside each other, or find the disk full, beside a server that runs."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from dictd import ctl
from dictd.sections import Store
from dictd.store import databases
from tests.store import databases as stores
from tests.store.databases import is_mariadb, on_both
from tests.support import interrupted
from tests.support.programs import CHECKOUT, dictctl, environment, run
from tests.support.server import Server, until

#: Many transactions, runs and slices of :mod:`tests.support.interrupted`.
WORDS = 3_000
#: Moments at which an import is killed, spread evenly from its first step to its last.
MOMENTS = 16


class Serving(SynchronousTestCase):
    """A server that serves the old edition of a dictionary."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()
        self.url = stores.url(self)
        self.options = ("--store", self.url) if is_mariadb(self) else ()
        self.prepare()
        self.bring("old")
        self.server = self.serve()
        self.addCleanup(self.server.kill)

    def serve(self) -> Server:
        """A server of this store."""
        return Server.started(self.state, surroundings={"DICTD_STORE_URL": self.url})

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement finds in the store."""
        database = databases.database(Store(url=self.url), self.state / "store")
        with contextlib.closing(database.connect("dictionaries")) as store:
            cursor = store.cursor()
            cursor.execute(sql)
            return list(cursor.fetchall())

    def prepare(self) -> None:
        """Before anything is imported."""

    def edition(self, name: str, words: int = WORDS) -> str:
        """A file whose every meaning is the name of the edition; headwords in no order."""
        path = self.state.with_name(f"{name}.tsv")
        path.write_text("".join(f"w{i * 7919 % words}\t{name} {'x' * 40}\n" for i in range(words)), "utf-8")
        return str(path)

    def bring(self, name: str, dictionary: str = "words") -> None:
        """Import an edition, which must end well."""
        done = dictctl(self.state, *self.arguments(name, dictionary))
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def arguments(self, name: str, dictionary: str = "words") -> tuple[str, ...]:
        """The arguments that import an edition."""
        return (*self.options, "import", self.edition(name), "--name", dictionary)

    def served(self, dictionary: str = "words") -> str:
        """The edition that the server serves, at the first headword, the last and one between; two while it changes."""
        caller = self.server.connect()
        editions = set()
        for number in (0, WORDS // 2, WORDS - 1):
            answer = caller.ask(f"DEFINE {dictionary} w{number}")
            editions.add(answer[3].split()[0] if len(answer) > 3 else answer[0])
        caller.close()
        return " and ".join(sorted(editions))

    def serves(self, edition: str) -> bool:
        """Whether it is this one."""
        return self.served() == edition

    def live(self) -> str:
        """The edition that is live in the store."""
        ((mean,),) = self.rows(
            "SELECT mean FROM means m JOIN dictionary d ON d.live_gen = m.gen WHERE d.name = 'words' AND m.no = 0"
        )
        return str(mean.split()[1])

    def assertClean(self, dictionaries: int = 1) -> None:
        """Nothing is left of what did not come to its end: in the store, in tmp/, in lexicon/; doctor is well."""
        for table in (
            "SELECT id FROM generation",
            "SELECT DISTINCT gen FROM means",
            "SELECT DISTINCT gen FROM words",
        ):
            self.assertEqual(len(self.rows(table)), dictionaries, table)
        self.assertEqual(self.rows("SELECT * FROM import_lease"), [])
        self.assertEqual(list((self.state / "tmp").iterdir()), [])
        # Hidden files are those that a publisher makes and renames, its lock apart.
        until("the server's publisher to sweep", lambda: len(self.lexicon_files()) == dictionaries + 2)
        result = CliRunner().invoke(ctl.main, ["--state-dir", str(self.state), *self.options, "doctor"])
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertNotRegex(result.output, r"(?m)^note +(imports|lexicon|orphans|words)")

    def lexicon_files(self) -> list[str]:
        """Everything in lexicon/: one file for each dictionary, the catalogue, the lock."""
        return sorted(path.name for path in (self.state / "lexicon").iterdir())

    def refused(self, done: subprocess.CompletedProcess[bytes]) -> str:
        """The one line of a command that ended with 1; lines of progress apart."""
        said = [line for line in done.stderr.decode().splitlines() if not line.endswith("%")]
        self.assertEqual((done.returncode, done.stdout, len(said)), (1, b"", 1), said)
        return said[0]


@on_both
class Killed(Serving):
    """kill -9, SIGTERM."""

    def test_kill_at_many_moments(self) -> None:
        """Whenever it dies, one edition is served whole; the next import ends well and leaves nothing behind."""
        rehearsal = self.finished(interrupted.started("count", 0, self.state, *self.arguments("edition0")))
        steps = int(rehearsal[0].split()[-2])
        self.assertGreater(steps, 150)
        until("the rehearsal to be served", lambda: self.served() == "edition0")
        killed, before = 0, "edition0"
        seen = set()
        for moment in range(1, MOMENTS):
            process = interrupted.started(
                "kill", steps * moment // MOMENTS, self.state, *self.arguments(f"cut{moment}")
            )
            process.communicate(timeout=60)
            killed += process.returncode == -signal.SIGKILL
            live = self.live()
            self.assertIn(live, (before, f"cut{moment}"))
            seen.add((live == before, self.left()))
            if live == before:
                self.assertEqual(self.served(), before)
            until(f"{live} to be served", partial(self.serves, live))
            before = f"edition{moment}"
            self.bring(before)
            until(f"{before} to be served", partial(self.serves, before))
            self.assertClean()
        self.assertGreaterEqual(killed, 12)
        # It was killed in every phase: while it read, while words were added, before and after it was live.
        self.assertGreaterEqual({row for row in seen}, {(True, "means"), (True, "words"), (False, "dead")}, seen)

    def left(self) -> str:
        """How far the import was that died."""
        for articles, rows in self.rows("SELECT articles, rows_done FROM generation WHERE state = 'loading'"):
            return "words" if rows else "means" if articles else "begun"
        return "dead" if self.rows("SELECT 1 FROM generation WHERE state = 'dead'") else "done"

    def finished(self, process: subprocess.Popen[bytes]) -> list[str]:
        """A process that must end well; what it said."""
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err.decode())
        return out.decode().splitlines()[::-1]

    def test_killed_while_a_file_is_built(self) -> None:
        """Killed as soon as a file grows in lexicon/: the server builds it again, and sweeps the half one."""
        self.server.stop()
        arguments = (*self.options, "import", self.edition("new", 30_000), "--name", "words")
        process = subprocess.Popen(
            [sys.executable, "-m", "dictd.ctl", "--state-dir", self.state, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=CHECKOUT,
            env=environment(),
        )
        until("a file to be built", lambda: process.poll() is not None or bool(self.building()))
        process.kill()
        process.wait()
        self.server = self.serve()
        self.addCleanup(self.server.kill)
        until("the new edition", lambda: self.served() == "new")
        until("the half file to be swept", lambda: not self.building())
        self.bring("newer")
        until("the newer edition", lambda: self.served() == "newer")
        self.assertClean()

    def building(self) -> list[Path]:
        """Files that are being built."""
        return list((self.state / "lexicon").glob(".publishing-*"))

    def test_sigterm(self) -> None:
        """SIGTERM in the middle ends it; what was served is served, the next import cleans up."""
        process = interrupted.started("pause", 4, self.state, *self.arguments("new"))
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), b"paused\n")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertEqual((self.live(), self.served()), ("old", "old"))
        self.bring("newer")
        until("the newer edition", lambda: self.served() == "newer")
        self.assertClean()


@on_both
class Beside(Serving):
    """Two imports at once."""

    def test_of_one_dictionary(self) -> None:
        """The second is told which process it is, in one line; the first ends well."""
        first = interrupted.started("pause", 4, self.state, *self.arguments("new"))
        assert first.stdout is not None
        self.assertEqual(first.stdout.readline(), b"paused\n")
        line = self.refused(dictctl(self.state, *self.arguments("other")))
        self.assertRegex(
            line, rf"^dictctl: words is being imported by process {first.pid} on \S+ since [\d:]+ UTC; wait"
        )
        done = dictctl(self.state, *self.options, "doctor")
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        self.assertIn(f"words is being imported by process {first.pid}".encode(), done.stdout)
        self.assertEqual(self.served(), "old")
        _, err = first.communicate(b"\n", timeout=60)
        self.assertEqual(first.returncode, 0, err.decode())
        until("the new edition", lambda: self.served() == "new")
        self.assertClean()

    def test_of_two_dictionaries(self) -> None:
        """Both end well, one begun and ended while the other is in its middle; also both at full speed."""
        first = interrupted.started("pause", 6, self.state, *self.arguments("new"))
        assert first.stdout is not None
        self.assertEqual(first.stdout.readline(), b"paused\n")
        self.bring("others", "others")
        _, err = first.communicate(b"\n", timeout=60)
        self.assertEqual(first.returncode, 0, err.decode())
        both = [
            interrupted.started("count", 0, self.state, *self.arguments(f"{name}2", name))
            for name in ("words", "others")
        ]
        for process in both:
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err.decode())
        until("both editions", lambda: (self.served(), self.served("others")) == ("words2", "others2"))
        self.bring("words3")
        self.assertClean(2)


class Full(Serving):
    """A disk without room, for each part of the state directory by itself."""

    def prepare(self) -> None:
        """Each part is a small disk of its own."""
        self.state.mkdir(mode=0o700)
        for part in ("store", "tmp", "lexicon"):
            path = self.state / part
            path.mkdir(parents=True, mode=0o700)
            with contextlib.suppress(FileNotFoundError):
                done = run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(path)])
                if done.returncode == 0:
                    self.addCleanup(run, ["umount", "-l", str(path)])
                    continue
            raise SkipTest("this user may not mount a disk")

    @contextlib.contextmanager
    def room(self, part: str, left: int) -> Iterator[None]:
        """So many bytes left on the disk of a part."""
        ballast = self.state / part / "ballast"
        with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 65536)
        with open(ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        with open(ballast, "r+b") as file:
            file.truncate(ballast.stat().st_size - left)
        try:
            yield
        finally:
            ballast.unlink()

    def test_store(self) -> None:
        """In the store: at once, in its middle, near its end, and when the old words are deleted."""
        for left in (0, 65_536, 200_000, 400_000):
            with self.room("store", left):
                line = self.refused(self.imported("new"))
                self.assertIn(str(self.state / "store"), line)
                self.assertEqual(self.served(), "old")
        lines = set()
        for left in range(550_000, 3_000_000, 150_000):
            with self.room("store", left):
                done = self.imported("new")
                if done.returncode:
                    lines.add(done.stderr.decode().splitlines()[-1])
        self.assertTrue(all(str(self.state / "store") in line for line in lines), lines)
        self.assertTrue(any("what it replaced is deleted by the next import" in line for line in lines), lines)
        self.assertGood()

    def test_runs(self) -> None:
        """Where headwords wait."""
        for left in (0, 4096, 16384):
            with self.room("tmp", left):
                line = self.refused(self.imported("new"))
                self.assertIn(str(self.state / "tmp"), line)
                self.assertEqual((self.live(), self.served()), ("old", "old"))
        self.assertGood()

    def test_lexicon(self) -> None:
        """Where it is published: it is imported and not served yet, which is said."""
        for left in (0, 4096, 65_536):
            with self.room("lexicon", left):
                line = self.refused(self.imported("new"))
                self.assertIn(str(self.state / "lexicon"), line)
                self.assertIn("what was served stays", line)
                self.assertEqual(self.served(), "old")
                self.assertFalse(list((self.state / "lexicon").glob(".catalogue*")))
        until("the server to publish it as soon as there is room", lambda: self.served() == "new")
        self.assertGood()

    def test_catalogue(self) -> None:
        """Room for the new file, and none for the catalogue: its path is told, nothing is left of it."""
        self.server.stop()  # its publisher would use what room there is in between
        (published,) = (self.state / "lexicon").glob("*.lmdb")
        size, lines = published.stat().st_size, []
        for pages in range(-2, 5):
            with self.room("lexicon", size + 4096 * pages):
                done = self.imported("new")
                if done.returncode:
                    lines.append(done.stderr.decode().splitlines()[-1])
                    self.assertIn(str(self.state / "lexicon"), lines[-1])
                    self.assertFalse(list((self.state / "lexicon").glob(".catalogue*")))
        self.assertTrue(any("lexicon/.catalogue.json" in line for line in lines), lines)
        self.server = self.serve()
        self.addCleanup(self.server.kill)
        self.assertGood()

    def imported(self, name: str) -> subprocess.CompletedProcess[bytes]:
        """An import with small runs."""
        return subprocess.run(
            interrupted.command("run", 0, self.state, *self.arguments(name)),
            capture_output=True,
            timeout=60,
            check=False,
            cwd=CHECKOUT,
            env=environment(),
        )

    def assertGood(self) -> None:
        """With room again, an import ends well, and nothing is left."""
        self.bring("newer")
        until("the newer edition", lambda: self.served() == "newer")
        self.assertClean()


class Limited(Serving):
    """Files that may not grow any more: a full disk for those who may not mount one."""

    def test_limit(self) -> None:
        """Whatever cannot be written, it is one line with a path, and the old edition is served."""
        sizes = {path.name: path.stat().st_size for path in (self.state / "store").iterdir()}
        parts = set()
        for limit in (max(sizes.values()), 300_000, 100_000, 30_000, 8_192):
            done = subprocess.run(
                interrupted.command("run", 0, self.state, *self.arguments("new")),
                capture_output=True,
                timeout=60,
                check=False,
                cwd=CHECKOUT,
                env=environment(),
                preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)),
            )
            line = self.refused(done)
            found = re.search(re.escape(str(self.state)) + r"/(\w+)/", line)
            assert found is not None, line
            parts.add(found[1])
            if self.live() == "old":
                self.assertEqual(self.served(), "old")
        self.assertIn("store", parts)
        self.bring("newer")
        until("the newer edition", lambda: self.served() == "newer")
        self.assertClean()
        self.assertEqual(len(json.loads(dictctl(self.state, "--json", "list").stdout)), 1)
