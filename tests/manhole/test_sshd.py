"""Connections to the shell before anybody has logged in, and programs without a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dictd.manhole import authorized, hostkeys
from dictd.manhole.entering import GRACE, Guest
from dictd.manhole.program import Program
from dictd.manhole.shell import MOST_STRANGERS, Shell
from dictd.manhole.sshd import LOOK_EVERY, Avatar, Connection, ShellFactory
from tests.manhole.people import Other


class Strangers(SynchronousTestCase):
    """Those who have not logged in."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.shell = Shell(lambda _: {}, lambda: "", self.clock)
        directory = Path(self.mktemp())
        self.factory: Any = ShellFactory(self.shell, directory / "authorized_keys", hostkeys.prepared(directory))
        self.factory.doStart()

    def come(self) -> StringTransport:
        """Another one."""
        transport = StringTransport()
        self.factory.buildProtocol(None).makeConnection(transport)
        return transport

    def test_grace(self) -> None:
        """They have some time, and then are cut off."""
        transport = self.come()
        self.clock.advance(GRACE - 0.1)
        self.assertFalse(transport.disconnected)
        self.clock.advance(0.2)
        self.assertTrue(transport.disconnected)

    def test_most(self) -> None:
        """So many; for another the oldest goes, which is told once a minute."""
        told: list[str] = []

        def heard(event: LogEvent) -> None:
            told.extend(["told"] * ("have not logged in" in (event.get("log_format") or "")))

        observer: Any = heard

        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        transports = [self.come() for _ in range(MOST_STRANGERS + 2)]
        self.assertEqual([one.disconnected for one in transports], [True] * 2 + [False] * MOST_STRANGERS)
        self.assertEqual((len(self.shell.strangers), told), (MOST_STRANGERS, ["told"]))
        self.clock.advance(GRACE - 1)
        self.come()
        self.assertEqual(len(told), 1 + (GRACE - 1 >= 60))
        for stranger in list(self.shell.strangers):
            cast(Any, stranger).connectionLost()
        self.assertEqual((self.shell.strangers, self.clock.getDelayedCalls()), ({}, []))

    def test_offers(self) -> None:
        """Nothing of old is offered: no CBC, no MD5, no SHA-1, no compression; the version tells nothing."""
        offered = self.come().value()
        self.assertTrue(offered.startswith(b"SSH-2.0-dictd\r\n"))
        for old in (b"cbc", b"md5", b"sha1", b"group-exchange", b"zlib", b"ssh-dss"):
            self.assertNotIn(old, offered)
        for good in (b"curve25519-sha256", b"aes256-ctr", b"hmac-sha2-256", b"ssh-ed25519", b"rsa-sha2-512"):
            self.assertIn(good, offered)

    def test_noise(self) -> None:
        """What is no SSH ends the connection without a traceback."""
        for noise in (
            b"SSH-2.0-x\r\n" + bytes([0, 0, 0, 12, 4]) + b"\x14" * 50,
            b"SSH-2.0-x\r\n\0\0\0\x14\x06\xff" + b"\0" * 99,
        ):
            transport = self.come()
            protocol: Any = self.factory.buildProtocol(None)
            transport = StringTransport()
            protocol.makeConnection(transport)
            protocol.dataReceived(noise)
            self.assertTrue(transport.disconnecting or transport.disconnected)
        self.assertEqual(self.flushLoggedErrors(), [])


class Members(SynchronousTestCase):
    """Those who have logged in."""

    def setUp(self) -> None:
        """One of them."""
        self.clock = Clock()
        directory = Path(self.mktemp())
        self.list = directory / "authorized_keys"
        shell = Shell(lambda _: {}, lambda: "", self.clock)
        factory: Any = ShellFactory(shell, self.list, hostkeys.prepared(directory))
        factory.doStart()
        self.line = factory.publicKeys[b"ssh-ed25519"].toString("OPENSSH").decode()
        self.write(self.line)
        self.transport, self.protocol = StringTransport(), factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        self.protocol.avatar = Avatar(Guest("alice", authorized.parse(self.line)))
        self.protocol.logoutFunction = lambda: None
        self.protocol.setService(Connection())

    def write(self, text: str) -> None:
        """What is in the list."""
        self.list.write_text(text, "utf-8")
        self.list.chmod(0o600)

    def looks(self, count: int) -> bool:
        """Whether it is still connected after so many."""
        for _ in range(count):
            self.clock.advance(LOOK_EVERY)
        return not self.transport.disconnecting

    def test_stays(self) -> None:
        """Longer than a stranger, while its key is in the list; a list that was just being written is forgiven."""
        self.assertTrue(self.looks(20))
        for text in ("", "# nobody"):
            self.write(text)
            self.assertTrue(self.looks(1))
            self.write(self.line)
            self.assertTrue(self.looks(3))

    def test_goes(self) -> None:
        """With its line, with the list, and when its time is over."""
        for text in ("", None, f'expiry-time="20200101" {self.line}'):
            self.setUp()
            if text is None:
                self.list.unlink()
            else:
                self.write(text)
            self.assertFalse(self.looks(2), text)
            self.protocol.connectionLost()
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_gone_before(self) -> None:
        """Nobody is looked after who has left."""
        self.protocol.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Past(SynchronousTestCase):
    """What was typed before."""

    def test_keys(self) -> None:
        """Each key has its own; of very many keys the oldest is forgotten."""
        shell = Shell(lambda _: {}, lambda: "", Clock())
        shell.past("a").append("1")
        shell.past("b").append("2")
        self.assertEqual(list(shell.past("a")), ["1"])
        for number in range(31):
            shell.past(str(number))
        self.assertEqual((list(shell.past("a")), list(shell.past("b"))), (["1"], []))


class Programs(SynchronousTestCase):
    """What runs without a terminal."""

    def program(self, *more: Any, **names: Any) -> tuple[Program, Other]:
        """One, and its other side."""
        wire = Other()
        return Program(1, wire, lambda _: names, *more), wire

    def test_parts(self) -> None:
        """It runs when all has come; exceptions go to standard error."""
        program, wire = self.program()
        program.typed(b"print('\xe5\xad")
        program.typed(b"\x97')\n1/0\n")
        self.assertEqual((wire.raw, wire.status), (b"", None))
        program.finished()
        self.assertEqual((wire.raw, wire.status), ("字\n".encode(), 1))
        self.assertIn(b"ZeroDivisionError", wire.complaints)

    def test_too_long(self) -> None:
        """A program that is too long is refused once."""
        program, wire = self.program()
        program.typed(b"#" * ((1 << 20) + 1))
        program.typed(b"#")
        program.finished()
        self.assertEqual(wire.status, 1)
        self.assertIn(b"too long", wire.complaints)

    def test_terminal(self) -> None:
        """With a terminal its lines end as terminals want it, and Ctrl-C ends it."""
        program, wire = self.program(True, True, later=Deferred())
        program.begin("print(1); await later")
        self.assertEqual(wire.raw, b"1\r\n")
        program.typed(b"\x03")
        self.assertEqual((wire.raw, wire.status), (b"1\r\ninterrupted\r\n", 1))

    def test_said(self) -> None:
        """What is said meanwhile is among what it prints; at its end it is told."""
        program, wire = self.program(True, later=Deferred())
        program.begin("await later")
        program.say("a line")
        program.farewell("the server stops")
        self.assertEqual((wire.raw, wire.complaints, wire.status), (b"a line\n", b"the server stops\n", 1))
