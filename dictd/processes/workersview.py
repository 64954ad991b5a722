"""The processes that serve, as somebody at the prompt names them: ``workers[1]``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, gatherResults

from dictd.errors import BadArguments, Unavailable
from dictd.manhole.screen import Soon
from dictd.processes import questions, reports
from dictd.processes.calling import checked
from dictd.processes.channel import PATIENCE, Silent
from dictd.processes.reports import Report
from dictd.processes.steering import Steered, Steering, seated
from dictd.tables import Table

#: How long a run may take, seconds, unless it is told otherwise; and at most.
RUN, MOST_RUN = 60.0, 3600.0
_MOST_CODE = 50_000


@define(eq=False, repr=False)
class One:
    """A process that serves: run("...") in it, sessions(), top(), facts."""

    _workers: Workers
    pid: int
    name: str

    def __repr__(self) -> str:
        row = self._workers.row(self.pid)
        return f"{self._called} has ended" if row is None else repr(reports.workers([row]))

    @property
    def facts(self) -> dict[str, Any]:
        """How it is: a dictionary."""
        return self._workers.row(self.pid) or {}

    def sessions(self) -> Soon[Table]:
        """Who is connected to it."""
        return Soon.of(self._sessions())

    @checked
    def top(self, most: int = 20) -> Soon[Report]:
        """What is looked up in it."""
        return Soon.of(self._top(most))

    @checked
    def run(self, code: str, seconds: float = RUN) -> Soon[Report]:
        """Run Python in it, and show what that printed and its last value.

        found = await workers[1].run("len(sessions)")

        There are: serving, settings, reactor, parts, factory, service, lexicon, pool, recorder, passwords,
        tally, doors, roster, sessions. ``await`` may be used. Each run begins afresh; what is put into the
        dictionary ``keep`` is there the next time. What is awaited is given up after 60 seconds, or as many
        as are said; code that does not await stops the whole process meanwhile, and the supervisor kills it
        after three seconds. The line is in the log of the server.
        """
        return Soon.of(self._run(code, seconds))

    async def _sessions(self) -> Table:
        return reports.sessions(await seated(self._reached()))

    async def _top(self, most: int) -> Report:
        return reports.top([(self.name, await self._ask(questions.Top))], most)

    async def _run(self, code: str, seconds: float) -> Report:
        _allowed(code, seconds)
        answer = await self._ask(
            questions.Run, patience=seconds + PATIENCE, code=code, seconds=float(seconds), who=self._workers.who
        )
        return Report(answer["text"], answer["text"])

    async def _ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        try:
            return await self._reached().ask(command, **arguments)
        except Silent:
            raise Unavailable(f"{self._called} gave no answer: it has ended, or hangs; the log says which") from None

    def _reached(self) -> Steered:
        for one in self._workers.steering.steered():
            if one.pid == self.pid:
                return one
        raise Unavailable(f"{self._called} has ended; {self.name} may be there anew")

    @property
    def _called(self) -> str:
        return f"{self.name} (process {self.pid})"


def _allowed(code: str, seconds: float) -> None:
    if len(code) > _MOST_CODE:
        raise BadArguments(f"run takes Python as a text of at most {_MOST_CODE:,} characters")
    if not 0 < seconds <= MOST_RUN:
        raise BadArguments(f"a run may take from 0 to {MOST_RUN:.0f} seconds")


@define(eq=False, repr=False)
class Workers:
    """The processes that serve.

    workers
    workers[1].sessions()
    await workers[1].run("len(sessions)")
    workers.run("len(sessions)")        in all of them

    workers[1] is the first of them; workers[4711] the one of that process number.
    workers[1] stays with the process that it is: after a reload say workers[1] again. With workers = 0 the
    one process is workers[1], and workers["server"]. help(workers[1].run) tells more.
    """

    steering: Steering
    who: str

    def __repr__(self) -> str:
        return repr(self.table())

    def table(self) -> Table:
        """All, those that retire too."""
        return reports.workers(self._rows())

    def __len__(self) -> int:
        return len(self._rows())

    def __iter__(self) -> Iterator[One]:
        for row in self._rows():
            yield One(self, row["pid"], row["name"])

    def __getitem__(self, key: int | str) -> One:
        rows = self._rows()
        # The one that serves goes before those of its name that retire.
        rows.sort(key=lambda row: row["state"] == "retiring")
        names = {key} if isinstance(key, str) else {f"worker {key}", *(["server"] if key == 1 else [])}
        for row in rows:
            if row["name"] in names or row["pid"] == key:
                return One(self, row["pid"], row["name"])
        there = ", ".join(sorted({row["name"] for row in rows})) or "none"
        raise BadArguments(f"there is no {key if isinstance(key, str) else f'worker {key}'} now; there are: {there}")

    @checked
    def run(self, code: str, seconds: float = RUN) -> Soon[Report]:
        """Run Python in all of them at once; see help(workers[1].run)."""
        return Soon.of(self._run(code, seconds))

    def row(self, pid: int) -> dict[str, Any] | None:
        """What the status tells of a process."""
        return next((row for row in self._rows() if row["pid"] == pid), None)

    async def _run(self, code: str, seconds: float) -> Report:
        _allowed(code, seconds)
        serving = [one for one in self if one.facts.get("state") != "starting"]
        texts = await gatherResults([Deferred.fromCoroutine(self._told(one, code, seconds)) for one in serving])
        shown = [f"{one.name}: {text}" if "\n" not in text else f"{one.name}:\n{text}" for one, text in texts]
        return Report("\n".join(shown), {one.name: text for one, text in texts})

    async def _told(self, one: One, code: str, seconds: float) -> tuple[One, str]:
        try:
            return one, (await one.run(code, seconds)).text
        except Unavailable as trouble:
            return one, trouble.text

    def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.steering.status()["workers"]
        return list(rows)
