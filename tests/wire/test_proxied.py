"""The header of the PROXY protocol."""

from __future__ import annotations

import socket

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.wire.proxied import LONGEST_1, LONGEST_2, BadHeader, Header, read
from tests.support.proxies import START, version_2

GOOD_1 = {
    b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 2628\r\n": ("192.0.2.7", 40000),
    b"PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\n": ("2001:db8::7", 65535),
    b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n": ("192.0.2.7", 1),
    b"PROXY UNKNOWN\r\n": ("", 0),
    b"PROXY UNKNOWN ffff:f...f:ffff whatever 65535 65535\r\n": ("", 0),
}
BAD_1 = (
    b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 2628\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 2628 \r\n",
    b"PROXY TCP4  192.0.2.7 198.51.100.1 40000 2628\r\n",
    b"PROXY TCP4 192.0.2.256 198.51.100.1 40000 2628\r\n",
    b"PROXY TCP4 192.0.2 198.51.100.1 40000 2628\r\n",
    b"PROXY TCP4 2001:db8::7 198.51.100.1 40000 2628\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.256 40000 2628\r\n",
    b"PROXY TCP4 192.0.2.7 example 40000 2628\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 2628\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 2628\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
    b"PROXY TCP6 192.0.2.7 ::1 40000 2628\r\n",
    b"PROXY TCP6 fe80::1%eth0 ::1 40000 2628\r\n",
    b"PROXY TCP6 2001:db8::7 2001:db8::g 1 2\r\n",
    b"PROXY UDP4 192.0.2.7 198.51.100.1 40000 2628\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY UNKNOWN\n",
    b"PROXY \r\n",
    b"PROXY UNKNOWN " + b"x" * LONGEST_1,
    b"proxy TCP4 192.0.2.7 198.51.100.1 40000 2628\r\n",
    b"STATUS\r\n",
    b"\x16\x03\x01\x02",
    b"\r\n\r\n\x00\r\nQUIT\r",
)


class Headers(SynchronousTestCase):
    """What is read from them, and what is refused."""

    def pieces(self, header: bytes, host: str, port: int) -> None:
        """It is read when it is whole and not before, whatever stands behind it."""
        for length in range(1, len(header)):
            self.assertIsNone(read(header[:length]), header[:length])
        for behind in (b"", b"STATUS\r\n", b"x" * 65536):
            self.assertEqual(read(header + behind), Header(host, port, len(header)))

    def test_version_1(self) -> None:
        """TCP4, TCP6 and UNKNOWN."""
        for header, (host, port) in GOOD_1.items():
            self.pieces(header, host, port)

    def test_longest_of_version_1(self) -> None:
        """107 bytes with the end, as the standard has it."""
        self.pieces(b"PROXY UNKNOWN " + b"x" * (LONGEST_1 - 16) + b"\r\n", "", 0)
        with self.assertRaises(BadHeader):
            read(b"PROXY UNKNOWN " + b"x" * (LONGEST_1 - 15) + b"\r\n")
        self.assertIsNone(read(b"PROXY UNKNOWN " + b"x" * (LONGEST_1 - 15)))

    def test_refused_version_1(self) -> None:
        """Anything else."""
        for header in BAD_1:
            with self.assertRaises(BadHeader, msg=repr(header)):
                read(header)

    def test_version_2(self) -> None:
        """Addresses of IPv4 and IPv6, with notes behind them."""
        for notes in (b"", b"\x04\x00\x01x", b"n" * 500):
            self.pieces(version_2("192.0.2.7", 40000, notes=notes), "192.0.2.7", 40000)
            self.pieces(version_2("2001:db8::7", 40000, notes=notes), "2001:db8::7", 40000)
            self.pieces(version_2("::ffff:192.0.2.7", 1, notes=notes), "192.0.2.7", 1)

    def test_proxy_for_itself(self) -> None:
        """LOCAL, whatever it tells; families that tell nothing; unix sockets."""
        self.pieces(START + b"\x20\x00\x00\x00", "", 0)
        self.pieces(version_2("192.0.2.7", 40000, command=0x20), "", 0)
        self.pieces(START + b"\x20\xff\x00\x03abc", "", 0)
        self.pieces(START + b"\x21\x00\x00\x05abcde", "", 0)
        self.pieces(START + b"\x21\x31\x00\xd8" + b"/" * 216, "", 0)

    def test_refused_version_2(self) -> None:
        """Other versions and commands, datagrams, addresses that are cut off, too much."""
        for header in (
            START + b"\x11\x11\x00\x0c" + bytes(12),
            START + b"\x22\x11\x00\x0c" + bytes(12),
            START + b"\x31\x11\x00\x0c" + bytes(12),
            START + b"\x21\x12\x00\x0c" + bytes(12),
            START + b"\x21\x22\x00\x24" + bytes(36),
            START + b"\x21\x41\x00\x24" + bytes(36),
            START + b"\x21\x11\x00\x0b" + bytes(11),
            START + b"\x21\x21\x00\x0c" + bytes(12),
            START + b"\x21\x31\x00\x0c" + bytes(12),
            START + b"\x21\x11" + (LONGEST_2 - 15).to_bytes(2, "big"),
            START + b"\x21\x11\xff\xff",
        ):
            with self.assertRaises(BadHeader, msg=repr(header)):
                read(header)

    @given(st.binary(max_size=300), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", START, START + b"\x21\x11"]))
    def test_anything(self, junk: bytes, start: bytes) -> None:
        """Whatever comes, it is a header, not yet one, or refused; a host is an address."""
        try:
            header = read(start + junk)
        except BadHeader:
            return
        if header is not None and header.host:
            socket.inet_pton(socket.AF_INET6 if ":" in header.host else socket.AF_INET, header.host)
