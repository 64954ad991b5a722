"""All connections of a process: who is let in, whose turn it is, whose time is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from dictd.limits import Peer
from dictd.server.protocol import DictProtocol
from dictd.server.service import Service

#: Seconds after which a round of turns that were put off ends.
ROUND = 0.005


@define(eq=False)
class DictFactory(Factory):
    """Makes connections, counts them, and looks each second whose time is over.

    :param clock: a reactor or a ``Clock``.
    :ivar at_round_end: the reactor's, if it has one: see :class:`dictd.processes.reactor.Reactor`.
    """

    service: Service
    clock: Any
    connections: set[DictProtocol] = field(factory=set, init=False)
    at_round_end: Callable[[Callable[[], None]], None] | None = field(init=False)
    idle_seconds: float = field(init=False)
    line_seconds: float = field(init=False)
    _sweep: Any = field(default=None, init=False)
    _turns: deque[Callable[[], None]] = field(factory=deque, init=False)
    _round_due: bool = field(default=False, init=False)
    _emptied: list[Deferred[None]] = field(factory=list, init=False)
    noisy = False

    def __attrs_post_init__(self) -> None:
        limits = self.service.settings.limits
        self.idle_seconds, self.line_seconds = limits.idle_seconds, limits.line_seconds
        self.at_round_end = getattr(self.clock, "at_round_end", None)

    def doStart(self) -> None:
        if self._sweep is None:
            self._sweep = self.clock.callLater(1, self._look)
        super().doStart()

    def buildProtocol(self, addr: IAddress | None) -> DictProtocol:  # type: ignore[override]
        peer = Peer.at(getattr(addr, "host", "unix"))
        protocol = DictProtocol(self.service, peer, self.service.doors.admit(peer))
        protocol.factory = self
        self.connections.add(protocol)
        if protocol.admitted:
            self.service.tally.connected += 1
        return protocol

    def gone(self, protocol: DictProtocol) -> None:
        """A connection is closed."""
        self.connections.discard(protocol)
        if protocol.admitted:
            self.service.doors.leave(protocol.peer)
        if not self.connections:
            waiting, self._emptied = self._emptied, []
            for empty in waiting:
                if not empty.called:
                    empty.callback(None)

    def put_off(self, turn: Callable[[], None]) -> None:
        """Run a turn in one of the next rounds, after those that were put off before."""
        self._turns.append(turn)
        if not self._round_due:
            self._round_due = True
            self.clock.callLater(0, self._round)

    def _round(self) -> None:
        """Turns that were put off, one a connection, until the time of a round is over.

        Between rounds the reactor serves those who have just one question, so
        that floods of many connections do not make them wait.
        """
        end = self.clock.seconds() + ROUND
        for _ in range(len(self._turns)):
            self._turns.popleft()()
            if self.clock.seconds() > end:
                break
        self._round_due = bool(self._turns)
        if self._round_due:
            self.clock.callLater(0, self._round)

    def drain(self) -> Deferred[None]:
        """Let everybody finish and say good bye; fires when all are gone."""
        for protocol in list(self.connections):
            protocol.drain()
        empty: Deferred[None] = Deferred(canceller=lambda _: None)
        if self.connections:
            self._emptied.append(empty)
        else:
            empty.callback(None)
        return empty

    def stop(self) -> None:
        """Cut who is left, and stop looking."""
        for protocol in list(self.connections):
            if protocol.transport is not None:
                protocol.transport.abortConnection()  # type: ignore[attr-defined]
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _look(self) -> None:
        self._sweep = self.clock.callLater(1, self._look)
        now = self.clock.seconds()
        for protocol in [protocol for protocol in self.connections if protocol.deadline <= now]:
            protocol.timed_out()
