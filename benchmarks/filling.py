"""Imports of WordNet into MariaDB, beside those into SQLite of the chapter ``imports``."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import importing
from benchmarks.cases import Value
from benchmarks.importing import Import
from benchmarks.servers import OURS
from benchmarks.stores import Stores
from benchmarks.wordnet import NAME
from dictd.ctl.imports import import_

MARIADB = "import of WordNet, MariaDB"
FAST = "import of WordNet, MariaDB, --fast"
SQLITE = "import of WordNet, SQLite"
CASES = (SQLITE, MARIADB, FAST)


def measured(stores: Stores, times: int) -> Iterator[Value | str]:
    """New editions of a dictionary that is there.

    :param times: of each.
    :raises NotHere: MariaDB is not installed.
    """
    wordnet = stores.wordnet
    ways: list[tuple[str, tuple[str, ...]]] = [(MARIADB, ())]
    if any("--fast" in option.opts for option in import_.params):
        ways.append((FAST, ("--fast",)))
    else:
        yield f"{FAST} is left out: dictctl has no such option"
    with stores.sqlite() as sqlite, stores.mariadb() as mariadb:
        for _ in range(times):
            for case, kept, options in ((SQLITE, sqlite, ()), *((case, mariadb, options) for case, options in ways)):
                took = importing.measured(kept.state, wordnet.source, NAME, wordnet.format, kept.url, *options)
                yield from _values(case, took)


def _values(case: str, took: Import) -> Iterator[Value]:
    yield (case, OURS, "rows"), took.rows / took.seconds
    yield (case, OURS, "memory"), took.peak
