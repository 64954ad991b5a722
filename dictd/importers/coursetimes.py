"""Times of the course: of MySQL, of ``time.ctime()``, of ``time.time()``; mostly of a clock on a wall."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from dictd.errors import ImportRefused

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBERS = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?"
)
_CTIME = re.compile(r"[a-z]{3},?\s+([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d\d):(\d\d)\s+(\d{4})", re.IGNORECASE)
_SECONDS = re.compile(r"\d{9,10}(?:\.\d+)?")
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?", re.IGNORECASE)


def zone_of(name: str) -> tzinfo | None:
    """A time zone: ``Asia/Shanghai``, ``+08:00``; of the system where the name is empty.

    :raises ImportRefused: there is none of that name.
    """
    if not name:
        return None
    if match := _OFFSET.fullmatch(name):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ImportRefused(f"{name} is no time zone; say one like Asia/Shanghai or +08:00") from None


def milliseconds(text: str | None, zone: tzinfo | None) -> int | None:
    """A time as milliseconds since 1970.

    :param zone: of the clock on the wall; ``None`` is that of the system.
    :returns: ``None`` where it is no time, as ``0000-00-00``, or is before 1970.
    """
    text = (text or "").strip()
    if _SECONDS.fullmatch(text):
        return int(float(text) * 1000)
    moment = _ctime(text) or _numbers(text)
    if moment is None:
        return None
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    try:
        since = round(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None
    return since if since > 0 else None


def _ctime(text: str) -> datetime | None:
    match = _CTIME.fullmatch(text)
    if match is None or match[1].lower() not in _MONTHS:
        return None
    day, hour, minute, second, year = (int(part) for part in match.groups()[1:])
    return _moment(year, _MONTHS.index(match[1].lower()) + 1, day, hour, minute, second)


def _numbers(text: str) -> datetime | None:
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return None
    *numbers, fraction, offset = match.groups()
    moment = _moment(*(int(part or 0) for part in numbers))
    if moment is None:
        return None
    moment += timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
    if offset:
        try:
            moment = moment.replace(tzinfo=UTC if offset == "Z" else zone_of(offset))
        except ImportRefused:  # one row that is wrong is no reason to leave out all
            return None
    return moment


def _moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
