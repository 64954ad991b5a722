"""Tab-separated text: ``word<TAB>meaning``, as Anki and half the world write it.

Further columns become further lines of the meaning. ``\\n``, ``\\t`` and
``\\\\`` are escapes. Lines in front that begin with ``#`` are headers:
``#separator:tab`` of Anki is passed over, ``#title:``, ``#info:`` and
``#licence:`` tell of the dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dictd.importers.layout import article
from dictd.importers.reading import Reading, head
from dictd.model import Entry

LOOKED_AT = 200
_ESCAPE = re.compile(r"\\([nt\\])")
_HEADER = re.compile(r"#+\s*([\w ]+?)\s*[:\t=]\s*(.*)")
_ESCAPED = {"n": "\n", "t": "\t", "\\": "\\"}


def recognises(reading: Reading) -> bool:
    """Half of the first lines or more have a tab with something on both sides."""
    lines = [line.lstrip("\ufeff") for line in head(reading.path, reading.encoding, LOOKED_AT)]
    lines = [line for line in lines if line.strip() and line[0] != "#"]
    good = sum(1 for line in lines if _columns(line))
    return good > 0 and good * 2 >= len(lines)


def entries(reading: Reading) -> Iterator[Entry]:
    """Each line as an entry."""
    in_front = True
    for number, line in reading.lines():
        line = line.lstrip("\ufeff")
        if not line.strip():
            continue
        if in_front and line.startswith("#"):
            _header(reading, line)
            continue
        in_front = False
        columns = _columns(line)
        if not columns:
            reading.complain(number, line, "no tab between a word and a meaning")
            continue
        word = reading.headword(number, columns[0])
        if word:
            yield Entry((word,), article(word, columns[1:]))


def _columns(line: str) -> list[str]:
    columns = [_ESCAPE.sub(lambda match: _ESCAPED[match[1]], column).strip() for column in line.split("\t")]
    while columns and not columns[-1]:
        columns.pop()
    return columns if len(columns) >= 2 else []


def _header(reading: Reading, line: str) -> None:
    match = _HEADER.match(line)
    if match and match[1].lower() in ("title", "info", "licence"):
        setattr(reading, match[1].lower(), match[2].strip())
