"""The line protocol on a socket: order, back-pressure, time-outs, one way to close.

The protocol only feeds and drains: framing cuts what comes, the session
answers, one write takes the answers of a turn away.
"""

from __future__ import annotations

import math
import socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from dictd.errors import DictError, IdleTooLong, LineTooLong, ShuttingDown, Unavailable
from dictd.limits import Peer
from dictd.server.service import Service
from dictd.server.session import Held, Session
from dictd.wire import replies
from dictd.wire.framing import MAX_LINE, Framing
from dictd.wire.replies import Reply

if TYPE_CHECKING:
    from dictd.server.factory import DictFactory

#: Lines answered in one turn of the reactor, so that nobody else waits long.
LINES_A_TURN = 64
#: Answers are joined up to this many bytes, then written, and the turn ends.
PIECE = 1 << 16
#: Seconds after which a turn ends.
TURN = 0.002
#: Lines that are answered as they come; more wait for their turn.
_AT_ONCE = 16
#: Lines that wait to be answered before reading stops.
_MOST_WAITING = 4 * LINES_A_TURN
#: How long a closing connection is read until the peer closes too, seconds.
_LINGER = 2.0

_DONE = Failure(ConnectionDone())
_TOO_LONG = replies.error(LineTooLong())
_NO_HTTP = replies.status(500, "this is a DICT server, it does not speak HTTP")
_FULL = replies.error(Unavailable("too many connections, please try again soon"))


@implementer(IHalfCloseableProtocol, IPushProducer)
class DictProtocol(LineReceiver):
    """One connection.

    :ivar deadline: when the factory's sweep calls :meth:`timed_out`, seconds of the factory's clock.
    """

    MAX_LENGTH = MAX_LINE
    log = Logger()

    factory: DictFactory

    def __init__(self, service: Service, peer: Peer, admitted: bool = True) -> None:
        self.session = Session(service, peer)
        self.peer = peer
        self.admitted = admitted
        self.deadline = math.inf
        self._framing = Framing()
        self._send: Callable[[bytes], int] | None = None  # straight to the socket, where there is a plain one
        self._out: list[bytes] = []  # leaves at the end of this round of the reactor
        self._lines: deque[bytes | None] = deque()
        self._first = True
        self._begun = False  # a line has begun whose end has not come
        self._waiting = False  # an answer is on its way; the next line must not overtake it
        self._slow = False  # the client does not read as fast as it asks
        self._reading = True
        self._turn_scheduled = False
        self._ended = False  # the client will send no more
        self._draining = False  # the server stops
        self._closing = False
        self._flushed = False  # our half is closed

    # From the transport -------------------------------------------------------

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if isinstance(transport, Connection):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
            if not transport.TLS:
                self._send = transport.socket.send
        transport.registerProducer(self, True)
        self._touch()
        if not self.admitted:
            self._write(_FULL.last)
            self.close()
            return
        # Alone and before anything is read: clients look at one line a wake-up.
        self._write(self.factory.service.banner(self.session.message_id))

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            return
        lines = self._framing.feed(data)
        if lines:
            self._lines.extend(lines)
            if len(self._lines) > _AT_ONCE:
                if not self._waiting and not self._slow:
                    self._schedule_turn()  # those who ask one thing go first
            elif not self._waiting and not self._slow and not self._turn_scheduled:
                self._turn()
            if len(self._lines) > _MOST_WAITING:
                self._stop_reading()
            self._touch()
        elif not self._begun:
            self._touch()

    def readConnectionLost(self) -> None:
        """The client will send no more: answer what it has asked, then close."""
        self._ended = True
        if self._flushed and self._send is not None:
            self.transport.connectionLost(_DONE)  # type: ignore[union-attr]  # as the reactor does, a round earlier
        elif self._closing:
            self.transport.loseConnection()  # type: ignore[union-attr]
        elif not self._lines and not self._waiting:
            self.close()

    def writeConnectionLost(self) -> None:
        """Our half is closed: everything was sent."""
        self._flushed = True
        self.deadline = self.factory.clock.seconds() + _LINGER

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._closing = True
        self._lines.clear()
        self._out.clear()
        self.session.closed()
        self.factory.gone(self)

    def pauseProducing(self) -> None:
        """The transport holds 64 KiB that the client has not read."""
        self._slow = True

    def resumeProducing(self) -> None:
        self._slow = False
        self._touch()
        if not self._waiting:
            self._go_on()

    def stopProducing(self) -> None:
        """The connection is gone; ``connectionLost`` does the rest."""

    # Lines to answers -----------------------------------------------------------

    def _turn(self) -> None:
        """Answer up to 64 lines, in order, and write what they gave."""
        out: list[bytes] = []
        size = 0
        lines = self._lines
        end = self.factory.clock.seconds() + TURN if len(lines) > 1 else 0.0
        for _ in range(min(LINES_A_TURN, len(lines))):
            line = lines.popleft()
            answer: Any = self._answer(line)
            if type(answer) is Reply:
                out += (answer.head, answer.last)
                size += len(answer.head)
            elif type(answer) is Held:
                out.append(answer.reply.head)
                size += len(answer.reply.head)
                self._await(answer.last(), out)
            else:
                self._await(Deferred.fromCoroutine(answer).addCallback(_whole), out)
            if self._waiting:
                break
            if self.session.leaving:
                lines.clear()
                self._write(b"".join(out))
                self.close()
                return
            if size >= PIECE or self.factory.clock.seconds() > end:
                break
        if out:
            self._write(b"".join(out))
        if lines or self._ended or self._draining or not self._reading:
            self._go_on()

    def _go_on(self) -> None:
        """After a turn: another one, more input, or the end."""
        if self._closing or self._waiting:
            return
        if self._lines:
            if not self._slow:
                self._schedule_turn()
        elif self._draining:
            self.turn_away(ShuttingDown())
        elif self._ended:
            self.close()
        elif not self._reading:
            self._reading = True
            self._touch()
            self.transport.resumeProducing()  # type: ignore[union-attr]

    def _answer(self, line: bytes | None) -> Any:
        if self._first:
            self._first = False
            if line is None or _is_http(line):
                # Perhaps a browser was led here; it must not be able to say anything.
                self.session.leaving = True
                return _TOO_LONG if line is None else _NO_HTTP
        return _TOO_LONG if line is None else self.session.answer(line)

    def _await(self, ending: Deferred[bytes], out: list[bytes]) -> None:
        """What ends this answer may come later; no other answer overtakes it.

        If it is there already it joins what the turn has to write.
        """
        late = False

        def arrived(data: bytes) -> None:
            if late:
                self._arrived(data)
            else:
                out.append(data)

        before = len(out)
        ending.addErrback(self._broken)
        ending.addCallback(arrived)
        late = self._waiting = len(out) == before

    def _arrived(self, reply: bytes) -> None:
        self._waiting = False
        if self._closing:
            return
        self._write(reply)
        self._touch()
        self._go_on()

    def _broken(self, failure: Failure) -> bytes:
        self.log.failure("an answer was lost", failure=failure)
        return replies.error(Unavailable()).last

    def _schedule_turn(self) -> None:
        if not self._turn_scheduled:
            self._turn_scheduled = True
            self.factory.put_off(self.scheduled_turn)

    def scheduled_turn(self) -> None:
        """The turn that was put off."""
        self._turn_scheduled = False
        if not self._closing and not self._slow:
            self._turn()

    def _stop_reading(self) -> None:
        if self._reading and not self._closing:
            self._reading = False
            self.transport.pauseProducing()  # type: ignore[union-attr]

    def _write(self, data: bytes) -> None:
        """Send, with what else leaves in this round of the reactor, if it has rounds."""
        at_round_end = self.factory.at_round_end
        if at_round_end is None or self._send is None:
            self._flush(data)
            return
        if not self._out:
            at_round_end(self._flush)
        self._out.append(data)

    def _flush(self, data: bytes = b"") -> None:
        """Send at once as far as the system takes it, the rest through the transport.

        The transport alone would wake the reactor twice for every answer, which
        costs more than the answer.
        """
        transport: Any = self.transport
        if self._out:
            data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self._out.clear()
        if not data:
            return
        if self._send is not None and not self._slow:
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                # Gone. Where reading is paused nobody would tell, and all that it asked would be answered.
                self._lines.clear()
                transport.abortConnection()
                return
            if sent == len(data):
                return
            # The transport is to say when the client has read the rest.
            self._slow = transport.producerPaused = True
            data = data[sent:]
        transport.write(data)

    # Time and the end -------------------------------------------------------------

    def _touch(self) -> None:
        """Something happened: how long may nothing happen now?"""
        if self._closing:
            return
        framing, factory = self._framing, self.factory
        # A line whose rest we do not read ourselves is not late.
        self._begun = (framing.dropping or framing.partial != b"") and self._reading and not self._slow
        self.deadline = factory.clock.seconds() + (factory.line_seconds if self._begun else factory.idle_seconds)

    def timed_out(self) -> None:
        """The deadline has passed."""
        if self._flushed:
            self.transport.loseConnection()  # type: ignore[union-attr]
        elif self._closing or self._slow:
            self.transport.abortConnection()  # type: ignore[union-attr]
        elif self._waiting:
            self._touch()  # it is we who are slow
        else:
            self.turn_away(IdleTooLong())

    def turn_away(self, trouble: DictError) -> None:
        """Say why, and close."""
        self._lines.clear()
        self._write(replies.error(trouble).last)
        self.close()

    def drain(self) -> None:
        """The server stops: answer what was asked, then say good bye."""
        if self._closing:
            return
        self._draining = True
        self._stop_reading()
        if not self._waiting and not self._slow:
            self._go_on()

    def close(self) -> None:
        """The one way out: flush, close our half, read until the peer closes, at most two seconds.

        Closing with input unread would reset the connection, and the peer would
        lose answers it has not read yet.
        """
        if self._closing:
            return
        self._flush()
        self._closing = True
        transport: Any = self.transport
        transport.unregisterProducer()
        if self._ended:
            transport.loseConnection()
            return
        if not self._reading:
            self._reading = True
            transport.resumeProducing()
        if self._send is None or self._slow:
            transport.loseWriteConnection()
            return
        # Everything was sent: the transport would wait for a round of the reactor to find that out.
        try:
            transport.socket.shutdown(socket.SHUT_WR)
        except OSError:
            transport.abortConnection()
        else:
            self.writeConnectionLost()


def _is_http(line: bytes) -> bool:
    """Whether a line looks like the first of an HTTP request."""
    parts = line.split(b" ")
    return len(parts) == 3 and parts[0].isupper() and parts[2].startswith(b"HTTP/") and parts[1] != b""


def _whole(reply: Reply) -> bytes:
    return reply.head + reply.last
