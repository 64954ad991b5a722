"""The port for Prometheus, of a real server."""

from __future__ import annotations

import http.client
import re
import socket
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import dictctl, program, run
from tests.support.server import Server, until

ON = {"DICTD_METRICS_ENABLED": "true", "DICTD_METRICS_PORT": "0"}
_WHERE = re.compile(rb"metrics on http://127\.0\.0\.1:(\d+)/metrics")


class Metrics(SynchronousTestCase):
    """A server that is asked how it is."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()

    def import_book(self) -> None:
        """A dictionary of one word."""
        path = Path(self.mktemp()).absolute()
        path.write_text("penguin\ta bird\n", "utf-8")
        self.assertEqual(dictctl(self.state, "import", str(path), "--name", "animals").returncode, 0)

    def started(self, **surroundings: str) -> Server:
        """A server with metrics."""
        server = Server.started(self.state, surroundings=ON | surroundings)
        self.addCleanup(server.kill)
        return server

    def port(self, server: Server) -> int:
        """Where it says its metrics are."""
        until("the port of the metrics", lambda: server.hear() and _WHERE.search(server.said) is not None)
        found = _WHERE.search(server.said)
        assert found is not None
        return int(found[1])

    def got(self, port: int, path: str) -> tuple[int, str]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()

    def value(self, page: str, name: str, **labels: str) -> float:
        """One value of a page."""
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        raise AssertionError(f"no {name} {labels} in {page}")

    def test_curl(self) -> None:
        """curl reads what people have done, and not a word of what they said."""
        self.import_book()
        server = self.started()
        client = server.connect()
        for line in ("Q penguin", "DEFINE animals secretword", "secretverb", "LOGIN secretname secretpassword"):
            client.ask(line)
        done = run([program("curl"), "-sS", "--fail", f"http://127.0.0.1:{self.port(server)}/metrics"])
        page = done.stdout.decode()
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(self.value(page, "dictd_connections", protocol="dict"), 1)
        self.assertEqual(self.value(page, "dictd_lookups_total", result="hit"), 1)
        self.assertEqual(self.value(page, "dictd_lookups_total", result="miss"), 1)
        self.assertEqual(self.value(page, "dictd_commands_total", protocol="dict", command="unknown", code="500"), 1)
        self.assertEqual(self.value(page, "dictd_logins_total", result="wrong"), 1)
        self.assertEqual(self.value(page, "dictd_headwords", dictionary="animals"), 1)
        self.assertGreater(self.value(page, "process_resident_memory_bytes"), 10**7)
        self.assertNotIn("secret", page)
        self.assertNotIn("penguin", page)
        client.close()
        server.stop()

    def test_ready(self) -> None:
        """A server is ready once it serves a dictionary, and well before that."""
        server = self.started()
        port = self.port(server)
        self.assertEqual(self.got(port, "/readyz"), (503, "no dictionary is served\n"))
        self.assertEqual(self.got(port, "/healthz"), (200, "ok\n"))
        self.import_book()
        until("the server to be ready", lambda: self.got(port, "/readyz") == (200, "ok\n"))

    def test_port_taken(self) -> None:
        """Where the port is taken the server says so in one line and serves."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = self.started(DICTD_METRICS_PORT=str(port))
            self.assertTrue(server.logged(f"no metrics: port {port} of 127.0.0.1 is taken"))
            self.assertEqual(server.connect().code("STATUS"), 210)

    def test_off(self) -> None:
        """Metrics can be off; then nothing is said of them."""
        server = self.started(DICTD_METRICS_ENABLED="false")
        self.assertFalse(server.logged("metrics on http"))
