"""Clocks: this machine's, the database's, and what is written in the store."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator

from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.store.dialect import MYSQL, Connection
from dictd.tables import span

#: What two clocks may differ, seconds: more is worth a word, much more is a fault.
_WORTH_A_WORD, _FAULT = 2.0, 60.0
_SET = "timedatectl set-ntp true keeps clocks right"
_TIME_ERROR = 5
_NEWEST = (
    ("accounts", "SELECT max(rid) FROM hist", 22, "the newest look-up in the history"),
    ("accounts", "SELECT max(renewed) FROM worker_lease", 0, "the newest sign of a server in the store"),
    ("dictionaries", "SELECT max(started) FROM generation", 0, "the newest import"),
)


def clocks(examination: Examination) -> Iterator[Finding]:
    """Whether any of them is wrong."""
    found: list[Finding] = []
    if synchronised() is False:
        found.append(Finding("clock", "note", f"nothing keeps the clock of this machine right; {_SET}"))
    if not examination.away:
        for subject in ("accounts", "dictionaries"):
            with examination.reading(subject) as connection:
                if connection is not None:
                    if subject == "accounts" and examination.kept.dialect is MYSQL:
                        found += _of_the_database(connection)
                    found += _newest(connection, subject, examination.now())
    yield from found or [Finding("clock", "ok", "it is not behind what is written in the store")]


def _newest(connection: Connection, subject: str, now: int) -> Iterator[Finding]:
    """What is in the store and was made later than now: this clock is behind, or another was ahead."""
    for of, statement, shift, what in _NEWEST:
        if of != subject:
            continue
        cursor = connection.cursor()
        cursor.execute(statement)
        (newest,) = cursor.fetchone()
        ahead = ((int(newest or 0) >> shift) - now) / 1000
        if ahead > _WORTH_A_WORD:
            text = f"{what} was made {_ahead(ahead)} from now: this clock is behind, or that of who made it was ahead"
            yield Finding("clock", "fault" if ahead > _FAULT else "note", f"{text}; {_SET}")


def _of_the_database(connection: Connection) -> Iterator[Finding]:
    cursor = connection.cursor()
    before = time.time()
    cursor.execute("SELECT unix_timestamp(now(6))")
    (theirs,) = cursor.fetchone()
    after = time.time()
    off = float(theirs) - (before + after) / 2
    if abs(off) > _WORTH_A_WORD + (after - before):
        text = f"the clock of the database is {_ahead(abs(off))} {'ahead of' if off > 0 else 'behind'} this one"
        yield Finding("clock", "fault" if abs(off) > _FAULT else "note", f"{text}; {_SET}")


def _ahead(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else span(seconds)


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex``, adjtimex(2), and room for its end."""

    _fields_ = (("modes", ctypes.c_uint), ("rest", ctypes.c_long * 64))


def synchronised() -> bool | None:
    """Whether something keeps the clock right, as the kernel knows; ``None`` where it cannot be asked."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(_Timex()))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
