"""The line that is being typed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.manhole.line import Layout, Line
from dictd.tables import width


def line(text: str, cursor: int | None = None) -> Line:
    """A line with a text, the cursor behind it unless it is said where."""
    made = Line([])
    made.insert(text)
    made.cursor = len(text) if cursor is None else cursor
    return made


class Editing(SynchronousTestCase):
    """Keys that change it."""

    def is_now(self, made: Line, text: str) -> None:
        """Compare; ``|`` is the cursor."""
        self.assertEqual(made.text[: made.cursor] + "|" + made.text[made.cursor :], text)

    def test_characters(self) -> None:
        """One is put in, one goes before and one behind the cursor; nothing beyond the ends."""
        made = line("ac", 1)
        made.insert("b")
        self.is_now(made, "ab|c")
        made.backspace()
        self.is_now(made, "a|c")
        made.delete()
        self.is_now(made, "a|")
        made.delete()
        made.right()
        self.is_now(made, "a|")
        made.home()
        made.left()
        made.backspace()
        self.is_now(made, "|a")

    def test_accents(self) -> None:
        """A character and its accents of their own are one step."""
        made = line("ae\u0301b")
        made.left()
        made.left()
        self.is_now(made, "a|e\u0301b")
        made.right()
        self.is_now(made, "ae\u0301|b")

    def test_words(self) -> None:
        """Word by word."""
        made = line("kick('alice')  ")
        made.word_left()
        self.is_now(made, "kick('|alice')  ")
        made.word_left()
        self.is_now(made, "|kick('alice')  ")
        made.word_right()
        self.is_now(made, "kick|('alice')  ")
        made.word_right()
        self.is_now(made, "kick('alice|')  ")

    def test_cut(self) -> None:
        """To the end, to the beginning, a word; and back."""
        made = line("one two three", 4)
        made.cut_end()
        self.is_now(made, "one |")
        made.paste()
        self.is_now(made, "one two three|")
        made.cut_word()
        self.is_now(made, "one two |")
        made.cut_word()
        self.is_now(made, "one |")
        made.insert("x")
        made.cut_begin()
        self.is_now(made, "|")
        made.paste()
        self.is_now(made, "one x|")

    def test_blocks(self) -> None:
        """In a block the arrows go from line to line, and the ends are those of the line."""
        made = line("def f():\n    pass\n  x")
        made.up()
        self.is_now(made, "def f():\n   | pass\n  x")
        made.up()
        self.is_now(made, "def| f():\n    pass\n  x")
        made.end()
        made.down()
        self.is_now(made, "def f():\n    pass|\n  x")
        made.home()
        self.is_now(made, "def f():\n|    pass\n  x")
        made.cut_end()
        self.is_now(made, "def f():\n|\n  x")

    def test_past(self) -> None:
        """Back and forth, and what was half typed is there again."""
        made = Line(["1", "2"])
        made.insert("half")
        made.up()
        self.is_now(made, "2|")
        made.up()
        made.up()
        self.is_now(made, "1|")
        made.down()
        made.down()
        self.is_now(made, "half|")
        made.down()
        self.is_now(made, "half|")
        self.assertEqual(made.take(), "half")
        self.is_now(made, "|")


class Rows(SynchronousTestCase):
    """Where it stands on the screen."""

    def test_exact(self) -> None:
        """A row that is just full; behind its end the cursor is in the next."""
        layout = Layout.of("123456", 6, 10)
        self.assertEqual((layout.rows, layout.row, layout.column), ([">>> 123456", ""], 1, 0))
        layout = Layout.of("123456", 5, 10)
        self.assertEqual((layout.rows, layout.row, layout.column), ([">>> 123456"], 0, 9))

    def test_wide(self) -> None:
        """A wide character does not stand half in a row."""
        layout = Layout.of("a字典典", 3, 10)
        self.assertEqual((layout.rows, layout.row, layout.column), ([">>> a字典", "典"], 1, 0))

    def test_block(self) -> None:
        """Lines of a block have a prompt of their own."""
        layout = Layout.of("if 1:\n  x", 8, 80)
        self.assertEqual((layout.rows, layout.row, layout.column), ([">>> if 1:", "...   x"], 1, 6))

    @given(st.text(st.sampled_from("ab字\u0301\n"), max_size=60), st.integers(0, 60), st.integers(12, 30))
    def test_always(self, text: str, cursor: int, columns: int) -> None:
        """No row is too wide, nothing is lost, and the cursor stands on the screen."""
        layout = Layout.of(text, min(cursor, len(text)), columns)
        self.assertLessEqual(max(map(width, layout.rows)), columns)
        self.assertLess(layout.column, columns)
        self.assertLessEqual(layout.column, width(layout.rows[layout.row]))
        whole = "".join(layout.rows).replace(">>> ", "").replace("... ", "")
        self.assertEqual(whole, text.replace("\n", ""))
