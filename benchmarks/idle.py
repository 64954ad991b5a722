"""What a connection takes that says nothing.

``python -m benchmarks.idle PORT COUNT`` connects so often, reads each banner,
prints how many connections it has, and holds them until its input ends: the
clients are a process of their own, so that only the server is weighed.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import sys

from attrs import frozen

from benchmarks import accounting
from benchmarks.load import ServerFell, ask, dial
from benchmarks.servers import Running
from tests.support.programs import CHECKOUT, environment
from tests.support.server import until

#: Files that a process has open besides its connections.
_OTHERS = 100
#: Connections that come and go first, so that the server has its buffers.
_WARMING = 200


@frozen
class Idle:
    """So many connections, and what each takes of the server's memory, KiB."""

    connections: int
    rss: float
    pss: float


def measured(server: Running, wanted: int) -> Idle:
    """Weigh a server without and with connections.

    :raises ServerFell: it did not take one.
    """
    alone = accounting.memory(server.pid).holders
    _held(server, min(_WARMING, wanted))
    # C dictd has a process for each of them, and they take a while to end.
    until("the first connections to go", lambda: accounting.memory(server.pid).holders <= alone)
    before = accounting.memory(server.pid)
    count, after = _held(server, wanted)
    return Idle(count, (after.rss - before.rss) / count, (after.pss - before.pss) / count)


def _held(server: Running, wanted: int) -> tuple[int, accounting.Memory]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.idle", str(server.port), str(wanted)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=CHECKOUT,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        count = process.stdout.readline()
        if not count:
            raise ServerFell(process.communicate()[1].decode().strip().rpartition("\n")[2])
        return int(count), accounting.memory(server.pid)
    finally:
        process.kill()
        process.communicate()


def within_limits(wanted: int) -> int:
    """As many connections as this process may have; the server may as many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - _OTHERS)


def main(port: int, wanted: int) -> None:
    """Connect, say so, and wait."""
    connections: list[socket.socket] = []
    for _ in range(within_limits(wanted)):
        connections.append(dial(port))
        if not ask(connections[-1]).startswith(b"220 "):
            raise ServerFell(f"connection {len(connections)} was not welcome")
    print(len(connections), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
