"""The programs that dictd is made of, against what it needs."""

from __future__ import annotations

import platform
import re
import sqlite3
import sys
from collections.abc import Iterator
from importlib import metadata

from dictd import __version__
from dictd.ctl.findings import Finding

#: Where dictd was not installed but is run from its directory.
_FLOORS = ("twisted[conch]>=26.10",)
_PYTHON = (3, 11)
_FLOOR = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*>=\s*([0-9.]+)$")


def programs() -> Iterator[Finding]:
    """Each that is missing or too old, and what there is."""
    wrong = []
    if sys.version_info[:2] < _PYTHON:
        wrong.append(f"Python is {platform.python_version()}, {'.'.join(map(str, _PYTHON))} or newer is needed")
    for needed in _needed():
        match = _FLOOR.match(needed)
        if match is None:
            continue
        name, floor = match[1], match[2]
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = ""
        if _numbers(version) < _numbers(floor):
            there = f"{name} is {version}" if version else f"{name} is not there"
            wrong.append(f"{there}, {floor} or newer is needed; type: {sys.executable} -m pip install '{needed}'")
    yield from (Finding("programs", "fault", text) for text in wrong)
    if not wrong:
        twisted = metadata.version("twisted")
        text = f"dictd {__version__}, Python {platform.python_version()}, Twisted {twisted}"
        yield Finding("programs", "ok", f"{text}, SQLite {sqlite3.sqlite_version}")


def _needed() -> tuple[str, ...]:
    """As the installed package says."""
    try:
        needed = metadata.requires("dictd") or ()
    except metadata.PackageNotFoundError:
        return _FLOORS
    return tuple(one for one in needed if ";" not in one) or _FLOORS


def _numbers(version: str) -> tuple[int, ...]:
    """``26.10.0rc1`` is (26, 10, 0)."""
    found = re.match(r"[0-9.]*", version)
    return tuple(int(part) for part in (found[0] if found else "").split(".") if part)
