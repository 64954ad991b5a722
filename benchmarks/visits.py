"""The load of those who come for one word: connect, ask, QUIT, and the next connection."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import ClassVar

from attrs import define, field

from benchmarks.answers import endings
from benchmarks.load import CUT, MISSING, PATIENCE, Outcome, ServerFell, dial

_BYE = "221"


@define(eq=False)
class _Visit:
    connection: socket.socket
    since: float
    greeted: bool = False
    heard: bytes = b""


@define(eq=False)
class Visits:
    """So many visits at a time, each on a connection of its own."""

    port: int
    at_a_time: int
    _lines: Iterator[bytes]
    _visits: dict[int, _Visit] = field(factory=dict)
    _poll: select.epoll = field(factory=select.epoll)
    #: Each comes for one answer, so nobody has to be served first.
    served: ClassVar[bool] = True

    @classmethod
    def prepared(cls, port: int, at_a_time: int, lines: Sequence[bytes]) -> Visits:
        """Nobody has come yet."""
        return cls(port, at_a_time, cycle(line + b"QUIT\r\n" for line in lines))

    def run(self, seconds: float) -> Outcome:
        """Come and go for so long; who is in the middle then is counted by the next run.

        :raises ServerFell: nobody listens.
        """
        outcome = Outcome()
        now = time.perf_counter
        began = now()
        end = began + seconds
        while len(self._visits) < self.at_a_time:
            self._come()
        while (at := now()) < end:
            ready = self._poll.poll(PATIENCE)
            if not ready:
                outcome.endings[MISSING] += len(self._visits)
                break
            for number, _ in ready:
                if self._hear(self._visits[number], outcome):
                    self._come()
        outcome.seconds = at - began
        return outcome

    def _come(self) -> None:
        since = time.perf_counter()
        connection = dial(self.port)
        connection.setblocking(False)
        self._visits[connection.fileno()] = _Visit(connection, since)
        self._poll.register(connection, select.EPOLLIN)

    def _hear(self, visit: _Visit, outcome: Outcome) -> bool:
        """:return: whether the visit is over."""
        try:
            piece = visit.connection.recv(1 << 16)
            visit.heard += piece
            if not visit.greeted and visit.heard.endswith(b"\r\n"):
                if not visit.heard.startswith(b"220 "):
                    raise ServerFell(f"no banner: {visit.heard[:80]!r}")
                visit.greeted, visit.heard = True, b""
                visit.connection.sendall(next(self._lines))
                return False
        except ConnectionError:
            piece = b""
        seen = endings(visit.heard, 2) if visit.greeted else None
        if seen is None:
            if not piece:
                outcome.endings[CUT] += 1
                self._leave(visit)
            return not piece
        outcome.waits.append(time.perf_counter() - visit.since)
        outcome.received += len(visit.heard)
        outcome.note(seen[:-1] if seen[-1] == _BYE else [*seen, "no 221"])
        self._leave(visit)
        return True

    def _leave(self, visit: _Visit) -> None:
        del self._visits[visit.connection.fileno()]
        visit.connection.close()

    def close(self) -> None:
        """Everybody goes."""
        for visit in self._visits.values():
            visit.connection.close()
        self._visits.clear()
        self._poll.close()
