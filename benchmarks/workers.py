"""One worker against two, with the load on the same cores, and how connections are shared among workers.

On a machine of two cores the load takes part of both, so twice the look-ups
cannot come of twice the workers: two cores give no more than
``2 / (CPU of a look-up + CPU of asking it)``. The table has both, and what the
workers alone would give by their CPU if somebody else's cores asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks import askers, idle, servers
from benchmarks.cases import Value, WrongAnswers, values
from benchmarks.load import ServerFell
from benchmarks.servers import OURS, Running
from tests.support.server import until

ALL_CORES = frozenset(os.sched_getaffinity(0))
_CLIENTS, _DEPTH = 64, 16
#: Connections that are shared out.
CONNECTIONS = 1000
#: Among so many workers.
BALANCED = (2, 4)


@frozen
class Shared:
    """So many clients, asking so many workers."""

    workers: int
    depth: int

    @property
    def name(self) -> str:
        """As tables have it."""
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        return f"{workers}, {_CLIENTS} clients" + (f", {self.depth} pipelined" if self.depth > 1 else "")

    def measured(self, server: Running, lines: Sequence[bytes], seconds: float) -> Iterator[Value]:
        """One round.

        :raises WrongAnswers: an answer was not right.
        :raises ServerFell: it does not take connections any more.
        """
        try:
            seen = askers.asked(server, _CLIENTS, self.depth, lines, seconds)
            if seen.outcome.wrong:
                raise WrongAnswers(f"answered {seen.outcome.wrong}")
            told = [*values(seen.outcome, seen.server), ("asking", seen.own / seen.outcome.answers * 1e6)]
        except (ServerFell, WrongAnswers) as trouble:
            raise type(trouble)(f"{self.name}: {server.name}: {trouble}") from trouble
        for measure, value in told:
            yield (self.name, server.name, measure), value


#: In the order of tables; the same load on one worker and on two.
SHARED = tuple(Shared(workers, depth) for depth in (1, _DEPTH) for workers in (1, 2))


def shared(state: Path, lines: Sequence[bytes], seconds: float) -> Iterator[Value]:
    """One round of all of them: one worker, and two."""
    for workers in dict.fromkeys(one.workers for one in SHARED):
        with servers.ours(state, workers=workers, cores=ALL_CORES) as server:
            for one in SHARED:
                if one.workers == workers:
                    yield from one.measured(server, lines, seconds)


def balance(workers: int) -> str:
    """The name of the case."""
    return f"{CONNECTIONS:,} connections, {workers} workers"


def balanced(state: Path, workers: int) -> Iterator[Value]:
    """How many connections the workers have that have the fewest and the most."""
    with servers.ours(state, workers=workers, cores=ALL_CORES) as server, idle.held(server, CONNECTIONS) as count:
        counts: list[int] = []

        def all_told() -> bool:
            counts[:] = [worker["connections"] or 0 for worker in server.serving()]
            return sum(counts) == count

        until("the workers to tell of their connections", all_told)
    yield (balance(workers), OURS, "fewest"), min(counts)
    yield (balance(workers), OURS, "most"), max(counts)
