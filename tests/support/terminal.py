"""A program in a terminal of its own, typed to and read as a person does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

_PATIENCE = 60.0


@define(eq=False)
class Terminal:
    """One program; ends with the test at the latest.

    :ivar shown: all that it has shown so far.
    """

    process: subprocess.Popen[bytes]
    _screen: int
    shown: str = field(default="", init=False)
    _read: int = field(default=0, init=False)

    @classmethod
    def of(
        cls, case: SynchronousTestCase, command: Sequence[str], directory: Path, environment: Mapping[str, str]
    ) -> Terminal:
        """Start a program."""
        screen, keyboard = pty.openpty()

        def begin() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(
            command,
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            cwd=directory,
            env={**environment, "TERM": "dumb"},
            preexec_fn=begin,  # noqa: PLW1509 - two system calls
        )
        os.close(keyboard)
        terminal = cls(process, screen)
        case.addCleanup(terminal.end)
        return terminal

    def read(self, until: str) -> str:
        """Wait until it has shown what matches a pattern; all since the last time."""
        end = time.monotonic() + _PATIENCE
        while not (found := re.compile(until).search(self.shown, self._read)):
            assert time.monotonic() < end, f"waited for {until!r}: {self.shown}"
            assert self._more(), f"it has ended before {until!r}: {self.shown}"
        begin, self._read = self._read, found.end()
        return self.shown[begin : found.end()]

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._screen, f"{text}\n".encode())

    def interrupt(self) -> int:
        """Ctrl-C, again as long as nothing comes of it: between a prompt and its reading one is lost; the exit code."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            os.write(self._screen, b"\x03")
            while select.select([self._screen], [], [], 2.0)[0]:
                if not self._more():
                    return self.process.wait(_PATIENCE)
        raise AssertionError(f"Ctrl-C has not ended it: {self.shown}")

    def ended(self) -> int:
        """Wait for the end, and all that was shown; the exit code."""
        while self._more():
            pass
        return self.process.wait(_PATIENCE)

    def end(self) -> None:
        """Whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def _more(self) -> bool:
        """Take in what it shows; false when that was all."""
        try:
            ready, _, _ = select.select([self._screen], [], [], _PATIENCE)
            piece = os.read(self._screen, 65536) if ready else b""
        except OSError:
            return False  # EIO: nobody has the other end any more
        self.shown += piece.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(piece)
