"""How values and tracebacks look at a prompt."""

from __future__ import annotations

import inspect
import linecache
import pprint
import traceback
from types import TracebackType
from typing import Any

from dictd.errors import DictError

#: Characters of a value that are shown.
MOST = 200_000
#: Longest value that is laid out, which takes a while; containers that are.
_LAID_OUT = 20_000
_CONTAINERS = (dict, list, tuple, set, frozenset)
#: Frames of a traceback that are shown.
_FRAMES = 20
#: Files whose frames tell nobody anything.
_MACHINERY = ("twisted/internet/defer.py", "twisted/python/failure.py", "dictd/manhole/interpreter.py")


def shown(value: Any, columns: int = 80) -> str:
    """A value as a prompt shows it; never fails.

    :param columns: how wide the screen is.
    """
    try:
        # A method shows its object with all that it holds, which is pages.
        text = f"<method {value.__qualname__}>" if inspect.ismethod(value) else repr(value)
        if type(value) in _CONTAINERS and columns <= len(text) <= _LAID_OUT:
            text = pprint.pformat(value, width=max(40, columns), sort_dicts=False, compact=True)
    except Exception as error:  # noqa: BLE001 - a value that cannot be shown is no reason to go
        return f"<{type(value).__qualname__}; its repr() failed: {_said(error)}>"
    if len(text) > MOST:
        return f"{text[:MOST]}... ({len(text):,} characters, the first {MOST:,} are shown)"
    return text


def trouble(error: BaseException, title: str) -> str:
    """A traceback from what was typed on; trouble that was foreseen is one line.

    :param title: of what was typed, as its frames have it.
    """
    if isinstance(error, DictError):
        return f"{type(error).__name__}: {error.text}\n"
    if isinstance(error, SyntaxError) and error.filename == title:
        linecache.checkcache(title)
        return "".join(traceback.format_exception_only(error))
    try:
        _shorten(error, title, set())
        lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-_FRAMES)
        text = "".join(lines)
    except Exception:  # noqa: BLE001 - of its __str__, say
        text = f"{_said(error)}\n"
    return text if len(text) <= MOST else f"{text[:MOST]}...\n"


def _shorten(error: BaseException | None, title: str, seen: set[int]) -> None:
    """Leave out of an exception, and of those before it, the frames that are not of what was typed."""
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = _without_machinery(error.__traceback__)
        _shorten(error.__cause__, title, seen)
        error = error.__context__


def _without_machinery(found: TracebackType | None) -> TracebackType | None:
    kept = []
    while found is not None:
        if not found.tb_frame.f_code.co_filename.endswith(_MACHINERY):
            kept.append(found)
        found = found.tb_next
    above: TracebackType | None = None
    for one in reversed(kept):
        above = TracebackType(above, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return above


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an exception whose __str__ fails
        return type(error).__name__
