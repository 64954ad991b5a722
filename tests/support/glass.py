"""What a person sees: the few things that every terminal does, done to a screen in memory."""

from __future__ import annotations

import codecs
import re
from typing import Any

from attrs import define, field

from dictd.tables import width

_SEQUENCE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")


@define(eq=False)
class Glass:
    """A screen that never ends below.

    :ivar row: of the cursor; ``column`` as well.
    :ivar bells: how often it rang.
    """

    columns: int = 80
    rows: list[list[str]] = field(factory=lambda: [[]])
    row: int = 0
    column: int = 0
    bells: int = 0
    pastes_marked: bool = False
    _decoder: Any = field(factory=lambda: codecs.getincrementaldecoder("utf-8")())
    _waiting: str = ""

    def feed(self, octets: bytes) -> None:
        """Show what comes."""
        self._waiting += self._decoder.decode(octets)
        while self._waiting:
            if self._waiting[0] == "\x1b":
                found = _SEQUENCE.match(self._waiting)
                if found is None:
                    assert len(self._waiting) < 16, f"this terminal does not know {self._waiting[:16]!r}"
                    return
                self._waiting = self._waiting[found.end() :]
                self._obey(found[1], found[2])
            else:
                character, self._waiting = self._waiting[0], self._waiting[1:]
                self._put(character)

    def lines(self) -> list[str]:
        """What is to be seen."""
        return ["".join(cell or " " for cell in row).rstrip() for row in self._shown()]

    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines())

    @property
    def last(self) -> str:
        """The row where the cursor is."""
        return self.lines()[self.row]

    @property
    def before(self) -> str:
        """What stands before the cursor in its row."""
        return "".join((self._shown()[self.row] + [" "] * self.columns)[: self.column])

    def _shown(self) -> list[list[str]]:
        # The right half of a wide character takes no character.
        return [
            [cell for column, cell in enumerate(row) if not (cell == "" and column and width(row[column - 1]) == 2)]
            for row in self.rows
        ]

    def _obey(self, numbers: str, letter: str) -> None:
        number = int(numbers) if numbers.isdigit() else 1
        row = self.rows[self.row]
        if letter == "A":
            self.row = max(0, self.row - number)
        elif letter == "C":
            self.column = min(self.columns - 1, self.column + number)
        elif letter == "H":
            self.row = self.column = 0
        elif letter == "J" and numbers == "2":
            self.rows = [[] for _ in self.rows]
        elif letter == "J":
            del row[self.column :]
            del self.rows[self.row + 1 :]
        elif numbers == "?2004":
            self.pastes_marked = letter == "h"
        else:
            raise AssertionError(f"this terminal does not know ESC [{numbers}{letter}")

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down()
        elif character == "\x07":
            self.bells += 1
        elif not width(character):
            self.rows[self.row][self.column - 1] += character
        else:
            assert character.isprintable(), f"{character!r} on a screen"
            if self.column + width(character) > self.columns:
                self.column = 0
                self._down()
            row = self.rows[self.row]
            row += [" "] * (self.column + 2 - len(row))
            row[self.column] = character
            self.column += 1
            if width(character) == 2:
                row[self.column] = ""
                self.column += 1

    def _down(self) -> None:
        self.row += 1
        while len(self.rows) <= self.row:
            self.rows.append([])
