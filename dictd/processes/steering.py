"""What an administrator can say to a running server, whatever it is made of."""

from __future__ import annotations

import inspect
import ipaddress
import json
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from dictd import __version__, doors
from dictd.config import Settings
from dictd.errors import BadArguments, DictError, UnknownCommand
from dictd.model import DAY, dictionary_name
from dictd.processes import channel, questions
from dictd.processes.channel import Silent
from dictd.processes.missed import missed
from dictd.processes.tracing import Traces
from dictd.processes.whom import Whom

#: Verbs of the control socket, each a method ``do_...`` of :class:`Steering`.
VERBS = ("status", "sessions", "kick", "sign_out", "ban", "lift", "bans", "misses", "reload", "stop")
#: A ban "for ever": a hundred years, seconds.
_FOR_EVER = 100 * 365 * 86400.0
#: Prefix of the widest network that can be banned: a typing mistake must not end everybody.
_WIDEST_BAN = 8
_BANS_FILE = "bans.json"
#: A number of words, days or times that is no mistake.
_MUCH = 100_000


class Steered(ABC):
    """A serving process, however it is reached."""

    @property
    @abstractmethod
    def name(self) -> str:
        """How it is called."""

    @property
    def pid(self) -> int:
        """Its number in the machine."""
        return 0

    @abstractmethod
    async def ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        """Ask it.

        :param arguments: of the command, and ``patience`` in seconds where it may take long.
        :raises Silent: it does not answer.
        """


@define(eq=False)
class Bans:
    """Networks that are kept out, and until when, also after the server was started again.

    :ivar until: network -> seconds since 1970.
    """

    _directory: Path
    until: dict[str, float] = field(factory=dict, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        try:
            kept = json.loads((self._directory / _BANS_FILE).read_text("utf-8"))
            self.until = {_shown(network): float(until) for network, until in kept.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError, TypeError, DictError) as error:
            self.log.error("bans of before are forgotten: {error}", error=str(error))

    def left(self) -> dict[str, float]:
        """Seconds that each has left."""
        now = time.time()
        self.until = {network: until for network, until in self.until.items() if until > now}
        return {network: until - now for network, until in self.until.items()}

    def put(self, network: str, seconds: float) -> None:
        """Ban, or lift a ban with 0 seconds.

        :raises OSError: it cannot be kept; it holds all the same until the server ends.
        """
        if seconds > 0:
            self.until[network] = time.time() + seconds
        else:
            self.until.pop(network, None)
        temporary = self._directory / f".{_BANS_FILE}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(self.until, file)
        os.replace(temporary, self._directory / _BANS_FILE)


class Steering(ABC):
    """Answers the verbs of the control socket."""

    settings: Settings
    bans: Bans
    traces: Traces
    log = Logger()

    @abstractmethod
    def steered(self) -> Sequence[Steered]:
        """Every process that serves."""

    @abstractmethod
    def status(self) -> dict[str, Any]:
        """How the server is: JSON."""

    @abstractmethod
    def counts(self) -> dict[str, Any]:
        """What all processes have counted, see :mod:`dictd.tally`."""

    @abstractmethod
    async def reload(self) -> str:
        """Take new settings; what was done, in one line.

        :raises DictError: nothing was changed.
        """

    @abstractmethod
    def stop(self) -> None:
        """Begin to end."""

    async def do(self, verb: str, arguments: dict[str, Any], who: str = "dictctl") -> Any:
        """Do what a verb says.

        :param who: says so, for the log.
        :raises DictError: it cannot be done; the text says why.
        """
        if verb not in VERBS:
            raise UnknownCommand(f"there is no {verb}; there are {', '.join(VERBS)}")
        if verb != "status":
            given = " ".join(str(value) for value in arguments.values() if value is not None)
            self.log.info("{by}: {done}", by=who, done=f"{verb} {given}".strip())
        do = getattr(self, f"do_{verb}")
        try:
            inspect.signature(do).bind(**arguments)
        except TypeError as error:
            raise BadArguments(f"{verb}: {error}") from None
        try:
            return await do(**arguments)
        except DictError as error:
            self.log.warn("{by}: {verb} is refused: {trouble}", by=who, verb=verb, trouble=error.text)
            raise

    def watch(self, wanted: dict[str, float]) -> Deferred[int]:
        """Have every process watch these and nobody else; how many connections are theirs."""
        return Deferred.fromCoroutine(self.everywhere(questions.Trace, wanted=wanted))

    def overview(self) -> dict[str, Any]:
        """How the server is, as :func:`dictd.processes.reports.status` tells it: JSON."""
        return {"version": __version__, "pid": os.getpid(), **self.status(), "bans": len(self.bans.left())}

    async def do_status(self) -> dict[str, Any]:
        """How the server is."""
        return self.overview()

    async def do_sessions(self) -> list[dict[str, Any]]:
        """Who is connected."""
        return [row for process in self.steered() for row in await seated(process)]

    async def do_kick(self, name: str) -> int:
        """End the connections of a user or an address, or the one of an id; how many there were."""
        try:
            whom = Whom.of(name)
        except BadArguments as trouble:
            raise BadArguments(f"kick: {trouble.text}") from None
        if whom.network is not None and whom.network.prefixlen < _WIDEST_BAN:
            raise BadArguments(f"{name} is too much of the Internet; say networks of /{_WIDEST_BAN} or narrower")
        return await self.everywhere(channel.Kick, name=whom.said)

    async def do_sign_out(self, user: int, name: str = "", why: str = "") -> int:
        """The account of a user was changed in the store: end its sessions; how many connections there were.

        :param name: with ``why`` for the log.
        """
        if type(user) is not int or not 0 < user < 1 << 63:
            raise BadArguments("sign_out: say the id of a user")
        return await self.everywhere(channel.SignOut, user=user)

    async def do_ban(self, network: str, seconds: float | None = None) -> dict[str, Any]:
        """Keep a network out, for ever unless told how long; how many connections were ended."""
        shown = _shown(network)
        if ipaddress.ip_network(shown).prefixlen < _WIDEST_BAN:
            raise BadArguments(f"{shown} is too much of the Internet; say networks of /{_WIDEST_BAN} or narrower")
        try:
            seconds = _FOR_EVER if seconds is None else float(seconds)
        except (TypeError, ValueError, OverflowError):
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds > 0):
            raise BadArguments("a ban lasts some time")
        self._keep(shown, seconds)
        return {"network": shown, "ended": await self.everywhere(channel.Ban, network=shown, seconds=seconds)}

    async def do_lift(self, network: str) -> dict[str, Any]:
        """Let a network in again."""
        shown = _shown(network)
        if shown not in self.bans.left():
            raise BadArguments(f"{network} is not banned; dictctl ban --list shows who is")
        self._keep(shown, 0)
        await self.everywhere(channel.Ban, network=shown, seconds=0.0)
        return {"network": shown}

    async def do_bans(self) -> list[dict[str, Any]]:
        """Who is kept out, and how long."""
        return [
            {"network": network, "seconds": None if left > _FOR_EVER / 2 else round(left)}
            for network, left in self.bans.left().items()
        ]

    async def do_misses(self, most: int = 50, days: int = 30, database: str = "", least: int = 2) -> dict[str, Any]:
        """Words that nobody found and nobody would find now, the most missed first: JSON.

        What processes have counted comes into the store before.

        :param days: missed since then.
        :param database: where they were asked; empty: anywhere.
        :param least: as often, or more often.
        """
        if not all(isinstance(number, int) and 0 <= number <= _MUCH for number in (most, days, least)):
            raise BadArguments(f"misses: most, days and least are numbers up to {_MUCH:,}")
        if not isinstance(database, str) or not (database in ("", "*") or dictionary_name(database)):
            raise BadArguments("misses: that is not the name of a database")
        await self.everywhere(channel.KeepMisses)
        since = max(0, int(time.time() * 1000) - days * DAY)
        wanted = {"most": most, "since": since, "dictionary": database.lower(), "least": least}
        return await missed(self.steered(), wanted)

    async def do_reload(self) -> str:
        """Take new settings."""
        return await self.reload()

    async def do_stop(self) -> None:
        """End."""
        self.stop()

    async def everywhere(self, command: Any, **arguments: Any) -> int:
        """Ask every process; the sum of their counts."""
        asked = [Deferred.fromCoroutine(counted(one, command, **arguments)) for one in self.steered()]
        return sum(await gatherResults(asked))

    def _keep(self, network: str, seconds: float) -> None:
        try:
            self.bans.put(network, seconds)
        except OSError as error:
            self.log.error("this ban ends with the server, it cannot be kept: {error}", error=str(error))


def _shown(written: str) -> str:
    """A network in the one way in which doors keep it: ``::ffff:192.0.2.1`` is ``192.0.2.1``.

    :raises BadArguments: it is none.
    """
    try:
        return doors.shown(doors.network(written))
    except (ValueError, AttributeError):
        raise BadArguments(f"{written} is not an IP address, nor a network such as 203.0.113.0/24") from None


async def seated(process: Steered) -> list[dict[str, Any]]:
    """Who is connected to a process; nobody where it does not answer, which is dealt with elsewhere."""
    found: list[dict[str, Any]] = []
    more = True
    while more:
        try:
            answer = await process.ask(channel.Sessions, first=len(found))
        except Silent:
            break
        more = answer["more"]
        found += [{"process": process.name, **row} for row in answer["sessions"]]
    return found


async def counted(process: Steered, command: Any, **arguments: Any) -> int:
    """The count with which a process answers; 0 where it does not."""
    try:
        return int((await process.ask(command, **arguments))["count"])
    except Silent:
        return 0
