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
        while width > widest and not word.isascii():
            fits = _fitting(word, room - begun)
            yield f"{line} {word[:fits]}" if begun and fits else line + word[:fits]
            word = word[fits:]
            width = width_of(word)
            line, room, begun = others, widest, False
        if begun and width + 1 > room:
            yield line
            line, room, begun = others, widest, False
        line += f" {word}" if begun else word
        room -= width + begun
        begun = True
    if begun:
        yield line


def _fitting(word: str, room: int) -> int:
    """How many characters of a word fit into so many columns."""
    taken = 0
    for count, character in enumerate(word):
        taken += columns(character)
        if taken > room:
            return count
    return len(word)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
