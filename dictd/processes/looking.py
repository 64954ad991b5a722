"""One trace at one prompt: what comes of it is printed, and when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define, field

from dictd.manhole.screen import Screen
from dictd.processes import reports
from dictd.processes.reports import Report
from dictd.processes.tracing import Row, Trace, Traces
from dictd.processes.whom import Whom
from dictd.tables import count, span

#: Lines that are printed in a second: nobody reads more, and a slow terminal must not fill our memory.
MOST = 100


@define(eq=False, repr=False)
class Look:
    """See :class:`dictd.processes.tracing.Trace`.

    :param ended: called with this when it has ended.
    """

    MOST_MINUTES: ClassVar[int] = 60

    whom: Whom
    _screen: Screen
    _traces: Traces
    _ended: Callable[[Look], Any]
    _trace: Trace | None = field(default=None, init=False)
    _minutes: float = field(default=0.0, init=False)
    _second: int = field(default=-1, init=False)
    _printed: int = field(default=0, init=False)
    _kept_back: int = field(default=0, init=False)

    async def begin(self, minutes: float) -> Report:
        """Begin; how many connections are theirs now."""
        self._minutes = minutes
        self._trace = Trace(self.whom, self._screen, self._traces.seconds() + minutes * 60, self._heard, self._over)
        found = await self._traces.begin(self._trace)
        return Report(
            f"Tracing {self.whom.said}: {count(found, 'connection')} now; untrace() ends it, or"
            f" {span(minutes * 60)} do.",
            found,
        )

    def end(self) -> None:
        """End it, unless it has ended."""
        if self._trace is not None:
            trace, self._trace = self._trace, None
            self._ended(self)
            self._traces.end(trace)

    def _over(self) -> None:
        self._trace = None
        self._ended(self)
        self._screen.say(f"The trace of {self.whom.said} has ended after {span(self._minutes * 60)}.")

    def _heard(self, process: str, rows: list[Row], dropped: int) -> None:
        second = int(self._traces.seconds())
        lines: list[str] = []
        if second != self._second:
            self._second, self._printed = second, 0
            if self._kept_back:
                lines.append(f"... and {count(self._kept_back, 'more line')} that came too fast to be shown")
                self._kept_back = 0
        room = max(0, MOST - self._printed)
        lines += [reports.traced(process, row) for row in rows[:room]]
        self._printed += len(rows[:room])
        self._kept_back += len(rows[room:]) + dropped
        if lines:
            self._screen.say("\n".join(lines))
