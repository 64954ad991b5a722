"""What metrics cost: counting each look-up, and telling Prometheus once a second.

The same server is asked with and without somebody who scrapes it, in turns, so
that whatever else changes on the machine changes both; one scrape is measured
by itself too, for a few hundredths of a look-up are less than the turns differ.
Counting cannot be turned off; it is timed alone, as it is called for each answer.
"""

from __future__ import annotations

import statistics
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from timeit import timeit

from benchmarks import accounting, servers
from benchmarks.cases import Value, WrongAnswers
from benchmarks.load import Crowd
from benchmarks.machine import CORES, on
from benchmarks.servers import OURS, Running
from dictd.tally import Counts
from tests.support.server import until

SCRAPED = "64 clients, scraped once a second"
SCRAPE = "one scrape"
_CLIENTS = 64
_EVERY = 1.0
_SURROUNDINGS = {"DICTD_METRICS_ENABLED": "true", "DICTD_METRICS_PORT": "0"}
#: Scrapes that are measured by themselves, and how often counting is.
_SCRAPES, _COUNTINGS = 50, 200_000
_BOTH = 2


def measured(state: Path, lines: Sequence[bytes], pairs: int, seconds: float) -> Iterator[Value | str]:
    """Everything; texts are remarks.

    :param pairs: how often without and with.
    :param seconds: of each.
    """
    failed: Counter[str] = Counter()
    with servers.ours(state, surroundings=_SURROUNDINGS) as server:
        where = _where(server)
        alone, beside = [], []
        with on(CORES.asking):
            crowd = Crowd.connected(server.port, _CLIENTS, 1, lines)
            try:
                _asked(server, crowd, seconds)
                for number in range(pairs):
                    # Who is first changes, for a machine gets slower and faster.
                    for scraped in (number % _BOTH == 1, number % _BOTH == 0):
                        if scraped:
                            with _scraping(where, failed):
                                beside.append(_asked(server, crowd, seconds))
                        else:
                            alone.append(_asked(server, crowd, seconds))
            finally:
                crowd.close()
        servers.settled(server)
        before = accounting.cpu(server.pid)
        for _ in range(_SCRAPES):
            _scrape(where, failed)
        one = (accounting.cpu(server.pid) - before) / _SCRAPES
    for quiet, busy in zip(alone, beside, strict=True):
        yield (SCRAPED, OURS, "dearer"), (busy / quiet - 1) * 100
    cpu, counting = statistics.median(alone), _counting()
    yield (SCRAPED, OURS, "counting"), counting
    yield (SCRAPED, OURS, "share"), counting / cpu * 100 + one / _EVERY * 100
    yield (SCRAPE, OURS, "scrape"), one * 1e3
    yield (SCRAPE, OURS, "errors"), failed.total()
    if failed:
        yield f"{SCRAPE}: {dict(failed)}"


def _where(server: Running) -> str:
    """The address of the metrics."""
    found = ""

    def told() -> bool:
        nonlocal found
        found = next((word for word in server.status()["metrics"].split() if word.startswith("http")), "")
        return bool(found)

    until("the metrics to be served", told)
    return found


def _asked(server: Running, crowd: Crowd, seconds: float) -> float:
    """CPU of a look-up, microseconds."""
    before = accounting.cpu(server.pid)
    outcome = crowd.run(seconds)
    if outcome.wrong or not outcome.answers:
        raise WrongAnswers(f"{SCRAPED}: answered {outcome.wrong}")
    return (accounting.cpu(server.pid) - before) / outcome.answers * 1e6


@contextmanager
def _scraping(where: str, failed: Counter[str]) -> Iterator[None]:
    """Somebody scrapes once a second, the first time after half of one."""
    over = Event()

    def scrape() -> None:
        wait = _EVERY / 2
        while not over.wait(wait):
            began = time.monotonic()
            _scrape(where, failed)
            wait = max(0.0, _EVERY - (time.monotonic() - began))

    thread = Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _scrape(where: str, failed: Counter[str]) -> None:
    try:
        with urllib.request.urlopen(where, timeout=10) as answer:  # noqa: S310 - of our own server
            if b"\ndictd_" not in answer.read():
                failed["not the metrics"] += 1
    except OSError as error:
        failed[str(error)] += 1


def _counting() -> float:
    """Microseconds that counting one answer takes, with the two looks at the clock."""
    counts, clock = Counts(), time.monotonic

    def count() -> None:
        began = clock()
        counts.answered("DEFINE", b"250 ok\r\n", clock() - began)

    def nothing() -> None:
        pass

    def best(what: Callable[[], None]) -> float:
        return min(timeit(what, number=_COUNTINGS // 10) for _ in range(10)) / (_COUNTINGS // 10)

    return (best(count) - best(nothing)) * 1e6
