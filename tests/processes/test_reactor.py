"""Our reactor: rounds and their end, and the line server on it, over real sockets."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.reactor import Reactor
from dictd.server.factory import DictFactory
from tests.support.house import BOOKS, House, publish
from tests.support.programs import environment

_PATIENCE = 10.0


class Rounds(SynchronousTestCase):
    """A reactor of its own for each test, driven by hand."""

    def setUp(self) -> None:
        """A reactor that nobody runs."""
        self.reactor = Reactor()
        self.addCleanup(self.close)
        self.clients: list[socket.socket] = []

    def close(self) -> None:
        """Close all that it watches."""
        reactor: Any = self.reactor
        for client in self.clients:
            client.close()
        for selectable in (*reactor.removeAll(), *reactor._internalReaders):
            selectable.connectionLost(Failure(connectionDone.value))
        reactor._poller.close()

    def test_said_twice(self) -> None:
        """SIGINT and SIGTERM twice in one round, and after it, are no trouble."""
        stops: list[None] = []
        reactor: Any = self.reactor
        reactor._stopped = False
        stop = reactor.stop

        def counted() -> None:
            stop()
            stops.append(None)

        self.patch(reactor, "stop", counted)
        for end in (reactor.sigInt, reactor.sigInt, reactor.sigTerm):
            end(2)
        reactor.runUntilCurrent()
        reactor.sigTerm(15)
        reactor._justStopped = False
        reactor.runUntilCurrent()
        self.assertEqual((len(stops), self.flushLoggedErrors()), (1, []))

    def until(self, happened: Callable[[], bool]) -> None:
        """Rounds until something happened."""
        end = time.monotonic() + _PATIENCE
        while not happened():
            self.assertLess(time.monotonic(), end)
            self.reactor.runUntilCurrent()
            self.reactor.doPoll(0.01)

    def connected(self, factory: Factory) -> socket.socket:
        """A client of a factory that listens."""
        port: Any = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        return self.dialled(port.getHost().port)

    def dialled(self, port: int) -> socket.socket:
        """One more client."""
        client = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        client.setblocking(False)
        self.clients.append(client)
        return client

    def received(self, client: socket.socket, wanted: bytes) -> bytes:
        """What a client gets until it ends with something."""
        got = b""

        def arrived() -> bool:
            nonlocal got
            with contextlib.suppress(BlockingIOError):
                while piece := client.recv(1 << 20):
                    got += piece
            return got.endswith(wanted)

        self.until(arrived)
        return got


class Ends(Rounds):
    """What waits for the end of a round."""

    def test_before_the_next_round(self) -> None:
        """What a timer or a thread's call puts off does not wait for the next event; it is done once."""
        done: list[str] = []
        self.polls(lambda: done.append("poll"))
        self.reactor.at_round_end(lambda: done.append("one"))
        self.reactor.at_round_end(lambda: self.reactor.at_round_end(lambda: done.append("of an end")))
        self.reactor.doPoll(0)
        self.reactor.doPoll(0)
        self.assertEqual(done, ["one", "of an end", "poll", "poll"])

    def test_after_the_round(self) -> None:
        """What comes up in a round is done before it is over."""
        done: list[str] = []
        self.polls(lambda: self.reactor.at_round_end(lambda: done.append("end")))
        self.reactor.doPoll(0)
        self.assertEqual(done, ["end"])

    def polls(self, polled: Callable[[], None]) -> None:
        """Let a function run where the reactor waits for events."""

        class Poller:
            def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
                polled()
                return []

        self.patch(self.reactor, "_poller", Poller())

    def test_after_the_events(self) -> None:
        """Everything that came in one round is read before the first end."""
        seen: list[str] = []
        reactor = self.reactor

        class Noting(Protocol):
            def dataReceived(self, data: bytes) -> None:
                seen.append("read")
                reactor.at_round_end(lambda: seen.append("end"))

        factory = Factory.forProtocol(Noting)
        port: Any = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        clients = [self.dialled(port.getHost().port) for _ in range(3)]
        self.until(lambda: len(self.reactor.getReaders()) >= 4)
        for client in clients:
            client.send(b"x")
        self.until(lambda: seen.count("end") == 3)
        self.assertEqual(seen, ["read"] * 3 + ["end"] * 3)

    def test_one_that_fails(self) -> None:
        """It is logged; the others have their turn."""
        done: list[str] = []
        self.reactor.at_round_end(lambda: done.append(str(1 // 0)))
        self.reactor.at_round_end(lambda: done.append("other"))
        self.reactor.doPoll(0)
        self.assertEqual(done, ["other"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Reading(Rounds):
    """Sockets."""

    def test_protocol_that_fails(self) -> None:
        """Its connection is cut with a traceback in the log; others go on."""

        class Failing(Protocol):
            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                if data == b"fail":
                    raise ZeroDivisionError
                self.transport.write(data.upper())

        port: Any = self.reactor.listenTCP(0, Factory.forProtocol(Failing), interface="127.0.0.1")
        one, other = self.dialled(port.getHost().port), self.dialled(port.getHost().port)
        one.send(b"fail")
        other.send(b"ok")
        self.assertEqual(self.received(other, b"OK"), b"OK")

        def cut() -> bool:
            try:
                return one.recv(10) == b""
            except BlockingIOError:
                return False

        self.until(cut)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_end_of_a_connection(self) -> None:
        """The protocol is told."""
        lost: list[bool] = []

        class Telling(Protocol):
            def connectionLost(self, reason: Failure = connectionDone) -> None:
                lost.append(True)

        client = self.connected(Factory.forProtocol(Telling))
        client.close()
        self.until(lambda: bool(lost))


class LineServer(Rounds):
    """The line server on this reactor."""

    def client(self) -> socket.socket:
        """A client of a server with two dictionaries."""
        directory = Path(self.mktemp())
        publish(directory, BOOKS)
        house = House(directory)
        self.addCleanup(house.factory.stop)
        self.addCleanup(house.lexicon.close)
        self.factory = DictFactory(house.factory.service, self.reactor)
        self.addCleanup(self.factory.stop)
        return self.connected(self.factory)

    def test_dialogue(self) -> None:
        """Banner, answers in order, the good bye, the end; nothing is lost when all is asked at once."""
        client = self.client()
        self.assertRegex(self.received(client, b"\r\n"), rb"^220 [^\r]+\r\n$")
        client.send(b"D wn penguin\r\nD wn nosuchword\r\nSTATUS\r\nQUIT\r\n")
        answer = self.received(client, b"221 bye\r\n")
        codes = [line[:3] for line in answer.split(b"\r\n") if line[:3].isdigit() and line[3:4] == b" "]
        self.assertEqual(codes, [b"150", b"151", b"250", b"552", b"210", b"221"])

    def test_two_writes_of_a_round(self) -> None:
        """They leave together, in order."""
        client = self.client()
        self.received(client, b"\r\n")
        (protocol,) = self.factory.connections
        protocol.dataReceived(b"STATUS\r\n")
        protocol.drain()
        answer = self.received(client, b"\r\n")
        self.assertRegex(answer, rb"^210 [^\r]+\r\n421 [^\r]+\r\n$")

    def test_reader_that_is_slow(self) -> None:
        """Who asks much and reads nothing gets all of it later, in order."""
        client = self.client()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        self.received(client, b"\r\n")
        asked = b"D wn long\r\n" * 600 + b"QUIT\r\n"

        def sent() -> bool:
            nonlocal asked
            with contextlib.suppress(BlockingIOError):
                asked = asked[client.send(asked) :]
            return not asked

        self.until(sent)
        for _ in range(50):
            self.reactor.runUntilCurrent()
            self.reactor.doPoll(0)
        answer = self.received(client, b"221 bye\r\n")
        self.assertEqual(answer.count(b"\r\n250 ok"), 600)


class Choosing(SynchronousTestCase):
    """Which reactor runs, and its clock."""

    def chosen(self, before: str) -> str:
        """The kind of reactor there is after ours was offered."""
        program = (
            f"{before}\nfrom dictd.processes import reactor as ours\nours.install()\n"
            "from twisted.internet import reactor\nprint(type(reactor).__name__)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, timeout=30, check=False, env=environment()
        )
        return done.stdout.decode().strip() or done.stderr.decode()

    def test_ours(self) -> None:
        """Ours, where nobody said anything."""
        self.assertEqual(self.chosen(""), "Reactor")

    def test_another(self) -> None:
        """What was chosen before stays."""
        self.assertEqual(self.chosen("from twisted.internet import pollreactor; pollreactor.install()"), "PollReactor")

    def test_clock(self) -> None:
        """It is the steady one: setting the machine's time moves no timer."""
        self.assertIs(Reactor.seconds, time.monotonic)
