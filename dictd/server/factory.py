"""All connections of a process: who is let in, whose turn it is, whose time is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from dictd import tally
from dictd.doors import Admission
from dictd.errors import ShuttingDown
from dictd.sections import Limits
from dictd.server.protocol import DictProtocol
from dictd.server.refused import Refused
from dictd.server.secured import Entry
from dictd.server.service import Service
from dictd.server.watch import Watch

#: Seconds after which a round of turns that were put off ends.
ROUND = 0.005

#: As what those are counted who are not let in.
_COUNTED = {
    Admission.FULL: tally.CONNECTIONS,
    Admission.NETWORK_FULL: tally.NETWORK,
    Admission.TOO_FAST: tally.NEW,
    Admission.BANNED: tally.BANNED,
}


class Arriving(Protocol):
    """A connection of which it is not yet known whose it is."""

    def cut(self) -> None:
        """Close without a word."""


@define(eq=False)
class DictFactory(Factory):
    """Makes connections, counts them, and looks each second whose time is over.

    :param clock: a reactor or a ``Clock``.
    :ivar arriving: connections of proxies that are still to say whom they bring: a worker that
        retires waits for them, one that stops cuts them.
    :ivar watch: whoever looks on, if anybody does.
    :ivar farewell: what those are told who are connected when it drains.
    :ivar at_round_end: the reactor's, if it has one: see :class:`dictd.processes.reactor.Reactor`.
    """

    service: Service
    clock: Any
    connections: set[DictProtocol] = field(factory=set, init=False)
    arriving: set[Arriving] = field(factory=set, init=False)
    at_round_end: Callable[[Callable[[], None]], None] | None = field(init=False)
    limits: Limits = field(init=False)
    watch: Watch | None = field(default=None, init=False)
    _made: int = field(default=0, init=False)
    _sweep: Any = field(default=None, init=False)
    _turns: deque[Callable[[], None]] = field(factory=deque, init=False)
    _round_due: bool = field(default=False, init=False)
    farewell: type[ShuttingDown] = field(default=ShuttingDown, init=False)
    _emptied: list[Deferred[None]] = field(factory=list, init=False)
    noisy = False
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self.limits = self.service.settings.limits
        self.at_round_end = getattr(self.clock, "at_round_end", None)

    def doStart(self) -> None:
        if self._sweep is None:
            self._sweep = self.clock.callLater(1, self._look)
        super().doStart()

    def buildProtocol(self, addr: IAddress | None) -> DictProtocol | Refused:  # type: ignore[override]
        return self.come(getattr(addr, "host", None) or "unix")

    def come(self, host: str, entry: Entry = Entry.PLAIN) -> DictProtocol | Refused:
        """Somebody is at the doors.

        :param host: where the client is, which need not be where the connection comes from; ``unix``: by
            a unix socket.
        """
        service = self.service
        peer = service.peer(host)
        counts = service.tally.of(tally.DICT if entry is Entry.PLAIN else tally.DICTS)
        admission = service.doors.admit(peer, self.clock.seconds())
        if not admission.inside:
            counts.refused(_COUNTED[admission])
            self.log.info("a connection from {host} is refused: {why}", host=peer.host, why=admission.name.lower())
            return Refused(admission, entry is Entry.TLS)
        protocol = DictProtocol(service, peer, entry, reserved=admission is Admission.RESERVED)
        protocol.factory = self
        self._made += 1
        protocol.serial = self._made
        protocol.since = self.clock.seconds()
        protocol.session.counts = counts
        self.connections.add(protocol)
        protocol.session.counts.come()
        if self.watch is not None:
            self.watch.came(protocol)
        return protocol

    def gone(self, protocol: DictProtocol) -> None:
        """A connection is closed."""
        self.connections.discard(protocol)
        self.service.doors.leave(protocol.peer)
        protocol.session.counts.gone()
        if self.watch is not None:
            self.watch.gone(protocol)
        self._perhaps_empty()

    def arrived(self, one: Arriving) -> None:
        """It is known whose connection it is, or it is closed."""
        self.arriving.discard(one)
        self._perhaps_empty()

    @property
    def _empty(self) -> bool:
        return not (self.connections or self.arriving)

    def _perhaps_empty(self) -> None:
        if self._empty:
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
        for one in list(self.arriving):
            one.cut()
        for protocol in list(self.connections):
            protocol.drain()
        return self.emptied()

    def emptied(self) -> Deferred[None]:
        """Fires when nobody is connected."""
        empty: Deferred[None] = Deferred(canceller=lambda _: None)
        if self._empty:
            empty.callback(None)
        else:
            self._emptied.append(empty)
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
