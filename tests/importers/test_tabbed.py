"""Tab-separated text."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.importers import tabbed
from dictd.importers.reading import Complaint, Reading, open_reading

ANY = settings(deadline=None, max_examples=200)


class Tabbed(SynchronousTestCase):
    """Lines to entries."""

    def reading(self, text: str) -> Reading:
        """A file with this text."""
        path = Path(self.mktemp())
        path.write_text(text, "utf-8", newline="")
        return open_reading(path)

    def read(self, text: str) -> tuple[list[str], Reading]:
        """The texts of all entries, and the reading behind them."""
        reading = self.reading(text)
        return [entry.text for entry in tabbed.entries(reading)], reading

    def texts(self, text: str) -> list[str]:
        """The texts of all entries; nothing is left out."""
        texts, reading = self.read(text)
        self.assertEqual(reading.complaints, [])
        return texts

    def test_word_and_meaning(self) -> None:
        """Word, tab, meaning; the headword is the first line of the article."""
        reading = self.reading("give up\t放弃\r\nzoo\t n. 动物园 \n")
        entries = list(tabbed.entries(reading))
        self.assertEqual([entry.headwords for entry in entries], [("give up",), ("zoo",)])
        self.assertEqual([entry.text for entry in entries], ["give up\n    放弃", "zoo\n    n. 动物园"])

    def test_further_columns(self) -> None:
        """Further columns are further lines; empty ones, in the middle or at the end, are none."""
        self.assertEqual(self.texts("word\tone\ttwo\t\tthree\t\t\n"), ["word\n    one\n    two\n    three"])

    def test_escapes(self) -> None:
        """``\\n``, ``\\t`` and ``\\\\`` are what they stand for, other backslashes stay."""
        self.assertEqual(self.texts("word\tone\\ntwo\n"), ["word\n    one\n    two"])
        self.assertEqual(self.texts("word\ta\\tb\n"), ["word\n    a b"])
        self.assertEqual(self.texts("word\ta\\\\b\n"), ["word\n    a\\b"])
        self.assertEqual(self.texts("word\ta\\\\nb\n"), ["word\n    a\\nb"])
        self.assertEqual(self.texts("word\t\\alpha \\\n"), ["word\n    \\alpha \\"])

    def test_escapes_in_the_headword(self) -> None:
        """A headword is one line whatever is escaped in it."""
        reading = self.reading("new\\nline\tmeaning\n")
        self.assertEqual([entry.headwords for entry in tabbed.entries(reading)], [("new line",)])

    def test_headers(self) -> None:
        """Title, info and licence in front tell of the dictionary."""
        texts, reading = self.read(
            "#title: My words\n# Info = About: them \n## LICENCE\tCC BY 4.0\n\n#other: passed over\nword\tmeaning\n"
        )
        self.assertEqual(texts, ["word\n    meaning"])
        self.assertEqual((reading.title, reading.info, reading.licence), ("My words", "About: them", "CC BY 4.0"))
        self.assertEqual(reading.malformed, 0)

    def test_headers_of_anki(self) -> None:
        """What Anki writes in front is passed over."""
        texts, reading = self.read("#separator:tab\n#html:true\n#tags column:3\nword\tmeaning\n")
        self.assertEqual(texts, ["word\n    meaning"])
        self.assertEqual((reading.title, reading.malformed), ("", 0))

    def test_headers_behind_a_mark(self) -> None:
        """A byte order mark does not hide the first header, also where the encoding was said."""
        path = Path(self.mktemp())
        path.write_bytes("#title: My words\nword\tmeaning\nlast\tone\n".encode("utf-8-sig"))
        for encoding in ("", "utf-8"):
            reading = open_reading(path, encoding)
            self.assertTrue(tabbed.recognises(reading))
            self.assertEqual([entry.headwords for entry in tabbed.entries(reading)], [("word",), ("last",)])
            self.assertEqual(reading.title, "My words")

    def test_signs_are_headers_only_in_front(self) -> None:
        """Behind the first word a line that begins with ``#`` is a word like any other."""
        reading = self.reading("C\ta language\n#\tnumber sign\n#title: not one\ta word\n")
        self.assertEqual([entry.headwords for entry in tabbed.entries(reading)], [("C",), ("#",), ("#title: not one",)])
        self.assertEqual(reading.title, "")

    def test_malformed(self) -> None:
        """Lines without a tab, a meaning or a word are left out with their numbers."""
        texts, reading = self.read("good\tmeaning\nno tab\n\nempty\t\n\tno word\ngood\tmeaning\n")
        self.assertEqual(len(texts), 2)
        self.assertEqual(reading.malformed, 3)
        self.assertEqual(
            reading.complaints,
            [
                Complaint(2, "no tab", "no tab between a word and a meaning"),
                Complaint(4, "empty\t", "no tab between a word and a meaning"),
                Complaint(5, "", "no headword"),
            ],
        )

    def test_recognised(self) -> None:
        """A text of which half the lines or more have a tab with something on both sides is tabbed."""
        for text, taken in (
            ("a\tb\nc\td\n", True),
            ("#separator:tab\n#html:false\n#x\na\tb\n", True),
            ("a\tb\nalone\nc\td\n", True),
            ("a\tb\nalone\n", True),
            ("a\tb\nalone\nalone\n", False),
            ("a\t\nb\t\n", False),
            ("#only: headers\n", False),
            ("a  b\n", False),
            ("\n", False),
        ):
            self.assertIs(tabbed.recognises(self.reading(text)), taken, text)

    @ANY
    @given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1), min_size=2, max_size=5))
    def test_any_columns(self, columns: list[str]) -> None:
        """Columns written with their backslashes escaped come back, each on a line of its own."""
        line = "\t".join(column.replace("\\", "\\\\") for column in columns)
        reading = self.reading(f"first\tline\n{line}\n")
        _, entry = tabbed.entries(reading)
        self.assertEqual(entry.headwords, (reading.headword(0, columns[0]),))
        self.assertEqual("".join(entry.text.split("\n")[1:]).replace(" ", ""), "".join(columns[1:]))
