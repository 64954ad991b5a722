"""A session of a program: one command, or what comes by standard input."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from dictd.manhole.interpreter import FAILED
from dictd.manhole.plain import plain
from dictd.manhole.session import Session

#: The longest program that is taken from standard input, octets.
_LONGEST = 1 << 20
#: Octets that wait for somebody who takes nothing, though a program may read a long answer slowly.
_MOST_WAITING = 64 << 20


@define(eq=False)
class Program(Session):
    """One command, or what comes by standard input: it runs, and the session has its status.

    :param begun: whether nothing is wanted of its standard input.
    :param at_terminal: whether the other side has a terminal, which wants its lines ended as terminals do.
    :param wide: columns of that terminal.
    """

    _begun: bool = False
    _at_terminal: bool = False
    _wide: int = 80
    _read: bytes = field(default=b"", init=False)
    _left_out: int = field(default=0, init=False)

    def begin(self, source: str) -> None:
        """Run it."""
        self._begun = True
        self._run(source)

    def typed(self, octets: bytes) -> None:
        if self._begun:
            if self._at_terminal and b"\x03" in octets:
                self.interrupt()
            return
        self._read += octets
        if len(self._read) > _LONGEST:
            self._begun = True
            self._complain(f"this is too long, {_LONGEST:,} octets are the limit\n")
            self._done(FAILED)

    def finished(self) -> None:
        if self._begun or self._ended:
            return
        try:
            self.begin(self._read.decode("utf-8"))
        except UnicodeDecodeError as error:
            self._complain(f"what comes by standard input is not in UTF-8: {error}\n")
            self._done(FAILED)

    def interrupt(self) -> None:
        """A signal."""
        if self._running is not None:
            self._running.cancel()

    def farewell(self, text: str) -> None:
        """End it from here."""
        self._complain(text + "\n")
        self._done(FAILED)

    def _done(self, status: int) -> None:
        if self._left_out:
            self._wire.complain(f"{self._left_out:,} characters were left out, as nobody took them\n".encode())
        self._wire.leave(status)

    def _out(self, text: str) -> None:
        self._send(self._wire.put, text)

    def _complain(self, text: str) -> None:
        self._send(self._wire.put if self._at_terminal else self._wire.complain, text)

    def _send(self, put: Callable[[bytes], None], text: str) -> None:
        if self._wire.waiting() > _MOST_WAITING:
            self._left_out += len(text)
            return
        text = plain(text).replace("\n", "\r\n") if self._at_terminal else text
        put(text.encode("utf-8", "backslashreplace"))

    def _columns(self) -> int:
        return self._wide
