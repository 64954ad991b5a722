"""The clients of the soak, in a process of their own.

``python -m benchmarks.mixed PORT TLS_PORT CLIENTS PAUSE`` takes a line of JSON, who the people are
(:class:`People`), and lets so many clients come, play a scene
(:mod:`benchmarks.scenes`) and come again PAUSE seconds later; some with TLS, some
that hang up at any moment, some that read slowly. When its input ends they finish
what they are at, and everything that they have seen is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import struct
import sys
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import asdict, define, field, frozen

from benchmarks import scenes
from benchmarks.conversation import Cut, Line, Missing, Wrong
from benchmarks.figures import percentile
from benchmarks.scenes import Person, Said, Scene
from tests.support.certificates import trusting

#: Shares of visits.
ABORTING, SLOW, TLS, STARTING_TLS = 0.10, 0.05, 0.20, 0.15
#: What a slow reader takes at a time, bytes, how long it then waits, and after how long it has had enough, seconds.
_SIP, _SWALLOW, _ENOUGH = 4096, 0.05, 6.0
#: Parts of the time that are compared, the first and the last.
PARTS = 5
#: Troubles that are told one by one; the others are counted.
_TOLD = 200
#: Sent, but never to be seen at the other end: the connection is reset.
_RESET = struct.pack("ii", 1, 0)
_SEED = 2229
_GROUPS = ("residents", "devices", "admins")


@frozen
class Trouble:
    """Something that a client did not expect.

    :ivar at: when, monotonic seconds.
    :ivar address: of the client; ``port`` too: they tell whose connection it was.
    :ivar what: in words.
    :ivar cut: whether the connection just ended.
    """

    at: float
    address: str
    port: int
    scene: str
    verb: str
    what: str
    cut: bool


@define
class People:
    """Everybody there is, by what they play; each is lent to one visit at a time."""

    residents: list[Person]
    devices: list[Person]
    admins: list[Person]
    code: str = ""
    made: int = 0
    _free: list[Person] = field(factory=list)

    @classmethod
    def read(cls, text: str) -> People:
        """From JSON."""
        told = json.loads(text)
        residents, devices, admins = ([Person(**one) for one in told[name]] for name in _GROUPS)
        return cls(residents, devices, admins, told["code"])

    def text(self) -> str:
        """As JSON, in a line."""
        groups = {name: [asdict(one) for one in getattr(self, name)] for name in _GROUPS}
        return json.dumps({**groups, "code": self.code})

    def cast(self, scene: Scene, draw: random.Random, address: str) -> Person:
        """Somebody for a scene."""
        if scene is scenes.RESIDENT:
            return draw.choice(self.residents)
        if scene is scenes.DEVICE:
            return draw.choice(self.devices)
        if scene is scenes.ADMIN:
            return draw.choice(self.admins)
        if self._free:
            person = self._free.pop()
            person.code = self.code
            return person
        self.made += 1
        return Person(f"new{self.made}", address, code=self.code)

    def give_back(self, person: Person, scene: Scene, whole: bool) -> None:
        """The visit is over.

        :param whole: nothing of it is in doubt; a name whose account may be there is not used again.
        """
        if scene is scenes.ADMIN:
            self.code = person.code or self.code
        elif scene not in (scenes.RESIDENT, scenes.DEVICE) and (whole or not scene.changing):
            self._free.append(person)


@define
class Mixed:
    """All clients, and what they have seen.

    :ivar asked: right answers by verb.
    :ivar times: when an answer came; ``waits``: how long it took, seconds.
    """

    port: int
    tls_port: int
    people: People
    pause: float
    draw: random.Random = field(factory=lambda: random.Random(_SEED))  # noqa: S311 - a play, no secrets
    asked: Counter[str] = field(factory=Counter)
    visits: Counter[str] = field(factory=Counter)
    troubles: list[Trouble] = field(factory=list)
    times: array[float] = field(factory=lambda: array("d"))
    waits: array[float] = field(factory=lambda: array("d"))
    unconfirmed: int = 0
    _ending: bool = False
    _context: ssl.SSLContext = field(factory=trusting)

    async def run(self, clients: int, stop: int) -> None:
        """Let them come and go until a file has an end."""
        ended = asyncio.get_running_loop().run_in_executor(None, _drained, stop)
        coming = [asyncio.create_task(self._come_again(number, clients)) for number in range(clients)]
        await asyncio.wait([ended, *coming], return_when=asyncio.FIRST_COMPLETED)
        self._ending = True
        await asyncio.gather(*coming)

    async def _come_again(self, number: int, clients: int) -> None:
        address = f"127.77.{number >> 8}.{number & 255}"
        await asyncio.sleep(self.pause * number / clients)
        while not self._ending:
            if self.draw.random() < SLOW:
                await self._visit(scenes.SLOW, address)
            else:
                (scene,) = self.draw.choices(scenes.SCENES, [one.share for one in scenes.SCENES])
                await self._visit(scene, address.replace("127.77", "127.78") if scene is scenes.GUESSER else address)
            await asyncio.sleep(self.pause * self.draw.uniform(0.5, 1.5))

    async def _visit(self, scene: Scene, address: str) -> None:
        person = self.people.cast(scene, self.draw, address)
        way = self.draw.random()
        secure, starting = way < TLS, TLS <= way < TLS + STARTING_TLS and scene is not scenes.SLOW
        said = (scenes.STARTTLS, *scene.said) if starting else scene.said
        # After so many lines, of which the last may be half a line; of none the handshake.
        until = self.draw.randrange(len(said) + 1) if self.draw.random() < ABORTING else None
        line = Line(address, self.tls_port if secure else self.port, 4 * _SIP if scene is scenes.SLOW else 0)
        verb, whole = "", False
        try:
            await line.connect(self._context if secure and until != 0 else None)
            banner = await line.banner() if until != 0 else ""
            if scene is scenes.SLOW and until is None:
                await self._sip(line, [one.line.format_map(person.fields(self.draw, banner)) for one in said[-40:]])
                said = ()
            fields = person.fields(self.draw, banner)
            for number, one in enumerate(said):
                verb = one.verb
                if number == until:
                    # Without the banner an AUTH would be a wrong guess, and the next right one would have to wait.
                    mute = one.verb == "AUTH" and not banner
                    await self._abort(line, "" if mute else one.line.format_map(fields))
                    return
                await self._say(line, one, person, fields)
                if one is scenes.STARTTLS:
                    await line.start_tls(self._context)
            verb = scenes.QUIT.verb
            if until is not None:
                await self._abort(line, scenes.QUIT.line)
                return
            await self._say(line, scenes.QUIT, person, fields)
            await line.ended()
            whole = True
            self.visits["TLS" if secure else "STARTTLS" if starting else "plain"] += 1
            self.visits["slow readers"] += scene is scenes.SLOW
        except (Cut, Missing, Wrong) as trouble:
            self._note(line, scene, verb, str(trouble), isinstance(trouble, Cut))
        finally:
            self.people.give_back(person, scene, whole)
            line.abort()

    async def _say(self, line: Line, one: Said, person: Person, fields: Mapping[str, str]) -> None:
        began = time.monotonic()
        text = one.line.format_map(fields)
        answer = await line.ask(text)
        now = time.monotonic()
        ending = answer.ending
        if answer.unconfirmed:
            self.unconfirmed += 1
        if not one.right(ending):
            raise Wrong(f"{text!r} was answered {answer.last!r}")
        if one.learns:
            setattr(person, one.of, answer.found(one.learns))
        self.times.append(now)
        self.waits.append(now - began)
        self.asked[one.verb] += 1

    async def _sip(self, line: Line, lines: Sequence[str]) -> None:
        """Ask much at once and take the answers slowly; then what is left."""
        endings = await line.sip(lines, _SIP, _SWALLOW, _ENOUGH)
        if set(endings) != {"250"}:
            raise Wrong(f"a slow reader was answered {dict(Counter(endings))}")
        self.asked["MATCH"] += len(endings)

    async def _abort(self, line: Line, text: str) -> None:
        """Hang up, in order or not, before the answer or before the end of the line."""
        self.visits["aborted"] += 1
        with suppress(Cut):
            line.write(text.encode("utf-8", "surrogateescape") + b"\r\n" * self.draw.randrange(2))
        if self.draw.random() < 0.5:
            line.option(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        else:
            await asyncio.sleep(self.draw.random() / 10)

    def _note(self, line: Line, scene: Scene, verb: str, what: str, cut: bool) -> None:
        self.troubles.append(Trouble(time.monotonic(), line.address, line.local, scene.name, verb, what, cut))

    def told(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "asked": self.asked,
            "visits": self.visits,
            "troubles": [asdict(trouble) for trouble in self.troubles],
            "answers": len(self.waits),
            "unconfirmed": self.unconfirmed,
            "parts": [self._part(number) for number in (0, PARTS - 1)],
            "names": self.people.made,
        }

    def _part(self, number: int) -> dict[str, float]:
        """How long answers took in a part of the time, seconds."""
        if not self.times:
            return {}
        began, long = self.times[0], (self.times[-1] - self.times[0]) / PARTS
        waits = sorted(
            wait
            for at, wait in zip(self.times, self.waits, strict=True)
            if number * long <= at - began <= (number + 1) * long
        )
        return {
            "answers": len(waits),
            "p50": percentile(waits, 0.5),
            "p99": percentile(waits, 0.99),
            "longest": waits[-1],
        }


def _drained(stop: int) -> None:
    with suppress(OSError), open(stop, "rb", closefd=False) as file:
        file.read()


def main(port: int, tls_port: int, clients: int, pause: float) -> None:
    """Come and go until the input ends, and tell."""
    mixed = Mixed(port, tls_port, People.read(sys.stdin.buffer.readline().decode()), pause)
    asyncio.run(mixed.run(clients, sys.stdin.fileno()))
    print(json.dumps(mixed.told()), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
