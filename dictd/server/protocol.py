"""The line protocol on a socket: order, back-pressure, time-outs, one way to close.

The protocol only feeds and drains: framing cuts what comes, the session
answers, one write takes the answers of a turn away.
"""

from __future__ import annotations

import math
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener, IPushProducer
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from dictd.errors import DictError, IdleTooLong, LoginTooLate, ShuttingDown, UnsafeStart
from dictd.limits import Peer
from dictd.server.outgoing import Outgoing
from dictd.server.secured import Entry, Secured
from dictd.server.service import Service
from dictd.server.session import Session
from dictd.server.turns import Turns
from dictd.wire import replies
from dictd.wire.framing import MAX_LINE, Framing

#: Lines that are answered as they come; more wait for their turn.
_AT_ONCE = 16
#: Lines that wait to be answered before reading stops.
_MOST_WAITING = 256
#: How long a closing connection is read until the peer closes too, seconds.
_LINGER = 2.0

_DONE = Failure(ConnectionDone())


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class DictProtocol(Turns):
    """One connection.

    :param entry: how it came in, see :class:`dictd.server.secured.Entry`.
    :ivar since: when it was let in, seconds of the factory's clock.
    :ivar deadline: when the factory's sweep calls :meth:`timed_out`, seconds of the factory's clock.
    """

    MAX_LENGTH = MAX_LINE

    def __init__(self, service: Service, peer: Peer, entry: Entry = Entry.PLAIN, reserved: bool = False) -> None:
        super().__init__(Session(service, peer, secure=entry is not Entry.PLAIN, reserved=reserved))
        self.peer = peer
        self._entry = entry
        self.deadline = math.inf
        self.since = 0.0
        self._framing = Framing(service.settings.limits.line_octets)
        self._begun = False  # a line has begun whose end has not come
        self._login_by = math.inf
        self._handshaking = False
        self._flushed = False  # our half is closed

    # From the transport -------------------------------------------------------

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if isinstance(transport, Connection):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        self._outgoing = Outgoing(transport, self.factory.at_round_end, self._lines.clear, self._touch)
        transport.registerProducer(self, True)
        if self.session.reserved:
            self._login_by = self.factory.clock.seconds() + self.factory.limits.login_seconds
        self._touch()
        if self._entry is Entry.TLS:
            self._begin_tls()
        else:
            self._welcome()

    def _welcome(self) -> None:
        # Alone and before anything is read: clients look at one line a wake-up.
        self._outgoing.write(self.factory.service.banner(self.session.message_id, self.session.may_start_tls))

    def dataReceived(self, data: bytes) -> None:
        if self.closing:
            return
        lines = self._framing.feed(data)
        now: float | None = None
        if lines:
            self._lines.extend(lines)
            if len(self._lines) > _AT_ONCE:
                if not self._waiting and not self._outgoing.slow:
                    self._schedule_turn()  # those who ask one thing go first
            elif not self._waiting and not self._outgoing.slow and not self._turn_scheduled:
                now = self._turn()
            if len(self._lines) > _MOST_WAITING or (self._outgoing.slow and self._lines):
                self.stop_reading()
            self._touch(now)
        elif not self._begun:
            self._touch()

    def _begin_tls(self) -> None:
        context = self.factory.service.tls
        if context is None:  # systemd can open a port that the settings do not know
            self.cut()
            return
        self._handshaking = True
        self.deadline = self.factory.clock.seconds() + self.factory.limits.line_seconds
        Secured(self, self._outgoing, context).take(self.transport)

    def _start_tls(self, out: list[bytes]) -> None:
        """STARTTLS: a new beginning. What somebody put behind the line, perhaps on the way, is not heard."""
        trouble: DictError | None = None
        if self._lines or self._framing.partial:
            trouble = UnsafeStart()
        elif self._draining or self._ended:
            trouble = ShuttingDown()
        if trouble is not None:
            out[-1] = replies.error(trouble).last
            self._lines.clear()
            self._outgoing.write(b"".join(out))
            self.close()
            return
        self._outgoing.write(b"".join(out))
        self.session.closed()
        self.session = self.session.secured()
        self._first = True
        self._begin_tls()
        if not self._reading:
            self._reading = True
            self.transport.resumeProducing()  # type: ignore[union-attr]

    def handshakeCompleted(self) -> None:
        """TLS is there: on a port of its own the banner comes now; after STARTTLS there was one."""
        self._handshaking = False
        self._touch()
        if self._entry is Entry.TLS:
            self._welcome()

    def readConnectionLost(self) -> None:
        """The client will send no more: answer what it has asked, then close."""
        self._ended = True
        if self._flushed and self._outgoing.straight:
            self.transport.connectionLost(_DONE)  # type: ignore[union-attr]  # as the reactor does, a round earlier
        elif self.closing:
            self.transport.loseConnection()  # type: ignore[union-attr]
        elif not self._lines and not self._waiting:
            self.close()

    def writeConnectionLost(self) -> None:
        """Our half is closed: everything was sent."""
        self._flushed = True
        self.deadline = self.factory.clock.seconds() + _LINGER

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.closing = True
        self._lines.clear()
        self._outgoing.forget()
        self.session.closed()
        self.factory.gone(self)

    def pauseProducing(self) -> None:
        """The transport holds as much as it may that the client has not read."""
        self._outgoing.slow = True
        self._touch()

    def resumeProducing(self) -> None:
        self._outgoing.taken()
        self._touch()
        if not self._waiting:
            self._go_on()

    def stopProducing(self) -> None:
        """The connection is gone; ``connectionLost`` does the rest."""

    # Time and the end -------------------------------------------------------------

    def _touch(self, now: float | None = None) -> None:
        """Something happened: how long may nothing happen now?

        :param now: seconds of the factory's clock, where they are known.
        """
        if self.closing or self._handshaking:
            return
        framing, factory = self._framing, self.factory
        # A line whose rest we do not read ourselves is not late.
        self._begun = (framing.dropping or framing.partial != b"") and self._reading and not self._outgoing.slow
        if now is None:
            now = factory.clock.seconds()
        limits = factory.limits
        if self._outgoing.slow:
            self.deadline = now  # each sweep looks whether it takes something
        elif self._begun:
            self.deadline = now + limits.line_seconds
        else:
            self.deadline = now + (limits.first_seconds if self._first else limits.idle_seconds)
        if not self.session.reserved:
            self._login_by = math.inf
        elif self._login_by < self.deadline:
            self.deadline = self._login_by

    def timed_out(self) -> None:
        """The deadline has passed."""
        now, limits = self.factory.clock.seconds(), self.factory.limits
        late = now >= self._login_by
        if self._flushed:
            self.transport.loseConnection()  # type: ignore[union-attr]
        elif (
            self._outgoing.slow
            and not (late or self._handshaking)
            and self._outgoing.stuck(now) < limits.unread_seconds
        ):
            self.deadline = now
        elif self.closing or self._outgoing.slow or self._handshaking:
            self.transport.abortConnection()  # type: ignore[union-attr]
        elif self._waiting:
            self._touch()  # it is we who are slow
        elif late:
            self.turn_away(LoginTooLate())
        else:
            self.turn_away(IdleTooLong())

    def turn_away(self, trouble: DictError) -> None:
        """Say why, and close."""
        if self._handshaking:
            self.cut()
            return
        self._lines.clear()
        last = replies.error(trouble).last
        self._outgoing.write(last)
        if self.factory.watch is not None:
            self.factory.watch.told(self, last)
        self.close()

    def drain(self) -> None:
        """The server stops: answer what was asked, then say good bye."""
        if self.closing:
            return
        self._draining = True
        self.stop_reading()
        if not self._waiting and not self._outgoing.slow:
            self._go_on()

    def cut(self) -> None:
        """Close without a word."""
        if not self.closing:
            self.closing = True
            self._lines.clear()
            self.transport.unregisterProducer()  # type: ignore[union-attr]
            self.transport.loseConnection()  # type: ignore[union-attr]

    def close(self) -> None:
        """The one way out: flush, close our half, read until the peer closes, at most two seconds.

        Closing with input unread would reset the connection, and the peer would
        lose answers it has not read yet.
        """
        if self.closing:
            return
        self._outgoing.last()
        self.closing = True
        transport: Any = self.transport
        transport.unregisterProducer()
        if self._ended:
            transport.loseConnection()
            return
        if not self._reading:
            self._reading = True
            transport.resumeProducing()
        if self._outgoing.end():
            self.writeConnectionLost()
