"""The port for proxies, in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.limits import Peer
from dictd.sections import TLS
from dictd.server.certificates import Certificates
from dictd.server.entrances import ProxyEntrance
from dictd.server.protocol import DictProtocol
from dictd.server.refused import Refused
from tests.support.certificates import made
from tests.support.house import BOOKS, Client, House, Line, final_codes, publish
from tests.support.proxies import START, version_1, version_2
from tests.support.sealed import SealedClient

FAR = "203.0.113.9"


class Proxies(SynchronousTestCase):
    """A server that trusts two proxies."""

    secure = False

    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        certificate, key = made(directory / "tls")
        self.house = House(directory)
        self.addCleanup(self.house.lexicon.close)
        self.certificates = Certificates.of(Settings(tls=TLS(certificate, key)))
        self.entrance = ProxyEntrance(self.house.factory, ("192.0.2.1", "10.0.0.0/8", "2001:db8::/64"), self.secure)

    def dial(self, host: str = "192.0.2.1") -> tuple[Any, Line]:
        """A connection of a proxy."""
        protocol = self.entrance.buildProtocol(IPv4Address("TCP", host, 40000))
        assert protocol is not None
        line = Line()
        line.protocol = protocol  # type: ignore[assignment]
        protocol.makeConnection(line)
        return protocol, line

    def brought(self, header: bytes, behind: bytes = b"") -> Client:
        """A client that a proxy brings."""
        protocol, line = self.dial()
        protocol.dataReceived(header + behind)
        self.assertIsInstance(line.protocol, DictProtocol | Refused)
        self.house.turn(3)
        return Client(line.protocol, line, self.house.clock)


class Headers(Proxies):
    """Whom a proxy brings."""

    def test_versions(self) -> None:
        """The client is who the header says, in either version; the banner comes behind the header."""
        for header in (version_1(FAR), version_2(FAR)):
            client = self.brought(header)
            self.assertEqual(client.protocol.peer, Peer.at(FAR))
            self.assertTrue(client.heard().startswith(b"220 "))
            self.assertEqual(client.codes("D wn penguin"), [250])
        client = self.brought(version_1("::ffff:203.0.113.9"))
        self.assertEqual(client.protocol.peer, Peer.at(FAR))

    def test_what_is_behind(self) -> None:
        """Lines in the same packet are the client's."""
        client = self.brought(version_1(FAR), b"STATUS\r\nSTAT")
        self.assertEqual(final_codes(client.heard().split(b"\r\n", 1)[1]), [210])
        client.send(b"US\r\n")
        self.assertEqual(final_codes(client.heard()), [210])

    def test_pieces(self) -> None:
        """Byte by byte; nothing is said before the header is whole."""
        for header in (version_1(FAR), version_2(FAR)):
            protocol, line = self.dial()
            for byte in header:
                self.assertEqual(line.value(), b"")
                protocol.dataReceived(bytes([byte]))
            self.assertTrue(line.value().startswith(b"220 "))

    def test_proxy_itself(self) -> None:
        """LOCAL and UNKNOWN: it is the proxy that asks."""
        for header in (b"PROXY UNKNOWN\r\n", START + b"\x20\x00\x00\x00", START + b"\x21\x00\x00\x00"):
            self.assertEqual(self.brought(header).protocol.peer, Peer.at("192.0.2.1"))

    def test_refused(self) -> None:
        """No header, a broken one: no byte, the end, a line in the log."""
        for sent in (
            b"STATUS\r\n",
            b"\r\nSTATUS\r\n",
            b"PROXY TCP4 a b 1 2\r\n",
            START + b"\x21\x12\x00\x0c",
            b"PROXY" + b"x" * 200,
        ):
            protocol, line = self.dial()
            with capturedLogs() as events:
                protocol.dataReceived(sent)
            self.assertTrue(line.aborted)
            self.assertEqual(line.value(), b"")
            self.assertEqual([event["log_level"] for event in events], [LogLevel.warn])
            protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.house.factory.connections, set())
        self.assertEqual(self.house.factory.arriving, set())

    def test_silent(self) -> None:
        """A header that is not whole in ten seconds ends the connection; one that is leaves no timer."""
        protocol, line = self.dial()
        for byte in version_1(FAR)[:9]:
            self.house.clock.pump([1.0])
            protocol.dataReceived(bytes([byte]))
        self.assertFalse(line.aborted)
        self.house.clock.pump([1.0, 1.0])
        self.assertTrue(line.aborted)
        before = len(self.house.clock.getDelayedCalls())
        self.brought(version_1(FAR))
        self.assertEqual(len(self.house.clock.getDelayedCalls()), before)

    def test_trusted(self) -> None:
        """Others are cut off at once, and so is who comes by a unix socket; IPv6-mapped addresses are the same."""
        built = self.entrance.buildProtocol
        for host in ("192.0.2.2", "127.0.0.1", "11.0.0.1"):
            self.assertIsNone(built(IPv4Address("TCP", host, 1)), host)
        self.assertIsNone(built(IPv6Address("TCP", "2001:db8:1::1", 1)))
        self.assertIsNone(built(UNIXAddress("")))
        for host in ("10.200.3.4", "192.0.2.1"):
            self.assertIsNotNone(built(IPv4Address("TCP", host, 1)), host)
        self.assertIsNotNone(built(IPv6Address("TCP", "2001:db8::77", 1)))
        self.assertIsNotNone(built(IPv6Address("TCP", "::ffff:192.0.2.1", 1)))

    def test_never_mixed(self) -> None:
        """On the plain port a header is an unknown command, and the client stays who it is."""
        client = self.house.welcome("192.0.2.1")
        self.assertEqual(client.codes(version_1("127.0.0.1")[:-2], "REGISTER eve password-1"), [500, 584])

    def test_second_header(self) -> None:
        """So is a second header, which the client sends."""
        client = self.brought(version_1(FAR), version_1("127.0.0.1") + b"REGISTER eve password-1\r\n")
        self.assertEqual(final_codes(client.heard()), [220, 500, 584])

    def test_limits(self) -> None:
        """Connections are counted for the client's network, not the proxy's."""
        self.house.factory.service.doors.most_of_one = 1
        first = self.brought(version_1(FAR))
        self.assertTrue(first.heard().startswith(b"220 "))
        self.assertTrue(self.brought(version_1(FAR)).heard().startswith(b"420 "))
        self.assertTrue(self.brought(version_1("203.0.113.10")).heard().startswith(b"220 "))

    def test_end_of_the_port(self) -> None:
        """A worker that retires takes no more connections, and waits for those that are still to say whose they are."""
        self.entrance.doStart()
        protocol, line = self.dial()
        self.entrance.doStop()
        self.assertFalse(line.aborted)
        empty = self.house.factory.emptied()
        self.assertNoResult(empty)
        protocol.dataReceived(version_1(FAR))
        self.assertTrue(line.value().startswith(b"220 "))
        self.assertNoResult(empty)
        line.protocol.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(empty)

    def test_nobody_comes_of_it(self) -> None:
        """One that hangs up before it has said so is not waited for."""
        protocol, _ = self.dial()
        empty = self.house.factory.emptied()
        protocol.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(empty)

    def test_end_of_the_server(self) -> None:
        """Who has not said whom it brings is cut off."""
        _, line = self.dial()
        client = self.brought(version_1(FAR))
        self.house.factory.drain()
        self.assertTrue(line.aborted)
        self.assertEqual(self.house.factory.arriving, set())
        self.assertIn(b"\r\n421 ", client.line.value())

    def test_gone(self) -> None:
        """A proxy that hangs up before leaves nothing behind."""
        before = len(self.house.clock.getDelayedCalls())
        protocol, _ = self.dial()
        protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.house.factory.arriving, set())
        self.assertEqual(len(self.house.clock.getDelayedCalls()), before)

    def test_secrets(self) -> None:
        """584 behind a proxy that does not speak TLS; a client that says STARTTLS through it is safe."""
        object.__setattr__(self.house.factory.service, "certificates", self.certificates)
        client = self.brought(version_1(FAR))
        self.assertIn(b".starttls.", client.heard())
        self.assertEqual(client.codes("REGISTER alice correct-horse"), [584])
        client.send(b"STARTTLS\r\n")
        self.assertEqual(final_codes(client.heard()), [382])
        self.assertEqual(SealedClient(client).shake().codes("REGISTER alice correct-horse"), [280])


class Secure(Proxies):
    """Proxies that speak TLS with their clients."""

    secure = True

    def test_secrets(self) -> None:
        """They may be sent; STARTTLS is not offered."""
        object.__setattr__(self.house.factory.service, "certificates", self.certificates)
        client = self.brought(version_2(FAR))
        self.assertNotIn(b"starttls", client.heard())
        self.assertEqual(client.codes("REGISTER alice correct-horse", "STARTTLS"), [280, 502])
