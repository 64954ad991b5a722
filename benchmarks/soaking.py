"""The server that is soaked: what is done to it, and what is seen of it meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from attrs import define, field

from benchmarks import importing, scenes
from benchmarks.apart import Apart
from benchmarks.lives import Life, anonymous, descriptors, peers_of
from benchmarks.load import ServerFell
from benchmarks.scenes import MOVING
from benchmarks.stores import Kept
from dictd.errors import DictError
from dictd.processes import asking
from tests.support.programs import dictctl
from tests.support.server import Server, until

WORKERS = 2
#: Seconds between two kills and two reloads, and how much of the time there are reloads.
KILL_EVERY, RELOAD_EVERY, RELOADING = 60.0, 30.0, 0.25
#: Seconds between two imports, and between two looks at memory.
_IMPORT_PAUSE, _LOOK = 5.0, 1.0
_TICK = 0.2
_PATIENCE = 120.0
_TLS_PORT = re.compile(r"127\.0\.0\.1:(\d+) \(TLS\)")


@define
class Soak:
    """A server, what is done to it, and what is seen of it.

    :ivar lives: every process that was watched, by its id.
    :ivar ended: those of them that have ended.
    :ivar killed: address and port of clients whose worker was killed.
    :ivar done: how often what was done.
    :ivar middle: what everybody held when half of the time was over, see :meth:`collect`.
    :ivar ports: where clients come in: plain, and with TLS.
    """

    kept: Kept
    server: Server
    place: Path
    lives: dict[int, Life] = field(factory=dict)
    ended: set[int] = field(factory=set)
    killed: set[tuple[str, int]] = field(factory=set)
    done: Counter[str] = field(factory=Counter)
    middle: dict[str, Any] = field(factory=dict)
    ports: tuple[int, int] = (0, 0)
    _looked: float = 0.0

    # What it is ---------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """How the server is."""
        self.server.hear()
        found: dict[str, Any] = asking.ask(self.kept.state, "status")
        return found

    def workers(self) -> dict[str, int]:
        """The processes of workers that serve, by their names."""
        with suppress(DictError):
            return {one["name"]: one["pid"] for one in self.status()["workers"] if one["state"] == "serving"}
        return {}

    def whole(self) -> bool:
        """Whether all workers serve, and no other is there."""
        return len(self.workers()) == WORKERS == len(self.status()["workers"])

    def settle(self) -> None:
        """Wait until it is whole, and learn where clients come in."""
        until("dictd to listen", lambda: self.server.hear() and self.server.port > 0)
        until("all workers", self.whole)
        found = _TLS_PORT.search(", ".join(self.status()["listening"]))
        assert found
        self.ports = self.server.port, int(found[1])

    def roles(self) -> dict[int, str]:
        """What every process does."""
        supervisor = self.server.process.pid
        roles = {supervisor: "supervisor", **{pid: name for name, pid in self.workers().items()}}
        for task in Path(f"/proc/{supervisor}/task").iterdir():
            for child in map(int, (task / "children").read_text("ascii").split()):
                with suppress(OSError):
                    if b"dictd.processes.publish" in Path(f"/proc/{child}/cmdline").read_bytes():
                        roles[child] = "publisher"
        return roles

    def seen(self) -> bool:
        """Take in what it has logged, and look at it; true."""
        self.server.hear()
        self.look()
        return True

    def look(self) -> None:
        """Weigh everybody, once a second."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        roles = self.roles()
        for pid, role in roles.items():
            with suppress(OSError):
                held = anonymous(pid)
                self.lives.setdefault(pid, Life(role, pid)).samples.append((now, held))
        self.ended |= self.lives.keys() - roles.keys()

    def open_files(self) -> dict[str, Counter[str]]:
        """What everybody has open, by role."""
        database = self.kept.mariadb.port if self.kept.mariadb else 0
        store, ports = self.kept.state / "store", self.ports
        return {role: descriptors(pid, store, ports, database) for pid, role in self.roles().items()}

    def collect(self) -> dict[str, Any]:
        """Let everybody collect garbage; what they hold by its types, by role."""
        told = {}
        for pid, role in self.roles().items():
            path = self.place / f"{pid}.json"
            path.unlink(missing_ok=True)
            os.kill(pid, signal.SIGUSR2)
            until(f"{role} to collect its garbage", lambda path=path: self.server.hear() and path.exists())  # type: ignore[misc]
            told[role] = {"pid": pid, **json.loads(path.read_text())}
        return told

    # What is done to it ---------------------------------------------------------------

    def kill(self, name: str) -> None:
        """Kill a worker. It stands still before, so that all its connections are known."""
        pid = self.workers().get(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        self.killed |= peers_of(pid, self.ports)
        os.kill(pid, signal.SIGKILL)
        self.done["workers killed"] += 1
        until("another worker", lambda: self.seen() and self.whole() and pid not in self.workers().values(), _PATIENCE)

    def reload(self) -> None:
        """New workers for old ones."""
        done = Thread(target=asking.ask, args=(self.kept.state, "reload"))
        done.start()
        until("the reload", lambda: self.seen() and not done.is_alive(), _PATIENCE)
        self.done["reloads"] += 1

    def run(self, clients: Apart, seconds: float) -> None:
        """All of it, for so long."""
        began = time.monotonic()
        kill, reload = KILL_EVERY * 0.75, RELOAD_EVERY
        reloading = seconds * RELOADING
        with self._importing():
            while (passed := time.monotonic() - began) < seconds:
                self.seen()
                if passed >= kill and self.whole():
                    kill += KILL_EVERY
                    self.kill("worker 1")
                elif passed >= reload and reload < reloading:
                    reload += RELOAD_EVERY
                    self.reload()
                elif passed >= seconds / 2 and not self.middle:
                    self.middle = self.collect()
                if self.server.process.poll() is not None:
                    raise ServerFell(f"the server has ended: {self.server.said[-500:].decode(errors='replace')}")
                time.sleep(_TICK)

    @contextmanager
    def _importing(self) -> Iterator[None]:
        over = Event()

        def again() -> None:
            number = 0
            while not over.wait(_IMPORT_PAUSE):
                number += 1
                rows = scenes.MORE_ROWS if number % 2 else scenes.ROWS
                self.import_(importing.wordbook(self.place / "again.tsv", rows))

        thread = Thread(target=again)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def import_(self, book: Path) -> None:
        """Bring a dictionary in, which may be there already."""
        done = dictctl(self.kept.state, "--store", self.kept.url, "import", str(book), "--name", MOVING)
        self.done["imports" if not done.returncode else f"imports refused: {done.stderr.decode()[:200]}"] += 1
