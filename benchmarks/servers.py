"""The servers side by side, each in a process of its own, on a core of its own where there are two."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from attrs import field, frozen

from benchmarks import accounting
from benchmarks.load import ServerFell, ask, dial
from benchmarks.machine import CORES, on
from dictd.processes import asking
from tests.support.dicod import Dicod
from tests.support.peer import CDictd
from tests.support.server import NO_MORE, Server, until

#: How servers are called in tables and files.
OURS = "dictd"
FLOOR = "C floor"
PEER = "C dictd"
DICO = "dicod"

#: Limits out of the way, and password hashes that do not take the whole morning.
SETTINGS = """
[accounts]
hash_memory_kib = 8192
hash_passes = 1
registrations_per_hour = 100000
[limits]
connections = 100000
connections_per_network = 100000
"""
ROW_A_COMMIT = """
[history]
group_rows = 1
"""

#: Seconds, and the share of them that a server may use that does nothing.
_MOMENT = 0.2
_IDLE = 0.03

_FLOOR_SOURCE = Path(__file__).with_name("floor.c")


@frozen
class Running:
    """A server that runs.

    :ivar pid: the process that CPU time and memory are charged to, with its descendants.
    :ivar state: the state directory of one of ours.
    """

    name: str
    port: int
    pid: int
    state: Path = field(factory=Path)

    def status(self) -> dict[str, Any]:
        """What ``dictctl --json status`` prints."""
        found: dict[str, Any] = asking.ask(self.state, "status")
        return found

    def serving(self) -> list[dict[str, Any]]:
        """The workers that serve, as the status has them."""
        return [worker for worker in self.status()["workers"] if worker["state"] == "serving"]


class NotHere(Exception):
    """A server that cannot be had on this machine, and why."""


def settled(server: Running) -> None:
    """Wait until a server that nobody asks does nothing: it has no more to do of what was before."""

    def idle() -> bool:
        before = accounting.cpu(server.pid)
        time.sleep(_MOMENT)
        return accounting.cpu(server.pid) - before < _MOMENT * _IDLE

    until(f"{server.name} to have done its work", idle)


@contextmanager
def ours(
    state: Path,
    more: str = "",
    *,
    settings: str = SETTINGS,
    workers: int = 0,
    cores: frozenset[int] = CORES.serving,
    surroundings: Mapping[str, str] = NO_MORE,
) -> Iterator[Running]:
    """dictd of this checkout on a state directory that holds the dictionary.

    :param settings: the settings, ``more`` those besides.
    :param workers: 0: it serves in one process.
    :param cores: where it may run.
    :param surroundings: settings in its environment besides.
    """
    path = state / "benchmark.toml"
    path.write_text(settings + more)
    server = Server(state, ("--config", str(path), "--workers", str(workers)), surroundings)
    with on(cores):
        server.launch()
    try:
        until("dictd to listen", lambda: server.hear() and server.port > 0)
        running = Running(OURS, server.port, server.process.pid, state)
        with _heard(server):
            if workers:
                until("all workers to serve", lambda: len(running.serving()) == workers)
            # It looks at all its files once, in a process that is charged to it.
            settled(running)
            yield running
    finally:
        ended = server.process.poll()
        server.stop()
        if ended is not None:
            last = server.said.decode(errors="replace").strip().rpartition("\n")[2]
            raise ServerFell(f"{OURS} ended by itself with {ended}: {last}")


@contextmanager
def _heard(server: Server) -> Iterator[None]:
    """Take in what it logs: a server whose log nobody reads stands still when the pipe is full."""
    ending, end = os.pipe()

    def hear() -> None:
        assert server.process.stdout is not None
        said = server.process.stdout.fileno()
        while ending not in select.select([said, ending], [], [])[0]:
            server.hear()
            if server.process.poll() is not None:
                break  # its pipe would be readable for ever

    thread = Thread(target=hear)
    thread.start()
    try:
        yield
    finally:
        os.close(end)
        thread.join()
        os.close(ending)


#: How each peer is started with some of Debian's dictionaries.
_PEERS: dict[str, type[CDictd] | type[Dicod]] = {PEER: CDictd, DICO: Dicod}
#: Servers of others, in the order of tables.
PEERS = tuple(_PEERS)


@contextmanager
def peer(name: str, *dictionaries: str) -> Iterator[Running]:
    """A server of others with WordNet, or with these of Debian's dictionaries.

    :param name: one of :data:`PEERS`.
    :raises NotHere: its packages cannot be had.
    """
    try:
        with on(CORES.serving):
            running = _PEERS[name].started(*dictionaries or ("wn",))
    except (OSError, AssertionError) as error:
        raise NotHere(f"{name} is left out: {error}") from error
    try:
        yield Running(name, running.port, running.process.pid)
    finally:
        running.stop()


def compiled(source: Path, result: Path, about: str, *options: str) -> Path:
    """Compile a file of C.

    :param about: what is left out where that cannot be done.
    :raises NotHere: there is no compiler, or it does not compile here.
    """
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        raise NotHere(f"{about} is left out: there is no C compiler here")
    command = [compiler, "-O2", "-o", str(result), str(source), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"{about} is left out, it does not compile: {done.stderr.strip().splitlines()[:1]}")
    return result


@frozen
class Floor:
    """The floor, compiled."""

    program: Path

    @classmethod
    def compiled(cls, directory: Path) -> Floor:
        """Compile it.

        :raises NotHere: there is no compiler, or not Linux.
        """
        return cls(compiled(_FLOOR_SOURCE, directory / "floor", FLOOR))

    @contextmanager
    def running(self, size: int) -> Iterator[Running]:
        """Answering with so many bytes."""
        with on(CORES.serving):
            process = subprocess.Popen([str(self.program), str(size)], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            yield Running(FLOOR, int(process.stdout.readline()), process.pid)
        finally:
            process.kill()
            process.communicate()


def register(server: Running, members: int) -> list[bytes]:
    """Make accounts, and return the lines that log in."""
    with dial(server.port) as connection:
        ask(connection)
        for number in range(members):
            heard = ask(connection, b"REGISTER reader%d correct-horse\r\n" % number)
            assert heard.startswith(b"280 "), heard
            ask(connection, b"LOGOUT\r\n")
    return [b"LOGIN reader%d correct-horse\r\n" % number for number in range(members)]
