"""Articles as plain text that is good to read: 72 columns, meanings indented."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

WIDTH = 72
_INDENT = "    "


def article(headword: str, meanings: Sequence[str]) -> str:
    """A headword, and its meanings under it."""
    lines = [headword]
    for meaning in meanings:
        for paragraph in meaning.split("\n"):
            lines += wrapped(paragraph.strip(), _INDENT, _INDENT)
    return "\n".join(lines)


def wrapped(text: str, first: str, others: str) -> Iterator[str]:
    """A paragraph in lines of at most :data:`WIDTH` columns; a wide character counts two.

    Lines break at blanks; a word that is longer than a line is cut where the line
    is full if it is no ASCII, because whole sentences of Chinese have no blanks.

    :param first: what stands before the first line, ``others`` before the others; ASCII.
    """
    line, room = first, WIDTH - len(first)
    widest = WIDTH - len(others)
    begun = False
    width_of = len if text.isascii() else columns
    for word in text.split():
        width = width_of(word)
        if width > widest and not word.isascii():
            *full, word = _cut(word, room - begun, widest)
            for piece in full:
                yield f"{line} {piece}" if begun and piece else line + piece
                line, room, begun = others, widest, False
            width = columns(word)
        if begun and width + 1 > room:
            yield line
            line, room, begun = others, widest, False
        line += f" {word}" if begun else word
        room -= width + begun
        begun = True
    if begun:
        yield line


def _cut(word: str, first: int, others: int) -> list[str]:
    """A word in pieces: the first of at most ``first`` columns, perhaps none, the others of ``others``."""
    pieces: list[str] = []
    begin, room = 0, first
    for at, character in enumerate(word):
        width = columns(character)
        if width > room:
            pieces.append(word[begin:at])
            begin, room = at, others
        room -= width
    return [*pieces, word[begin:]]


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
