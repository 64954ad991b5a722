"""Other ways in than the plain port: TLS at once, and proxies that say whom they bring."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from dictd.limits import Peer
from dictd.server.factory import DictFactory
from dictd.server.protocol import DictProtocol
from dictd.server.refused import Refused
from dictd.server.secured import Entry
from dictd.wire import proxied


class _Entrance(Factory):
    """Counts and sweeps are those of the one factory behind it."""

    noisy = False

    def __init__(self, behind: DictFactory) -> None:
        self.behind = behind

    def doStart(self) -> None:
        self.behind.doStart()
        super().doStart()

    def doStop(self) -> None:
        self.behind.doStop()
        super().doStop()


class TLSEntrance(_Entrance):
    """The port where TLS begins at once."""

    def buildProtocol(self, addr: IAddress | None) -> DictProtocol | Refused:  # type: ignore[override]
        return self.behind.come(_host(addr), Entry.TLS)


class ProxyEntrance(_Entrance):
    """The port for proxies.

    :param trusted: addresses and networks of proxies; others are cut off without a byte.
    :param secure: the proxy speaks TLS with its clients.
    """

    def __init__(self, behind: DictFactory, trusted: Sequence[str], secure: bool) -> None:
        super().__init__(behind)
        self._trusted = [ipaddress.ip_network(network) for network in trusted]
        self.entry = Entry.BEHIND_TLS if secure else Entry.PLAIN

    def buildProtocol(self, addr: IAddress | None) -> ProxyHeader | None:
        host = Peer.at(_host(addr)).host
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:  # a unix socket
            return None
        if not any(address in network for network in self._trusted):
            return None
        return ProxyHeader(self, host)


class ProxyHeader(Protocol):
    """A connection of a proxy until it has said whom it brings; then that client's protocol takes it over."""

    log = Logger()

    def __init__(self, entrance: ProxyEntrance, proxy: str) -> None:
        self._entrance = entrance
        self._proxy = proxy
        self._received = b""
        self._limit: Any = None

    def connectionMade(self) -> None:
        behind = self._entrance.behind
        behind.arriving.add(self)
        self._limit = behind.clock.callLater(behind.limits.line_seconds, self._late)

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        try:
            header = proxied.read(self._received)
        except proxied.BadHeader as trouble:
            self._refuse(str(trouble))
            return
        if header is None:
            return
        transport: Any = self.transport
        protocol = self._entrance.behind.come(header.host or self._proxy, self._entrance.entry)
        self._said()
        transport.protocol = protocol
        protocol.makeConnection(transport)
        rest = self._received[header.length :]
        if rest and isinstance(protocol, DictProtocol):
            protocol.dataReceived(rest)

    def _late(self) -> None:
        self._limit = None
        self._refuse("no whole header in time")

    def _refuse(self, why: str) -> None:
        self.log.warn("the proxy at {host} is cut off: {why}", host=self._proxy, why=why)
        self.cut()

    def cut(self) -> None:
        """Close without a word."""
        self._said()
        self._received = b""
        self.transport.abortConnection()  # type: ignore[union-attr]

    def _said(self) -> None:
        self._entrance.behind.arrived(self)
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._said()


def _host(address: IAddress | None) -> str:
    return getattr(address, "host", None) or "unix"
