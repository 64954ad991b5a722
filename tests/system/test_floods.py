"""Crowds at the doors of a real server, in real sockets; 127.0.0.x are hosts like any other."""

from __future__ import annotations

import contextlib
import resource
import select
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import dictctl
from tests.support.server import Server, until

SOURCE, OTHER = "127.0.0.2", "127.0.0.3"
TEXT = "x" * 2000


class Flooded(SynchronousTestCase):
    """A server with one word."""

    def serve(self, *limits: str, before: Callable[[], None] | None = None) -> Server:
        """A server with these lines in [limits]; this machine is not exempt."""
        state, settings = Path(self.mktemp()).absolute(), Path(self.mktemp()).absolute()
        book = Path(self.mktemp()).absolute()
        book.write_text(f"penguin\t{TEXT}\n")
        settings.write_text("\n".join(["[limits]", "exempt = []", *limits]))
        done = dictctl(state, "import", str(book), "--name", "animals")
        self.assertEqual(done.returncode, 0, done.stderr)
        server = Server.started(state, "--config", str(settings), before=before)
        self.addCleanup(server.kill)
        return server

    def come(self, server: Server, count: int, source: str = SOURCE) -> list[socket.socket]:
        """Connections of one source."""
        come = [socket.create_connection(("127.0.0.1", server.port), 10, (source, 0)) for _ in range(count)]
        for one in come:
            self.addCleanup(one.close)
        return come

    def told(self, come: list[socket.socket]) -> dict[str, int]:
        """How many heard what; who hears nothing fails the test."""
        told: dict[str, int] = {}
        for one in come:
            one.settimeout(5)
            try:
                heard = one.recv(4096)[:3].decode() or "closed"
            except ConnectionResetError:
                heard = "closed"
            told[heard] = told.get(heard, 0) + 1
        return told


class Connections(Flooded):
    """Who comes in."""

    def test_one_source(self) -> None:
        """Of 500 connections of one host 64 live, the rest hear 420 and are closed; another host is served."""
        server = self.serve("new_per_second = 1000000")
        come = self.come(server, 500)
        self.assertEqual(self.told(come), {"220": 64, "420": 436})
        other = server.connect(source=OTHER)
        self.addCleanup(other.close)
        self.assertEqual(other.code("Q penguin"), 250)
        self.assertIn("65 of 65 connections", other.ask("STATUS")[0])
        for one in come:
            one.close()
        until("places", lambda: server.connect(source=SOURCE).banner.startswith("220 "), 5)

    def test_without_the_limit(self) -> None:
        """With the limits at their highest all 500 live."""
        server = self.serve("new_per_second = 1000000", "connections_per_network = 1000000")
        self.assertEqual(self.told(self.come(server, 500)), {"220": 500})

    def test_speaks_first(self) -> None:
        """Who has sent something before it is refused hears 420 and then the end, not a reset."""
        server = self.serve("connections_per_network = 1")
        self.come(server, 1)[0].recv(4096)
        server.signal(signal.SIGSTOP)
        late = self.come(server, 20)
        for one in late:
            one.sendall(b"DEFINE * penguin\r\nQUIT\r\n")
        server.signal(signal.SIGCONT)
        for one in late:
            one.settimeout(5)
            self.assertEqual((one.recv(4096)[:4], one.recv(4096)), (b"420 ", b""))


class Descriptors(Flooded):
    """A machine that allows a hundred open files."""

    def test_few(self) -> None:
        """All that come are told or closed at once, nobody hangs, nothing spins, and when they go others come in."""
        server = self.serve(
            "new_per_second = 1000000",
            "connections_per_network = 1000000",
            before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
        )
        come = self.come(server, 200)
        told = self.told(come)
        self.assertEqual(set(told), {"220", "420"})
        self.assertGreater(told["220"], 20)
        self.assertLess(told["220"], 50)
        before = server.work()
        select.select([], [], [], 2)
        self.assertLess(server.work() - before, 0.5)
        inside = come[0]
        inside.sendall(b"REGISTER alice correct-horse\r\nQ penguin\r\n")
        said = b""
        while b"250 ok" not in said:
            said += inside.recv(65536)
        self.assertIn(b"280 ", said)
        self.assertNotIn(b"not confirmed", said)
        for one in come:
            one.close()
        until("places", lambda: server.connect().banner.startswith("220 "), 5)
        self.assertNotIn(b"Traceback", server.said)


class Readers(Flooded):
    """Clients that ask and do not read."""

    def test_memory(self) -> None:
        """Twenty that ask for 40 MB each and read nothing take under 2 MB each, and are cut; others are served."""
        server = self.serve("unread_seconds = 3")
        polite = server.connect(source=OTHER)
        self.addCleanup(polite.close)
        polite.ask("Q penguin")
        before = server.memory()
        come = self.come(server, 20)
        for one in come:
            one.settimeout(0)
        asked = b"DEFINE * penguin\r\n" * 20_000
        sent = [0] * len(come)

        def stuffed() -> bool:
            moved = False
            for number, one in enumerate(come):
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    part = one.send(asked[sent[number] :])
                    sent[number] += part
                    moved = moved or part > 0
            self.assertEqual(polite.code("Q penguin"), 250)
            return not moved

        until("no more to be taken", stuffed)
        self.assertLess(server.memory() - before, 20 * 2048)
        until("all to be cut", lambda: " 1 of 21 connections" in polite.ask("STATUS")[0], 10)
