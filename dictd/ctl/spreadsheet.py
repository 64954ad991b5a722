"""CSV that a spreadsheet may open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

#: What makes a formula of a cell where it stands first; also as some Excels read it.
_FORMULAS = "=+-@\t\r＝＋－＠"


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV (RFC 4180); no cell is a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([[shown(str(cell)) for cell in row] for row in rows])
    return text.getvalue()


def shown(cell: str) -> str:
    """A cell as text: an apostrophe in front of what would be a formula."""
    return "'" + cell if cell[:1] and cell[0] in _FORMULAS else cell


def meant(cell: str) -> str:
    """The text of a cell, without the apostrophe of :func:`shown` and the blanks that spreadsheets leave."""
    cell = cell.strip(" \t\u00a0\u3000\u200b\ufeff")
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in _FORMULAS else cell
