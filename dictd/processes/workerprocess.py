"""A worker as the supervisor sees it: its process, its channel, its signs of life."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from dictd.processes import channel
from dictd.processes.channel import CHANNEL, Silent
from dictd.processes.lines import Lines, end_of, module
from dictd.processes.pace import DEAD, SILENT, Pulse
from dictd.processes.superior import Superior, SupervisorChannel

#: How long a worker may take to serve, seconds.
_START = 30.0
#: How long it may take to end after its time is over, before it is killed.
_END = 12.0


@frozen
class Order:
    """What a worker is to do.

    :ivar sockets: what to listen on, each with its kind.
    :ivar began: when the server did, seconds of the machine's steady clock.
    :ivar lock: descriptor of the state directory's lock, which lasts while a worker does.
    :ivar ordinal: which of all that the server has started this is, from 1 on.
    """

    name: str
    settings: dict[str, Any] = field(repr=False)
    state: str
    sockets: Sequence[tuple[str, socket.socket]]
    lock: int
    began: float
    ordinal: int

    def line(self, first: int) -> bytes:
        """One line of JSON; the sockets are descriptors from ``first`` on."""
        sockets = [
            {"kind": kind, "descriptor": first + number, "family": int(one.family)}
            for number, (kind, one) in enumerate(self.sockets)
        ]
        order = {
            "supervisor": os.getpid(),
            "settings": self.settings,
            "state": self.state,
            "sockets": sockets,
            "began": self.began,
            "ordinal": self.ordinal,
        }
        return json.dumps(order).encode() + b"\n"


@define(eq=False, repr=False)
class WorkerProcess:
    """One worker process.

    :ivar slot: the place it fills.
    :ivar since: when it became ready, seconds of the reactor's clock.
    :ivar leaving: it was told to end.
    """

    slot: int
    order: Order
    superior: Superior
    reactor: Any
    link: SupervisorChannel = field(init=False)
    pid: int = field(default=0, init=False)
    since: float | None = field(default=None, init=False)
    facts: dict[str, Any] = field(factory=dict, init=False)
    dictionaries: list[Any] = field(factory=list, init=False)
    counts: dict[str, Any] = field(factory=dict, init=False)
    pulse: Pulse = field(factory=Pulse, init=False)
    leaving: bool = field(default=False, init=False)
    gone: bool = field(default=False, init=False)
    why: str = field(default="", init=False)
    last_said: str = field(default="", init=False)
    started: Deferred[bool] = field(factory=Deferred, init=False)
    _process: Any = field(default=None, init=False)
    _killed: bool = field(default=False, init=False)
    _deadline: Any = field(default=None, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    log = Logger()

    @property
    def name(self) -> str:
        """How it is called in the log."""
        return self.order.name

    @property
    def lively(self) -> bool:
        """Whether it serves, and answers."""
        serves = self.since is not None and not self.leaving and not self.gone
        # The channel of one that was killed ends a little before the process does.
        return serves and self.link.open and self.pulse.silence < SILENT

    def start(self) -> None:
        """Start the process; :attr:`started` fires with whether it came to serve."""
        self.link = SupervisorChannel(self)
        try:
            mine, theirs = socket.socketpair()
        except OSError as error:
            self._not_started(error)
            return
        mine.setblocking(False)
        theirs.setblocking(False)
        first = CHANNEL + 2
        descriptors: dict[int, Any] = {0: "w", 1: "r", 2: "r", CHANNEL: theirs.fileno(), CHANNEL + 1: self.order.lock}
        descriptors |= {first + number: one.fileno() for number, (_, one) in enumerate(self.order.sockets)}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LISTEN_")}
        command = module("dictd.processes.worker")
        self._deadline = self.reactor.callLater(_START, self.kill, f"it did not serve after {_START:.0f} s")
        try:
            self._process = self.reactor.spawnProcess(
                _Process(self), sys.executable, command, env=environment, childFDs=descriptors
            )
            self.pid = self._process.pid
            self._process.write(self.order.line(first))
            self.reactor.adoptStreamConnection(mine.fileno(), socket.AF_UNIX, channel.one(self.link))
        except OSError as error:
            self._not_started(error)
        finally:
            mine.close()
            theirs.close()

    def _not_started(self, error: OSError) -> None:
        self.why = f"it could not be started: {error.strerror}"
        if self._process is not None:
            self.kill()  # without a channel it is of no use
        else:
            # Not here and now: whoever started us is not ready to hear it.
            self.reactor.callLater(0, self._ended, self.why)

    def is_ready(self, facts: dict[str, Any]) -> None:
        """It serves."""
        self._undo_deadline()
        self.since, self.facts = self.reactor.seconds(), facts
        self.pulse.beat()
        self.superior.ready(self)
        if not self.started.called:
            self.started.callback(True)

    def look(self, now: float) -> None:
        """See to it that it lives."""
        if self.since is not None and not self.gone and self.pulse.look(now) >= DEAD and not self._killed:
            self.kill(f"it was silent for {DEAD:.0f} s")

    async def ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        """Ask it.

        :raises Silent: it does not answer.
        """
        if self.gone or self.since is None:
            raise Silent(f"{self.name} does not serve")
        return await self.link.ask(self.reactor, command, **arguments)

    def retire(self, seconds: float) -> None:
        """Let it serve its connections to their end, for so long, and end."""
        self._leave(seconds, channel.Retire, seconds=seconds)

    def stop(self) -> None:
        """Let it end."""
        self._leave(0.0, channel.Stop)

    def kill(self, why: str = "") -> None:
        """End it now."""
        if not self.gone and self._process is not None:
            if why:
                self.log.error("{name} (process {pid}) is killed: {why}", name=self.name, pid=self.pid, why=why)
                self.why = why
            self.leaving = self._killed = True
            with suppress(ProcessExitedAlready):
                self._process.signalProcess("KILL")

    def end(self) -> Deferred[None]:
        """Fires when the process is gone."""
        if self.gone:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def heard(self, line: str) -> None:
        """It has printed a line."""
        self.last_said = line
        self.superior.said(self, line)

    def process_ended(self, reason: Failure) -> None:
        """Its process is gone."""
        self._ended(self.why or end_of(reason))

    def _leave(self, within: float, command: Any, /, **arguments: Any) -> None:
        if self.gone or (self.leaving and within):
            return
        self.leaving = True
        self._undo_deadline()
        self._deadline = self.reactor.callLater(within + _END, self.kill, "it did not end")
        if self.since is None:
            self.kill()
        else:
            Deferred.fromCoroutine(self.link.ask(self.reactor, command, **arguments)).addErrback(lambda _: None)

    def _undo_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _ended(self, why: str) -> None:
        if self.gone:
            return
        self.gone, self.why = True, why
        self._undo_deadline()
        transport: Any = self.link.transport
        if transport is not None:
            transport.abortConnection()
        if not self.started.called:
            self.started.callback(False)
        self.superior.ended(self)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


class _Process(ProcessProtocol):
    """What comes from the process."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._lines = {1: Lines(worker.heard), 2: Lines(worker.heard)}

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._lines[childFD].feed(data)

    def processEnded(self, reason: Failure) -> None:
        for lines in self._lines.values():
            lines.end()
        self._worker.process_ended(reason)
