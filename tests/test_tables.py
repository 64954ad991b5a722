"""Text for people: columns, spans of time, numbers with their nouns."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dictd.tables import Table, count, span, width


class TableTests(SynchronousTestCase):
    """Columns side by side."""

    def test_columns(self) -> None:
        """Words to the left, numbers to the right under their head, nothing behind the last column."""
        table = Table(("word", "times"), [("penguin", 1200), ("sea", 3)])
        self.assertEqual(repr(table), "word     times\npenguin  1,200\nsea          3")

    def test_numbers_in_words(self) -> None:
        """A number that is text already goes to the right too, an address does not."""
        table = Table(("from", "n"), [("127.0.0.1", "1,000"), ("::1", "7")])
        self.assertEqual(table.lines(), ["from           n", "127.0.0.1  1,000", "::1            7"])

    def test_chinese(self) -> None:
        """A character that is two columns wide counts two."""
        self.assertEqual(Table(("word", "n"), [("企鹅", 1), ("ab", 2)]).lines(), ["word  n", "企鹅  1", "ab    2"])
        self.assertEqual(width("e\u0301"), 1)

    def test_control_characters(self) -> None:
        """A word that somebody typed cannot move the cursor of who reads it."""
        (_, line) = Table(("word",), [("a\x1b[2Jb\u202ec",)]).lines()
        self.assertEqual(line, "a [2Jb c")

    def test_nothing(self) -> None:
        """Where there is no row a sentence says so."""
        table = Table(("word",), [], none="Nothing was missed.", note="since noon")
        self.assertEqual((repr(table), bool(table), len(table)), ("Nothing was missed.\nsince noon", False, 0))

    def test_rows(self) -> None:
        """A program goes on with the values, not with their text."""
        table = Table(("word", "times"), [("sea", 1200), (None, 3)])
        self.assertEqual((table[0][1], [row[0] for row in table]), (1200, ["sea", None]))
        self.assertEqual(table.lines()[-1], "-         3")


class WordsTests(SynchronousTestCase):
    """Numbers and spans."""

    def test_count(self) -> None:
        """One is one, all others are many."""
        told = [count(1, "line"), count(2000, "line"), count(0, "look-up"), count(2, "dictionary"), count(2, "day")]
        self.assertEqual(told, ["1 line", "2,000 lines", "0 look-ups", "2 dictionaries", "2 days"])

    def test_span(self) -> None:
        """Two units at most."""
        told = [span(seconds) for seconds in (0.9, 59, 60, 3599, 3660, 86400, 100000, 3 * 86400)]
        wanted = ["0 s", "59 s", "1 min", "59 min", "1 h 01 min", "1 day 0 h", "1 day 3 h", "3 days 0 h"]
        self.assertEqual(told, wanted)
