"""A machine in memory for the supervisor: its processes are objects, its time a clock."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols import amp
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import sockets, supervisor
from dictd.processes.claim import Claim
from dictd.processes.preflight import Origin
from dictd.processes.state import Lock, State
from dictd.processes.supervisor import Supervisor
from dictd.processes.workerprocess import WorkerProcess

FACTS = {"number": 0, "memory": 1 << 20, "connections": 0, "commands": 0, "store": True}


class Wire(StringTransport):
    """An end of a channel that takes descriptors too."""

    connected = True

    def sendFileDescriptor(self, descriptor: int) -> None:
        """Count as sent."""


@define(eq=False)
class Process:
    """What somebody spawned."""

    machine: Machine
    module: str
    protocol: Any
    pid: int
    written: bytes = b""
    killed: bool = False
    stubborn: bool = False
    wire: Wire | None = None
    link: Any = None

    def write(self, written: bytes) -> None:
        """On its standard input."""
        self.written += written

    def closeStdin(self) -> None:
        """The publisher ends by it."""
        if self.module.endswith("publish"):
            self.machine.callLater(0, self.end)

    def signalProcess(self, name: str) -> None:
        """KILL."""
        self.killed = True
        if not self.stubborn:
            self.machine.callLater(0, self.end, 9)

    def end(self, number: int = 0) -> None:
        """It ends, by a signal or by itself."""
        if self in self.machine.processes:
            self.machine.processes.remove(self)
            if self.link is not None:
                self.link.connectionLost(Failure(ProcessDone(0)))
            why = ProcessTerminated(signal=number) if number else ProcessDone(0)
            self.protocol.processEnded(Failure(why))

    def heard(self) -> list[str]:
        """Commands it got since the last time."""
        assert self.wire is not None
        boxes = amp.parseString(self.wire.value())
        self.wire.clear()
        names = [box[amp.COMMAND].decode() for box in boxes if amp.COMMAND in box]
        return [name for name in names if name != "Elsewhere"]


class Machine(Clock):
    """Spawns what is none."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Process] = []
        self.spawned = 0
        self.full = False

    def spawnProcess(self, protocol: Any, path: str, argv: list[str], **rest: Any) -> Process:
        """One more process."""
        if self.full:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.spawned += 1
        process = Process(self, argv[argv.index("-m") + 1], protocol, 1000 + self.spawned)
        protocol.transport = process
        self.processes.append(process)
        return process

    def adoptStreamConnection(self, descriptor: int, family: int, factory: Any) -> None:
        """The channel of the process that was spawned last."""
        process = self.processes[-1]
        process.link, process.wire = factory.buildProtocol(None), Wire()
        process.link.makeConnection(process.wire)

    def callWhenRunning(self, what: Callable[..., Any], *arguments: Any) -> None:
        """It runs."""
        what(*arguments)

    def pass_(self, seconds: float) -> None:
        """Time passes in small steps."""
        self.pump([0.05] * round(seconds / 0.05))

    def of(self, part: str) -> list[Process]:
        """Processes that run a module."""
        return [process for process in self.processes if process.module.endswith(part)]


class _Office:
    """No control socket."""

    monitored = ""

    def __init__(self, *_: Any) -> None:
        """Nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Supervised(SynchronousTestCase):
    """A supervisor with two workers that have not said anything yet."""

    workers = 2

    def setUp(self) -> None:
        """Begin."""
        directory = Path(tempfile.mkdtemp(prefix="dictd-machine-"))
        self.addCleanup(shutil.rmtree, directory)
        self.machine = Machine()
        self.file = directory / "dictd.toml"
        self.state = State(directory / "state").prepare()
        self.origin = Origin(str(self.file), {"state": {"directory": str(self.state.directory)}})
        self.configure("")
        settings = self.origin.load()
        lock = Lock(self.state.directory / "lock")
        self.assertTrue(lock.take())
        self.claim = Claim(self.state, lock, sockets.entrances(settings, {}))
        self.addCleanup(self.claim.release)
        self.patch(supervisor, "Office", _Office)
        self.patch(supervisor, "hurry", lambda: None)
        self.patch(supervisor, "on_hangup", lambda *_: lambda: None)
        self.supervisor = Supervisor(self.origin, settings, self.claim, self.machine)
        self.supervisor.startService()

    def configure(self, more: str, workers: int | None = None) -> None:
        """Write the settings."""
        count = self.workers if workers is None else workers
        listen = f'[listen]\naddresses = ["127.0.0.1"]\nport = 0\nworkers = {count}\n'
        self.file.write_text(listen + more, "utf-8")

    def serve(self, process: Process, **facts: Any) -> None:
        """It says that it serves."""
        process.link.ready(FACTS | facts)

    def all_serve(self) -> list[Process]:
        """All that were started do."""
        found = self.machine.of("worker")
        for process in found:
            self.serve(process)
        for process in found:
            process.heard()
        return found

    def live(self, seconds: float, *processes: Process) -> None:
        """Time passes, and these beat."""
        for _ in range(round(seconds / 0.1)):
            for process in processes:
                if process in self.machine.processes:
                    process.link.beat({}, None)
            self.machine.pass_(0.1)

    def reload(self, trouble: str = "") -> Deferred[str]:
        """Begin a reload, the settings checked."""
        reloading = Deferred.fromCoroutine(self.supervisor.reload())
        (checking,) = self.machine.of("preflight")
        checking.protocol.outReceived(json.dumps({"trouble": trouble}).encode())
        checking.end()
        return reloading

    def worker(self, process: Process) -> WorkerProcess:
        """As the supervisor knows it."""
        return next(one for one in self.supervisor.crew.workers if one.pid == process.pid)
