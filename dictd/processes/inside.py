"""A process that serves, looked at from within: what it tells an administrator, and does for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from dictd.processes import channel, questions
from dictd.processes.channel import Channel
from dictd.processes.running import Runs
from dictd.processes.seats import Seats
from dictd.processes.serving import Serving
from dictd.processes.watching import Watching

#: How many of the words that were asked most one process tells.
_WORDS = 300


@define(eq=False, repr=False)
class Insight:
    """What can be seen of a process, and done in it, by somebody who is not its client.

    :param process: its number, for the ids of connections.
    :param tell: says something to the supervisor.
    """

    serving: Serving
    reactor: Any
    process: int
    tell: Callable[..., None]
    seats: Seats = field(init=False)
    watching: Watching = field(init=False)
    runs: Runs = field(init=False)

    def __attrs_post_init__(self) -> None:
        factory = self.serving.parts.factory
        self.seats = Seats(factory, self.reactor, self.process)
        self.watching = Watching(factory, self.reactor, self.process, self._traced)
        self.runs = Runs(self.reactor, self._names)

    def _traced(self, rows: list[dict[str, Any]], dropped: int) -> None:
        self.tell(questions.Traced, rows=rows, dropped=dropped)

    def _names(self) -> dict[str, Any]:
        serving = self.serving
        parts = serving.parts
        service = parts.factory.service
        return {
            "serving": serving,
            "settings": serving.settings,
            "reactor": self.reactor,
            "parts": parts,
            "factory": parts.factory,
            "service": service,
            "lexicon": parts.lexicon,
            "pool": parts.pool,
            "recorder": parts.recorder,
            "passwords": parts.passwords,
            "tally": service.tally,
            "doors": service.doors,
            "roster": service.registrar.roster,
            "sessions": [one.session for one in parts.factory.connections],
        }

    def top(self) -> dict[str, Any]:
        """See :class:`dictd.processes.questions.Top`."""
        service = self.serving.parts.factory.service
        searches = service.lookups.searches
        return {
            "rows": searches.recent.rows(_WORDS),
            "seconds": float(searches.recent.span(service.steady())),
            "searches": searches.under_way(),
        }

    def shelf(self) -> list[tuple[str, str, int]]:
        """See :class:`dictd.processes.questions.Shelf`."""
        return self.serving.parts.lexicon.shelf()


class Within(Channel):
    """The end of a process that administrators look into: who is there, what goes on, what they do about it."""

    insight: Insight

    @questions.Run.responder
    def run(self, code: str, seconds: float, who: str) -> Any:
        """See :class:`dictd.processes.questions.Run`."""
        ran = Deferred.fromCoroutine(self.insight.runs.run(code, seconds, who))
        return ran.addCallback(lambda text: {"text": text})

    @questions.Top.responder
    def top(self) -> dict[str, Any]:
        """See :class:`dictd.processes.questions.Top`."""
        return self.insight.top()

    @questions.Shelf.responder
    def shelf(self) -> dict[str, Any]:
        """See :class:`dictd.processes.questions.Shelf`."""
        return {"rows": self.insight.shelf()}

    @questions.Trace.responder
    def trace(self, wanted: Mapping[str, float]) -> dict[str, Any]:
        """See :class:`dictd.processes.questions.Trace`."""
        return {"count": self.insight.watching.follow(wanted)}

    @channel.Sessions.responder
    def sessions(self, first: int) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Sessions`."""
        rest = self.insight.seats.listed()[first:]
        part = next(channel.parts(rest), [])
        return {"sessions": part, "more": len(part) < len(rest)}

    @channel.Kick.responder
    def kick(self, name: str) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Kick`."""
        return {"count": self.insight.seats.kick(name)}

    @channel.SignOut.responder
    def sign_out(self, user: int) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.SignOut`."""
        return {"count": self.insight.seats.sign_out(user)}

    @channel.Ban.responder
    def ban(self, network: str, seconds: float) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Ban`."""
        return {"count": self.insight.seats.ban(network, seconds)}
