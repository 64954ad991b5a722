"""History that waits in ``spool/`` for a store that is away; looked at and not touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from dictd.accounts.otherstores import rows_in
from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.errors import DictError
from dictd.store.faults import ERRORS
from dictd.store.identity import IdentityQueries


def looked_at(directory: Path, store: str | None = None) -> Iterator[Finding]:
    """How many rows wait, and for how long.

    :param store: the name of the one of ``store.url``; where it is not known, all rows may be for it.
    """
    rows, oldest = 0, 0.0
    others: dict[Path, int] = {}
    for path in sorted(directory.rglob("*.rows")) if directory.is_dir() else ():
        try:
            count = rows_in(path)
            since = path.stat().st_mtime
        except FileNotFoundError:
            continue  # a server has brought them home just now
        if store is not None and path.parent != directory / store:
            others[path.parent] = others.get(path.parent, 0) + count
            continue
        made = path.name.partition("-")[0]  # nanoseconds, see dictd.accounts.spool
        since = int(made) / 1e9 if made.isdigit() else since
        if count:
            oldest = min(oldest or since, since)
        rows += count
    if rows:
        minutes = max(time.time() - oldest, 0) / 60
        text = f"{_rows(rows)} of history wait there, since {minutes:,.0f} min at most"
        yield Finding("spool", "note", f"{text}; a server brings them into the store as soon as it answers")
    for other, count in others.items():
        if count:
            text = f"{_rows(count)} of history in {other} wait for another store than that of store.url"
            yield Finding("spool", "note", f"{text}; a server with that one brings them home")


def store_of(examination: Examination) -> str | None:
    """The name of the store, if it can be asked and has one; none is made."""
    if examination.away:
        return None
    try:
        with examination.reading("accounts") as connection:
            if connection is None:
                return None
            return IdentityQueries(examination.kept.dialect).known(connection.cursor()) or None
    except (DictError, *ERRORS):
        return None


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
