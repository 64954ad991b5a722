"""Tests of :mod:`benchmarks.matching`, and of what a million is known by."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import matching, million
from benchmarks.cases import Value, WrongAnswers
from benchmarks.draws import STRATEGIES
from benchmarks.matching import called, case, measured, named_in, questions, rows, side_by_side, strategy
from benchmarks.servers import DICO, OURS, NotHere, Running
from dictd.store.schema import Migration
from tests.benchmarks.scripted import NO_MATCH, Scripted

_STRATEGIES = b'111 3 strategies present\r\nexact "The word"\r\nsubstr "x"\r\nlev "near"\r\n.\r\n250 ok\r\n'
_MATCHES = b'152 1 matches found\r\nwn "x"\r\n.\r\n250 ok\r\n'
_BAD = b"551 invalid strategy\r\n"


class Names(SynchronousTestCase):
    """Strategies and what they are called."""

    def test_offered(self) -> None:
        """The names, nothing of what is around them."""
        self.assertEqual(named_in(_STRATEGIES), ["exact", "substr", "lev"])
        self.assertEqual(named_in(b"555 no strategies\r\n"), [])

    def test_called(self) -> None:
        """Others call some of them otherwise; our own name goes first."""
        self.assertEqual(called("lev", ["exact", "lev"]), "lev")
        self.assertEqual(called("substring", ["substr"]), "substr")
        self.assertEqual(called("substring", ["substr", "substring"]), "substring")
        self.assertEqual(called("metaphone", ["metaphone2"]), "metaphone2")
        self.assertIsNone(called("lev", ["nlev"]))

    def test_rows(self) -> None:
        """All that are known, then what else ours has; aliases are no rows of their own."""
        self.assertEqual(rows(["exact", "substr", "pcre", "metaphone2", "rhyme"]), [*STRATEGIES, "rhyme"])

    def test_cases(self) -> None:
        """The name of a case tells the strategy; other cases have none."""
        self.assertEqual(strategy(case("lev", matching.MILLION)), "lev")
        self.assertEqual([strategy(name) for name in ("MATCH prefix, 64 clients", "1 client", "lev, wn")], ["", "", ""])

    def test_questions(self) -> None:
        """In the words of the protocol."""
        self.assertEqual(questions("*", "re", ["^pen.*"]), [b'MATCH * re "^pen.*"\r\n'])


class Rounds(SynchronousTestCase):
    """Of one client, with servers that follow a script."""

    def serve(self, name: str, answer: bytes) -> Running:
        """One that says this to every MATCH."""
        server = Scripted(lambda connection, count, line: _STRATEGIES if line == b"SHOW STRAT" else answer).start()
        self.addCleanup(server.stop)
        self.server = server
        return Running(name, server.port, 2**22 + 1)

    def test_measures(self) -> None:
        """Waits, and how many found nothing; a right number of answers, those before it not counted."""
        lines = questions("wn", "lev", ["a", "b", "c"])
        found = dict(measured(self.serve(OURS, NO_MATCH), "x", lines, 0.0))
        self.assertEqual({key[2] for key in found}, {"p50", "p99", "nothing"})
        self.assertEqual(found["x", OURS, "nothing"], 100)
        self.assertEqual([line[-2:-1] for line in self.server.heard], [b"c", b"a", b"b", b"c", b"a", b"b"])
        list(measured(self.serve(OURS, _MATCHES), "x", lines, 60.0, most=7))
        self.assertEqual(len(self.server.heard), 1 + 7)

    def test_wrong(self) -> None:
        """A wrong answer of ours ends it; those of others are told, and the rest goes on."""
        words = {"exact": ["x"], "lev": ["y"], "suffix": ["z"], "substring": []}
        ours, other = self.serve(OURS, _MATCHES), self.serve(DICO, _BAD)
        told = list(side_by_side([ours, other], words, matching.WORDNET, "wn", 0.0))
        remarks = [one for one in told if isinstance(one, str)]
        self.assertEqual(len(remarks), 2)
        self.assertIn("MATCH exact, wn: dicod: answered {'551': 5}", remarks)
        figures: list[Value] = [one for one in told if not isinstance(one, str)]
        names = [case(name, matching.WORDNET) for name in ("exact", "lev")]
        self.assertEqual(list(dict.fromkeys(key[0] for key, _ in figures)), names)
        broken = side_by_side([self.serve(OURS, _BAD)], words, matching.WORDNET, "wn", 0.0)
        self.assertRaises(WrongAnswers, list, broken)


class Kept(SynchronousTestCase):
    """What a million is known by."""

    def setUp(self) -> None:
        self.index = Path(self.mktemp())
        self.index.parent.mkdir(parents=True, exist_ok=True)
        self.index = self.index.with_suffix(".index")
        self.index.write_text("penguin\tA\tB\n")
        self.articles = self.index.with_suffix(".dict.dz")
        self.articles.write_bytes(b"penguin")

    def test_key(self) -> None:
        """Files, format and schema: each makes it another one."""
        keys = [million.key([self.index])]
        self.assertEqual(keys, [million.key([self.index])])
        self.articles.write_bytes(b"penguim")
        keys.append(million.key([self.index]))
        self.index.write_text("penguin\tA\tC\n")
        keys.append(million.key([self.index]))
        self.patch(million, "FORMAT", million.FORMAT + 1)
        keys.append(million.key([self.index]))
        self.patch(million, "migrations", lambda subject, dialect: [Migration(99, ())])
        keys.append(million.key([self.index]))
        self.assertEqual(len(set(keys)), len(keys))

    def test_once(self) -> None:
        """It is made once; another one takes the place of the old; one that fails leaves nothing."""
        results = Path(self.mktemp())
        (results / "million-of-old").mkdir(parents=True)
        root = self.index.parent / "root"
        directory = root / "usr/share/dictd"
        directory.mkdir(parents=True)
        for name in million.NAMES:
            (directory / f"{name}.index").write_text(f"{name}\tA\tB\nof {name}\tA\tB\n")
            (directory / f"{name}.dict.dz").write_bytes(b"")
        made: list[Path] = []

        def make(indexes: object, state: Path) -> None:
            made.append(state)
            state.mkdir()

        self.patch(million, "fetch", lambda package: root)
        self.patch(million, "_import", make)
        found = [million.Million.found(results) for _ in range(2)]
        self.assertEqual(found[0], found[1])
        self.assertEqual(made, list(results.iterdir()))
        self.assertEqual(len(found[0].headwords), 2 * len(million.NAMES))

        def fail(package: str) -> Path:
            raise OSError("no network")

        self.patch(million, "fetch", fail)
        error = self.assertRaises(NotHere, million.Million.found, results)
        self.assertIn("no network", str(error))
