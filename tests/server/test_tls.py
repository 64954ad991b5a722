"""TLS and STARTTLS, in memory."""

from __future__ import annotations

import gc
import hashlib
import ssl
import weakref
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from dictd.config import Settings
from dictd.model import User
from dictd.server.certificates import Certificates
from dictd.server.entrances import TLSEntrance
from dictd.server.protocol import DictProtocol
from dictd.server.session import Session
from tests.store.databases import count_ids
from tests.support.certificates import made, trusting
from tests.support.house import BOOKS, Client, House, Line, final_codes, publish
from tests.support.sealed import SealedClient

FAR = "192.0.2.7"


class Sealed(SynchronousTestCase):
    """A server with two dictionaries and a certificate."""

    settings = Settings()

    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        certificate, key = made(directory / "tls")
        self.settings = evolve(self.settings, tls=evolve(self.settings.tls, certificate=certificate, key=key))
        self.house = House(directory, self.settings, certificates=Certificates.of(self.settings))
        self.addCleanup(self.house.lexicon.close)

    def dial(self, host: str = FAR) -> Client:
        """A connection to the TLS port."""
        protocol: Any = TLSEntrance(self.house.factory).buildProtocol(IPv4Address("TCP", host, 40000))
        line = Line()
        line.protocol = protocol
        protocol.makeConnection(line)
        return Client(protocol, line, self.house.clock)

    def sealed(self, host: str = FAR) -> SealedClient:
        """A client of the TLS port that has read its banner."""
        client = SealedClient(self.dial(host)).shake()
        self.assertTrue(client.heard().startswith(b"220 "))
        return client

    def started(self, client: Client | None = None) -> SealedClient:
        """A client that has said STARTTLS."""
        client = client or self.house.welcome(FAR)
        self.assertEqual(client.ask("STARTTLS"), "382 go on with TLS\n")
        return SealedClient(client).shake()


class Port(Sealed):
    """The port where TLS begins at once."""

    def test_banner_after_the_handshake(self) -> None:
        """Nothing is said before; then the banner, which does not offer STARTTLS."""
        client = self.dial()
        verifyObject(IHandshakeListener, client.protocol)
        self.assertEqual(client.heard(), b"")
        self.assertRegex(
            SealedClient(client).shake().heard(), rb"^220 [^\r]* <auth\.mime\.xaccount\.xhistory> <[^\r]*\r\n$"
        )

    def test_dialogue(self) -> None:
        """What is asked in one piece with the end of the handshake and after it is answered in order."""
        client = self.sealed()
        self.assertEqual(client.codes("D wn penguin", "FOO", "M wn . p"), [250, 500, 250])
        self.assertEqual(client.codes("REGISTER alice correct-horse", "WHOAMI"), [280, 285])

    def test_bytes_one_by_one(self) -> None:
        """However the stream is cut."""
        client = self.sealed()
        client.tls.write(b"D wn penguin\r\nSTATUS\r\n")
        for byte in client._outgoing.read():
            client.pass_on(bytes([byte]))
        self.assertEqual(final_codes(client.heard()), [250, 210])

    def test_large_answers(self) -> None:
        """More than a record holds."""
        client = self.sealed()
        client.send(b"D wn long\r\n" * 60)
        self.assertEqual(final_codes(client.heard()), [250] * 60)

    def test_no_tls_in_tls(self) -> None:
        """STARTTLS is 502 there, and HELP does not list it."""
        client = self.sealed()
        client.send(b"STARTTLS\r\nHELP\r\n")
        heard = client.heard()
        self.assertTrue(heard.startswith(b"502 this connection has TLS already\r\n113 "), heard)
        self.assertNotIn(b"STARTTLS", heard)

    def test_versions(self) -> None:
        """TLS 1.1 and less is refused; where the settings say 1.3 so is 1.2."""
        old = trusting()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(ssl.SSLError):
            SealedClient(self.dial(), old).shake()
        second = trusting()
        second.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assertEqual(SealedClient(self.dial(), second).shake().tls.version(), "TLSv1.2")
        settings = evolve(self.settings, tls=evolve(self.settings.tls, minimum="1.3"))
        self.house.certificates = Certificates.of(settings)
        object.__setattr__(self.house.factory.service, "certificates", self.house.certificates)
        with self.assertRaises(ssl.SSLError):
            SealedClient(self.dial(), second).shake()
        self.assertEqual(SealedClient(self.dial()).shake().tls.version(), "TLSv1.3")

    def test_ciphers(self) -> None:
        """All keep what was said secret when the key is stolen later, and none is older than AEAD."""
        assert self.house.certificates is not None
        context: Any = self.house.certificates.context
        for cipher in context.get_ciphers():
            self.assertTrue(cipher["aead"], cipher)
            self.assertRegex(cipher["name"], "^(TLS|ECDHE)")

    def test_no_renegotiation(self) -> None:
        """Nor compression."""
        assert self.house.certificates is not None
        context: Any = self.house.certificates.context
        options = context.options
        self.assertTrue(options & ssl.OP_NO_RENEGOTIATION)
        self.assertTrue(options & ssl.OP_NO_COMPRESSION)

    def test_no_room(self) -> None:
        """One more than there may be is cut off before a handshake."""
        self.house.factory.service.doors.most = 0
        client = self.dial()
        self.assertTrue(client.line.disconnecting)
        self.assertEqual(client.heard(), b"")

    def test_no_certificate(self) -> None:
        """A TLS port that systemd opened without one lets nobody in."""
        object.__setattr__(self.house.factory.service, "certificates", None)
        client = self.dial()
        self.assertTrue(client.line.disconnecting)
        self.assertEqual(client.heard(), b"")


class Broken(Sealed):
    """Handshakes that come to nothing, and streams that go wrong."""

    def test_plain_text(self) -> None:
        """Who speaks plainly is not understood, hears an alert and is cut off."""
        client = self.dial()
        client.protocol.transport.protocol.dataReceived(b"REGISTER eve password-1\r\n")  # type: ignore[union-attr]
        self.assertTrue(client.line.disconnecting)
        self.assertEqual(self.house.pool.connection.execute("SELECT count(*) FROM user").fetchone(), (0,))

    def test_stopped(self) -> None:
        """A handshake that stops is cut off after ten seconds, also one that drips."""
        for sent in (0, 1, 100):
            client = SealedClient(self.dial())
            hello = client.begin()
            client.line.protocol.dataReceived(hello[:sent])
            for second in range(9):
                self.house.clock.pump([1.0])
                client.line.protocol.dataReceived(hello[sent + second : sent + second + 1])
            self.assertFalse(client.line.aborted)
            self.house.clock.pump([1.0, 1.0])
            self.assertTrue(client.line.aborted)
            self.assertEqual(client.client.heard(), b"")

    def test_nothing_is_said_in_it(self) -> None:
        """The server stops during a handshake: no word, above all no plain one."""
        client = SealedClient(self.dial())
        client.pass_on(client.begin())
        client.client.heard()
        self.house.factory.drain()
        self.assertTrue(client.line.disconnecting)
        self.assertEqual(client.client.heard(), b"")

    def test_gone_in_it(self) -> None:
        """The client hangs up."""
        client = self.dial()
        client.line.protocol.readConnectionLost()
        self.assertTrue(client.line.disconnecting)

    def test_meddled_with(self) -> None:
        """A record that somebody has changed ends the connection; its line is not heard."""
        client = self.sealed()
        client.tls.write(b"REGISTER eve password-1\r\n")
        record = bytearray(client._outgoing.read())
        record[-1] ^= 1
        client.pass_on(bytes(record))
        self.assertTrue(client.line.disconnecting)
        self.assertEqual(self.house.pool.connection.execute("SELECT count(*) FROM user").fetchone(), (0,))

    def test_nothing_is_heard_after_that(self) -> None:
        """Nor is what follows."""
        client = self.sealed()
        client.pass_on(b"junk that is no record at all\r\n")
        client.send(b"STATUS\r\n")
        self.assertEqual(self.house.factory.service.tally.commands(), 0)

    def test_new_keys_for_one_that_does_not_read(self) -> None:
        """What TLS itself has to answer stops reading where the client takes nothing."""
        client = self.sealed()
        client.client.protocol.pauseProducing()
        secured = client.line.protocol
        self.patch(secured._channel, "pending", lambda: b"x")
        client.send(b"S")
        self.assertEqual(client.line.producerState, "paused")
        client.client.protocol.resumeProducing()
        self.assertEqual(client.line.producerState, "producing")


class Closing(Sealed):
    """Every way out, sealed."""

    def test_quit_with_more_behind(self) -> None:
        """All answers, the end of TLS, our half closed; what follows is dropped."""
        client = self.sealed()
        client.send(b"D wn penguin\r\nQUIT\r\nSTATUS\r\n")
        self.assertEqual(final_codes(client.heard()), [250, 221])
        self.assertTrue(client.told_goodbye)
        self.assertTrue(client.line.half_closed)
        client.pass_on(b"whatever" * 1000)
        self.assertEqual(client.client.heard(), b"")  # an alert here would reset the connection
        self.assertFalse(client.line.aborted)

    def test_lingering(self) -> None:
        """Two seconds for the client to close."""
        client = self.sealed()
        client.send(b"QUIT\r\n")
        self.house.clock.pump([1.0])
        self.assertFalse(client.line.disconnecting)
        self.house.clock.pump([1.0, 1.0])
        self.assertTrue(client.line.disconnecting)

    def test_client_has_no_more(self) -> None:
        """Who says so (close_notify) behind its lines gets their answers, then the end."""
        client = self.sealed()
        client.tls.write(b"D wn penguin\r\nSTATUS\r\nSTAT")
        client.pass_on(client._outgoing.read() + client.close())
        self.assertEqual(final_codes(client.heard()), [250, 210])
        self.assertTrue(client.told_goodbye)
        self.assertTrue(client.line.disconnecting)

    def test_flood_behind_the_end(self) -> None:
        """What comes behind close_notify is dropped, also while answers are still to come."""
        client = self.sealed()
        client.client.protocol.pauseProducing()
        client.send(b"STATUS\r\n")
        client.pass_on(client.close())
        client.pass_on(b"whatever" * 1000)
        self.assertEqual(client.line.protocol._channel._incoming.pending, 0)
        client.client.protocol.resumeProducing()
        self.house.clock.pump([0.0, 0.0])
        self.assertEqual(final_codes(client.heard()), [210])
        self.assertTrue(client.told_goodbye)

    def test_end_of_input_without_a_word(self) -> None:
        """The same where the socket ends first."""
        client = self.sealed()
        client.send(b"D wn penguin\r\n")
        client.line.protocol.readConnectionLost()
        self.assertEqual(final_codes(client.heard()), [250])
        self.assertTrue(client.line.disconnecting)

    def test_memory(self) -> None:
        """What OpenSSL holds for a connection goes with it, and does not wait for the collector of garbage."""
        client = self.sealed()
        held = weakref.ref(client.line.protocol._channel._tls)
        gc.disable()
        self.addCleanup(gc.enable)
        client.line.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertIsNone(held())
        self.assertEqual(client.client.heard(), b"")

    def test_idle(self) -> None:
        """421 after 600 s, sealed."""
        client = self.sealed()
        self.house.clock.pump([1.0] * 602)
        self.assertEqual(final_codes(client.heard()), [421])
        self.assertTrue(client.line.half_closed)

    def test_stopping(self) -> None:
        """A server that stops says so, sealed."""
        client = self.sealed()
        self.house.factory.drain()
        self.assertEqual(final_codes(client.heard()), [421])


class StartTLS(Sealed):
    """STARTTLS on the plain port."""

    def test_offered(self) -> None:
        """The banner names it and HELP lists it, where there is a certificate."""
        client = self.house.connect(FAR)
        self.assertIn(b" <auth.mime.starttls.xaccount.xhistory> ", client.heard())
        self.assertIn("\nSTARTTLS ", client.ask("HELP"))
        self.assertEqual(client.codes("STARTTLS now", "STARTTLS \x00", "STATUS"), [501, 501, 210])

    def test_not_offered(self) -> None:
        """Without one it is 502 and not listed."""
        object.__setattr__(self.house.factory.service, "certificates", None)
        client = self.house.connect(FAR)
        self.assertIn(b" <auth.mime.xaccount.xhistory> ", client.heard())
        self.assertNotIn("STARTTLS", client.ask("HELP"))
        self.assertEqual(client.codes("STARTTLS", "STARTTLS now", "STATUS"), [502, 502, 210])

    def test_goes_on(self) -> None:
        """382, the handshake, no second banner, and then as before."""
        client = self.started()
        self.assertEqual(client.heard(), b"")
        self.assertEqual(client.codes("D wn penguin", "STARTTLS"), [250, 502])

    def test_behind_other_lines(self) -> None:
        """What was asked before it in one packet is answered before 382, in the clear."""
        client = self.house.welcome(FAR)
        client.send(b"D wn penguin\r\nSTATUS\r\nSTARTTLS\r\n")
        self.assertEqual(final_codes(client.heard()), [250, 210, 382])
        self.assertEqual(SealedClient(client).shake().codes("STATUS"), [210])

    def test_nothing_survives(self) -> None:
        """Who was logged in is not, and no option stays."""
        client = self.house.member("alice", "127.0.0.1")
        client.codes("OPTION HTML")
        before = client.protocol.session
        self.assertIsNotNone(before.user)
        sealed = self.started(client)
        after = client.protocol.session
        self.assertIsNone(before.user)
        fresh = Session(before.service, before.peer, secure=True)
        for name in Session.__slots__:
            if name not in ("message_id", "__weakref__"):
                self.assertEqual(getattr(after, name), getattr(fresh, name), name)
        sealed.send(b"WHOAMI\r\nD jargon penguin\r\n")
        heard = sealed.heard()
        self.assertTrue(heard.startswith(b"285 you are not logged in\r\n"))
        self.assertNotIn(b"Content-type", heard)

    def test_injected(self) -> None:
        """Whatever stands behind STARTTLS in what was received: 503, the end, and none of it was done."""
        for behind in (
            b"REGISTER eve password-1\r\n",
            b"REGISTER eve password-1\r\n" * 300,
            b"R",
            b"\n",
            b"\x16\x03\x01",
            b"x" * 7000,
        ):
            client = self.house.welcome()
            client.send(b"STATUS\r\nSTARTTLS\r\n" + behind)
            self.house.turn(10)
            self.assertEqual(final_codes(client.heard()), [210, 503], behind)
            self.assertTrue(client.line.half_closed)
            self.assertIsInstance(client.line.protocol, DictProtocol)
            client.send(b"REGISTER eve password-1\r\n")
            self.assertEqual(client.heard(), b"")
        self.assertEqual(self.house.pool.connection.execute("SELECT count(*) FROM user").fetchone(), (0,))

    def test_injected_while_a_turn_waits(self) -> None:
        """Also what came while the line itself waited for its turn."""
        client = self.house.welcome()
        client.protocol.dataReceived(b"STATUS\r\n" * 70 + b"STARTTLS\r\n")
        client.protocol.dataReceived(b"REG")
        self.house.turn(3)
        self.assertEqual(final_codes(client.heard()), [210] * 70 + [503])

    def test_injected_after_382(self) -> None:
        """What comes in the clear later is no TLS, and ends the connection."""
        client = self.house.welcome()
        client.ask("STARTTLS")
        client.line.protocol.dataReceived(b"REGISTER eve password-1\r\n")
        self.assertTrue(client.line.disconnecting)
        self.assertNotRegex(client.heard(), rb"\d\d\d ")
        self.assertEqual(self.house.pool.connection.execute("SELECT count(*) FROM user").fetchone(), (0,))

    def test_no_plain_word_after_382(self) -> None:
        """Neither a time-out nor a stop says anything in the clear."""
        for happens in (lambda: self.house.clock.pump([1.0] * 12), lambda: self.house.factory.drain()):
            client = self.house.welcome()
            client.ask("STARTTLS")
            happens()
            self.assertTrue(client.line.disconnecting)
            self.assertEqual(client.heard(), b"")
            client.line.protocol.connectionLost(Failure(ConnectionDone()))

    def test_behind_a_stop(self) -> None:
        """A server that is about to stop begins nothing."""
        client = self.house.welcome()
        client.protocol.dataReceived(b"STATUS\r\n" * 70 + b"STARTTLS\r\n")
        self.house.factory.drain()
        self.house.turn(3)
        self.assertEqual(final_codes(client.heard()), [210] * 70 + [421])

    def test_after_reading_had_stopped(self) -> None:
        """The handshake is read also where the lines before it had stopped reading."""
        client = self.house.welcome(FAR)
        client.protocol.dataReceived(b"STATUS\r\n" * 300 + b"STARTTLS\r\n")
        self.house.turn(8)
        self.assertEqual(final_codes(client.heard()), [210] * 300 + [382])
        self.assertEqual(client.line.producerState, "producing")
        self.assertEqual(SealedClient(client).shake().codes("STATUS"), [210])


class Secrets(Sealed):
    """584 (field/RELIABILITY.md 2)."""

    def test_far(self) -> None:
        """From another machine: refused in the clear, taken on the TLS port and after STARTTLS."""
        plain = self.house.welcome(FAR)
        self.assertEqual(plain.codes("REGISTER alice correct-horse", "LOGIN alice correct-horse"), [584, 584])
        self.assertEqual(self.sealed().codes("REGISTER alice correct-horse", "LOGOUT"), [280, 285])
        self.assertEqual(self.started().codes("LOGIN alice correct-horse", "KEY NEW laptop"), [230, 250])

    def test_auth_after_starttls(self) -> None:
        """AUTH by the message id of the one banner."""
        count_ids(self)
        near = self.house.member("alice")
        key = near.ask("KEY NEW laptop").splitlines()[1]
        client = self.house.connect(FAR)
        message_id = client.heard().split()[-1].decode()
        sealed = self.started(client)
        digest = hashlib.md5(f"{message_id}{key}".encode(), usedforsecurity=False).hexdigest()
        self.assertEqual(sealed.codes(f"AUTH alice {digest}"), [230])
        self.assertEqual(sealed.client.protocol.session.user, User(1, "alice"))
