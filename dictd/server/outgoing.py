"""What leaves by a connection: answers of a round together, straight to the socket."""

from __future__ import annotations

import fcntl
import socket
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.tcp import Connection

from dictd.wire.tls import Channel


class Outgoing:
    """The way out of one connection.

    The transport alone would wake the reactor twice for every answer, which
    costs more than the answer; so the socket is asked first, and the transport
    has only what it did not take.

    :param at_round_end: the reactor's, if it has rounds: see :class:`dictd.processes.reactor.Reactor`.
    :param gone: called when nobody is there any more; the transport says so only later.
    :param slowed: called when the client begins to be slow.
    :ivar slow: the client has not read what there is; nothing more should be made.
    :ivar straight: there is a socket.
    """

    def __init__(
        self,
        transport: Any,
        at_round_end: Callable[[Callable[[], None]], None] | None,
        gone: Callable[[], None],
        slowed: Callable[[], None],
    ) -> None:
        self.slow = False
        self.straight = isinstance(transport, Connection)
        self._transport = transport
        self._send: Callable[[bytes], int] | None = transport.socket.send if self.straight else None
        self._at_round_end = at_round_end if self.straight else None
        self._gone = gone
        self._slowed = slowed
        self._channel: Channel | None = None
        self._unread = -1  # bytes, when they were other than before last
        self._changed = 0.0
        self._waiting: list[bytes] = []  # leaves at the end of this round of the reactor

    def write(self, data: bytes) -> None:
        """Send, with what else leaves in this round of the reactor, if it has rounds."""
        if self._at_round_end is None:
            self.flush(data)
            return
        if not self._waiting:
            self._at_round_end(self.flush)
        self._waiting.append(data)

    def flush(self, data: bytes = b"") -> None:
        """Send at once as far as the system takes it, the rest through the transport."""
        waiting = self._waiting
        if waiting:
            data = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting.clear()
        if self._channel is not None:
            data = self._channel.sealed(data)
        if data:
            self.send(data)

    def seal(self, channel: Channel) -> None:
        """From now on everything that is written leaves by TLS; what was written before leaves first, as it is."""
        self.flush()
        self._channel = channel

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        transport = self._transport
        if self._send is not None and not self.slow:
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                # Gone. Where reading is paused nobody would tell, and all that it asked would be answered.
                self._gone()
                transport.abortConnection()
                return
            if sent == len(data):
                return
            # The transport is to say when the client has read the rest.
            self.slow = transport.producerPaused = True
            data = data[sent:]
            self._slowed()
        transport.write(data)

    def taken(self) -> None:
        """The client has read what there was."""
        self.slow = False
        self._unread = -1

    def stuck(self, now: float) -> float:
        """Seconds for which a client that is slow has taken nothing, as far as looks by this tell."""
        unread = self._not_taken()
        if unread != self._unread:
            self._unread, self._changed = unread, now
        return now - self._changed

    def _not_taken(self) -> int:
        """Bytes that the client's machine has not confirmed: what the transport holds, and what the system does."""
        if not self.straight:
            return 0
        transport = self._transport
        held: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
        queued = bytearray(4)
        with suppress(OSError):
            fcntl.ioctl(transport.fileno(), termios.TIOCOUTQ, queued)
        return held + int.from_bytes(queued, sys.byteorder)

    def forget(self) -> None:
        """The connection is gone, and what waits with it."""
        self._waiting.clear()

    def last(self) -> None:
        """Send what there is, and where it is TLS that there is no more."""
        self.flush()
        if self._channel is not None and (goodbye := self._channel.goodbye()):
            self.send(goodbye)

    def end(self) -> bool:
        """Close our half, now or once the client has read the rest.

        :returns: whether it is closed; if not, the transport tells the protocol when it is.
        """
        if not self.straight or self.slow:
            self._transport.loseWriteConnection()
            return False
        # Everything was sent: the transport would wait for a round of the reactor to find that out.
        try:
            self._transport.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._transport.abortConnection()
            return False
        return True
