"""Values measured, what they mean, and the file they are kept in. Pure."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

#: Share of the machine that other jobs may take before clocks say nothing of us.
QUIET = 0.10
#: Version of the file; one of another version is not compared.
FORMAT = 1


@frozen
class Measure:
    """A thing that is measured.

    :ivar unit: of the values.
    :ivar less: whether less is better; ``None`` where neither is.
    :ivar margin: a change smaller than this share of the old value is noise on any machine.
    :ivar waits: whether other jobs on the machine lengthen it, and not only the spread of its rounds.
    :ivar floor: the measure of the floor that tells how fast the machine was; empty: no matter.
    """

    name: str
    about: str
    unit: str
    less: bool | None
    margin: float = 0.0
    floor: str = ""
    waits: bool = False


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("cpu", "CPU a look-up", "us", True, 0.05, "cpu"),
        Measure("rate", "look-ups", "/s", False, 0.10, "rate", True),
        Measure("p50", "half are answered within", "ms", True, 0.10, "p50", True),
        # The same program twice on a machine that did nothing else: 71 % apart.
        Measure("p99", "99 of 100 are answered within", "ms", True, 1.0, "p50", True),
        # One wait of many thousand: what it was tells little of what it will be.
        Measure("longest", "the longest wait", "ms", True, 3.0, "p50", True),
        Measure("busy", "CPU of the server in a second", "%", None),
        Measure("nothing", "answers that found nothing", "%", None),
        Measure("rows", "rows imported", "/s", False, 0.10, "cpu", True),
        Measure("memory", "peak memory", "MB", True, 0.05),
        Measure("before", "resident memory before", "MB", None),
        Measure("worst", "resident memory at the worst", "MB", True, 0.10),
        Measure("flood", "what the others got", "MB/s", None),
        Measure("after", "CPU of the server when the others have gone", "%", None),
        Measure("idle", "memory of a connection (PSS)", "KiB", True, 0.05),
        Measure("held", "at a time", "connections", None),
        Measure("asking", "CPU of the load for each", "us", None),
        Measure("fewest", "of the worker with the fewest", "connections", None),
        Measure("most", "of the worker with the most", "connections", True, 0.10),
        Measure("made", "made", "connections", None),
        Measure("errors", "errors", "", True),
        Measure("own", "cut with the worker they were of", "connections", None),
        Measure("killed", "killed", "workers", None),
        Measure("again", "until another worker served in its place", "s", True, 0.5, "", True),
        Measure("reload", "the reload took", "s", True, 0.5, "", True),
        Measure("guesses", "wrong passwords sent", "/s", None),
        Measure("verified", "passwords hashed", "", None),
        Measure("verified_most", "passwords of one source hashed, at the most", "", True, 0.2),
        Measure("delayed", "guessers told to wait (481)", "", None),
        Measure("turned", "guessers told that there are too many (480)", "", None),
        Measure("unanswered", "wrong passwords not answered when it was over", "", None),
        Measure("handshakes", "made", "/s", False, 0.10, "rate", True),
        Measure("handshake", "CPU of each", "us", True, 0.05, "cpu"),
        Measure("dearer", "more CPU than unscraped", "%", None),
        Measure("counting", "CPU of counting one answer", "us", True, 0.2),
        Measure("share", "counting and a scrape a second take", "%", True, 0.2),
        Measure("scrape", "CPU of the server", "ms", True, 0.2),
        Measure("grown", "memory of all processes grew by (RSS)", "MiB", True, 0.2),
        Measure("late", "waited over 250 ms", "connections", None),
        Measure("unconfirmed", "answers that promise no row", "", True),
        Measure("promised", "rows promised", "", None),
        Measure("missing", "promised rows that are missing", "", True),
        Measure("twice", "rows that are there twice", "", True),
        Measure("unsynced", "answers without a sync since the question", "", True),
        Measure("syncs", "syncs for each answer", "", True, 0.2),
        Measure("quickest", "the shortest wait", "ms", True, 0.2, "p50", True),
        Measure("logins", "logins", "/s", False, 0.10, "", True),
        Measure("login_p50", "half of the logins take", "ms", True, 0.10, "", True),
        Measure("first", "the longest wait until the breakers are open", "ms", True, 0.5, "", True),
        Measure("login", "until somebody can log in and read the history", "s", True, 0.5, "", True),
        Measure("home", "until the history is whole", "s", True, 0.5, "", True),
        Measure("resident", "memory of a connection (RSS)", "KiB", True, 0.05),
    )
}


@frozen
class Figure:
    """One measure of one server in one case, a value for each round."""

    case: str
    server: str
    measure: str
    values: tuple[float, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is the figure of."""
        return self.case, self.server, self.measure

    @property
    def median(self) -> float:
        """The value that is told."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The least of all rounds."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The most of all rounds."""
        return max(self.values)

    @property
    def spread(self) -> float:
        """From least to most, as a share of the median."""
        return (self.high - self.low) / abs(self.median) if self.median else 0.0


@frozen
class Run:
    """All figures of a run.

    :ivar machine: facts of the machine, as :class:`benchmarks.machine.Machine` has them, and
        ``others``, the share of it that other jobs took.
    :ivar settings: how it was run: rounds, seconds, ...
    :ivar remarks: what was left out, and why.
    """

    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    remarks: tuple[str, ...]
    figures: tuple[Figure, ...]

    @property
    def disturbed(self) -> bool:
        """Whether other jobs took more of the machine than times by the clock can stand."""
        return float(self.machine["others"]) > QUIET

    def find(self, case: str, server: str, measure: str) -> Figure | None:
        """A figure, if it was measured."""
        return next((figure for figure in self.figures if figure.key == (case, server, measure)), None)

    def servers(self, case: str) -> list[str]:
        """Who was measured in a case, in order."""
        return list(dict.fromkeys(figure.server for figure in self.figures if figure.case == case))

    def text(self) -> str:
        """As a file keeps it."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, text: str) -> Run:
        """From such a file.

        :raises ValueError: it is none, or of another version.
        """
        try:
            value = json.loads(text)
            if value["format"] != FORMAT:
                raise ValueError(f"format {value['format']} is not {FORMAT}")
            figures = tuple(
                Figure(one["case"], one["server"], one["measure"], tuple(map(float, one["values"])))
                for one in value["figures"]
            )
            return cls(value["machine"], value["settings"], tuple(value["remarks"]), figures)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no file of figures: {error!r}") from error


def gathered(rounds: Iterable[tuple[tuple[str, str, str], float]]) -> tuple[Figure, ...]:
    """The values of all rounds, each under its case, server and measure, in the order they first came."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for key, value in rounds:
        values.setdefault(key, []).append(value)
    return tuple(Figure(*key, tuple(found)) for key, found in values.items())


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that is not below this share of all of them.

    :param values: sorted, at least one.
    """
    return values[max(math.ceil(share * len(values)) - 1, 0)]
