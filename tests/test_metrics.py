"""The pages for Prometheus, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from attrs import define, field
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from dictd import __version__, tally
from dictd.metrics import PATIENCE, Gauges, MetricsSite, exposition
from dictd.server.commands import VERBS
from dictd.tally import BOUNDS, Tally, merged
from tests.support.house import BOOKS, House, publish

#: field/USERS.md 4.4, and what the processes add.
NAMES = {
    "dictd_build_info",
    "dictd_connections",
    "dictd_connections_total",
    "dictd_commands_total",
    "dictd_request_duration_seconds_bucket",
    "dictd_request_duration_seconds_sum",
    "dictd_request_duration_seconds_count",
    "dictd_lookups_total",
    "dictd_logins_total",
    "dictd_rate_limited_total",
    "dictd_definitions_total",
    "dictd_matches_total",
    "dictd_headwords",
    "dictd_db_pool_in_use",
    "dictd_history_waiting_rows",
    "dictd_history_spooled_rows",
    "dictd_workers",
    "dictd_worker_restarts_total",
    "dictd_worker_resident_memory_bytes",
    "dictd_tls_certificate_expiry_seconds",
}

GAUGES = Gauges(
    workers=2, restarts=3, memory={"1": 1000, "2": 2000}, headwords={"wn": 10, 'od"d\n': 2}, certificate=1.8e9
)


def busy(started: float = 0.0) -> Tally:
    """A process that has done a little."""
    one = Tally(started)
    counts = one.of(tally.DICT)
    counts.come()
    for seconds in (0.00001, 0.0002, 0.5, 60.0):
        counts.answered("DEFINE", b"250 ok\r\n", seconds)
    counts.answered("QUERY", b"552 no match\r\n", 0.001)
    counts.refused(tally.LOGINS)
    one.tried(tally.WRONG)
    one.definitions = 4
    return one


def samples(
    page: str, parse: Any = text_string_to_metric_families
) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What a page says, by name and labels."""
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, f"{key} is told twice"
            found[key] = sample.value
    return found


def told(totals: Mapping[str, Any], gauges: Gauges = GAUGES) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What the page says of these."""
    return samples(exposition(totals, gauges).decode())


class Pages(SynchronousTestCase):
    """What Prometheus reads."""

    def test_names(self) -> None:
        """Every metric that is promised is there, and nothing else but those of the process."""
        names = {name for name, _ in told(busy().snapshot())}
        self.assertEqual({name for name in names if not name.startswith("process_")}, NAMES)
        self.assertIn("process_resident_memory_bytes", names)
        self.assertIn("process_cpu_seconds_total", names)
        self.assertIn("process_open_fds", names)

    def test_sums(self) -> None:
        """What two processes have counted adds up."""
        said = told(merged([busy().snapshot(), busy().snapshot(), {"pool_in_use": 2, "waiting_rows": 7}]))
        for name, labels, value in (
            ("dictd_build_info", {"version": __version__}, 1),
            ("dictd_connections", {"protocol": "dict"}, 2),
            ("dictd_connections_total", {"protocol": "dict"}, 2),
            ("dictd_commands_total", {"protocol": "dict", "command": "DEFINE", "code": "250"}, 8),
            ("dictd_commands_total", {"protocol": "dict", "command": "QUERY", "code": "552"}, 2),
            ("dictd_lookups_total", {"result": "hit"}, 8),
            ("dictd_lookups_total", {"result": "miss"}, 2),
            ("dictd_lookups_total", {"result": "suggest"}, 0),
            ("dictd_logins_total", {"result": "wrong"}, 2),
            ("dictd_logins_total", {"result": "ok"}, 0),
            ("dictd_rate_limited_total", {"protocol": "dict", "limit": "logins"}, 2),
            ("dictd_rate_limited_total", {"protocol": "dict", "limit": "connections"}, 0),
            ("dictd_definitions_total", {}, 8),
            ("dictd_db_pool_in_use", {}, 2),
            ("dictd_history_waiting_rows", {}, 7),
            ("dictd_workers", {}, 2),
            ("dictd_worker_restarts_total", {}, 3),
            ("dictd_worker_resident_memory_bytes", {"worker": "2"}, 2000),
            ("dictd_tls_certificate_expiry_seconds", {}, 1.8e9),
            ("dictd_headwords", {"dictionary": "wn"}, 10),
            ("dictd_headwords", {"dictionary": 'od"d\n'}, 2),
        ):
            self.assertEqual(said[name, tuple(sorted(labels.items()))], value, (name, labels))

    def test_histogram(self) -> None:
        """Buckets hold those before them, the last holds all."""
        said = told(busy().snapshot())
        labels = (("command", "DEFINE"), ("protocol", "dict"))
        buckets = {
            dict(key)["le"]: value
            for (name, key), value in said.items()
            if name == "dictd_request_duration_seconds_bucket" and dict(key)["command"] == "DEFINE"
        }
        self.assertEqual(len(buckets), len(BOUNDS) + 1)
        wanted = {"2.5e-05": 1, "0.0001": 1, "0.00025": 2, "0.25": 2, "1.0": 3, "10.0": 3, "+Inf": 4}
        self.assertEqual({bound: buckets[bound] for bound in wanted}, wanted)
        self.assertEqual(said["dictd_request_duration_seconds_count", labels], 4)
        self.assertAlmostEqual(said["dictd_request_duration_seconds_sum", labels], 60.50021, 5)

    def test_nothing_yet(self) -> None:
        """A server that nobody has asked says zeros, where a rate is to be seen from the first one on."""
        said = told(Tally(started=0.0).snapshot(), Gauges())
        self.assertEqual(said["dictd_connections_total", (("protocol", "dict"),)], 0)
        self.assertEqual(said["dictd_lookups_total", (("result", "hit"),)], 0)
        self.assertNotIn(("dictd_tls_certificate_expiry_seconds", ()), said)

    def test_bounded(self) -> None:
        """However long a server runs, the page has a bound: one series a verb, code and protocol."""
        one = Tally(started=0.0)
        for protocol in tally.PROTOCOLS:
            for verb in VERBS:
                for code in (b"250", b"420", b"500", b"501", b"530"):
                    one.of(protocol).come()
                    one.of(protocol).answered(verb.name, code, 1.0)
        self.assertLess(len(told(one.snapshot())), 3000)

    def test_no_words(self) -> None:
        """No word, name, password or address that anybody sent is on the page."""
        directory = Path(self.mktemp())
        publish(directory, BOOKS)
        house = House(directory)
        client = house.member("secretname")
        house.welcome("203.0.113.77").ask("Q secretword", "LOGIN secretname secretpassword")
        client.ask("Q secretword", "secretverb x", "SHOW secretthing", "CLIENT secretprogram", "MATCH wn secretstrat x")
        client.ask("LOGIN secretname secretpassword", "DEFINE secretdb x", "AUTH secretname secretmd")
        page = exposition(house.factory.service.tally.snapshot(), GAUGES).lower()
        self.assertIn(b'command="auth"', page)
        for secret in (b"secret", b"203.0.113"):
            self.assertNotIn(secret, page)


@define
class SomeFacts:
    """Facts that a test chooses."""

    reasons: list[str] = field(factory=list)
    waiting: Deferred[Mapping[str, Any]] | None = None

    async def totals(self) -> Mapping[str, Any]:
        """What was counted, or what is waited for."""
        return busy().snapshot() if self.waiting is None else await self.waiting

    def gauges(self) -> Gauges:
        """The same each time."""
        return GAUGES

    def unready(self) -> list[str]:
        """What the test says."""
        return self.reasons


class Site(SynchronousTestCase):
    """The pages over HTTP."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.facts = SomeFacts()
        self.site = MetricsSite(self.facts, self.clock)

    def connected(self) -> tuple[Any, StringTransport]:
        """A connection."""
        channel = self.site.buildProtocol(None)
        transport = StringTransport()
        transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
        channel.makeConnection(transport)
        return channel, transport

    def asked(self, request: bytes) -> tuple[int, Any, bytes]:
        """Status, headers and body of the answer to a request."""
        channel, transport = self.connected()
        channel.dataReceived(request)
        answer = split(transport.value())
        channel.connectionLost()
        return answer

    def got(self, path: str, method: str = "GET", *headers: str) -> tuple[int, Any, bytes]:
        """The same of a plain request."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        return self.asked("\r\n".join(lines).encode())

    def test_metrics(self) -> None:
        """/metrics is what Prometheus reads, under its content type."""
        code, headers, body = self.got("/metrics")
        self.assertEqual(code, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version="), headers["Content-Type"])
        self.assertEqual(samples(body.decode())["dictd_workers", ()], 2)
        self.assertEqual(self.got("/metrics?x=y")[0], 200)

    def test_accept(self) -> None:
        """The text format is for whoever comes, also who would rather have another."""
        _, headers, body = self.got("/metrics", "GET", "Accept: application/openmetrics-text; version=1.0.0")
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertIn(b"\n# TYPE dictd_connections gauge\n", body)
        self.assertIn(b"\n# TYPE dictd_connections_total counter\n", body)

    def test_well(self) -> None:
        """/healthz is ok while anything answers; /readyz while there is no reason against."""
        self.assertEqual(self.got("/healthz")[::2], (200, b"ok\n"))
        self.assertEqual(self.got("/readyz")[::2], (200, b"ok\n"))
        self.facts.reasons = ["no dictionary is served", "worker 2 does not answer"]
        self.assertEqual(self.got("/readyz")[::2], (503, b"no dictionary is served\nworker 2 does not answer\n"))
        self.assertEqual(self.got("/healthz")[0], 200)

    def test_index(self) -> None:
        """/ names the pages."""
        code, _, body = self.got("/")
        self.assertEqual(code, 200)
        for page in (b"/metrics", b"/healthz", b"/readyz"):
            self.assertIn(page, body)

    def test_others(self) -> None:
        """There is nothing else, and nothing but GET and HEAD."""
        for path in ("/nothing", "/metrics/", "//", "/../etc/passwd", "*", "/%6detrics"):
            self.assertEqual(self.got(path)[0], 404, path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"):
            code, headers, _ = self.got("/metrics", method)
            self.assertEqual((code, headers["Allow"]), (405, "GET, HEAD"), method)

    def test_head(self) -> None:
        """HEAD is GET without the body."""
        code, headers, body = self.got("/metrics", "HEAD")
        self.assertEqual((code, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 1000)

    def test_says_little(self) -> None:
        """No answer tells what the server is made of, and none is kept."""
        for answer in (self.got("/metrics"), self.got("/healthz"), self.got("/nothing"), self.got("/", "POST")):
            self.assertIsNone(answer[1]["Server"])
            self.assertEqual(answer[1]["Cache-Control"], "no-store")

    def test_bodies(self) -> None:
        """A body is refused at once, however long it says to be, and is not taken in."""
        for header in (b"Content-Length: 1000000000", b"Content-Length: 1", b"Transfer-Encoding: chunked"):
            channel, transport = self.connected()
            channel.dataReceived(b"POST /metrics HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            self.assertEqual(split(transport.value())[0], 413, header)
            self.assertTrue(transport.disconnecting, header)
            self.assertEqual(transport.value().count(b"HTTP/1.1"), 1, header)
            channel.connectionLost()

    def test_large_headers(self) -> None:
        """Headers have a bound."""
        self.assertEqual(self.asked(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100 + b"\r\n")[0], 400)
        self.assertEqual(
            self.asked(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 9000 + b"\r\nZ: " + b"y" * 9000 + b"\r\n\r\n")[0], 400
        )

    def test_dripping(self) -> None:
        """A request that drips in is cut when its time is over, whatever still comes."""
        channel, transport = self.connected()
        for second in range(PATIENCE):
            self.assertFalse(transport.disconnecting, second)
            channel.dataReceived(b"GET /metrics HTTP/1.1"[second : second + 1])
            self.clock.advance(1)
        self.assertTrue(transport.disconnecting)
        channel.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_kept_open(self) -> None:
        """A connection is good for several requests, and each has its time."""
        channel, transport = self.connected()
        for _ in range(3):
            self.clock.advance(PATIENCE - 1)
            channel.dataReceived(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(transport.value().count(b"200 OK"), 3)
        self.assertFalse(transport.disconnecting)
        self.clock.advance(PATIENCE + 1)
        self.assertTrue(transport.disconnecting)
        channel.connectionLost()

    def test_slow_sums(self) -> None:
        """Sums that do not come are told as trouble, in the log with its traceback."""
        self.facts.waiting = Deferred()
        channel, transport = self.connected()
        channel.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(transport.value(), b"")
        self.clock.advance(6)
        self.assertEqual(split(transport.value())[0], 500)
        self.assertEqual(len(self.flushLoggedErrors()), 1)
        channel.connectionLost()

    def test_gone_meanwhile(self) -> None:
        """Who hangs up before the sums are there is not answered, and nothing is made of it."""
        self.facts.waiting = Deferred()
        channel, transport = self.connected()
        channel.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        channel.connectionLost()
        self.facts.waiting.callback({})
        self.assertEqual(transport.value(), b"")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_crowd(self) -> None:
        """There is a bound on connections; who leaves makes room."""
        channels = [self.connected()[0] for _ in range(64)]
        self.assertIsNone(self.site.buildProtocol(None))
        channels.pop().connectionLost()
        channels.append(self.connected()[0])
        for channel in channels:
            channel.connectionLost()
        self.assertEqual(self.site.connections, 0)

    def test_quiet(self) -> None:
        """A page that is read leaves no line in any log and no timer behind."""
        self.site.doStart()
        self.assertEqual(self.got("/metrics")[0], 200)
        self.site.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


def split(answer: bytes) -> tuple[int, Any, bytes]:
    """Status, headers and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, _, rest = head.partition(b"\r\n")
    return int(status.split()[1]), BytesParser().parsebytes(rest + b"\r\n\r\n", headersonly=True), body
