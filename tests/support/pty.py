"""A program in a pseudo-terminal, typed and read as a person would."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from tests.support.glass import Glass
from tests.support.programs import environment

_PATIENCE = 30.0


@define(eq=False)
class Terminal:
    """A terminal in which a program runs.

    :ivar glass: its screen.
    :ivar raw: all octets that came.
    """

    command: Sequence[str]
    columns: int = 80
    environment: Mapping[str, str] = field(factory=environment)
    glass: Glass = field(init=False)
    raw: bytes = field(default=b"", init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    _ours: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.glass = Glass(self.columns)
        self._ours, theirs = pty.openpty()
        self.resize(self.columns)
        self.process = subprocess.Popen(
            self.command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**self.environment, "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one thread
        )
        os.close(theirs)

    def resize(self, columns: int, rows: int = 24) -> None:
        """Another size; the system tells the program by SIGWINCH."""
        self.glass.columns = columns
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def until(self, what: str, seen: Callable[[], bool]) -> None:
        """Read until something is to be seen."""
        end = time.monotonic() + _PATIENCE
        while not seen():
            assert time.monotonic() < end, f"waited for {what}:\n{self.glass.text()}"
            if not self._read():
                assert seen(), f"it ended before {what}:\n{self.glass.text()}"

    def enter(self, line: str) -> list[str]:
        """Type a line, and read until the next prompt; what stands between them."""
        self.until("the prompt", self.prompted)
        self.type(line)
        self.until(line, lambda: self.glass.last.endswith(line.rsplit("\r", 1)[-1]))
        first = self.glass.row + 1
        self.type("\r")
        self.until("the next prompt", lambda: self.prompted() and self.glass.row >= first)
        return self.glass.lines()[first : self.glass.row]

    def prompted(self) -> bool:
        """Whether the cursor stands behind an empty prompt."""
        return self.glass.before == ">>> " and self.glass.last == ">>>"

    def ended(self) -> int:
        """Read until the program has ended; its status."""
        while self._read():
            pass
        return self.process.wait(_PATIENCE)

    def close(self) -> None:
        """Hang up."""
        self.process.kill()
        self.process.wait(_PATIENCE)
        os.close(self._ours)

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], _PATIENCE)[0]:
            return True
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # EIO: the program has closed its side
            return False
        self.raw += piece
        self.glass.feed(piece)
        return bool(piece)
