"""Dictionaries of Debian, imported by dictctl as a program and asked through a server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.importers.bookbinding import Book, dictzipped
from tests.support.debian import package
from tests.support.programs import CHECKOUT, dictctl, environment, program, run
from tests.support.server import Caller, Server

DEBIAN = ("foldoc", "freedict-deu-eng", "freedict-eng-deu", "gcide", "jargon", "wn")
_TOLD = re.compile(rb"00-?database|00-(gcide|web1913)-")
#: An import of the largest dictionary on a slow machine, seconds.
_PATIENCE = 600


def directory(name: str) -> Path:
    """Where a package of Debian has its dictionary."""
    return package(f"dict-{name}") / "usr/share/dictd"


def counted(index: Path) -> tuple[int, int]:
    """How many bodies an index leads to, and how many headwords of bodies there are, told ones left out."""
    bodies: set[tuple[bytes, bytes]] = set()
    words: set[tuple[bytes, bytes, str]] = set()
    for line in index.read_bytes().splitlines():
        word, offset, size = line.split(b"\t")
        if not _TOLD.match(word):
            text = unicodedata.normalize("NFC", word.decode("utf-8", "surrogateescape"))
            bodies.add((offset, size))
            words.add((offset, size, " ".join(text.split())))
    return len(bodies), len(words)


#: dictctl that writes its peak memory down at its end. Not os.wait4: what that tells of a
#: child includes what its parent had, which is the process that runs the tests.
_MEASURED = """
import atexit, pathlib, sys
from dictd.ctl import main
peak, *arguments = sys.argv[1:]
atexit.register(lambda: pathlib.Path(peak).write_text(pathlib.Path("/proc/self/status").read_text()))
main(arguments, prog_name="dictctl")
"""


def imported(state: Path, *arguments: str) -> tuple[int, bytes, bytes, int]:
    """Run ``dictctl import``; its exit code, what it said on both streams, and its peak memory in bytes."""
    status = Path(f"{state}.status")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(status), "--state-dir", str(state), "--json", "import", *arguments],
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
        cwd=CHECKOUT,
        env=environment(),
    )
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert peak is not None
    return done.returncode, done.stdout, done.stderr, int(peak[1]) * 1024


class Debian(SynchronousTestCase):
    """What a fresh server of Debian would serve; all in one test, because the imports take a minute."""

    timeout = _PATIENCE

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()
        self.books = Path(self.mktemp()).absolute()
        self.books.mkdir()
        for name in DEBIAN:
            for file in directory(name).iterdir():
                (self.books / file.name).symlink_to(file)

    def test_six_dictionaries(self) -> None:
        """gcide alone, in little memory; then all in one go; every number, and entries that are known."""
        code, _, err, peak = imported(self.state, str(self.books / "gcide.dict.dz"))
        self.assertEqual(code, 0, err.decode())
        self.assertLess(peak, 200_000_000)
        server = Server.started(self.state)
        self.addCleanup(server.kill)

        code, out, err, peak = imported(self.state, str(self.books))
        self.assertEqual(code, 0, err.decode())
        self.assertLess(peak, 320_000_000)
        self.counts({one["name"]: one for one in json.loads(out)})
        caller = server.connect()
        self.assertEqual(
            [line.split(" ")[0] for line in caller.ask("SHOW DB")[1:-2]],
            ["gcide", *[name for name in DEBIAN if name != "gcide"]],
        )
        self.known(caller)
        caller.close()
        self.dict_program(str(server.port))

        done = dictctl(self.state, "doctor")
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        self.assertTrue(done.stdout.endswith(b"All is well.\n"), done.stdout.decode())
        self.assertIn(b"6 dictionaries in step with the store", done.stdout)
        self.assertNotIn(b"old generation", done.stdout)
        server.stop()
        self.assertEqual(list((self.state / "tmp").iterdir()), [])

    def counts(self, told: dict[str, dict[str, object]]) -> None:
        """What dictctl counted is what is in the indexes; nothing was left out."""
        self.assertEqual(list(told), list(DEBIAN))
        listed = {one["name"]: one for one in json.loads(dictctl(self.state, "--json", "list").stdout)}
        for name, one in told.items():
            bodies, words = counted(self.books / f"{name}.index")
            self.assertEqual((one["articles"], one["malformed"], one["format"]), (bodies, 0, "dictorg"), name)
            headwords = one["headwords"]
            assert isinstance(headwords, int)
            self.assertLessEqual(headwords, words, name)
            self.assertGreater(headwords, words * 0.7, name)
            self.assertEqual((listed[name]["headwords"], listed[name]["articles"]), (headwords, bodies), name)
            self.assertTrue(all(listed[name][what] for what in ("title", "info", "licence", "source")), name)
        self.assertEqual(told["wn"]["headwords"], counted(self.books / "wn.index")[1])
        self.assertEqual(listed["gcide"]["source"], "ftp://ftp.gnu.org/gnu/gcide")

    def known(self, caller: Caller) -> None:
        """Entries that are known, as a client sees them."""
        self.assertEqual(caller.ask("MATCH wn exact paris")[1], 'wn "Paris"')
        paris = caller.ask("DEFINE wn paris")
        self.assertEqual((paris[2], paris[3][:43]), ("Paris", "    n 1: the capital and largest city of Fr"))
        friday = "\n".join(caller.ask('DEFINE gcide "black friday"'))
        self.assertIn("The stock market’s drop was far from over", friday)  # a byte 0x92 in the file
        self.assertIn("Bastard Operator From Hell", "\n".join(caller.ask("DEFINE foldoc bofh")))
        self.assertIn("foo", " ".join(caller.ask("DEFINE jargon foo")).lower())
        self.assertEqual(caller.ask('MATCH freedict-eng-deu exact "00 gauge"')[1], 'freedict-eng-deu "00 gauge"')
        self.assertEqual(
            caller.ask("MATCH freedict-deu-eng exact dollar-zeichen")[1], 'freedict-deu-eng "Dollar-Zeichen"'
        )
        self.assertEqual(caller.ask("MATCH freedict-deu-eng exact 042")[1], 'freedict-deu-eng "0,42"')
        self.assertIn("Dollar-Zeichen", " ".join(caller.ask("DEFINE freedict-deu-eng $")))
        self.assertIn("<neut, n, sg>", " ".join(caller.ask("DEFINE freedict-deu-eng Haus")))
        for word in ("00-database", "00database", "00-gcide", "00-web1913"):
            self.assertEqual(caller.code(f"MATCH * prefix {word}"), 552, word)

    def dict_program(self, port: str) -> None:
        """The same with dict(1)."""
        done = run([program("dict"), "-P", "-", "-h", "127.0.0.1", "-p", port, "-d", "wn", "paris"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"the capital and largest city of France", done.stdout)
        done = run([program("dict"), "-P", "-", "-h", "127.0.0.1", "-p", port, "-i", "jargon"])
        self.assertIn(b"Licence: This document (the Jargon File) is in the public domain", done.stdout)


class Check(SynchronousTestCase):
    """``dictctl check`` as a program."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()
        self.books = Path(self.mktemp()).absolute()

    def test_wrong_index(self) -> None:
        """The index of one dictionary of Debian beside the bodies of another is refused, each of four ways."""
        for index, bodies in (("foldoc", "jargon"), ("jargon", "foldoc"), ("foldoc", "gcide"), ("wn", "gcide")):
            self.books.mkdir(exist_ok=True)
            for ending, name in ((".index", index), (".dict.dz", bodies)):
                (self.books / f"x{ending}").unlink(missing_ok=True)
                (self.books / f"x{ending}").symlink_to(directory(name) / f"{name}{ending}")
            done = dictctl(self.state, "check", str(self.books / "x.index"))
            self.assertEqual((done.returncode, done.stdout), (1, b""), (index, bodies))
            self.assertRegex(done.stderr.decode(), r"^dictctl: [^\n]*x\.[^\n]*\n$")
        self.assertFalse(self.state.exists())

    def test_good_and_bad(self) -> None:
        """Each is told of, those that are bad do not keep the others back, and nothing is made or changed."""
        good = Book().tell("00-database-short", "Birds").add("Emu\n  a bird", "Emu", "dromaius")
        good.written(self.books, "good")
        good.written(self.books, "cut", bodies=dictzipped(good.bodies)[:-9])
        text = self.books / "words.tsv"
        text.write_text("crow\ta bird\n", "utf-8")
        before = self.snapshot()
        done = dictctl(self.state, "check", str(self.books), str(text), str(self.books / "missing.tsv"))
        self.assertEqual(done.returncode, 1)
        said = done.stdout.decode().splitlines()
        self.assertEqual(len(said), 2, said)
        self.assertIn("good.index is good: Birds, dictorg, 2 headwords, 1 article.", said[0])
        self.assertIn("words.tsv is good: words, tabbed, 1 headword, 1 article.", said[1])
        trouble = done.stderr.decode().splitlines()
        self.assertEqual(len(trouble), 3, trouble)
        self.assertIn("cut.dict.dz is cut off", trouble[0])
        self.assertIn("missing.tsv: No such file", trouble[1])
        self.assertIn("2 of 4 dictionaries are good", trouble[2])
        self.assertEqual(dictctl(self.state, "check", str(text)).returncode, 0)
        self.assertEqual(self.snapshot(), before)
        self.assertFalse(self.state.exists())

    def test_name(self) -> None:
        """A file whose name makes none is checked under the name that is said, as it would be imported."""
        self.books.mkdir()
        path = self.books / "中文.tsv"
        path.write_text("a\tb\n", "utf-8")
        done = dictctl(self.state, "check", str(path))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"say one with --name", done.stderr)
        self.assertIn(b"is good: zh, tabbed", dictctl(self.state, "check", str(path), "--name", "zh").stdout)
        self.assertEqual(dictctl(self.state, "check", str(path), "--name", "250").returncode, 1)
        self.assertEqual(dictctl(self.state, "check", str(path), "x", "--name", "zh").returncode, 2)

    def snapshot(self) -> dict[str, tuple[int, int]]:
        """Every file with its size and its time."""
        return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in self.books.iterdir()}
