"""How many logins a second there are, with passwords that cost what they cost, and what others notice."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from benchmarks import servers
from benchmarks.cases import Value, WrongAnswers
from benchmarks.figures import percentile
from benchmarks.load import Crowd, Outcome
from benchmarks.polite import Polite
from benchmarks.servers import OURS, Running
from benchmarks.stores import MARIADB, SQLITE, Stores

#: Each with an account of its own, for an account has three tries under way at most.
CLIENTS = 16
WORKERS = 2
SETTINGS = """
[accounts]
registrations_per_hour = 100000
"""
_IN, _OUT = "230", "285"


def alone(store: str) -> str:
    """The name of the case before."""
    return f"anonymous client, {store}, before the logins"


def beside(store: str) -> str:
    """And of the one during them."""
    return f"anonymous client, {store}, beside {CLIENTS} that log in without pause"


CASES = tuple(case(store) for store in (SQLITE, MARIADB) for case in (alone, beside))


def measured(stores: Stores, lines: Sequence[bytes], seconds: float) -> Iterator[Value]:
    """Both stores.

    :param seconds: before, and during.
    """
    for opened in stores.each():
        with opened as kept, kept.served(settings=SETTINGS, workers=WORKERS) as server:
            logins = servers.register(server, CLIENTS)
            yield from waits(alone(kept.name), polite(server, lines, seconds))
            # LOGIN and LOGOUT are sent together; the one waits for the other.
            asked = [line for login in logins for line in (login, b"LOGOUT\r\n")]
            crowd = Crowd.connected(server.port, CLIENTS, 2, asked)
            outcome = Outcome()

            def come(crowd: Crowd = crowd, outcome: Outcome = outcome) -> None:
                seen = crowd.run(seconds)
                outcome.endings, outcome.waits, outcome.seconds = seen.endings, seen.waits, seen.seconds

            thread = threading.Thread(target=come)
            thread.start()
            try:
                client = polite(server, lines, seconds)
            finally:
                thread.join()
                crowd.close()
        wrong = outcome.but(_IN, _OUT)
        if wrong or not outcome.waits:
            raise WrongAnswers(f"{beside(kept.name)}: logins were answered {wrong or 'never'}")
        yield from waits(beside(kept.name), client)
        yield (beside(kept.name), OURS, "logins"), outcome.endings[_IN] / outcome.seconds
        yield (beside(kept.name), OURS, "login_p50"), percentile(sorted(outcome.waits), 0.5) * 1e3


def polite(server: Running, lines: Sequence[bytes], seconds: float) -> Polite:
    """One client for so long."""
    client = Polite(server, lines)
    client.run(seconds)
    return client


def waits(case: str, client: Polite) -> Iterator[Value]:
    """What it has waited."""
    found = sorted(client.waits)
    yield (case, OURS, "p50"), percentile(found, 0.5) * 1e3
    yield (case, OURS, "p99"), percentile(found, 0.99) * 1e3
    yield (case, OURS, "longest"), found[-1] * 1e3
