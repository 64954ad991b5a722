"""What is measured: the cases, and how a load becomes figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from benchmarks import accounting
from benchmarks.answers import NOTHING, RIGHT
from benchmarks.figures import percentile
from benchmarks.load import Crowd, Outcome, ServerFell, dial, sealed
from benchmarks.machine import CORES, on
from benchmarks.servers import PEERS, Running
from benchmarks.visits import Visits

#: Share of a round that is run before it, and not counted.
_WARMING = 0.2

Value = tuple[tuple[str, str, str], float]


class WrongAnswers(Exception):
    """A server answered wrongly, so its figures mean nothing."""


@frozen
class Case:
    """So many clients, asking so.

    :ivar clients: how many are there at a time.
    :ivar depth: lines each sends at once; 0: each client asks once and leaves.
    :ivar prefixes: whether they ask for prefixes, not for words.
    :ivar secure: whether they speak TLS.
    """

    name: str
    clients: int
    depth: int = 1
    prefixes: bool = False
    secure: bool = False

    def measured(
        self, server: Running, lines: Sequence[bytes], seconds: float, logins: Sequence[bytes] = ()
    ) -> Iterator[Value]:
        """One round.

        :param lines: what is asked, drawn beforehand.
        :param logins: the line with which each client logs in, if they do.
        :raises WrongAnswers: an answer was not right.
        :raises ServerFell: it does not take connections any more.
        """
        try:
            outcome, used = self._run(server, lines, seconds, logins)
        except (ServerFell, WrongAnswers) as trouble:
            raise type(trouble)(f"{self.name}: {server.name}: {trouble}") from trouble
        for measure, value in values(outcome, used):
            yield (self.name, server.name, measure), value

    def _run(
        self, server: Running, lines: Sequence[bytes], seconds: float, logins: Sequence[bytes]
    ) -> tuple[Outcome, float]:
        # dicod misses some prefixes ("dog") that have matches: that is told, not refused.
        right = (RIGHT, NOTHING) if self.prefixes and server.name in PEERS else (RIGHT,)
        with on(CORES.asking):
            load: Crowd | Visits
            if self.depth:
                connect = sealed if self.secure else dial
                load = Crowd.connected(server.port, self.clients, self.depth, lines, logins, connect)
            else:
                load = Visits.prepared(server.port, self.clients, lines)
            try:
                warming = load.run(seconds * _WARMING)
                # dicod reads the whole index for the first question of each connection.
                while not (load.served or warming.but(*right)):
                    warming = load.run(seconds * _WARMING)
                before = accounting.cpu(server.pid)
                outcome = load.run(seconds)
                used = accounting.cpu(server.pid) - before
            finally:
                load.close()
        for seen in (warming, outcome):
            if seen.but(*right):
                raise WrongAnswers(f"answered {seen.but(*right)}")
        return outcome, used


def values(outcome: Outcome, used: float) -> Iterator[tuple[str, float]]:
    """What a round says.

    :param used: seconds of CPU of the server.
    """
    if not outcome.answers:
        raise WrongAnswers("not one answer came")
    if used > 0:
        yield "cpu", used / outcome.answers * 1e6
    yield "rate", outcome.answers / outcome.seconds
    waits = sorted(outcome.waits)
    yield "p50", percentile(waits, 0.5) * 1e3
    yield "p99", percentile(waits, 0.99) * 1e3
    yield "busy", used / outcome.seconds * 100
    if outcome.endings[NOTHING]:
        yield "nothing", outcome.endings[NOTHING] / outcome.answers * 100


ONE = Case("1 client", 1)
MANY = Case("64 clients", 64)
PIPELINED = Case("64 clients, 16 pipelined", 64, 16)
VISITS = Case("connect, ask, QUIT; 8 at a time", 8, 0)
PREFIX = Case("MATCH prefix, 64 clients", 64, prefixes=True)
#: Measured on every server.
EVERYWHERE = (ONE, MANY, PIPELINED, VISITS, PREFIX)

ANONYMOUS = Case("32 clients, anonymous", 32)
LOGGED_IN = Case("32 clients, each logged in", 32)
ONE_EACH = Case("32 clients, logged in, a commit each", 32)

IMPORT_WORDNET = "import of WordNet"
IMPORT_TABBED = "import of 200,000 lines word<TAB>meaning"
IDLE = "idle connections"
