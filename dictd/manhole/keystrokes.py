"""What somebody types: octets of a terminal made into keys."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from attrs import define, field, frozen

#: What is typed into one line at most, characters: it is drawn anew with each key.
MOST_TYPED = 1 << 16
#: So much of what is pasted is kept, and is refused as too long when all has come.
_MOST_PASTED = 2 * MOST_TYPED


class Key(Enum):
    """A key that is no character."""

    RETURN = auto()
    TAB = auto()
    BACKSPACE = auto()
    DELETE = auto()
    UP = auto()
    DOWN = auto()
    LEFT = auto()
    RIGHT = auto()
    WORD_LEFT = auto()
    WORD_RIGHT = auto()
    HOME = auto()
    END = auto()
    INTERRUPT = auto()
    LEAVE = auto()
    CUT_END = auto()
    CUT_BEGIN = auto()
    CUT_WORD = auto()
    PASTE = auto()
    CLEAR = auto()
    SEARCH = auto()


@frozen
class Typed:
    """Characters that were typed, or pasted: only those may have ends of lines in them."""

    text: str


_CONTROLS = {
    "\r": Key.RETURN, "\n": Key.RETURN, "\t": Key.TAB, "\x7f": Key.BACKSPACE, "\x08": Key.BACKSPACE,
    "\x01": Key.HOME, "\x02": Key.LEFT, "\x03": Key.INTERRUPT, "\x04": Key.LEAVE, "\x05": Key.END, "\x06": Key.RIGHT,
    "\x0b": Key.CUT_END, "\x0c": Key.CLEAR, "\x0e": Key.DOWN, "\x10": Key.UP, "\x12": Key.SEARCH,
    "\x15": Key.CUT_BEGIN, "\x17": Key.CUT_WORD, "\x19": Key.PASTE,
}  # fmt: skip
_SEQUENCES = {
    "[A": Key.UP, "[B": Key.DOWN, "[C": Key.RIGHT, "[D": Key.LEFT, "[H": Key.HOME, "[F": Key.END,
    "OA": Key.UP, "OB": Key.DOWN, "OC": Key.RIGHT, "OD": Key.LEFT, "OH": Key.HOME, "OF": Key.END,
    "[1~": Key.HOME, "[7~": Key.HOME, "[4~": Key.END, "[8~": Key.END, "[3~": Key.DELETE,
    "[1;5D": Key.WORD_LEFT, "[1;5C": Key.WORD_RIGHT, "[1;3D": Key.WORD_LEFT, "[1;3C": Key.WORD_RIGHT,
    "b": Key.WORD_LEFT, "f": Key.WORD_RIGHT, "\x7f": Key.CUT_WORD,
}  # fmt: skip
#: ECMA-48 5.4: what follows ESC; of other sequences one character.
_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O[@-~]|[^\[O])", re.DOTALL)
_PASTE_BEGINS, _PASTE_ENDS = "[200~", "\x1b[201~"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: An escape sequence that is longer is none.
_LONGEST_SEQUENCE = 32


@define
class Keystrokes:
    """Makes keys of octets, in whatever pieces they come."""

    _decoder: Any = field(factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))
    _waiting: str = ""
    _pasting: bool = False
    _after_return: bool = False

    def of(self, octets: bytes) -> Iterator[Key | Typed]:
        """The keys that are whole by now."""
        self._waiting += self._decoder.decode(octets)
        while self._waiting:
            if self._pasting:
                end = self._waiting.find(_PASTE_ENDS)
                if end < 0:
                    if len(self._waiting) > 2 * _MOST_PASTED:
                        self._waiting = self._waiting[:_MOST_PASTED] + self._waiting[-len(_PASTE_ENDS) :]
                    return
                self._pasting = False
                pasted, self._waiting = self._waiting[:end], self._waiting[end + len(_PASTE_ENDS) :]
                yield Typed(_seen(pasted.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4), "\n"))
            elif self._waiting[0] == "\x1b":
                found = _SEQUENCE.match(self._waiting)
                if found is None:
                    if len(self._waiting) < _LONGEST_SEQUENCE:
                        return
                    self._waiting = self._waiting[1:]
                    continue
                self._waiting = self._waiting[found.end() :]
                self._pasting = found[1] == _PASTE_BEGINS
                if found[1] in _SEQUENCES:
                    yield _SEQUENCES[found[1]]
            else:
                yield from self._next()

    def _next(self) -> Iterator[Key | Typed]:
        first = self._waiting[0]
        if first in _CONTROLS:
            self._waiting = self._waiting[1:]
            # One Return, however a terminal that is not one ends its lines.
            if not (first == "\n" and self._after_return):
                yield _CONTROLS[first]
            self._after_return = first == "\r"
            return
        self._after_return = False
        end = next((i for i, char in enumerate(self._waiting) if char in _CONTROLS or char == "\x1b"), None)
        text, self._waiting = self._waiting[:end], "" if end is None else self._waiting[end:]
        if text := _seen(text):
            yield Typed(text)


def _seen(text: str, more: str = "") -> str:
    """What takes place on a screen, or is an accent; other characters would put the line out of order."""
    return "".join(char for char in text if char in more or unicodedata.category(char) not in _UNSEEN)
