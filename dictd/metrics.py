"""What Prometheus reads, and whether the server is well: /metrics, /healthz, /readyz.

Names and labels of metrics: nothing in them comes from a client, and the number
of time series has a bound that the table of verbs and the settings give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Protocol, cast

from attrs import define, field, frozen
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web import http

from dictd import __version__, tally

#: Time for a whole request, and for the next one of a connection, seconds.
PATIENCE = 15
#: How long the sums of all processes may take, seconds.
_SUMS = 5.0
#: Connections at a time; one more is closed at once.
_MOST = 64
_MOST_HEADERS = 64

_TEXT = "text/plain; charset=utf-8"
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
_INDEX = b"""dictd

/metrics   for Prometheus
/healthz   200 while the process answers
/readyz    200 while people can look words up and log in, else 503 and why
"""


@frozen
class Gauges:
    """What is true now and is not counted.

    :ivar workers: processes that serve; ``restarts``: how many had to be started again.
    :ivar memory: resident bytes by worker.
    :ivar headwords: by dictionary.
    :ivar certificate: when that of TLS ends, seconds since 1970.
    """

    workers: int = 0
    restarts: int = 0
    memory: Mapping[str, int] = field(factory=dict)
    headwords: Mapping[str, int] = field(factory=dict)
    certificate: float | None = None


class Facts(Protocol):
    """Whom the site asks."""

    async def totals(self) -> Mapping[str, Any]:
        """The merged snapshots of all processes, see :mod:`dictd.tally`."""
        ...

    def gauges(self) -> Gauges:
        """What is not in the snapshots."""
        ...

    def unready(self) -> list[str]:
        """Why nobody should be sent here now, one line a reason; empty: nothing is wrong."""
        ...


@define(eq=False)
class _Sums(Collector):
    """Snapshots as metrics."""

    totals: Mapping[str, Any]
    gauges: Gauges

    def collect(self) -> Iterator[Metric]:
        """Every family, in the order of the page."""
        yield InfoMetricFamily("dictd_build", "The version of dictd.", {"version": __version__})
        yield from self._connections()
        yield from self._commands()
        yield self._counter("lookups", "DEFINE and QUERY by what they found.", "result", ("hit", "miss", "suggest"))
        results = (tally.OK, tally.WRONG, tally.DELAYED, tally.UNAVAILABLE)
        yield self._counter("logins", "LOGIN and AUTH by how they ended.", "result", results)
        for name, about in (("definitions", "Definitions sent."), ("matches", "Matches sent.")):
            yield CounterMetricFamily(f"dictd_{name}", about, self.totals.get(name, 0))
        yield from self._server()

    def _connections(self) -> Iterator[Metric]:
        inside = GaugeMetricFamily("dictd_connections", "Connections now.", labels=["protocol"])
        connected = CounterMetricFamily("dictd_connections", "Connections since the start.", labels=["protocol"])
        for protocol in self._protocols("connected"):
            inside.add_metric([protocol], self.totals.get("connections", {}).get(protocol, 0))
            connected.add_metric([protocol], self.totals.get("connected", {}).get(protocol, 0))
        yield inside
        yield connected
        limited = CounterMetricFamily("dictd_rate_limited", "Refused by a limit.", labels=["protocol", "limit"])
        for protocol in self._protocols("limited"):
            refusals = self.totals.get("limited", {}).get(protocol, {})
            for limit in sorted({*tally.LIMITS, *refusals}):
                limited.add_metric([protocol, limit], refusals.get(limit, 0))
        yield limited

    def _commands(self) -> Iterator[Metric]:
        labels = ["protocol", "command"]
        commands = CounterMetricFamily("dictd_commands", "Answers.", labels=[*labels, "code"])
        for protocol, verbs in sorted(self.totals.get("commands", {}).items()):
            for verb, codes in sorted(verbs.items()):
                for code, count in sorted(codes.items()):
                    commands.add_metric([protocol, verb, code], count)
        yield commands
        durations = HistogramMetricFamily(
            "dictd_request_duration_seconds", "From a line's turn to its answer.", labels=labels
        )
        for protocol, verbs in sorted(self.totals.get("durations", {}).items()):
            for verb, cell in sorted(verbs.items()):
                durations.add_metric([protocol, verb], list(_cumulative(cell["buckets"])), cell["microseconds"] / 1e6)
        yield durations

    def _server(self) -> Iterator[Metric]:
        gauges = self.gauges
        headwords = GaugeMetricFamily("dictd_headwords", "Headwords served.", labels=["dictionary"])
        for dictionary, count in sorted(gauges.headwords.items()):
            headwords.add_metric([dictionary], count)
        yield headwords
        for name, about, value in (
            ("db_pool_in_use", "Queries of the account store that run or wait.", self.totals.get("pool_in_use", 0)),
            ("history_waiting_rows", "History rows that are not committed.", self.totals.get("waiting_rows", 0)),
            ("history_spooled_rows", "History rows in the spool.", self.totals.get("spooled_rows", 0)),
            ("workers", "Worker processes that serve; 0 where one process does everything.", gauges.workers),
        ):
            yield GaugeMetricFamily(f"dictd_{name}", about, value)
        yield CounterMetricFamily("dictd_worker_restarts", "Workers that had to be started again.", gauges.restarts)
        memory = GaugeMetricFamily("dictd_worker_resident_memory_bytes", "Resident memory.", labels=["worker"])
        for worker, size in sorted(gauges.memory.items()):
            memory.add_metric([worker], size)
        yield memory
        if gauges.certificate is not None:
            about = "When the certificate that clients are shown ends, seconds since 1970."
            yield GaugeMetricFamily("dictd_tls_certificate_expiry_seconds", about, gauges.certificate)

    def _counter(self, name: str, about: str, label: str, known: Iterable[str]) -> Metric:
        """A counter with one label, whose known values are there from the start."""
        family = CounterMetricFamily(f"dictd_{name}", about, labels=[label])
        counted = self.totals.get(name, {})
        for value in known:
            family.add_metric([value], counted.get(value, 0))
        return family

    def _protocols(self, key: str) -> list[str]:
        return sorted({tally.DICT, *self.totals.get(key, {})})


def _cumulative(buckets: Iterable[int]) -> Iterator[tuple[str, float]]:
    """Buckets as Prometheus counts them, each with those before it."""
    total = 0
    for bound, count in zip((*map(str, tally.BOUNDS), "+Inf"), buckets, strict=True):
        total += count
        yield bound, total


def exposition(totals: Mapping[str, Any], gauges: Gauges) -> bytes:
    """The page for Prometheus, in its text format.

    Not in OpenMetrics, whoever asks for it: there ``dictd_connections`` and
    ``dictd_connections_total`` would be one metric of two kinds.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sums(totals, gauges))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Request(http.Request):
    """One request, without a body."""

    log = Logger()
    _refused = False

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length != 0:
            self._refused = True
            self.channel.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.channel.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:
        """Nobody wants it."""

    def process(self) -> None:
        if self._refused:
            return
        pages: dict[bytes, Callable[[], None]] = {
            b"/": lambda: self._say(200, _INDEX),
            b"/healthz": lambda: self._say(200, b"ok\n"),
            b"/readyz": self._readiness,
            b"/metrics": self._metrics,
        }
        page = pages.get(self.path)
        if page is None:
            self._say(404, b"not here; / names what is\n")
        elif self.method not in (b"GET", b"HEAD"):
            self.setHeader(b"Allow", b"GET, HEAD")
            self._say(405, b"GET or HEAD\n")
        else:
            page()

    @property
    def _facts(self) -> Facts:
        return cast(MetricsSite, self.channel.factory).facts

    def _readiness(self) -> None:
        reasons = self._facts.unready()
        if reasons:
            self._say(503, "".join(f"{reason}\n" for reason in reasons).encode())
        else:
            self._say(200, b"ok\n")

    def _metrics(self) -> None:
        asked = Deferred.fromCoroutine(self._facts.totals())
        asked.addTimeout(_SUMS, self.channel.factory.reactor)
        asked.addCallback(self._tell).addErrback(self._trouble)

    def _tell(self, totals: Mapping[str, Any]) -> None:
        if not self._disconnected:
            self._say(200, exposition(totals, self._facts.gauges()), _EXPOSITION)

    def _trouble(self, failure: Failure) -> None:
        self.log.failure("metrics could not be told", failure=failure)
        self._say(500, b"the log says why not\n")

    def _say(self, code: int, body: bytes, content_type: str = _TEXT) -> None:
        if self._disconnected:
            return
        self.setResponseCode(code)
        self.setHeader(b"Content-Type", content_type.encode())
        self.setHeader(b"Content-Length", b"%d" % len(body))
        self.setHeader(b"Date", http.datetimeToString())
        self.setHeader(b"Cache-Control", b"no-store")
        self.setHeader(b"X-Content-Type-Options", b"nosniff")
        self.write(body)
        self.finish()


class _Channel(http.HTTPChannel):
    """A connection; a request has its time, whatever drips in."""

    maxHeaders = _MOST_HEADERS
    requestFactory = _Request
    abortTimeout = 5

    def dataReceived(self, data: bytes) -> None:
        LineReceiver.dataReceived(self, data)  # the original begins the time anew

    def timeoutConnection(self) -> None:
        self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        cast(MetricsSite, self.factory).connections -= 1


class MetricsSite(http.HTTPFactory):
    """The pages, over HTTP; who asks is not logged.

    :param facts: whom to ask.
    :param reactor: or a ``Clock``.
    """

    protocol = _Channel  # type: ignore[assignment]  # HTTP/1.1 alone
    noisy = False
    connections = 0

    def __init__(self, facts: Facts, reactor: Any) -> None:
        super().__init__(timeout=PATIENCE, reactor=reactor)
        self.facts = facts

    def startFactory(self) -> None:
        """No log of its own, no clock for it."""

    def stopFactory(self) -> None:
        """As :meth:`startFactory`."""

    def log(self, request: http.Request) -> None:
        """Not a line."""

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if self.connections >= _MOST:
            return None
        self.connections += 1
        return super().buildProtocol(addr)
