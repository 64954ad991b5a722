"""A child process that is kept alive: the publisher of a serving process."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from dictd import config
from dictd.config import Settings
from dictd.processes.lines import Lines, end_of, module
from dictd.processes.logs import relay

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
#: A child that lived this long starts again without delay, seconds.
_HEALTHY = 60.0


@define(eq=False, repr=False)
class Child:
    """A Python module run in a process of its own, started again when it ends.

    It ends when its standard input does, so it does not outlive this process.

    :param module: what ``python -m`` runs; ``who``: what it is called in the log.
    :param greeting: what it is told first, each time that it starts.
    """

    _reactor: Any
    module: str
    arguments: tuple[str, ...]
    who: str
    greeting: Callable[[], bytes] = lambda: b""
    _delay: float = field(default=FIRST_DELAY, init=False)
    _protocol: _Lines | None = field(default=None, init=False)
    _restart: Any = field(default=None, init=False)
    _stopped: Deferred[None] | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)
    _renewing: bool = field(default=False, init=False)
    log = Logger()

    def start(self) -> None:
        """Start it."""
        self._restart = None
        self._since = self._reactor.seconds()
        self._protocol = _Lines(self._said, self._ended)
        command = module(self.module, *self.arguments)
        # Ctrl-C in a terminal goes to the child too, but it is for us to end it: it never sees it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._reactor.spawnProcess(self._protocol, sys.executable, command, env=os.environ)
        except OSError as error:
            self._ended(f"could not be started: {error.strerror}")
        else:
            if greeting := self.greeting():
                self._protocol.transport.write(greeting)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def nudge(self) -> None:
        """Write it a line: something needs its attention."""
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.transport.write(b"\n")

    def stop(self) -> Deferred[None]:
        """Let it end; fires when it has."""
        self._stopped = Deferred()
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        if self._protocol is None or self._protocol.transport is None:
            self._stopped.callback(None)
        else:
            self._protocol.transport.closeStdin()
        return self._stopped

    def renew(self) -> None:
        """Let it end, and start it again: it is to be told something else."""
        if self._protocol is not None and self._protocol.transport is not None:
            self._renewing = True
            self._protocol.transport.closeStdin()

    def kill(self) -> None:
        """End it now."""
        if self._protocol is not None and self._protocol.transport is not None:
            # It may have ended already, and another process have what it printed to open.
            with suppress(ProcessExitedAlready):
                self._protocol.transport.signalProcess("KILL")

    def _said(self, line: str) -> None:
        relay(line, self.who, plain=LogLevel.info)

    def _ended(self, why: str) -> None:
        self._protocol = None
        if self._stopped is not None:
            if not self._stopped.called:
                self._stopped.callback(None)
            return
        if self._renewing:
            self._renewing = False
            self.start()
            return
        if self._reactor.seconds() - self._since > _HEALTHY:
            self._delay = FIRST_DELAY
        self.log.warn(
            "{module} ended ({why}); it starts again in {delay:.0f} s", module=self.module, why=why, delay=self._delay
        )
        self._restart = self._reactor.callLater(self._delay, self.start)
        self._delay = min(self._delay * 2, LONGEST_DELAY)


def publisher(reactor: Any, directory: Path, settings: Callable[[], Settings]) -> Child:
    """Keeps the lexicon of a state directory in step with its store."""

    def told() -> bytes:
        return json.dumps(config.tree_of(settings())).encode() + b"\n"

    arguments = ("--state-dir", str(directory), "--watch", "--told")
    return Child(reactor, "dictd.processes.publish", arguments, "publisher", told)


class _Lines(ProcessProtocol):
    """What a child prints, and that it ended."""

    transport: Any = None

    def __init__(self, said: Callable[[str], None], ended: Callable[[str], None]) -> None:
        self._ended = ended
        self._lines = {1: Lines(said), 2: Lines(said)}

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._lines[childFD].feed(data)

    def processEnded(self, reason: Failure) -> None:
        for lines in self._lines.values():
            lines.end()
        self._ended(end_of(reason))
