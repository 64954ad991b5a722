"""Clients that come, ask and come again, each from an address of its own; everything that happens to them is kept.

``python -m benchmarks.comers PORT CLIENTS SPREAD PAUSE KIND`` takes lines to ask
from its standard input up to an empty one, says that it is ready, and waits for
one more line. Then the clients come, spread over SPREAD seconds, and again
about PAUSE seconds after each answer. KIND is ``again`` (a connection for each
look-up, with QUIT), ``stay`` (all on one connection) or ``once``. When the input
ends they finish what is under way, and all their turns are printed.

Their times are of the monotonic clock, which is the same in all processes.
"""

from __future__ import annotations

import errno
import heapq
import json
import os
import random
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

from attrs import astuple, define, field

from benchmarks.answers import RIGHT, endings
from benchmarks.idle import within_limits
from benchmarks.load import CUT, MISSING
from benchmarks.turns import ONCE, STAY, Turn, address

#: Seconds without an answer after which it counts as missing.
PATIENCE = 10.0
#: How often that is looked at.
_LOOK = 0.5
_BYE = "221"
_SEED = 2229


@define(eq=False)
class _Caller:
    client: int
    connection: socket.socket
    began: float
    new: bool = True
    greeted: bool = False
    asking: bool = True
    heard: bytes = b""


@define(eq=False)
class Comers:
    """All of them.

    :ivar turns: what has happened.
    """

    port: int
    clients: int
    spread: float
    pause: float
    kind: str
    lines: Iterator[bytes]
    turns: list[Turn] = field(factory=list)
    _due: list[tuple[float, int]] = field(factory=list)
    _inside: dict[int, _Caller] = field(factory=dict)
    _seated: dict[int, _Caller] = field(factory=dict)
    _poll: select.epoll = field(factory=select.epoll)
    _random: random.Random = field(factory=lambda: random.Random(_SEED))  # noqa: S311 - pauses, no secrets

    @classmethod
    def prepared(
        cls, port: int, clients: int, spread: float, pause: float, kind: str, lines: Sequence[bytes]
    ) -> Comers:
        """Nobody has come yet."""
        return cls(port, clients, spread, pause, kind, cycle(lines))

    def run(self, stop: int) -> None:
        """Come and go until there is something to read, or an end; then finish.

        :param stop: a file.
        """
        began = time.monotonic()
        self._due = [(began + self.spread * number / self.clients, number) for number in range(self.clients)]
        self._poll.register(stop, select.EPOLLIN)
        ending = False
        looked = began
        while not ending or self._busy():
            now = time.monotonic()
            while not ending and self._due and self._due[0][0] <= now:
                self._come(heapq.heappop(self._due)[1])
            wait = self._due[0][0] - now if self._due and not ending else _LOOK
            for number, _ in self._poll.poll(max(min(wait, _LOOK), 0)):
                if number == stop:
                    ending = True
                    self._poll.unregister(stop)
                elif number in self._inside:
                    self._hear(self._inside[number])
            if now - looked >= _LOOK:
                looked = now
                self._give_up(now)

    def _busy(self) -> bool:
        return any(caller.asking for caller in self._inside.values())

    def _come(self, client: int) -> None:
        began = time.monotonic()
        seated = self._seated.get(client)
        if seated is not None:
            seated.began, seated.new, seated.asking = began, False, True
            self._ask(seated)
            return
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.bind((address(client, self.kind), 0))
            connection.connect(("127.0.0.1", self.port))
        except BlockingIOError:
            pass
        except OSError as error:
            connection.close()
            self._note(client, began, _named(error), True)
            return
        self._inside[connection.fileno()] = _Caller(client, connection, began)
        self._poll.register(connection, select.EPOLLIN)

    def _ask(self, caller: _Caller) -> None:
        try:
            caller.connection.sendall(next(self.lines) + (b"" if self.kind == STAY else b"QUIT\r\n"))
        except OSError as error:
            self._over(caller, _named(error))

    def _hear(self, caller: _Caller) -> None:
        try:
            piece = caller.connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError as error:
            self._over(caller, _named(error))
            return
        caller.heard += piece
        if not caller.greeted and caller.heard.startswith(b"220 ") and caller.heard.endswith(b"\r\n"):
            caller.greeted, caller.heard = True, b""
            self._ask(caller)
            return
        wanted = [RIGHT] if self.kind == STAY else [RIGHT, _BYE]
        seen = endings(caller.heard, len(wanted)) if caller.greeted else None
        if seen == wanted:
            self._over(caller, RIGHT)
        elif seen or not piece:
            # Whatever the server said instead, or at the end.
            said = seen or endings(caller.heard, 1) or []
            self._over(caller, next((code for code in said if code not in wanted), CUT))

    def _over(self, caller: _Caller, ending: str) -> None:
        asked, caller.asking = caller.asking, False
        if ending == RIGHT and self.kind == STAY:
            caller.heard = b""  # an end that comes now is no answer
            self._seated[caller.client] = caller
        else:
            self._seated.pop(caller.client, None)
            del self._inside[caller.connection.fileno()]
            caller.connection.close()
        if asked:
            self._note(caller.client, caller.began, ending, caller.new)
        else:  # between two questions; the next one is due already
            now = time.monotonic()
            self.turns.append(Turn(caller.client, now, now, ending, False))

    def _note(self, client: int, began: float, ending: str, new: bool) -> None:
        now = time.monotonic()
        self.turns.append(Turn(client, began, now, ending, new))
        if self.kind != ONCE:
            heapq.heappush(self._due, (now + self.pause * self._random.uniform(0.5, 1.5), client))

    def _give_up(self, now: float) -> None:
        for caller in list(self._inside.values()):
            if caller.asking and now - caller.began > PATIENCE:
                self._over(caller, MISSING)

    def close(self) -> None:
        """Everybody goes."""
        for caller in self._inside.values():
            caller.connection.close()
        self._inside.clear()
        self._seated.clear()
        self._poll.close()


def _named(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def main(port: int, clients: int, spread: float, pause: float, kind: str) -> None:
    """Wait for the word, come and go until the input ends, and tell."""
    lines = list(iter(sys.stdin.buffer.readline, b"\r\n"))
    within_limits(clients)
    comers = Comers.prepared(port, clients, spread, pause, kind, lines)
    try:
        print("ready", flush=True)
        if os.read(sys.stdin.fileno(), 16):
            comers.run(sys.stdin.fileno())
    finally:
        comers.close()
    print(json.dumps([astuple(turn) for turn in comers.turns]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
