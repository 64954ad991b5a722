"""The prompt on real workers: a supervisor in this process, its workers in theirs."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.process import ProcessReader
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from dictd.errors import Unavailable
from dictd.processes import alone, sockets, supervisor
from dictd.processes.alone import Alone
from dictd.processes.claim import Claim
from dictd.processes.console import Console
from dictd.processes.preflight import Origin
from dictd.processes.state import Lock, State
from dictd.processes.steering import Steering
from dictd.processes.supervisor import Supervisor
from tests.support.crew import PLENTY, prepared
from tests.support.programs import environment
from tests.support.prompt import Terminal
from tests.support.server import Caller, clear

reactor: Any = installed
_SETTINGS = '[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[metrics]\nenabled = false\n'
_PATIENCE = 30.0


class Serving(TestCase):
    """A server with two workers, and a prompt."""

    timeout = 120
    workers = 2

    def setUp(self) -> Deferred[None]:  # type: ignore[override]
        """Start, and wait until it serves."""
        # A path that is short enough for a unix socket.
        directory = Path(tempfile.mkdtemp(prefix="dictd-console-"))
        self.addCleanup(clear, directory)
        self.state = State(directory / "state")
        shutil.copytree(prepared(type(self)), self.state.directory)
        self.state.prepare()
        self.file = directory / "dictd.toml"
        self.file.write_text(PLENTY + _SETTINGS.replace("port = 0", f"port = 0\nworkers = {self.workers}"), "utf-8")
        origin = Origin(str(self.file), {"state": {"directory": str(self.state.directory)}})
        settings = origin.load()
        lock = Lock(self.state.directory / "lock")
        assert lock.take()
        claim = Claim(self.state, lock, sockets.entrances(settings, {}))
        surroundings = mock.patch.dict(os.environ, environment())  # its workers are to be of this checkout
        surroundings.start()
        self.addCleanup(surroundings.stop)
        for module in (supervisor, alone):
            self.patch(module, "hurry", lambda: None)
        service: Any = Supervisor(origin, settings, claim, reactor) if self.workers else Alone(settings, claim, reactor)
        self.port = int(claim.entrances[0].shown.rpartition(":")[2])
        self.server: Steering = service
        # The publisher is not waited for when a server stops.
        self.addCleanup(self.until, "its processes to end", lambda: not any(map(_of_a_process, reactor.getReaders())))
        self.addCleanup(service.stopService)
        service.startService()
        self.terminal = Terminal()
        self.names = Console(self.server, self.terminal).names()
        return self.until("all to serve", lambda: self.states() == ["serving"] * max(1, self.workers))

    def states(self) -> list[str]:
        """Of all workers."""
        return [worker["state"] for worker in self.server.status()["workers"]]

    def until(self, what: str, happened: Callable[[], bool]) -> Deferred[None]:
        """Wait for something that is bound to happen."""

        async def waited() -> None:
            end = reactor.seconds() + _PATIENCE
            while not happened():
                assert reactor.seconds() < end, f"waited {_PATIENCE} s for {what}"
                await deferLater(reactor, 0.02)

        return ensureDeferred(waited())

    async def connect(self) -> Caller:
        """A client that has read its banner."""
        caller: Caller = await deferToThread(_connected, self.port)
        self.addCleanup(caller.close)
        return caller

    async def seated(self) -> dict[str, Caller]:
        """A client in each process, by the id of its connection."""
        seats: dict[str, Caller] = {}
        taken: set[str] = set()
        while len(taken) < max(1, self.workers):
            before = {row[0] for row in await self.names["sessions"]()}
            caller = await self.connect()
            (row,) = [row for row in await self.names["sessions"]() if row[0] not in before]
            if row[-1] in taken:
                caller.close()
            else:
                taken.add(row[-1])
                seats[row[0]] = caller
        return seats

    async def ask(self, caller: Caller, *lines: str) -> list[str]:
        """The last line of each answer."""
        answers: list[str] = await deferToThread(lambda: [caller.ask(line)[-1] for line in lines])
        return answers

    def terminal_lines(self) -> int:
        """How many lines were shown."""
        return sum(text.count("\n") + 1 for text in self.terminal.said)


class Real(Serving):
    """What is asked of two workers."""

    def test_sessions_and_kick(self) -> Deferred[None]:
        """Ids are unique over processes; one is ended by its id, the others go on."""

        async def dialogue() -> None:
            seats = await self.seated()
            for caller in seats.values():
                await self.ask(caller, "DEFINE * penguin", "SHOW DB")
            found = await self.names["sessions"]()
            rows = {row[0]: row for row in found if row[0] in seats}
            self.assertEqual(len(rows), max(1, self.workers))
            self.assertEqual({(row[5], row[6]) for row in rows.values()}, {(2, "SHOW DB")})
            first, *others = sorted(seats)
            self.assertEqual(repr(await self.names["kick"](first)), f"Connection {first} was ended.")
            self.assertRegex(await deferToThread(seats[first].rest), b"^421 the administrator")
            for other in others:
                self.assertEqual(await self.ask(seats[other], "DEFINE * crow"), ["250 ok"])

        return ensureDeferred(dialogue())

    def test_run(self) -> Deferred[None]:
        """Python in each process: what it names is there, what it awaits is awaited."""

        async def dialogue() -> None:
            workers = self.names["workers"]
            found = await workers.run("import os\nos.getpid()")
            self.assertEqual({int(text) for text in found.facts.values()}, {one.pid for one in workers})
            one = workers[1]
            code = "[d.name for d, _ in lexicon.dictionaries()], len(factory.connections), settings.listen.workers"
            self.assertEqual(repr(await one.run(code)), f"(['animals'], 0, {self.workers})")
            asked = "def ask(txn):\n    txn.execute('SELECT 6 * 7')\n    return txn.fetchone()\nawait pool.run(ask)"
            self.assertEqual(repr(await one.run(asked)), "(42,)")
            slow = "from twisted.internet.task import deferLater\nawait deferLater(reactor, 6, lambda: 'late')"
            self.assertEqual(repr(await one.run(slow)), "'late'")
            self.assertEqual(len((await one.run("'x' * 99_000")).text), 99_002)
            self.assertIn("ZeroDivisionError", repr(await one.run("1 / 0")))
            self.assertEqual({*self.states()}, {"serving"})

        return ensureDeferred(dialogue())

    def test_trace(self) -> Deferred[None]:
        """Lines of a user in whatever process come as they are typed, and end when it is said."""

        async def dialogue() -> None:
            first, *others = (await self.seated()).values()
            await self.ask(first, "REGISTER alice correct-horse")
            said = repr(await self.names["trace"]("alice"))
            self.assertIn("Tracing alice: 1 connection now", said)
            asked = 0
            for caller in (first, *others):
                await self.ask(caller, "LOGIN alice correct-horse", "DEFINE * penguin", "DEFINE * nothing")
                asked += 3
            await self.until("the lines", lambda: self.terminal_lines() >= asked)
            shown = "\n".join(self.terminal.said)
            self.assertEqual(shown.count("LOGIN ...  -> 230"), len(others) + 1, shown)
            self.assertEqual(shown.count("DEFINE * penguin  -> 250 ok"), len(others) + 1)
            self.assertEqual(shown.count("DEFINE * nothing  -> 552"), len(others) + 1)
            self.assertNotIn("horse", shown)
            for closed in self.terminal.closed:
                closed()
            watched = await self.names["workers"].run("factory.watch")
            self.assertEqual({*watched.facts.values()}, {""})
            self.terminal.take()
            await self.ask(first, "DEFINE * penguin")
            await deferLater(reactor, 0.3)
            self.assertEqual(self.terminal.said, [])

        return ensureDeferred(dialogue())

    def test_top_and_dictionaries(self) -> Deferred[None]:
        """Words of all processes together; every dictionary."""

        async def dialogue() -> None:
            seats = await self.seated()
            for caller in seats.values():
                await self.ask(caller, "DEFINE * penguin", "DEFINE * nothing", "MATCH * prefix peng")
            words = (await self.names["top"]()).facts["words"]
            count = len(seats)
            self.assertEqual(
                {(word, how): (times, missed) for word, how, times, missed, _ in words},
                {
                    ("penguin", "define"): (count, 0),
                    ("nothing", "define"): (count, count),
                    ("peng", "match prefix"): (count, 0),
                },
            )
            while not (await self.names["top"]()).facts["seconds"]:
                await deferLater(reactor, 0.1)  # its clock ticks once a second
            self.assertEqual([*await self.names["dictionaries"]()], [("animals", "Animals", 2, "everybody")])

        return ensureDeferred(dialogue())


class RealAlone(Real):
    """workers = 0."""

    workers = 0


class Ends(Serving):
    """Workers that are ended while somebody looks at them."""

    def test_blocked(self) -> Deferred[None]:
        """Code that never ends costs one worker, which is replaced; who typed it is told, and nobody else is hurt."""

        async def dialogue() -> None:
            one = self.names["workers"][1]
            try:
                await one.run("while True: pass")
                self.fail("it came to an end")
            except Unavailable as trouble:
                self.assertIn("gave no answer", trouble.text)
                self.assertIn(f"worker 1 (process {one.pid})", trouble.text)
            await self.until("another", lambda: self.states() == ["serving"] * 2)
            self.assertNotEqual(self.names["workers"][1].pid, one.pid)
            self.assertEqual(repr(one), f"worker 1 (process {one.pid}) has ended")
            self.assertEqual(repr(await self.names["workers"][1].run("6 * 7")), "42")

        return ensureDeferred(dialogue())

    def test_reloaded(self) -> Deferred[None]:
        """New workers know whom to watch, and their ids are new."""

        async def dialogue() -> None:
            before = await self.seated()
            await self.names["trace"]("127.0.0.1")
            self.assertIn("2 new workers serve", repr(await self.names["reload"]()))
            after = await self.seated()
            self.assertEqual(before.keys() & after.keys(), set())
            self.assertEqual({id.partition("/")[0] for id in after}, {"3", "4"})
            for caller in after.values():
                await self.ask(caller, "DEFINE * penguin")
            await self.until("the lines", lambda: "".join(self.terminal.said).count("penguin") == 2)

        return ensureDeferred(dialogue())


def _of_a_process(reader: object) -> bool:
    return isinstance(reader, ProcessReader)


def _connected(port: int) -> Caller:
    caller = Caller(socket.create_connection(("127.0.0.1", port), _PATIENCE))
    caller.banner = caller.line()
    return caller
