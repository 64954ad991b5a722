"""Tests of what is asked, what is imported, and how imports are weighed."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import importing
from benchmarks.machine import Cores
from benchmarks.wordnet import WordNet, from_index, from_princeton


class Words(SynchronousTestCase):
    """Headwords, and the lines that ask for them."""

    def test_index(self) -> None:
        """Each headword once; none about the database, none that would need a quoted quote."""
        index = '00-database-short\tA\tB\npenguin\tA\tB\npenguin\tC\tD\n.22\tA\tB\nsay "hi"\tA\tB\nice cream\tA\tB\n'
        self.assertEqual(from_index(index), (".22", "ice cream", "penguin"))

    def test_princeton(self) -> None:
        """The index files of all parts of speech, their licence left out, blanks for underscores."""
        directory = Path(self.mktemp())
        directory.mkdir()
        for name, word in (("noun", "ice_cream"), ("verb", "run"), ("adj", "run"), ("adv", "fast")):
            (directory / f"index.{name}").write_text(f"  1 This software\n{word} n 1 0\n")
        self.assertEqual(from_princeton(directory), ("fast", "ice cream", "run"))

    def test_lines(self) -> None:
        """The same draw in every run, of all words; prefixes are three letters of longer words."""
        wordnet = WordNet(Path(), "wordnet", ("penguin", "ice cream", ".22 rifle", "cat", "crow's nest"))
        lines = wordnet.definitions(500)
        self.assertEqual(lines, wordnet.definitions(500))
        self.assertEqual(set(lines), {f'DEFINE wn "{word}"\r\n'.encode() for word in wordnet.headwords})
        starts = {b'MATCH wn prefix "pen"\r\n', b'MATCH wn prefix "ice"\r\n', b'MATCH wn prefix "cro"\r\n'}
        self.assertEqual(set(wordnet.prefixes(500)), starts)


class Imports(SynchronousTestCase):
    """Imports."""

    def test_wordbook(self) -> None:
        """Every word is another, and every line has a meaning."""
        path = importing.wordbook(Path(self.mktemp()), 5000)
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
        self.assertEqual(len({word for word, _ in rows}), 5000)
        self.assertEqual(max(map(len, rows)), 2)
        sizes = {len(meaning) for _, meaning in rows}
        self.assertEqual((min(sizes), max(sizes)), (10, 110))

    def test_weighing(self) -> None:
        """The last line is what a command took, its exit code is passed on."""
        script = "import sys; taken = bytearray(64 * 10**6); sys.exit(3)"
        with redirect_stdout(io.StringIO()) as out:
            self.assertEqual(importing.main([sys.executable, "-c", script]), 3)
        took = json.loads(out.getvalue())
        self.assertGreater(took["peak"], 64)
        self.assertGreater(took["seconds"], 0)

    def test_refused(self) -> None:
        """A file that cannot be imported fails the run."""
        state = Path(self.mktemp())
        error = self.assertRaises(OSError, importing.measured, state, Path("/nowhere.tsv"), "wn", "tabbed")
        self.assertIn("/nowhere.tsv", str(error))

    def test_measured(self) -> None:
        """Rows, seconds and memory of a whole command."""
        wordbook = importing.wordbook(Path(self.mktemp()).resolve(), 100)
        took = importing.measured(Path(self.mktemp()).resolve(), wordbook, "tabbed", "tabbed")
        self.assertEqual(took.rows, 100)
        self.assertGreater(took.peak, 10)


class Dividing(SynchronousTestCase):
    """Whose core is whose."""

    def test_cores(self) -> None:
        """The last one serves, the others ask; one alone does both."""
        self.assertEqual(Cores.divided({0, 1, 5}), Cores(frozenset({5}), frozenset({0, 1})))
        self.assertEqual(Cores.divided({3}), Cores(frozenset({3}), frozenset({3})))
