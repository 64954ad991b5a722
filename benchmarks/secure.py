"""TLS: look-ups beside plain ones, handshakes, and what an idle connection takes.

The certificate is made when it is needed, with a key of the curve P-256, as
certificates are made today; no session is taken up again, so each handshake is
a whole one.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from benchmarks import accounting, idle, servers
from benchmarks.cases import Case, Value, WrongAnswers
from benchmarks.load import ServerFell, ask, sealed
from benchmarks.machine import CORES, on
from benchmarks.servers import OURS, Running
from tests.support.certificates import made

PLAIN = Case("64 clients, no TLS, on the server with TLS", 64)
SECURE = Case("64 clients, TLS", 64, secure=True)
_AT_A_TIME = 8
HANDSHAKES = f"connect, TLS handshake, banner; {_AT_A_TIME} at a time"
IDLE = "idle connections, TLS"
_TLS_PORT = re.compile(r"127\.0\.0\.1:(\d+) \(TLS\)")


@contextmanager
def served(state: Path) -> Iterator[tuple[Running, Running]]:
    """A server with a certificate: as it is reached without TLS, and with it."""
    certificate, key = made(state / "certificate")
    settings = f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\nport = 0\n'
    with servers.ours(state, settings) as plain:
        found = _TLS_PORT.search(", ".join(plain.status()["listening"]))
        assert found is not None, plain.status()
        yield plain, evolve(plain, port=int(found[1]))


def measured(
    state: Path, lines: Sequence[bytes], rounds: int, seconds: float, connections: int
) -> Iterator[Value | str]:
    """Everything; texts are remarks.

    :param connections: how many are idle.
    """
    for number in range(rounds):
        # A server for each round, as elsewhere; the idle ones are weighed on a fresh one.
        with served(state) as (plain, secure):
            if not number:
                found = idle.measured(secure, connections, secure=True)
                yield (IDLE, OURS, "held"), found.connections
                yield (IDLE, OURS, "idle"), found.pss
                yield (IDLE, OURS, "resident"), found.rss
            yield from PLAIN.measured(plain, lines, seconds)
            yield from SECURE.measured(secure, lines, seconds)
            yield from shaken(secure, seconds)


def shaken(server: Running, seconds: float) -> Iterator[Value | str]:
    """Connect, shake hands, read the banner, hang up, for so long."""
    with on(CORES.asking):
        before, began = accounting.cpu(server.pid), time.monotonic()
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            seen = sum(pool.map(lambda _: _shake(server.port, began + seconds), range(_AT_A_TIME)), Counter())
        took = time.monotonic() - began
        servers.settled(server)
        used = accounting.cpu(server.pid) - before
    done = seen.pop("", 0)
    if not done:
        raise WrongAnswers(f"{HANDSHAKES}: not one: {dict(seen)}")
    yield (HANDSHAKES, OURS, "handshakes"), done / took
    yield (HANDSHAKES, OURS, "handshake"), used / done * 1e6
    yield (HANDSHAKES, OURS, "errors"), seen.total()
    if seen:
        yield f"{HANDSHAKES}: {dict(seen)}"


def _shake(port: int, end: float) -> Counter[str]:
    """How often it went well (the empty text) or how wrong, until then."""
    seen: Counter[str] = Counter()
    while time.monotonic() < end:
        try:
            with sealed(port) as connection:
                seen["" if ask(connection).startswith(b"220 ") else "no banner"] += 1
        except ServerFell as trouble:
            seen[str(trouble)] += 1
    return seen
