"""Text for people in columns: tables, spans of time, numbers with their nouns."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

Row = Sequence[Any]


@frozen(repr=False)
class Table:
    """Rows under a head; printed as columns side by side, numbers to the right.

    A prompt shows it as people read it, and a program goes on with its rows.

    :ivar none: what is printed where there is no row.
    :ivar note: a line below the rows.
    """

    head: Sequence[str]
    rows: Sequence[Row]
    none: str = ""
    note: str = ""

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """What is printed."""
        lines = _aligned(self.head, self.rows) if self.rows else [self.none] if self.none else []
        return [*lines, self.note] if self.note else lines


def _aligned(head: Sequence[str], rows: Sequence[Row]) -> list[str]:
    shown = [tuple(head), *(tuple(_cell(value) for value in row) for row in rows)]
    columns = range(len(head))
    widths = [max(width(row[column]) for row in shown) for column in columns]
    right = [all(_is_number(value) for value in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(_padded(row[column], widths[column], right[column]) for column in columns).rstrip() for row in shown
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    # A word that somebody typed must not move the cursor.
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") else char for char in str(value))


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and value.replace(",", "").isdigit())


def _padded(text: str, wanted: int, right: bool) -> str:
    blanks = " " * (wanted - width(text))
    return blanks + text if right else text + blanks


def width(text: str) -> int:
    """Columns that a text takes in a terminal: two for most Chinese characters, none for an accent of its own."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 line``, ``2,000 lines``, ``3 dictionaries``."""
    if number == 1:
        return f"1 {noun}"
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
    return f"{number:,} {plural}"


def span(seconds: float) -> str:
    """``3 s``, ``5 min``, ``2 h 05 min``, ``3 days 4 h``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if not hours:
        return f"{minutes} min"
    if not days:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{count(days, 'day')} {hours % 24} h"
