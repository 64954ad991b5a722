"""The line that is being typed: its text, its cursor, and where they stand on a screen."""

from __future__ import annotations

import re

from attrs import define, field, frozen

from dictd.tables import width

#: What stands before the first line, and before those of a block that follow.
PROMPT, MORE = ">>> ", "... "
_WORD_END = re.compile(r"\W*\w+|\W+$")
_WORD_BEGIN = re.compile(r"\w+\W*$|^\W+$")
_UNTIL_BLANK = re.compile(r"\S*\s*$")


@define
class Line:
    """What is typed before Return; a block has several lines.

    :ivar past: what was typed before, the newest last.
    :ivar cursor: characters before it.
    """

    past: list[str]
    text: str = field(default="", init=False)
    cursor: int = field(default=0, init=False)
    _cut: str = field(default="", init=False)
    _place: int = field(init=False)
    _kept: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._place = len(self.past)

    def take(self) -> str:
        """What was typed; the line is empty then."""
        text, self.text, self.cursor = self.text, "", 0
        self._place, self._kept = len(self.past), ""
        return text

    def insert(self, text: str) -> None:
        """Type."""
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    # The cursor ---------------------------------------------------------------

    def left(self) -> None:
        """One character back, with its accents."""
        self.cursor = max(0, self.cursor - 1)
        while 0 < self.cursor < len(self.text) and not width(self.text[self.cursor]):
            self.cursor -= 1

    def right(self) -> None:
        """One character on, with its accents."""
        self.cursor = min(len(self.text), self.cursor + 1)
        while self.cursor < len(self.text) and not width(self.text[self.cursor]):
            self.cursor += 1

    def word_left(self) -> None:
        """To the beginning of the word."""
        found = _WORD_BEGIN.search(self.text[: self.cursor])
        self.cursor = found.start() if found else self.cursor

    def word_right(self) -> None:
        """To the end of the word."""
        found = _WORD_END.match(self.text, self.cursor)
        self.cursor = found.end() if found else self.cursor

    def home(self) -> None:
        """To the beginning of the line."""
        self.cursor = self._begin()

    def end(self) -> None:
        """To the end of the line."""
        self.cursor = self._end()

    # Taking away ----------------------------------------------------------------

    def backspace(self) -> None:
        """The character before the cursor goes."""
        if self.cursor:
            self.cursor -= 1
            self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]

    def delete(self) -> None:
        """The character behind the cursor goes."""
        self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]

    def cut_end(self) -> None:
        """All of the line behind the cursor goes."""
        self._remove(self.cursor, self._end())

    def cut_begin(self) -> None:
        """All of the line before the cursor goes."""
        self._remove(self._begin(), self.cursor)

    def cut_word(self) -> None:
        """What stands before the cursor goes, up to a blank."""
        found = _UNTIL_BLANK.search(self.text[: self.cursor])
        self._remove(found.start() if found else 0, self.cursor)

    def paste(self) -> None:
        """What was cut last comes back."""
        self.insert(self._cut)

    # What was typed before ------------------------------------------------------

    def up(self) -> None:
        """The line above, or else what was typed before."""
        begin = self._begin()
        if begin:
            column, above = self.cursor - begin, self.text.rfind("\n", 0, begin - 1) + 1
            self.cursor = min(above + column, begin - 1)
        elif self._place:
            self._go(self._place - 1)

    def down(self) -> None:
        """The line below, or else what was typed after."""
        end = self._end()
        if end < len(self.text):
            column, below = self.cursor - self._begin(), end + 1
            self.cursor = min(below + column, (self.text + "\n").index("\n", below))
        elif self._place < len(self.past):
            self._go(self._place + 1)

    def found(self, wanted: str, before: int) -> int:
        """Where in the past something stands that was typed, looking back; -1: nowhere."""
        return next((place for place in range(before - 1, -1, -1) if wanted in self.past[place]), -1)

    def _go(self, place: int) -> None:
        if self._place == len(self.past):
            self._kept = self.text
        self._place = place
        self.text = self.past[place] if place < len(self.past) else self._kept
        self.cursor = len(self.text)

    def _begin(self) -> int:
        return self.text.rfind("\n", 0, self.cursor) + 1

    def _end(self) -> int:
        return (self.text + "\n").index("\n", self.cursor)

    def _remove(self, begin: int, end: int) -> None:
        if begin < end:
            self._cut = self.text[begin:end]
            self.text = self.text[:begin] + self.text[end:]
            self.cursor = begin


@frozen
class Layout:
    """A line as a screen shows it.

    :ivar rows: of the screen; none is wider than that.
    :ivar row: of the cursor, from 0; ``column`` as well.
    """

    rows: list[str]
    row: int
    column: int

    @classmethod
    def of(cls, text: str, cursor: int, columns: int, prompt: str = PROMPT) -> Layout:
        """Break a line into rows.

        :param columns: how wide the screen is.
        """
        rows, row, column = [prompt], 0, 0
        used = width(prompt)
        for index, character in enumerate(text + "\n"):
            wide = 0 if character == "\n" else width(character)
            if used + wide > columns or (used == columns and character == "\n" and index == cursor):
                rows.append("")
                used = 0
            if index == cursor:
                row, column = len(rows) - 1, used
            if character != "\n":
                rows[-1] += character
                used += wide
            elif index < len(text):
                rows.append(MORE)
                used = width(MORE)
        return cls(rows, row, column)
