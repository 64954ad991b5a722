"""What happened to clients that come and go in a process of their own, see :mod:`benchmarks.comers`."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import define, field, frozen

from benchmarks.answers import RIGHT
from benchmarks.apart import Apart, apart
from benchmarks.servers import Running

#: A connection for each look-up; all on one connection; one connection and never again.
AGAIN, STAY, ONCE = "again", "stay", "once"
#: The first of their addresses, 127.1.0.0; those who stay have others, for they are looked for by address.
_FIRST, _FIRST_TO_STAY = 0x7F010000, 0x7F020000


def address(client: int, kind: str) -> str:
    """Where a client comes from."""
    return socket.inet_ntoa(((_FIRST_TO_STAY if kind == STAY else _FIRST) + client).to_bytes(4, "big"))


@frozen
class Turn:
    """One turn of a client: a visit, or one question of those who stay.

    :ivar began, ended: monotonic seconds.
    :ivar ending: how the answer ended; or :data:`benchmarks.load.CUT`, :data:`benchmarks.load.MISSING`,
        or the error that there was.
    :ivar new: whether it began with a new connection.
    """

    client: int
    began: float
    ended: float
    ending: str
    new: bool

    @property
    def took(self) -> float:
        """Seconds."""
        return self.ended - self.began

    @property
    def right(self) -> bool:
        """Whether the answer came and was right."""
        return self.ending == RIGHT


@define
class Told:
    """What has happened to them; filled in when they have gone."""

    _process: Apart
    turns: list[Turn] = field(factory=list)

    def go(self) -> None:
        """Let them come."""
        self._process.send(b"go\n")

    def within(self, began: float, ended: float) -> list[Turn]:
        """The turns of which a part lies in a time."""
        return [turn for turn in self.turns if turn.ended >= began and turn.began <= ended]


@contextmanager
def coming(
    server: Running, clients: int, spread: float, pause: float, kind: str, lines: Sequence[bytes]
) -> Iterator[Told]:
    """Have them ready, to come when they are told to.

    :raises ServerFell: their process failed.
    """
    with apart("comers", server.port, clients, spread, pause, kind, lines=lines) as process:
        process.line()
        told = Told(process)
        yield told
        told.turns += [Turn(*turn) for turn in process.rest()]
