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

    :param first: what stands before the first line, ``others`` before the others; ASCII.
    """
    line, room = first, WIDTH - len(first)
    begun = False
    width_of = len if text.isascii() else columns
    for word in text.split():
        width = width_of(word)
        if begun and width + 1 > room:
            yield line
            line, room, begun = others, WIDTH - len(others), False
        if begun:
            line += " " + word
            room -= width + 1
        else:
            line += word
            room -= width
            begun = True
    if begun:
        yield line


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
