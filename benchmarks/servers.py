"""The servers side by side, each in a process of its own, on a core of its own where there are two."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks.load import ServerFell, ask, dial
from benchmarks.machine import CORES, on
from tests.support.peer import CDictd
from tests.support.server import Server, until

#: How servers are called in tables and files.
OURS = "dictd"
FLOOR = "C floor"
PEER = "C dictd"

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

_FLOOR_SOURCE = Path(__file__).with_name("floor.c")


@frozen
class Running:
    """A server that runs.

    :ivar pid: the process that CPU time and memory are charged to, with its descendants.
    """

    name: str
    port: int
    pid: int


class NotHere(Exception):
    """A server that cannot be had on this machine, and why."""


@contextmanager
def ours(state: Path, more: str = "") -> Iterator[Running]:
    """dictd of this checkout on a state directory that holds the dictionary.

    :param more: settings besides :data:`SETTINGS`.
    """
    settings = state / "benchmark.toml"
    settings.write_text(SETTINGS + more)
    server = Server(state, ("--config", str(settings)))
    with on(CORES.serving):
        server.launch()
    try:
        until("dictd to listen", lambda: server.hear() and server.port > 0)
        yield Running(OURS, server.port, server.process.pid)
    finally:
        ended = server.process.poll()
        server.stop()
        if ended is not None:
            last = server.said.decode(errors="replace").strip().rpartition("\n")[2]
            raise ServerFell(f"{OURS} ended by itself with {ended}: {last}")


@contextmanager
def peer() -> Iterator[Running]:
    """Debian's C dictd with WordNet.

    :raises NotHere: its packages cannot be had.
    """
    try:
        with on(CORES.serving):
            running = CDictd.started("wn")
    except (OSError, AssertionError) as error:
        raise NotHere(f"{PEER} is left out: {error}") from error
    try:
        yield Running(PEER, running.port, running.process.pid)
    finally:
        running.stop()


@frozen
class Floor:
    """The floor, compiled."""

    program: Path

    @classmethod
    def compiled(cls, directory: Path) -> Floor:
        """Compile it.

        :raises NotHere: there is no compiler, or not Linux.
        """
        compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
        if compiler is None:
            raise NotHere(f"{FLOOR} is left out: there is no C compiler here")
        program = directory / "floor"
        command = [compiler, "-O2", "-o", str(program), str(_FLOOR_SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotHere(f"{FLOOR} is left out, it does not compile: {done.stderr.strip().splitlines()[:1]}")
        return cls(program)

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
