"""Rows that wait in ``spool/`` for another store than this one; looked at and not touched."""

from __future__ import annotations

import re
from pathlib import Path

#: What :class:`dictd.store.identity.IdentityQueries` makes.
_STORE = re.compile(r"[0-9a-f]{16}")
_PIECE = 1 << 20


def rows_in(path: Path) -> int:
    """How many rows a file has: lines behind the first, which tells the format.

    :raises OSError: it cannot be read.
    """
    lines = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            lines += piece.count(b"\n")
    return max(lines - 1, 0)


def waiting(own: Path) -> dict[Path, int]:
    """Rows in the directories beside that of a store, for each that has any.

    :param own: where no store is known yet, nothing is beside it.
    """
    found: dict[Path, int] = {}
    if not _STORE.fullmatch(own.name):
        return found
    try:
        for path in sorted(own.parent.glob("*/*.rows")):
            directory = path.parent
            if directory.name != own.name and _STORE.fullmatch(directory.name) and path.is_file():
                found[directory] = found.get(directory, 0) + rows_in(path)
    except OSError:
        pass  # what cannot be read, or went meanwhile, is told of by dictctl doctor
    return {directory: rows for directory, rows in found.items() if rows}
