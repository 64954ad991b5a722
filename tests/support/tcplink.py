"""A connection through a wire: what is on its way, and where the client's packets end."""

from __future__ import annotations

import socket
from collections import deque

from attrs import Factory, define, field

#: The length of a client's request for TLS; its answer to the greeting is longer.
_TLS_REQUEST = 32


@define(eq=False)
class Way:
    """One direction of a connection.

    :ivar held: what is on its way, each piece with the monotonic time from which it may go on.
    """

    source: socket.socket
    sink: socket.socket
    held: deque[tuple[float, bytes]] = Factory(deque)
    ended: bool = False
    closed: bool = False

    def size(self) -> int:
        """Bytes on their way."""
        return sum(len(piece) for _, piece in self.held)

    def due(self) -> float | None:
        """From when on something of it may go on, if anything may."""
        if self.held:
            return self.held[0][0]
        return 0.0 if self.ended and not self.closed else None

    def send(self, now: float) -> None:
        """Pass on what is due and fits.

        :raises OSError: the other side is gone.
        """
        while self.held and self.held[0][0] <= now:
            due, piece = self.held[0]
            try:
                sent = self.sink.send(piece)
            except BlockingIOError:
                return
            if sent < len(piece):
                self.held[0] = (due, piece[sent:])
            else:
                self.held.popleft()
        if self.ended and not self.held and not self.closed:
            self.closed = True
            self.sink.shutdown(socket.SHUT_WR)


@define(eq=False)
class Link:
    """A client's connection and ours to the server.

    :ivar packets: of the client, the last of them not yet complete.
    :ivar greeted: the client has answered the server's greeting.
    :ivar unseen: TLS has begun.
    :ivar losing: its next answer is lost.
    """

    client: socket.socket
    server: socket.socket
    up: Way = field(init=False)
    down: Way = field(init=False)
    packets: bytes = b""
    greeted: bool = False
    unseen: bool = False
    losing: bool = False

    def __attrs_post_init__(self) -> None:
        self.up, self.down = Way(self.client, self.server), Way(self.server, self.client)

    def packet(self) -> bytes | None:
        """The client's next complete packet, or all there is once TLS has begun."""
        length = len(self.packets) if self.unseen else 4 + int.from_bytes(self.packets[:3], "little")
        if not self.packets or len(self.packets) < length:
            return None
        packet, self.packets = self.packets[:length], self.packets[length:]
        if not self.greeted:
            self.greeted, self.unseen = True, length == 4 + _TLS_REQUEST
        return packet
