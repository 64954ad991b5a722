"""Whom administrators watch at their prompts: every process is told, and what it sees goes where it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from dictd.processes.whom import Whom

#: What somebody said or did, see :mod:`dictd.processes.watching`.
Row = Mapping[str, Any]
#: Asks every process to watch these, each for so many seconds, and nobody else; how many connections are theirs.
Ask = Callable[[dict[str, float]], Deferred[int]]


@define(eq=False)
class Trace:
    """What one prompt wants to see.

    :ivar prompt: whose it is; what several of one prompt want is shown there once.
    :ivar until: seconds of the reactor's clock.
    :ivar hear: takes what comes: the process, rows, and how many there was no room for.
    :ivar over: called when its time is over.
    """

    whom: Whom
    prompt: object
    until: float
    hear: Callable[[str, list[Row], int], None]
    over: Callable[[], None]


@define(eq=False, repr=False)
class Traces:
    """All that are wanted now."""

    _clock: Any
    _ask: Ask
    _wanted: list[Trace] = field(factory=list, init=False)
    _timer: Any = field(default=None, init=False)

    def seconds(self) -> float:
        """Now, of the clock of :attr:`Trace.until`."""
        return float(self._clock.seconds())

    def begin(self, trace: Trace) -> Deferred[int]:
        """Want one more; how many connections are watched by now."""
        self._wanted.append(trace)
        return self._changed()

    def end(self, trace: Trace) -> Deferred[int]:
        """Want it no longer."""
        if trace in self._wanted:
            self._wanted.remove(trace)
        return self._changed()

    def wanted(self) -> dict[str, float]:
        """Whom processes are to watch, and for how many seconds."""
        now = self._clock.seconds()
        wanted: dict[str, float] = {}
        for trace in self._wanted:
            wanted[trace.whom.said] = max(trace.until - now, wanted.get(trace.whom.said, 0.0))
        return wanted

    def arrived(self, process: str, rows: list[Row], dropped: int) -> None:
        """A process has seen something."""
        shown: dict[int, set[int]] = {}
        for trace in list(self._wanted):
            before = shown.setdefault(id(trace.prompt), set())
            own = [n for n, row in enumerate(rows) if trace.whom.said in row["whose"] and n not in before]
            if own:
                trace.hear(process, [rows[n] for n in own], 0 if before else dropped)
                before.update(own)

    def stop(self) -> None:
        """The server ends."""
        self._wanted.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _changed(self) -> Deferred[int]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._wanted:
            first = min(trace.until for trace in self._wanted)
            self._timer = self._clock.callLater(max(0.0, first - self._clock.seconds()), self._over)
        return self._ask(self.wanted())

    def _over(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        for trace in [trace for trace in self._wanted if trace.until <= now]:
            self._wanted.remove(trace)
            trace.over()
        self._changed()
