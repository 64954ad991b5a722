"""Look-ups of logged-in users, each answered when its row is on the disk: group commit beside a commit each.

A commit each is what ``group_rows = 1`` gives: one at a time on SQLite, where
there is one writer, two at a time on MariaDB. There the answers wait as long as
it takes; with the patience that ships many would be "(history not confirmed)",
and more than the disk can do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import product

from attrs import frozen

from benchmarks import accounting, servers
from benchmarks.cases import Value, WrongAnswers, values
from benchmarks.load import Crowd, ask, dial
from benchmarks.servers import OURS, NotHere, Running
from benchmarks.slowdisk import SlowDisk
from benchmarks.stores import MARIADB, SQLITE, Kept, Stores

FEW, MANY = 64, 512
WORKERS = 2
#: Milliseconds that a sync takes more on the slow disk.
SLOW = 5
_MEMBERS = 32
_WARMING = 0.3
#: Look-ups of one client that are held against the syncs.
_WITNESSED = 200
_ONE_EACH = """
[history]
group_rows = 1
confirm_seconds = 60
"""
_TOGETHER, _EACH = "group commit", "a commit each"


@frozen
class Keeping:
    """How rows are kept, and how many ask.

    :ivar each: whether each row has a commit of its own.
    :ivar slow: whether the disk is.
    :ivar workers: 0: one process.
    """

    store: str
    each: bool
    slow: bool = False
    workers: int = 0
    connections: int = FEW

    @property
    def how(self) -> str:
        """Without the connections."""
        workers = f", {self.workers} workers" if self.workers else ""
        disk = f", +{SLOW} ms a sync" if self.slow else ""
        return f"{self.store}{workers}{disk}, {_EACH if self.each else _TOGETHER}"

    @property
    def name(self) -> str:
        """As tables have it."""
        return f"{self.connections} logged in, {self.how}"


#: In the order of tables: a commit each, and beside it the same in groups; with another number of workers, later.
PAIRS = tuple(
    tuple(Keeping(store, each, slow, workers) for each in (True, False))
    for workers, slow, store in (
        *product((0,), (False, True), (SQLITE, MARIADB)),
        *product((WORKERS,), (False,), (SQLITE, MARIADB)),
    )
)
CASES = tuple(
    Keeping(one.store, one.each, one.slow, one.workers, connections).name
    for pair in PAIRS
    for one in pair
    for connections in (FEW, MANY)
)


def witnessed(store: str) -> str:
    """The name of the case of one client whose answers are held against the syncs."""
    return f"1 logged in, {store}, +{SLOW} ms a sync"


def measured(
    stores: Stores, lines: Sequence[bytes], seconds: float, workers: int = 0, quick: bool = False
) -> Iterator[Value | str]:
    """Both stores, both ways; one process on both disks, workers on the one there is.

    :param quick: with few connections only.
    """
    disks: list[SlowDisk | None] = [None]
    if not workers:
        try:
            disks.append(SlowDisk.made(stores.place, SLOW))
        except NotHere as reason:
            yield str(reason)
    for opened in stores.each():
        with opened as kept:
            with kept.served(workers=workers) as server:
                logins = servers.register(server, _MEMBERS)
            for disk, each in product(disks, (True, False)):
                with kept.served(_ONE_EACH if each else "", workers=workers, disk=disk) as server:
                    how = Keeping(kept.name, each, disk is not None, workers)
                    yield from _asked(server, how, lines, logins, seconds, quick)
                    if disk and not each:
                        yield from _witnessed(server, kept, disk, lines, logins)


def _asked(
    server: Running, how: Keeping, lines: Sequence[bytes], logins: Sequence[bytes], seconds: float, quick: bool
) -> Iterator[Value]:
    """Few connections, and then many."""
    logins = [logins[number % _MEMBERS] for number in range(MANY)]
    with ExitStack() as stack:
        crowd = Crowd.connected(server.port, FEW, 1, lines, logins)
        stack.callback(crowd.close)
        yield from _round(server, how.name, crowd, seconds)
        if not quick:
            crowd.join(server.port, MANY - FEW, logins)
            many = Keeping(how.store, how.each, how.slow, how.workers, MANY)
            yield from _round(server, many.name, crowd, seconds)


def _round(server: Running, case: str, crowd: Crowd, seconds: float) -> Iterator[Value]:
    # Until everybody had an answer, at least: on a slow disk that takes seconds.
    warming = crowd.run(seconds * _WARMING)
    while not (crowd.served or warming.wrong):
        warming = crowd.run(seconds * _WARMING)
    before = accounting.cpu(server.pid)
    outcome = crowd.run(seconds)
    used = accounting.cpu(server.pid) - before
    for seen in (warming, outcome):
        if seen.wrong:
            raise WrongAnswers(f"{case}: answered {seen.wrong}")
    for measure, value in values(outcome, used):
        yield (case, OURS, measure), value
    yield (case, OURS, "longest"), max(outcome.waits) * 1e3


def _witnessed(
    server: Running, kept: Kept, disk: SlowDisk, lines: Sequence[bytes], logins: Sequence[bytes]
) -> Iterator[Value]:
    """One client: between its question and the answer there is a sync, every time."""
    case, waits, without = witnessed(kept.name), [], 0
    with dial(server.port) as connection, disk.counted() as count:
        ask(connection)
        ask(connection, logins[0])
        first = count()
        for line in lines[:_WITNESSED]:
            before, since = count(), time.perf_counter()
            heard = ask(connection, line)
            waits.append(time.perf_counter() - since)
            without += count() == before
            if not heard.endswith(b"250 ok\r\n"):
                raise WrongAnswers(f"{case}: answered {heard[-80:]!r}")
        synced = count() - first
    yield (case, OURS, "unsynced"), without
    yield (case, OURS, "syncs"), synced / len(waits)
    yield (case, OURS, "quickest"), min(waits) * 1e3
