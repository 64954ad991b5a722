"""Articles as plain text: 72 columns, whatever the letters."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.importers import layout

ANY = settings(deadline=None, max_examples=200)

WORDS = st.lists(st.text(st.sampled_from("abcé中文，e\u0301"), min_size=1, max_size=20), max_size=30)


class Columns(SynchronousTestCase):
    """How wide a text is on a terminal."""

    def test_columns(self) -> None:
        """A letter takes one column, a wide one two, a mark above it none."""
        for text, columns in (
            ("", 0),
            ("abc", 3),
            ("é", 1),
            ("e\u0301", 1),
            ("中文", 4),
            ("ａ", 2),
            ("ｱ", 1),
            ("a中", 3),
        ):
            self.assertEqual(layout.columns(text), columns, ascii(text))


class Wrapping(SynchronousTestCase):
    """Paragraphs to lines."""

    def test_short(self) -> None:
        """What fits is one line; nothing is none."""
        self.assertEqual(list(layout.wrapped("a  short\ttext", "    ", "    ")), ["    a short text"])
        self.assertEqual(list(layout.wrapped("  ", "    ", "    ")), [])

    def test_at_the_edge(self) -> None:
        """A line of 72 columns is full; one more makes two."""
        self.assertEqual(list(layout.wrapped("x" * 35 + " " + "y" * 36, "", "")), ["x" * 35 + " " + "y" * 36])
        self.assertEqual(list(layout.wrapped("x" * 35 + " " + "y" * 37, "", "")), ["x" * 35, "y" * 37])

    def test_indents(self) -> None:
        """The first line and the others have their own beginnings, which count."""
        lines = list(layout.wrapped("word " * 30, "  n 1: ", "       "))
        self.assertEqual([line[:11] for line in lines], ["  n 1: word", "       word", "       word"])
        self.assertEqual(max(map(len, lines)), 71)

    def test_wide_characters(self) -> None:
        """A wide character takes two columns of the seventy-two."""
        lines = list(layout.wrapped(" ".join(["中文"] * 30), "", ""))
        self.assertEqual([layout.columns(line) for line in lines], [69, 69, 9])

    def test_chinese_without_blanks(self) -> None:
        """Chinese, which has no blanks between words, is broken between its characters."""
        text = "放弃；抛弃；离弃；遗弃；中止；终止；不再有；" * 5
        lines = list(layout.wrapped(text, "    ", "    "))
        self.assertEqual("".join(line.strip() for line in lines), text)
        self.assertLessEqual(max(map(layout.columns, lines)), 72)

    def test_long_word(self) -> None:
        """A word of letters that is longer than a line stands on a line of its own, unbroken."""
        address = "https://example.org/" + "x" * 80
        self.assertEqual(list(layout.wrapped(f"see {address} there", "  ", "  ")), ["  see", f"  {address}", "  there"])

    @ANY
    @given(WORDS)
    def test_any_text(self, words: list[str]) -> None:
        """No line is too wide, no word is lost or broken, and no line could have taken the next word."""
        lines = list(layout.wrapped(" ".join(words), "    ", "  "))
        self.assertEqual([word for line in lines for word in line.split()], words)
        for line, following in zip(lines, lines[1:], strict=False):
            self.assertLessEqual(layout.columns(line), layout.WIDTH)
            self.assertGreater(layout.columns(line) + 1 + layout.columns(following.split()[0]), layout.WIDTH)

    @ANY
    @given(st.lists(st.text(st.sampled_from("ab中文，é\u0301"), min_size=1, max_size=200), max_size=8))
    def test_any_long_text(self, words: list[str]) -> None:
        """However long its words, a text that is not ASCII keeps to the columns, loses nothing, parts no mark."""
        text = " ".join(f"中{word}" for word in words)
        lines = list(layout.wrapped(text, "  n 1: ", "    "))
        self.assertLessEqual(max(map(layout.columns, lines), default=0), layout.WIDTH)
        self.assertEqual("".join("".join(line.split()) for line in lines).removeprefix("n1:"), "".join(text.split()))
        self.assertFalse([line for line in lines if line.startswith("    \u0301")])


class Articles(SynchronousTestCase):
    """A headword and its meanings."""

    def test_article(self) -> None:
        """The headword, then every meaning indented, every line of it a paragraph."""
        text = layout.article("word", ["first\nsecond  part", "", " third "])
        self.assertEqual(text, "word\n    first\n    second part\n    third")
        self.assertEqual(layout.article("word", []), "word")
