"""One client with manners, alone and beside those without: does it notice them?

It asks DEFINE, reads, thinks, and asks again; the others (:mod:`benchmarks.rude`)
read slowly or not at all, or send without pause what costs most.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from attrs import define, field, frozen

from benchmarks import accounting, matching, rude
from benchmarks.cases import Value
from benchmarks.figures import percentile
from benchmarks.load import PATIENCE, ServerFell, ask, dial
from benchmarks.machine import CORES, on
from benchmarks.servers import Running

#: Seconds of thinking, from and to.
_THINKING = (0.003, 0.013)
_SEED = 2229
#: Seconds until the others are at full strength, and between two looks at the memory.
_SETTLING = 0.3
_WEIGHING = 0.25
#: Bytes a second of one who reads slowly; one who reads all.
_SLOWLY = 4096
_ALL = -1

#: Beginnings with 2,000 headwords and more in any dictionary of English, and words with long articles.
_BEGINNINGS = "scpabmdrtfh"
_LONG = ("break", "make", "take", "run", "give", "cut", "get", "carry", "set", "pass", "go", "turn", "play", "light")
#: What costs most, for each strategy that can be asked for it.
_WORST = {
    "prefix": _BEGINNINGS,
    "nprefix": ("100000#2000#s", "50000#2000#c"),
    "substring": ("q", "x", "7"),
    "suffix": ("q", "j", "xq"),
    "re": (
        ".",
        "(a|b|c|d|e){12}z",
        "^(.*a){8}$",
        "(.?){20}q.*q",
        "(a?){25}a{25}",
        "[a-z]*[aeiou]{3}[a-z]*x.*y",
        "x.*x.*x.*x",
        "((a|e)+(i|o)*)+zz$",
    ),
    "regexp": (".*a.*b.*c.*d", ".*.*.*xq", "[^a]*[^b]*[^c]*zz$"),
    "soundex": ("smith", "catherine"),
    "metaphone": ("smith", "catherine"),
    "lev": ("antidisestablishmentarianism", "donaudampfschifffahrtsgesellschaft", "incomprehensibilities"),
    "dlev": ("antidisestablishmentarianism", "donaudampfschifffahrtsgesellschaft"),
    "word": ("of", "der"),
    "first": ("to", "die"),
    "last": ("of", "werden"),
    "all": ("x",),
}  # fmt: skip


@frozen
class Group:
    """Some of the others.

    :ivar read: bytes a second that each of them reads.
    """

    clients: int
    read: int


@frozen
class Situation:
    """Who is there besides.

    :ivar lines: what the others send, given the strategies of the server and what everybody asks.
    :ivar weighed: whether the server's memory is the point.
    """

    name: str
    groups: tuple[Group, ...] = ()
    lines: Callable[[Sequence[str], Sequence[bytes]], list[bytes]] = lambda offered, asked: []
    weighed: bool = False

    def measured(self, server: Running, asked: Sequence[bytes], seconds: float) -> Iterator[Value]:
        """One round.

        :param asked: what the polite client asks.
        """
        case = self.name
        lines = self.lines(matching.offered(server), asked)
        with ExitStack() as stack, on(CORES.asking), dial(server.port) as connection:
            ask(connection)
            for line in [*asked[:50], *lines[:50]]:
                # The pages that answers lie in are nobody's fault.
                ask(connection, line)
            client = Polite(server, asked, self.weighed)
            before = accounting.memory(server.pid).rss
            groups = [stack.enter_context(rude.beside(server, one.clients, one.read, lines)) for one in self.groups]
            if groups:
                time.sleep(_SETTLING)
            client.run(seconds)
        gone = accounting.cpu(server.pid), time.monotonic()
        time.sleep(_SETTLING if groups else 0)
        after = (accounting.cpu(server.pid) - gone[0]) / (time.monotonic() - gone[1])
        waits = sorted(client.waits)
        yield (case, server.name, "p50"), percentile(waits, 0.5) * 1e3
        yield (case, server.name, "p99"), percentile(waits, 0.99) * 1e3
        yield (case, server.name, "longest"), waits[-1] * 1e3
        if groups:
            yield (case, server.name, "flood"), sum(told.heard / told.seconds for told in groups) / 1e6
            yield (case, server.name, "after"), after * 100
        if self.weighed:
            yield (case, server.name, "before"), before * 1024 / 1e6
            yield (case, server.name, "worst"), max(client.worst, before) * 1024 / 1e6


@define
class Polite:
    """The client with manners.

    :ivar waits: seconds of each answer; one that did not come is the last, of :data:`benchmarks.load.PATIENCE`.
    :ivar worst: KiB that the server held at the most, as far as it was looked at.
    """

    server: Running
    asked: Sequence[bytes]
    weighing: bool = False
    waits: list[float] = field(factory=list)
    worst: int = 0

    def run(self, seconds: float) -> None:
        """Ask for so long."""
        thinking = random.Random(_SEED)  # noqa: S311 - a pause, no secret
        weighed = 0.0
        since = time.perf_counter()
        end = since + seconds
        try:
            with dial(self.server.port) as connection:
                ask(connection)
                for line in self.asked:
                    time.sleep(thinking.uniform(*_THINKING))
                    since = time.perf_counter()
                    if since >= end:
                        break
                    if self.weighing and since - weighed >= _WEIGHING:
                        weighed = since
                        self.worst = max(self.worst, accounting.memory(self.server.pid).rss)
                        since = time.perf_counter()
                    ask(connection, line)
                    self.waits.append(time.perf_counter() - since)
        except ServerFell:
            self.waits.append(PATIENCE)
        if not self.waits:
            self.waits.append(time.perf_counter() - since)


def big_answers(offered: Sequence[str], asked: Sequence[bytes]) -> list[bytes]:
    """Lines with answers of many KiB."""
    matches = [b'MATCH * prefix "%c"\r\n' % ord(letter) for letter in _BEGINNINGS]
    articles = [f'DEFINE * "{word}"\r\n'.encode() for word in _LONG]
    return [line for pair in zip(matches, articles, strict=False) for line in pair]


def worst_patterns(offered: Sequence[str], asked: Sequence[bytes]) -> list[bytes]:
    """Lines that cost the server most, of the strategies that it has, one of each in turn."""
    lines = []
    for number in range(max(map(len, _WORST.values()))):
        for strategy, words in _WORST.items():
            name = matching.called(strategy, offered)
            if name and number < len(words):
                lines += matching.questions("*", name, [words[number]])
    return lines


def definitions(offered: Sequence[str], asked: Sequence[bytes]) -> list[bytes]:
    """What everybody asks."""
    return list(asked[:500])


ALONE = Situation("polite client alone")
SLOW_READERS = Situation(
    "polite client beside 32 that do not read, or slowly", (Group(16, 0), Group(16, _SLOWLY)), big_answers, True
)
WORST_PATTERNS = Situation(
    "polite client beside 8 that flood with the worst patterns", (Group(8, _ALL),), worst_patterns
)
DEFINITIONS = Situation("polite client beside 64 that flood with DEFINE", (Group(64, _ALL),), definitions)
#: All of them, in the order of tables.
SITUATIONS = (ALONE, SLOW_READERS, WORST_PATTERNS, DEFINITIONS)
