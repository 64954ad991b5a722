"""The load generator: many clients in one process, each waiting for its answers (closed loop).

Python, because it is enough: one poll, one ``recv``, one search for the ends
of answers and one ``send`` for each turn of a client cost 8 us with one line a
turn and 0.8 us a line with 16, a third and a tenth of what dictd needs for
them, so dictd is the one that is busy (the table shows how much). The same in
C saved a sixth of the first and nothing of the second, and would have needed a
compiler wherever it runs.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from attrs import define, field

from benchmarks.answers import RIGHT, endings
from tests.support.certificates import trusting

#: Seconds without any answer after which the rest counts as missing.
PATIENCE = 10.0
#: What an answer is called that never came, and a connection that the server closed.
MISSING = "missing"
CUT = "cut"

_TRUSTING = trusting()


class ServerFell(Exception):
    """The server refuses connections, or has closed them all."""


@define
class Outcome:
    """What a load has seen.

    :ivar endings: how many answers ended how.
    :ivar waits: seconds from sending to the last byte, one for each turn of a client.
    :ivar received: bytes of the answers.
    :ivar seconds: how long it took.
    """

    endings: Counter[str] = field(factory=Counter)
    waits: list[float] = field(factory=list)
    received: int = 0
    seconds: float = 0.0

    @property
    def answers(self) -> int:
        """Whole answers, right or wrong."""
        return self.endings.total() - self.endings[MISSING] - self.endings[CUT]

    @property
    def wrong(self) -> dict[str, int]:
        """Everything but right answers."""
        return self.but(RIGHT)

    def but(self, *right: str) -> dict[str, int]:
        """Everything but these."""
        return {ending: count for ending, count in self.endings.items() if ending not in right and count}

    def note(self, seen: Sequence[str]) -> None:
        """Count the endings of some answers."""
        if seen.count(RIGHT) == len(seen):
            self.endings[RIGHT] += len(seen)
        else:
            self.endings.update(seen)


def dial(port: int) -> socket.socket:
    """A connection to a server here.

    :raises ServerFell: nobody listens.
    """
    connection = socket.socket()
    try:
        connection.connect(("127.0.0.1", port))
    except OSError as error:
        connection.close()
        raise ServerFell(f"nobody listens on port {port}: {error}") from error
    return connection


def sealed(port: int) -> socket.socket:
    """The same in TLS, with a handshake of its own; any certificate will do.

    :raises ServerFell: nobody listens, or the handshake failed.
    """
    connection = dial(port)
    try:
        connection.settimeout(PATIENCE)
        return _TRUSTING.wrap_socket(connection)
    except OSError as error:
        connection.close()
        raise ServerFell(f"no handshake on port {port}: {error}") from error


def ask(connection: socket.socket, line: bytes = b"") -> bytes:
    """Send a line, if there is one, and wait for its answer; without one, for the banner.

    :raises ServerFell: the answer does not come.
    """
    heard = b""
    try:
        connection.settimeout(PATIENCE)
        if line:
            connection.sendall(line)
        while not endings(heard, 1):
            piece = connection.recv(1 << 16)
            if not piece:
                raise ServerFell(f"a connection was closed after {heard[-80:]!r}")
            heard += piece
    except OSError as error:
        raise ServerFell(f"no answer to {line!r}: {error}") from error
    return heard


@define(eq=False)
class _Client:
    connection: socket.socket
    asked: int = 0
    heard: bytes = b""
    since: float = 0.0
    served: bool = False


@define(eq=False)
class Crowd:
    """Clients that stay connected and ask the same number of lines at a time.

    :ivar depth: lines that each client sends at once, and then waits for all their answers.
    """

    _clients: dict[int, _Client]
    _lines: Iterator[bytes]
    depth: int
    _poll: select.epoll = field(factory=select.epoll)

    @classmethod
    def connected(
        cls,
        port: int,
        clients: int,
        depth: int,
        lines: Sequence[bytes],
        logins: Sequence[bytes] = (),
        connect: Callable[[int], socket.socket] = dial,
    ) -> Crowd:
        """Connect them all, and read the banners.

        :param lines: what they ask, in this order, over and over.
        :param logins: the first line of each client; none for anonymous ones.
        :param connect: how they connect, :func:`dial` or :func:`sealed`.
        :raises ServerFell: one of them could not connect or log in.
        """
        crowd = cls({}, cycle(b"".join(group) for group in _groups(lines, depth)), depth)
        try:
            crowd.join(port, clients, logins, connect)
        except BaseException:
            crowd.close()
            raise
        return crowd

    def join(
        self,
        port: int,
        clients: int,
        logins: Sequence[bytes] = (),
        connect: Callable[[int], socket.socket] = dial,
    ) -> None:
        """So many more; see :meth:`connected`."""
        for number in range(clients):
            connection = connect(port)
            self._clients[connection.fileno()] = _Client(connection)
            self._poll.register(connection, select.EPOLLIN)
            if not ask(connection).startswith(b"220 "):
                raise ServerFell("no banner")
            if logins and not ask(connection, logins[number]).startswith(b"2"):
                raise ServerFell(f"no welcome to {logins[number]!r}")
            connection.setblocking(False)  # with a time-out each call would poll first
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def served(self) -> bool:
        """Whether every client has had an answer."""
        return all(client.served for client in self._clients.values())

    def run(self, seconds: float) -> Outcome:
        """Ask for so long, and stop in the middle: what is on its way then is the next run's.

        :raises ServerFell: no connection is left.
        """
        outcome = Outcome()
        now = time.perf_counter
        began = now()
        end = began + seconds
        for client in self._clients.values():
            if not client.asked:
                self._send(client)
        while (at := now()) < end:
            ready = self._poll.poll(PATIENCE)
            if not ready:
                outcome.endings[MISSING] += sum(client.asked for client in self._clients.values())
                break
            for number, _ in ready:
                self._hear(self._clients[number], outcome)
        outcome.seconds = at - began
        return outcome

    def _send(self, client: _Client) -> None:
        client.asked = self.depth
        client.heard = b""
        client.since = time.perf_counter()
        client.connection.sendall(next(self._lines))

    def _hear(self, client: _Client, outcome: Outcome) -> None:
        try:
            piece = client.connection.recv(1 << 18)
        except ssl.SSLWantReadError:
            return  # what came was part of a record, or nothing that is meant for us
        except ConnectionError:
            piece = b""
        if not piece:
            self._lost(client, outcome)
            return
        client.heard = heard = client.heard + piece if client.heard else piece
        seen = endings(heard, client.asked)
        if seen is None:
            return
        client.served = True
        outcome.waits.append(time.perf_counter() - client.since)
        outcome.received += len(heard)
        outcome.note(seen)
        try:
            self._send(client)
        except ConnectionError:
            self._lost(client, outcome)

    def _lost(self, client: _Client, outcome: Outcome) -> None:
        outcome.endings[CUT] += 1
        outcome.endings[MISSING] += client.asked
        del self._clients[client.connection.fileno()]
        client.connection.close()
        if not self._clients:
            raise ServerFell(f"the server closed every connection; {dict(outcome.endings)}")

    def close(self) -> None:
        """Hang up."""
        for client in self._clients.values():
            client.connection.close()
        self._clients.clear()
        self._poll.close()


def _groups(lines: Sequence[bytes], depth: int) -> Iterator[Sequence[bytes]]:
    return (lines[at : at + depth] for at in range(0, len(lines) - depth + 1, depth))
