"""Where texts go: a terminal, with colour and a pager, or anything else, without."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO


def coloured(choice: str, terminal: bool, environment: Mapping[str, str]) -> bool:
    """Whether to use colour.

    :param choice: of ``--color``: ``auto``, ``always`` or ``never``; it wins over the environment.
    :param terminal: the text goes to one.
    :param environment: ``NO_COLOR`` (https://no-color.org), ``CLICOLOR_FORCE``, ``TERM``.
    """
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return terminal and environment.get("TERM", "dumb") != "dumb"


def pager(choice: str | None, environment: Mapping[str, str]) -> list[str]:
    """The command of the pager; empty for none.

    :param choice: of ``--pager``; ``-`` is none, as for dict(1).
    """
    import shlex  # here and below: what a look-up in a pipe does not need is not loaded

    for chosen in (choice, environment.get("DICTD_PAGER"), environment.get("PAGER")):
        if chosen is not None:
            try:
                words = shlex.split(chosen)
            except ValueError:
                words = []
            return [] if words in ([], ["-"], ["cat"]) else words
    return ["less", "-FRX"]


def fits(text: str, columns: int, rows: int) -> bool:
    """Whether a text leaves a row of the screen for what comes after it."""
    return sum(1 + max(len(line) - 1, 0) // max(columns, 1) for line in text.split("\n")) <= rows


def screen() -> tuple[int, int]:
    """Columns and rows of the terminal; 80 and 24 where it does not know."""
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 80, 24
    return columns or 80, rows or 24


@dataclass(slots=True)
class Output:
    """Standard output, and standard error beside it.

    :ivar paged: the command of the pager, used when the text turns out longer
        than the screen; empty: everything is written at once.
    """

    paged: list[str] = field(default_factory=list)
    stream: BinaryIO = field(default_factory=lambda: sys.stdout.buffer)
    _kept: list[str] = field(default_factory=list)

    def write(self, text: str) -> None:
        """Write, or keep for the pager."""
        if self.paged:
            self._kept.append(text)
        else:
            self.stream.write(text.encode("utf-8", "replace"))

    def complain(self, text: str) -> None:
        """Write to standard error, after what was written before; where both are the terminal, the pager has both."""
        if self.paged and sys.stderr.isatty():
            self._kept.append(text)
            return
        self.flush()
        sys.stderr.write(text)
        sys.stderr.flush()

    def flush(self) -> None:
        """Let what was written be seen."""
        if not self.paged:
            self.stream.flush()

    def close(self) -> None:
        """Show what was kept, in the pager if it is long."""
        text, command = "".join(self._kept), self.paged
        self._kept, self.paged = [], []
        if text:
            columns, rows = screen()
            if fits(text, columns, rows) or not _shown(command, text):
                self.write(text)
        self.flush()


def _shown(command: list[str], text: str) -> bool:
    """Run the pager; whether there is one."""
    import subprocess

    # A bare "less" gets what git gives it: colours, no screen of its own, none at all for a short text.
    environment = {"LESS": "FRX", **os.environ}
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # noqa: S603 - the user's own
    except OSError:
        return False
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager
    try:
        with contextlib.suppress(BrokenPipeError):
            process.communicate(text.encode("utf-8", "replace"))
    finally:
        signal.signal(signal.SIGINT, before)
    return True
