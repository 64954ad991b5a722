"""Tests of :mod:`benchmarks.scraping` and :mod:`benchmarks.secure`, each without dictd."""

from __future__ import annotations

import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import idle, scraping, secure
from benchmarks.cases import WrongAnswers
from benchmarks.load import Crowd, ServerFell, sealed
from benchmarks.servers import OURS, Running
from tests.benchmarks.scripted import RIGHT, Scripted, always
from tests.support.certificates import made

_LINES = [b"DEFINE wn x\r\n"]


class Scrapes(SynchronousTestCase):
    """Somebody who scrapes."""

    def serve(self, text: bytes) -> str:
        """Serve some metrics; where."""

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Page)
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join, 10)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/metrics"

    def test_failures(self) -> None:
        """Metrics are metrics; anything else, and no answer at all, is counted."""
        failed: Counter[str] = Counter()
        scraping._scrape(self.serve(b"# HELP x\ndictd_connections 1\n"), failed)
        self.assertEqual(failed, {})
        scraping._scrape(self.serve(b"hello"), failed)
        self.assertEqual(failed, {"not the metrics": 1})
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        scraping._scrape(f"http://127.0.0.1:{port}/metrics", failed)
        self.assertEqual(failed.total(), 2)

    def test_counting(self) -> None:
        """Counting takes some time, and not much."""
        self.patch(scraping, "_COUNTINGS", 2000)
        self.assertGreater(scraping._counting(), 0.01)
        self.assertLess(scraping._counting(), 1000)


class Sealed(SynchronousTestCase):
    """TLS, in front of a server that follows a script."""

    def front(self, take: Callable[[socket.socket], socket.socket]) -> int:
        """Let connections through to a scripted server, one after the other; the port."""
        inner = Scripted(always(RIGHT)).start()
        self.addCleanup(inner.stop)
        listening = socket.create_server(("127.0.0.1", 0))
        threads: list[Thread] = []

        def pump(source: socket.socket, target: socket.socket) -> None:
            try:
                while piece := source.recv(1 << 14):
                    target.sendall(piece)
            except OSError:
                pass
            for one in (source, target):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

        def through(outer: socket.socket) -> None:
            try:
                outer = take(outer)
            except OSError:
                outer.close()
                return
            with outer, socket.create_connection(("127.0.0.1", inner.port)) as other:
                back = Thread(target=pump, args=(other, outer))
                back.start()
                pump(outer, other)
                back.join(10)

        def accept() -> None:
            while True:
                try:
                    outer, _ = listening.accept()
                except OSError:
                    return
                threads.append(Thread(target=through, args=(outer,)))
                threads[-1].start()

        accepting = Thread(target=accept)
        accepting.start()

        def stop() -> None:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join(10)
            listening.close()
            for thread in threads:
                thread.join(10)

        self.addCleanup(stop)
        port: int = listening.getsockname()[1]
        return port

    def tls(self) -> int:
        """A port with TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*made(Path(self.mktemp())))
        return self.front(lambda outer: context.wrap_socket(outer, server_side=True))

    def test_crowd(self) -> None:
        """A crowd speaks TLS as it speaks without."""
        crowd = Crowd.connected(self.tls(), 2, 3, [b"DEFINE wn x\r\n"] * 6, connect=sealed)
        try:
            outcome = crowd.run(0.3)
        finally:
            crowd.close()
        self.assertEqual(outcome.wrong, {})
        self.assertGreater(outcome.answers, 3)
        self.assertEqual(outcome.received, outcome.answers * len(RIGHT))

    def test_idle(self) -> None:
        """Connections are held in TLS, from a process of their own."""
        running = Running(OURS, self.tls(), os.getpid())
        with idle.held(running, 3, secure=True) as count:
            self.assertEqual(count, 3)

    def test_case(self) -> None:
        """A case that is secure is measured in TLS."""
        told = {key[2] for key, _ in secure.SECURE.measured(Running(OURS, self.tls(), os.getpid()), _LINES, 0.3)}
        self.assertLessEqual({"cpu", "rate", "p50", "p99"}, told)

    def test_handshakes(self) -> None:
        """Handshakes are counted, with the CPU of each."""
        self.patch(secure.servers, "settled", lambda server: None)
        found = list(secure.shaken(Running(OURS, self.tls(), os.getpid()), 0.3))
        told = {one[0][2]: one[1] for one in found if not isinstance(one, str)}
        self.assertEqual(len(told), len(found))
        self.assertEqual(told["errors"], 0)
        self.assertGreater(told["handshakes"], 1)
        self.assertGreater(told["handshake"], 10)

    def test_no_handshake(self) -> None:
        """Where there is no TLS nothing was measured, and each failure has its reason."""

        def closed(outer: socket.socket) -> socket.socket:
            raise ConnectionError

        self.patch(secure.servers, "settled", lambda server: None)
        port = self.front(closed)
        self.assertIn("no handshake", str(self.assertRaises(ServerFell, sealed, port)))
        error = self.assertRaises(WrongAnswers, list, secure.shaken(Running(OURS, port, os.getpid()), 0.1))
        self.assertIn("no handshake", str(error))
