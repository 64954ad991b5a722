"""One session of the shell: somebody at a terminal, or a program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.manhole.interpreter import FAILED, Interpreter
from dictd.manhole.plain import one_line
from dictd.manhole.screen import Namespace

_log = Logger()


class Wire(ABC):
    """The other side of a session."""

    @abstractmethod
    def put(self, octets: bytes) -> None:
        """To its standard output, or its terminal."""

    @abstractmethod
    def complain(self, octets: bytes) -> None:
        """To its standard error."""

    @abstractmethod
    def waiting(self) -> int:
        """Octets that it has not taken yet."""

    @abstractmethod
    def leave(self, status: int) -> None:
        """End."""


@define(eq=False)
class Session(ABC):
    """What runs in one session; it is the :class:`~dictd.manhole.screen.Screen` of its namespace.

    :param number: of this session, as the log has it.
    """

    number: int
    _wire: Wire
    _namespace: Namespace
    closed: list[Callable[[], None]] = field(factory=list, init=False)
    _interpreter: Interpreter = field(init=False)
    _running: Deferred[int] | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        names = self._namespace(self)
        self._interpreter = Interpreter(names, f"shell {self.number}", self._out, self._complain, self._columns)

    def say(self, text: str) -> None:
        """Print lines above the one that is being typed."""
        if not self._ended:
            self._out(text if text.endswith("\n") else text + "\n")

    def lost(self) -> None:
        """The other side is gone."""
        if self._ended:
            return
        self._ended = True
        for done in self.closed:
            try:
                done()
            except Exception:  # noqa: BLE001 - the others have to be told all the same
                _log.failure("trouble at the end of a session of the shell")
        if self._running is not None:
            self._running.cancel()
        self._interpreter.forget()

    @abstractmethod
    def typed(self, octets: bytes) -> None:
        """The other side has sent something."""

    @abstractmethod
    def finished(self) -> None:
        """The other side sends no more."""

    @abstractmethod
    def _out(self, text: str) -> None: ...

    @abstractmethod
    def _complain(self, text: str) -> None: ...

    @abstractmethod
    def _columns(self) -> int: ...

    @abstractmethod
    def _done(self, status: int) -> None:
        """What was to run has ended."""

    def _run(self, source: str) -> None:
        for line in source.rstrip("\n").split("\n"):
            _log.info("shell {number}> {line}", number=self.number, line=one_line(line), audit=True)
        running = self._running = Deferred.fromCoroutine(self._interpreter.run(source))

        def ended(status: Any) -> None:
            self._running = None
            if not self._ended:
                self._done(status if isinstance(status, int) else FAILED)

        running.addErrback(lambda failure: _log.failure("trouble in the shell", failure=failure))
        running.addCallback(ended)
