"""TLS between a socket and the line protocol."""

from __future__ import annotations

import ssl
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from dictd.server.outgoing import Outgoing
from dictd.wire.tls import Channel

if TYPE_CHECKING:
    from dictd.server.protocol import DictProtocol


class Entry(Enum):
    """How a client comes in.

    ``PLAIN``: in the clear. ``TLS``: the handshake comes first. ``BEHIND_TLS``: a proxy speaks TLS with it.
    """

    PLAIN = auto()
    TLS = auto()
    BEHIND_TLS = auto()


@implementer(IHalfCloseableProtocol)
class Secured(Protocol):
    """Hears for a line protocol what comes sealed; what that says leaves sealed.

    It takes the place of the protocol at the transport. The transport knows
    nothing of TLS: each end that a plain connection can have, this one has too.

    :param lines: the protocol; it is told of the handshake's end as Twisted's ``IHandshakeListener`` is.
    """

    log = Logger()

    def __init__(self, lines: DictProtocol, outgoing: Outgoing, context: ssl.SSLContext) -> None:
        self._lines = lines
        self._outgoing = outgoing
        self._channel = Channel(context)
        outgoing.seal(self._channel)

    def take(self, transport: Any) -> None:
        """Stand between a transport and its protocol from now on."""
        self.transport, self.connected = transport, 1
        transport.protocol = self

    def dataReceived(self, data: bytes) -> None:
        lines, channel = self._lines, self._channel
        if lines.closing or channel.ended:
            return  # nobody listens any more, and OpenSSL would keep it all
        was_open = channel.open
        try:
            plain = channel.received(data)
        except ssl.SSLError as trouble:
            self._failed(trouble)
            return
        if pending := channel.pending():
            self._outgoing.send(pending)
            if self._outgoing.slow:
                lines.stop_reading()  # or who asks for new keys and reads none fills our memory
        if channel.open and not was_open:
            lines.handshakeCompleted()
        if plain:
            lines.dataReceived(plain)
        if channel.ended:
            lines.readConnectionLost()

    def _failed(self, trouble: ssl.SSLError) -> None:
        self.log.debug("TLS with {host}: {trouble}", host=self._lines.peer.host, trouble=trouble.reason or trouble)
        if alert := self._channel.pending():
            self._outgoing.send(alert)
        self._lines.cut()

    def readConnectionLost(self) -> None:
        """The socket has no more."""
        self._lines.readConnectionLost()

    def writeConnectionLost(self) -> None:
        """Our half of the socket is closed."""
        self._lines.writeConnectionLost()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._lines.connectionLost(reason)
        self._channel.forget()
