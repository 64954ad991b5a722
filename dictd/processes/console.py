"""What an administrator can name at the prompt of the shell."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from attrs import define, field
from twisted.internet.defer import gatherResults
from twisted.logger import Logger

from dictd.errors import BadArguments, Unavailable
from dictd.manhole.screen import Screen, Soon
from dictd.model import name_key
from dictd.processes import missed, questions, reports
from dictd.processes.channel import Silent
from dictd.processes.helping import Help, Named
from dictd.processes.looking import Look
from dictd.processes.reports import Report
from dictd.processes.settingsview import SettingsView
from dictd.processes.steering import Steered, Steering
from dictd.processes.whom import Whom
from dictd.processes.workersview import Workers
from dictd.tables import Table

_EVERY_PROCESS = "no process answers; status() tells which there are"


@define(eq=False, repr=False)
class Console:
    """One session of the shell."""

    _steering: Steering
    _screen: Screen
    _looks: list[Look] = field(factory=list, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._screen.closed.append(self._closed)

    def names(self) -> dict[str, Any]:
        """What the prompt knows; ``help()`` is made of the same table."""
        table = [
            Named("status", self.status, "status()"),
            Named("workers", Workers(self._steering, self._who), 'workers[1].run("len(sessions)")'),
            Named("sessions", self.sessions, 'sessions("alice")'),
            Named("kick", self.kick, 'kick("alice")'),
            Named("ban", self.ban, 'ban("203.0.113.0/24", minutes=10)'),
            Named("lift", self.lift, 'lift("203.0.113.0/24")'),
            Named("bans", self.bans, "bans()"),
            Named("top", self.top, "top()"),
            Named("trace", self.trace, 'trace("alice")'),
            Named("untrace", self.untrace, "untrace()"),
            Named("dictionaries", self.dictionaries, "dictionaries()"),
            Named("misses", self.misses, "misses()"),
            Named("counts", self.counts, "counts()"),
            Named("settings", SettingsView(lambda: self._steering.settings), "settings.limits"),
            Named("reload", self.reload, "reload()"),
            Named("stop", self.stop, 'stop("yes")'),
            Named("server", self._steering, "server.steered()", "The server's own object; its source tells more"),
        ]
        return {one.name: one.called for one in table} | {"help": Help(table)}

    # How it is ---------------------------------------------------------------------

    def status(self) -> Report:
        """How the server is.

        As dictctl status tells it; status()["pid"] and so on are the facts, status().facts all of them.
        """
        return reports.status(self._steering.overview())

    def counts(self) -> Table:
        """What was answered since the start.

        Commands, their codes, and how long they took; a row is a tuple: counts()[0]. What workers have counted
        is at most a second old.
        """
        return reports.counts(self._steering.counts())

    def sessions(self, whom: str = "") -> Soon[Table]:
        """Who is connected.

        sessions()
        sessions("alice")
        sessions("203.0.113.0/24")      an address or a network

        id is what kick() and trace() take. "last" is the command of the latest line, not what was asked.
        """
        return Soon.of(self._sessions(Whom.of(whom) if whom else None))

    def dictionaries(self) -> Soon[Table]:
        """What is served, and who sees it."""
        return Soon.of(self._dictionaries())

    def misses(self, most: int = 50, days: int = 30, database: str = "", least: int = 2) -> Soon[Table]:
        """Words that people did not find.

        misses()
        misses(100, days=7, database="wn", least=1)

        The most missed first, as dictctl misses lists them: of so many days, asked in one database or in any,
        at least so often. Who asked is kept nowhere.
        """
        return Soon.of(self._misses(most=most, days=days, database=database, least=least))

    def top(self, most: int = 20) -> Soon[Report]:
        """What is looked up now.

        top()
        top(100)

        Words of the last minute, and searches under way. The most asked come first, with how often nothing was
        found, and how long the longest took where that was more than a moment. Who asked is not told; trace()
        shows what one user does. A busy process keeps its last 8,192 look-ups, which may be less than a minute.
        """
        return Soon.of(self._top(most))

    # What can be done ----------------------------------------------------------------

    def kick(self, whom: str) -> Soon[Report]:
        """End the connections of a user, or one.

        kick("alice")
        kick("192.0.2.7")   an address or a network
        kick("1/17")        an id of sessions()

        They may come again; ban() keeps an address out.
        """
        return Soon.of(self._kick(whom))

    def ban(self, network: str, minutes: float | None = None) -> Soon[Report]:
        """Keep an address or a network out.

        ban("203.0.113.0/24", minutes=10)
        ban("2001:db8::7")                  until lift("2001:db8::7")

        Its connections are ended. It holds after another start of the server too.
        """
        return Soon.of(self._ban(network, minutes))

    def lift(self, network: str) -> Soon[Report]:
        """Let an address or a network in again."""
        return Soon.of(self._lift(network))

    def bans(self) -> Soon[Table]:
        """Who is kept out, and how long."""
        return Soon.of(self._bans())

    def reload(self) -> Soon[Report]:
        """Take new settings, certificates, programs.

        New workers come first, then the old ones finish. Settings that are wrong change nothing; what is wrong
        is told.
        """
        return Soon.of(self._reload())

    def stop(self, sure: str = "") -> Report:
        """End the server."""
        if sure != "yes":
            return Report(
                'This ends the server for everybody; if you mean it: stop("yes"). Leaving the shell is Ctrl-D.'
            )
        self.log.info("{by}: stop", by=self._who, audit=True)
        self._steering.stop()
        return Report("The server ends.")

    # Lines as they come ----------------------------------------------------------------

    def trace(self, whom: str, minutes: float = 10) -> Soon[Report]:
        """Show what a user does, as it happens.

        trace("alice")
        trace("192.0.2.7", minutes=2)   an address or a network
        trace("1/17")                   an id of sessions()

        Time, process, id, who, the line, the last line of its answer, how long that took. Connections that
        come later are shown too, and who tries to log in by that name. Of lines that may hold a secret only
        the command is shown. It ends by untrace(), when you leave, or after ten minutes.
        """
        return Soon.of(self._trace(whom, minutes))

    def untrace(self, whom: str = "") -> Report:
        """End a trace, or all of this prompt.

        untrace()
        untrace("alice")
        """
        said = Whom.of(whom).said if whom else ""
        ended = [look for look in self._looks if said in ("", look.whom.said)]
        for look in ended:
            self._end(look)
        names = ", ".join(look.whom.said for look in ended)
        return Report(f"No longer shown: {names}." if ended else "Nothing is traced.", len(ended))

    async def _trace(self, said: str, minutes: float) -> Report:
        whom = Whom.of(said)
        if not 0 < minutes <= Look.MOST_MINUTES:
            raise BadArguments(f"a trace lasts up to {Look.MOST_MINUTES} minutes")
        for look in [look for look in self._looks if look.whom == whom]:
            self._end(look)
        self.log.info(
            "{by}: trace {whom} for {minutes} minutes", by=self._who, whom=whom.said, minutes=minutes, audit=True
        )
        look = Look(whom, self._screen, self._steering.traces, self._looks.remove)
        self._looks.append(look)
        return await look.begin(minutes)

    def _end(self, look: Look) -> None:
        self.log.info("{by}: untrace {whom}", by=self._who, whom=look.whom.said, audit=True)
        look.end()

    def _closed(self) -> None:
        for look in list(self._looks):
            self._end(look)

    # Of those above, what has to wait -----------------------------------------------------

    async def _sessions(self, whom: Whom | None) -> Table:
        found = await self._steering.do_sessions()
        return reports.sessions([row for row in found if whom is None or _meets(whom, row)])

    async def _dictionaries(self) -> Table:
        for process in self._steering.steered():
            try:
                answer = await process.ask(questions.Shelf)
            except Silent:
                continue
            return reports.dictionaries(answer["rows"], self._steering.settings)
        raise Unavailable(_EVERY_PROCESS)

    async def _misses(self, **wanted: Any) -> Table:
        found = await self._steering.do_misses(**wanted)
        told = (found["words"], found["found_now"], found["others"], found["stored"])
        return missed.table(*told, least=wanted["least"], rarer="misses(least=1)")

    async def _top(self, most: int) -> Report:
        answers = await gatherResults([Soon.of(_topped(process)) for process in self._steering.steered()])
        found = [(name, answer) for name, answer in answers if answer is not None]
        if not found:
            raise Unavailable(_EVERY_PROCESS)
        return reports.top(found, most)

    async def _kick(self, whom: str) -> Report:
        return reports.kicked(whom, await self._do("kick", name=whom))

    async def _ban(self, network: str, minutes: float | None) -> Report:
        done = await self._do("ban", network=network, seconds=None if minutes is None else minutes * 60)
        return reports.banned(done, minutes, f'lift("{done["network"]}")')

    async def _lift(self, network: str) -> Report:
        return reports.lifted(await self._do("lift", network=network))

    async def _bans(self) -> Table:
        return reports.bans(await self._steering.do_bans())

    async def _reload(self) -> Report:
        done = await self._do("reload")
        return Report(f"Done: {done}.", done)

    def _do(self, verb: str, **arguments: Any) -> Coroutine[Any, Any, Any]:
        return self._steering.do(verb, arguments, self._who)

    @property
    def _who(self) -> str:
        """For the log: the session of the shell, as the lines that are typed in it are logged."""
        number = getattr(self._screen, "number", None)
        return "shell" if number is None else f"shell {number}"


def _meets(whom: Whom, row: dict[str, Any]) -> bool:
    return whom.meets(row.get("id", ""), row["peer"], name_key(row["user"]) if row["user"] else None)


async def _topped(process: Steered) -> tuple[str, dict[str, Any] | None]:
    try:
        return process.name, await process.ask(questions.Top)
    except Silent:
        return process.name, None
