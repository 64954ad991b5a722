"""Child processes: how they are called, what they print, in lines, and how they ended."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from attrs import define, field
from twisted.internet.error import ProcessTerminated
from twisted.python.failure import Failure

_MOST_LINE = 1 << 16


def module(name: str, *arguments: str) -> list[str]:
    """The command line of a module of ours; nothing is imported from the directory we happen to be in."""
    return [sys.executable, "-P", "-m", name, *arguments]


@define
class Lines:
    """Takes bytes, gives whole lines; one that is too long comes in pieces."""

    _said: Callable[[str], None]
    _partial: bytes = field(default=b"", init=False)

    def feed(self, piece: bytes) -> None:
        """Bytes have come."""
        *lines, rest = (self._partial + piece).split(b"\n")
        if len(rest) > _MOST_LINE:
            lines, rest = [*lines, rest], b""
        self._partial = rest
        for line in lines:
            self._said(line.decode("utf-8", "replace"))

    def end(self) -> None:
        """No more will come."""
        if self._partial:
            self._said(self._partial.decode("utf-8", "replace"))
            self._partial = b""


def end_of(reason: Failure) -> str:
    """How a process ended: ``exit code 1``, ``SIGKILL``."""
    ended = reason.value
    if isinstance(ended, ProcessTerminated):
        return signal.Signals(ended.signal).name if ended.signal else f"exit code {ended.exitCode}"
    return "exit code 0"


def first_line() -> bytes:
    """The first line of standard input, and nothing behind it, as long as nothing more is sent before it is asked for.

    :raises SystemExit: there is none.
    """
    read = b""
    while not read.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece:
            sys.exit(1)
        read += piece
    return read
