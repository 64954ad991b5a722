"""A prompt of the shell on houses in memory, each as a worker behind its channel, or as the process itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Accounts, Settings
from dictd.processes.alone import _Here
from dictd.processes.console import Console
from dictd.processes.logs import Entry
from dictd.processes.steering import Bans, Steered, Steering
from dictd.processes.superior import SupervisorChannel
from dictd.processes.tracing import Traces
from dictd.processes.worker import Worker, WorkerChannel
from tests.support.house import BOOKS, House, ImmediatePool, publish


@define(eq=False, slots=False)
class Terminal:
    """See :class:`dictd.manhole.screen.Screen`."""

    closed: list[Callable[[], None]] = field(factory=list)
    said: list[str] = field(factory=list)

    def say(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)

    def take(self) -> str:
        """What was said since the last time."""
        text = "\n".join(self.said)
        self.said.clear()
        return text


@define(eq=False)
class Known(Steered):
    """A worker as its channel knows it; it is the superior too."""

    called: str
    process: int
    clock: Clock
    traces: Traces
    link: SupervisorChannel = field(init=False)

    @property
    def name(self) -> str:
        """In the log."""
        return self.called

    @property
    def pid(self) -> int:
        """Of no machine."""
        return self.process

    @property
    def superior(self) -> Known:
        """Whoever keeps workers."""
        return self

    def traced(self, worker: Any, rows: list[Any], dropped: int) -> None:
        """As the crew does."""
        self.traces.arrived(self.name, rows, dropped)

    async def ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        """Ask it."""
        return await self.link.ask(self.clock, command, **arguments)


@define(eq=False)
class Wheel(Steering):
    """A server of these processes."""

    settings: Settings
    bans: Bans
    clock: Clock
    processes: list[Steered] = field(factory=list)
    states: dict[int, str] = field(factory=dict)
    traces: Traces = field(init=False)
    stopped: bool = False

    def __attrs_post_init__(self) -> None:
        self.traces = Traces(self.clock, self.watch)

    def steered(self) -> Sequence[Steered]:
        """All."""
        return self.processes

    def status(self) -> dict[str, Any]:
        """As a supervisor's."""
        return {
            "seconds": 61.0, "listening": ["127.0.0.1:2628"], "metrics": "", "restarts": 0, "reloading": False,
            "workers": [
                {"name": one.name, "pid": one.pid, "state": self.states.get(one.pid, "serving"), "seconds": 60.0,
                 "number": 0, "memory": 5 << 20, "connections": 1, "commands": 2}
                for one in self.processes
            ],
            "waiting": [], "dictionaries": [["wn", "WordNet", 11]], "store": True, "spooled": 0,
        }  # fmt: skip

    def counts(self) -> dict[str, Any]:
        """Set by a test."""
        return {}

    async def reload(self) -> str:
        """As if it had been done."""
        return "2 new workers serve"

    def stop(self) -> None:
        """Note it."""
        self.stopped = True


class Prompted(SynchronousTestCase):
    """A prompt, and two workers; or one process that is the whole server, where there are to be none."""

    workers = 2
    settings = evolve(Settings(), accounts=Accounts(plaintext=True))

    def setUp(self) -> None:
        """Nobody is connected."""
        self.clock, self.pool = Clock(), ImmediatePool.empty()
        self.pumps: list[iosim.IOPump] = []
        self.houses: list[House] = []
        self.events: list[LogEvent] = []
        observer: Any = self.events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.wheel = Wheel(self.settings, Bans(self.directory()), self.clock)
        for number in range(self.workers):
            self.hire(number + 1)
        if not self.workers:
            house = self.house()
            self.wheel.processes.append(_Here.of(self.serving(house), self.wheel.traces))
        self.terminal = Terminal()
        self.console = Console(self.wheel, self.terminal)
        self.names = self.console.names()

    def directory(self) -> Path:
        """A new one."""
        path = Path(self.mktemp()).absolute()
        path.mkdir(parents=True)
        return path

    def house(self) -> House:
        """One more; a process opens a file of a lexicon once, so it has its own."""
        directory = self.directory()
        publish(directory, BOOKS)
        house = House(directory, self.settings, clock=self.clock, pool=self.pool)
        self.houses.append(house)
        return house

    def serving(self, house: House) -> Any:
        """What of a process that serves is looked at."""
        parts = SimpleNamespace(
            factory=house.factory,
            lexicon=house.lexicon,
            pool=house.pool,
            recorder=house.recorder,
            misses=house.misses,
            passwords=None,
        )
        return SimpleNamespace(parts=parts, settings=house.settings, reactor=self.clock)

    def hire(self, number: int, name: str = "") -> Known:
        """One more worker, the so manieth of the server."""
        known = Known(name or f"worker {number}", 100 + number, self.clock, self.wheel.traces)
        client, known.link, pump = iosim.connectedServerAndClient(
            lambda: SupervisorChannel(known),  # type: ignore[arg-type]
            WorkerChannel,
        )
        link: Any = client
        link.worker = Worker(self.clock, self.serving(self.house()), link, number)
        link.worker.open_inside()
        self.pumps.append(pump)
        self.wheel.processes.append(known)
        return known

    def flush(self) -> None:
        """Let everything arrive."""
        for _ in range(8):
            for pump in self.pumps:
                pump.flush()
            self.clock.advance(0)

    def pass_(self, seconds: float) -> None:
        """Time passes."""
        for _ in range(max(1, round(seconds / 0.1))):
            self.clock.advance(0.1)
            self.flush()

    def value(self, waiting: Deferred[Any]) -> Any:
        """What comes of it."""
        self.flush()
        return self.successResultOf(waiting)

    def trouble(self, waiting: Deferred[Any], *kinds: type[Exception]) -> str:
        """What goes wrong."""
        self.flush()
        return self.failureResultOf(waiting, *kinds).getErrorMessage()

    def logged(self) -> list[str]:
        """What the log says, all of it in the name of this process."""
        entries = [Entry.of(event, "supervisor") for event in self.events]
        assert {entry.who for entry in entries} <= {"supervisor"}, entries
        return [entry.message for entry in entries]
