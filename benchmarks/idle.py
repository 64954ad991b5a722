"""What a connection takes that says nothing.

``python -m benchmarks.idle PORT COUNT KIND`` connects so often, reads each banner,
prints how many connections it has, and holds them until its input ends: the
clients are a process of their own, so that only the server is weighed. KIND is
``plain`` or ``TLS``.
"""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from benchmarks import accounting
from benchmarks.apart import apart
from benchmarks.load import ServerFell, ask, dial, sealed
from benchmarks.servers import Running
from tests.support.server import until

#: Files that a process has open besides its connections.
_OTHERS = 100
#: Connections that come and go first, so that the server has its buffers.
_WARMING = 200
_PLAIN, _SECURE = "plain", "TLS"


@frozen
class Idle:
    """So many connections, and what each takes of the server's memory, KiB."""

    connections: int
    rss: float
    pss: float


def measured(server: Running, wanted: int, secure: bool = False) -> Idle:
    """Weigh a server without and with connections.

    :param secure: whether they speak TLS.
    :raises ServerFell: it did not take one.
    """
    alone = accounting.memory(server.pid).holders
    with held(server, min(_WARMING, wanted), secure):
        pass
    # C dictd has a process for each of them, and they take a while to end.
    until("the first connections to go", lambda: accounting.memory(server.pid).holders <= alone)
    before = accounting.memory(server.pid)
    with held(server, wanted, secure) as count:
        after = accounting.memory(server.pid)
    return Idle(count, (after.rss - before.rss) / count, (after.pss - before.pss) / count)


@contextmanager
def held(server: Running, wanted: int, secure: bool = False) -> Iterator[int]:
    """Have so many connections, or as many as may be.

    :raises ServerFell: it did not take one.
    """
    with apart("idle", server.port, wanted, _SECURE if secure else _PLAIN) as holder:
        yield int(holder.line())


def within_limits(wanted: int) -> int:
    """As many connections as this process may have; the server may as many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - _OTHERS)


def main(port: int, wanted: int, kind: str) -> None:
    """Connect, say so, and wait."""
    connections: list[socket.socket] = []
    connect = sealed if kind == _SECURE else dial
    for _ in range(within_limits(wanted)):
        connections.append(connect(port))
        if not ask(connections[-1]).startswith(b"220 "):
            raise ServerFell(f"connection {len(connections)} was not welcome")
    print(len(connections), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
