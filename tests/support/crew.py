"""A server with workers, each in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import SkipTest

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import asking
from tests.support.programs import dictctl
from tests.support.server import NO_MORE, Caller, Server, clear, until

BOOK = "penguin\ta bird that swims\ncrow\ta black bird\n"
#: Settings that let one machine be many, and much.
PLENTY = """
[accounts]
registration = "open"
registrations_per_hour = 1000
hash_memory_kib = 8192
hash_passes = 1
"""


def prepared(case: type[SynchronousTestCase]) -> Path:
    """A state directory with one dictionary, made once for all tests of a class."""
    found: Path | None = case.__dict__.get("_prepared")
    if found is None:
        # In trial's own directory, which the next run takes away: trial knows no cleanups of a class.
        directory = Path(tempfile.mkdtemp(prefix="crew-", dir=Path.cwd()))
        book = directory / "book.tsv"
        book.write_text(BOOK, "utf-8")
        done = dictctl(directory / "state", "import", str(book), "--name", "animals", "--title", "Animals")
        assert done.returncode == 0, done.stderr
        case._prepared = found = directory / "state"  # type: ignore[attr-defined]
    return found


def small_disk(case: SynchronousTestCase, path: Path, mebibytes: int) -> None:
    """Mount a disk that is as small as that, until the test ends.

    :raises SkipTest: this user may not.
    """
    path.mkdir(mode=0o700, parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "tmpfs", str(path)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        raise SkipTest("this user may not mount a disk")
    case.addCleanup(subprocess.run, ["umount", "-l", str(path)], capture_output=True, check=False)


def alive(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                for child in map(int, file.read().split()):
                    found += [child, *descendants(child)]
    return found


@define(eq=False)
class Crew:
    """``twistd dictd --workers N``, ended with all that is its at the end of the test."""

    state: Path
    settings: Path
    server: Server
    _known: set[int] = field(factory=set, init=False)

    @classmethod
    def started(
        cls,
        case: SynchronousTestCase,
        workers: int = 2,
        settings: str = "",
        options: Sequence[str] | None = None,
        port: int = 0,
        store: str = "",
        surroundings: Mapping[str, str] = NO_MORE,
        disk: int = 0,
    ) -> Crew:
        """Start it on a state of its own, and wait until all serve.

        :param options: of twistd, instead of ``--workers``.
        :param store: the URL of a database with tables, instead of SQLite.
        :param surroundings: see :class:`tests.support.server.Server`.
        :param disk: MiB of a disk of its own for the state directory; 0: the one that is there.
        :raises SkipTest: this user may not mount a disk.
        """
        # A path that is short enough for a unix socket.
        directory = Path(tempfile.mkdtemp(prefix="dictd-crew-"))
        case.addCleanup(clear, directory)
        state = directory / "state"
        if disk:
            small_disk(case, state, disk)
        shutil.copytree(prepared(type(case)), state, dirs_exist_ok=True)
        path = directory / "dictd.toml"
        if store:
            settings = f'[store]\nurl = "{store}"\n{settings}'
            book = directory / "book.tsv"
            book.write_text(BOOK, "utf-8")
            done = dictctl(directory / "state", "--store", store, "import", str(book), "--name", "animals")
            assert done.returncode == 0, done.stderr
        path.write_text(PLENTY + settings, "utf-8")
        if options is None:
            options = ("--workers", str(workers))
        server = Server(directory / "state", ("--config", str(path), *options), surroundings, alone=False)
        crew = cls(directory / "state", path, server)
        case.addCleanup(crew.end)
        server.launch(port)
        until("the server to listen", lambda: server.hear() and server.port > 0)
        crew.wait_for(workers)
        return crew

    def end(self) -> None:
        """kill -9 of everything."""
        with suppress(Exception):
            self.everybody()
        self.server.kill()
        for pid in self._known:
            if alive(pid) and _is_ours(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        until("all to be gone", lambda: not any(alive(pid) and _is_ours(pid) for pid in self._known))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def ask(self, verb: str, **arguments: Any) -> Any:
        """What dictctl asks."""
        self.server.hear()
        return asking.ask(self.state, verb, **arguments)

    def workers(self, state: str = "serving") -> list[dict[str, Any]]:
        """The workers that are in a state."""
        found = self.ask("status")["workers"]
        self._known |= {worker["pid"] for worker in found}
        return [worker for worker in found if worker["state"] == state]

    def pids(self) -> list[int]:
        """Processes that serve."""
        return [worker["pid"] for worker in self.workers()]

    def wait_for(self, count: int, seconds: float = 30) -> list[int]:
        """Wait until so many workers serve, and no other is there; their processes."""
        until(
            f"{count} workers",
            lambda: len(self.pids()) == count and len(self.ask("status")["workers"]) == count,
            seconds,
        )
        return self.pids()

    def everybody(self) -> list[int]:
        """Every process there is, the supervisor last."""
        found = [*descendants(self.server.process.pid), self.server.process.pid]
        self._known |= set(found[:-1])
        return found

    def complaints(self) -> list[str]:
        """What in the log nobody should have to read."""
        self.server.hear()
        said = self.server.said.decode("utf-8", "replace").splitlines()
        return [line[:300] for line in said if re.search("Traceback|Unhandled|Error:|critical", line)]

    def connect(self, source: str = "127.0.0.1", host: str = "127.0.0.1") -> Caller:
        """A client at an address of this machine, that has read its banner."""
        connection = socket.create_connection((host, self.port), 30, source_address=(source, 0))
        caller = Caller(connection)
        caller.banner = caller.line()
        return caller

    def seated(self, first: int = 2) -> dict[str, Caller]:
        """A client in each worker: name of the process -> client; clients are at 127.0.1.2 and so on."""
        seats: dict[str, Caller] = {}
        names = {worker["name"] for worker in self.workers()}
        for number in range(first, 200):
            peer = f"127.0.1.{number}"
            caller = self.connect(peer)
            name = next(row["process"] for row in self.ask("sessions") if row["peer"] == peer)
            if name in seats:
                caller.close()
            else:
                seats[name] = caller
            if seats.keys() == names:
                return seats
        raise AssertionError("one worker gets no connection")

    def process_of(self, name: str) -> int:
        """The process of the worker of a name that serves."""
        return int(next(worker["pid"] for worker in self.workers() if worker["name"] == name))

    @contextmanager
    def stopped(self, pid: int) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def configure(self, settings: str) -> None:
        """Write other settings."""
        self.settings.write_text(PLENTY + settings, "utf-8")


def _is_ours(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"dictd" in file.read()
    except FileNotFoundError:
        return False


def descriptors(pid: int) -> int:
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid: int) -> int:
    """Memory of a process that is its own, KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1])
