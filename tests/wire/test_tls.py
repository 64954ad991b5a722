"""One side of TLS in memory, against the other side."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.wire.tls import Channel
from tests.support.certificates import made, trusting


class Sides(SynchronousTestCase):
    """A server's side and a client's."""

    def setUp(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*made(Path(self.mktemp()).absolute()))
        self.channel = Channel(context)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trusting().wrap_bio(self.incoming, self.outgoing)

    def shake(self) -> None:
        """The handshake."""
        while not self.channel.open:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
            self.assertEqual(self.channel.received(self.outgoing.read()), b"")
            self.incoming.write(self.channel.pending())

    def test_nothing_in_the_clear(self) -> None:
        """Before the handshake is done nothing leaves, whatever is to be sealed."""
        self.assertEqual(self.channel.sealed(b"secret"), b"")
        self.assertEqual(self.channel.goodbye(), b"")
        self.shake()
        sealed = self.channel.sealed(b"secret")
        self.assertNotIn(b"secret", sealed)
        self.incoming.write(sealed)
        self.assertEqual(self.client.read(), b"secret")

    def test_many_records(self) -> None:
        """More than a record holds, both ways, in one piece."""
        self.shake()
        data = bytes(range(256)) * 1000
        self.incoming.write(self.channel.sealed(data))
        read = b""
        while len(read) < len(data):
            read += self.client.read(1 << 16)
        self.assertEqual(read, data)
        sent = 0
        while sent < len(data):
            sent += self.client.write(data[sent:])
        self.assertEqual(self.channel.received(self.outgoing.read()), data)

    def test_half_a_record(self) -> None:
        """It is kept until the rest comes."""
        self.shake()
        self.client.write(b"STATUS\r\n")
        record = self.outgoing.read()
        self.assertEqual(self.channel.received(record[:-1]), b"")
        self.assertEqual(self.channel.received(record[-1:]), b"STATUS\r\n")

    def test_end(self) -> None:
        """What the client has said before its goodbye is heard; the server can still answer and say goodbye."""
        self.shake()
        self.client.write(b"STATUS\r\n")
        with self.assertRaises(ssl.SSLWantReadError):
            self.client.unwrap()
        self.assertEqual(self.channel.received(self.outgoing.read()), b"STATUS\r\n")
        self.assertTrue(self.channel.ended)
        self.incoming.write(self.channel.sealed(b"210 fine\r\n") + self.channel.goodbye())
        self.assertEqual(self.client.read(), b"210 fine\r\n")
        with self.assertRaises(ssl.SSLZeroReturnError):
            self.client.read()
