"""A part of the load as a process of its own: what it is told, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from benchmarks.load import ServerFell
from tests.support.programs import CHECKOUT, environment

#: Seconds that one may take to finish when its input has ended.
_PATIENCE = 60.0


@frozen
class Apart:
    """Such a process, as it looks from here."""

    _process: subprocess.Popen[bytes]

    def send(self, text: bytes) -> None:
        """Write to its input.

        :raises ServerFell: it has ended; the text says of what.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fell()

    def line(self) -> bytes:
        """The next line that it says.

        :raises ServerFell: it has ended; the text says of what.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._fell()
        return line

    def rest(self) -> Any:
        """End its input, and wait for what it says at the end: JSON.

        :raises ServerFell: it failed; the text says of what.
        """
        said, complained = self._process.communicate(timeout=_PATIENCE)
        if self._process.returncode or not said:
            raise ServerFell(_last(complained))
        return json.loads(said)

    def _fell(self) -> None:
        raise ServerFell(_last(self._process.communicate()[1]))


def _last(complained: bytes) -> str:
    return complained.decode(errors="replace").strip().rpartition("\n")[2]


@contextmanager
def apart(module: str, *arguments: object, lines: Sequence[bytes] | None = None) -> Iterator[Apart]:
    """Start one; it is killed at the end.

    :param lines: the first of its input, with an empty line behind them; ``None``: nothing is sent.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=CHECKOUT,
        env=environment(),
    )
    try:
        one = Apart(process)
        if lines is not None:
            one.send(b"".join(lines) + b"\r\n")
        yield one
    finally:
        process.kill()
        process.communicate()
