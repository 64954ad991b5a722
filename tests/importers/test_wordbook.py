"""The wordbook of a course: word, blanks, meaning."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.importers import wordbook
from dictd.importers.reading import Complaint, Reading, open_reading


class Wordbook(SynchronousTestCase):
    """Lines to entries."""

    def reading(self, text: str) -> Reading:
        """A file with this text."""
        path = Path(self.mktemp())
        path.write_text(text, "utf-8", newline="")
        return open_reading(path)

    def pairs(self, text: str) -> list[tuple[str, str]]:
        """Headwords and the meanings that stand under them; nothing is left out."""
        reading = self.reading(text)
        pairs = []
        for entry in wordbook.entries(reading):
            headword, _, meaning = entry.text.partition("\n")
            self.assertEqual(entry.headwords, (headword,))
            pairs.append((headword, meaning))
        self.assertEqual(reading.complaints, [])
        return pairs

    def test_two_blanks(self) -> None:
        """Two blanks or more divide; single ones in the meaning stay."""
        self.assertEqual(
            self.pairs("abandon  vt. to leave\nzoo       n. where animals live  and are shown\n"),
            [("abandon", "    vt. to leave"), ("zoo", "    n. where animals live and are shown")],
        )

    def test_tab(self) -> None:
        """A tab divides."""
        self.assertEqual(self.pairs("abandon\t放弃\nzoo\t 动物园\n"), [("abandon", "    放弃"), ("zoo", "    动物园")])

    def test_ideographic_space(self) -> None:
        """The wide blank of Chinese divides."""
        self.assertEqual(
            self.pairs("abandon\u3000放弃\n\u3000zoo\u3000\u3000动物园\u3000\n"),
            [("abandon", "    放弃"), ("zoo", "    动物园")],
        )

    def test_phrases(self) -> None:
        """A headword may have single blanks where anything wider divides."""
        self.assertEqual(
            self.pairs("give up   放弃\nice cream\t冰淇淋\nlook forward to  盼望\n"),
            [("give up", "    放弃"), ("ice cream", "    冰淇淋"), ("look forward to", "    盼望")],
        )

    def test_one_blank(self) -> None:
        """Where no line has anything wider, the first blank divides."""
        self.assertEqual(
            self.pairs("abandon vt. 放弃\nzoo n. 动物园\n"), [("abandon", "    vt. 放弃"), ("zoo", "    n. 动物园")]
        )

    def test_one_wide_divider_decides(self) -> None:
        """One wider divider among the first lines means that single blanks do not divide."""
        reading = self.reading("give up 放弃\nzoo  动物园\n")
        self.assertEqual([entry.headwords for entry in wordbook.entries(reading)], [("zoo",)])
        self.assertEqual(reading.malformed, 1)

    def test_blanks_around_a_line_do_not_decide(self) -> None:
        """Blanks before and behind a line divide nothing."""
        self.assertEqual(
            self.pairs("  abandon 放弃  \n\tzoo 动物园\t\n"), [("abandon", "    放弃"), ("zoo", "    动物园")]
        )

    def test_far_behind_does_not_decide(self) -> None:
        """What divides is found out from the first two hundred lines."""
        text = "".join(f"word{number} meaning\n" for number in range(200))
        self.assertEqual(len(self.pairs(text + "last one  with two\n")), 201)

    def test_empty_lines_and_mark(self) -> None:
        """Empty lines are no fault, nor is a byte order mark, at the beginning or where files were joined."""
        pairs = self.pairs("\ufeffabandon  放弃\r\n\r\n   \r\n\ufeffzoo  动物园\r\n")
        self.assertEqual(pairs, [("abandon", "    放弃"), ("zoo", "    动物园")])

    def test_long_meaning(self) -> None:
        """A long meaning is wrapped and indented."""
        ((_, meaning),) = self.pairs("word  " + "meaning " * 20)
        self.assertEqual([len(line) for line in meaning.split("\n")], [67, 67, 35])

    def test_same_word_twice(self) -> None:
        """A word that stands twice is two entries."""
        self.assertEqual(self.pairs("bank  银行\nbank  河岸\n"), [("bank", "    银行"), ("bank", "    河岸")])

    def test_malformed(self) -> None:
        """Lines without a meaning are counted; the first ten are shown with their numbers."""
        lines = [f"good{number}  meaning" for number in range(30)]
        for number in range(2, 26, 2):
            lines[number - 1] = f"bad{number}"
        reading = self.reading("\n".join(lines))
        self.assertEqual(len(list(wordbook.entries(reading))), 18)
        self.assertEqual(reading.malformed, 12)
        self.assertEqual(
            reading.complaints, [Complaint(number, f"bad{number}", "no meaning") for number in range(2, 22, 2)]
        )

    def test_bad_headword(self) -> None:
        """A line whose headword cannot be one is left out with the others' reason."""
        reading = self.reading("x" * 600 + "  meaning\ngood  meaning\n")
        self.assertEqual([entry.headwords for entry in wordbook.entries(reading)], [("good",)])
        self.assertEqual(reading.complaints[0].why, "the headword is longer than 512 characters")

    def test_recognised(self) -> None:
        """A text most of whose lines have two parts is taken for a wordbook; others are not."""
        for text, taken in (
            ("a  b\nc  d\n", True),
            ("a b\nc d\n", True),
            ("a  b\nc  d\nalone\n", True),
            ("a  b\nalone\nalone\n", False),
            ("alone\n" * 5, False),
            ("\n \n", False),
        ):
            self.assertIs(wordbook.recognises(self.reading(text)), taken, text)
