"""What a client notices while a dictionary is imported and published anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks import importing
from benchmarks.cases import Value, WrongAnswers
from benchmarks.entering import polite, waits
from benchmarks.polite import Polite
from benchmarks.servers import OURS
from benchmarks.stores import MARIADB, SQLITE, Stores
from benchmarks.wordnet import NAME

WORKERS = 2
#: Seconds that are watched after dictctl has ended: workers open the new generation, and let the old one go.
_AFTERMATH = 2.0
_SLICE = 1.0


def before(store: str) -> str:
    """The name of the case before the import."""
    return f"anonymous client, {store}, before the import"


def during(store: str) -> str:
    """And of the one during it."""
    return f"anonymous client, {store}, WordNet is imported and published"


CASES = tuple(case(store) for store in (SQLITE, MARIADB) for case in (before, during))


def measured(stores: Stores, lines: Sequence[bytes], seconds: float) -> Iterator[Value]:
    """Both stores.

    :param seconds: before.
    """
    wordnet = stores.wordnet
    for opened in stores.each():
        with opened as kept, kept.served(workers=WORKERS) as server, ThreadPoolExecutor(1) as apart:
            yield from waits(before(kept.name), polite(server, lines, seconds))
            client = Polite(server, lines)
            went = apart.submit(
                importing.measured, kept.state, wordnet.source, NAME, wordnet.format, kept.url
            )  # a process of its own; the thread waits for it
            while not went.done():
                client.run(_SLICE)
            client.run(_AFTERMATH)
            took = went.result()
            generations = {worker.get("generation") for worker in server.serving()}
        if len(generations) > 1:
            raise WrongAnswers(f"{during(kept.name)}: workers serve {generations}")
        yield from waits(during(kept.name), client)
        yield (during(kept.name), OURS, "rows"), took.rows / took.seconds
