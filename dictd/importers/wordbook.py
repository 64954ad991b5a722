"""The wordbook of a course: ``word<spaces>meaning``, one a line.

Two or more blanks, or a tab, divide word and meaning, so a headword may have
single blanks in it. Only where no line near the beginning has either does one
blank divide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dictd.importers.layout import article
from dictd.importers.reading import Reading, head
from dictd.model import Entry

#: How many lines are looked at to find out what divides.
LOOKED_AT = 200
_WIDE = re.compile(r"\t| {2,}|\u3000+")
_NARROW = re.compile(r"\s+")


def recognises(reading: Reading) -> bool:
    """Any text of whose first lines half or more have a word and a meaning."""
    lines = [line for line in head(reading.path, reading.encoding, LOOKED_AT) if line.strip()]
    divider = _divider(lines)
    good = sum(1 for line in lines if len(divider.split(line.strip(), maxsplit=1)) == 2)
    return good > 0 and good * 2 >= len(lines)


def entries(reading: Reading) -> Iterator[Entry]:
    """Each line as an entry."""
    divider = _divider(head(reading.path, reading.encoding, LOOKED_AT))
    for number, line in reading.lines():
        line = line.strip(" \t\u3000\ufeff")
        if not line:
            continue
        parts = divider.split(line, maxsplit=1)
        if len(parts) < 2:
            reading.complain(number, line, "no meaning")
            continue
        word = reading.headword(number, parts[0])
        if word:
            yield Entry((word,), article(word, [parts[1].strip()]))


def _divider(lines: list[str]) -> re.Pattern[str]:
    return _WIDE if any(_WIDE.search(line.strip()) for line in lines) else _NARROW
