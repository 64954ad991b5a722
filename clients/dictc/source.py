"""Standard input: passwords and words, one a line, as they come."""

from __future__ import annotations

import os
import select
from dataclasses import dataclass, field

_PIECE = 1 << 16
#: A line is cut here, in octets; far longer than any word that a server takes.
_MAX_LINE = 1 << 16


@dataclass(slots=True)
class Source:
    """Lines of a file descriptor; what is there is taken, only what is wanted is waited for."""

    descriptor: int = 0
    _rest: bytes = b""
    _lines: list[bytes] = field(default_factory=list)
    _closed: bool = False

    @property
    def ended(self) -> bool:
        """There will be no more."""
        return self._closed and not self._lines

    def line(self) -> str | None:
        """The next line, blank or not; ``None`` at the end."""
        while not self._lines and not self._closed:
            self._read()
        return _text(self._lines.pop()) if self._lines else None

    def take(self, most: int, wait: bool) -> list[str]:
        """Up to ``most`` words, blank lines left out; see :meth:`dictc.lookups.Words.take`."""
        words: list[str] = []
        while len(words) < most:
            if self._lines:
                word = _text(self._lines.pop()).strip()
                if word:
                    words.append(word)
            elif self._closed or ((words or not wait) and not self._ready()):
                break
            else:
                self._read()
        return words

    def _ready(self) -> bool:
        wanted = select.poll()
        wanted.register(self.descriptor, select.POLLIN)
        return bool(wanted.poll(0))

    def _read(self) -> None:
        piece = os.read(self.descriptor, _PIECE)
        if not piece:
            self._closed = True
            if self._rest:
                self._lines = [self._rest]
            self._rest = b""
            return
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        self._rest = self._rest[:_MAX_LINE]
        self._lines = lines[::-1]  # taken from the end


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n").removeprefix("\ufeff")
