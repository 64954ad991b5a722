"""A flood of wrong passwords from many addresses, and what a client with manners notices of it.

``python -m benchmarks.guessing PORT RATE SOURCES`` connects from 127.0.0.1 and so
on, says that it is ready, and sends RATE times a second a LOGIN with a wrong
password, from one source after the other and without waiting for answers, until
its input ends; then it prints how often which source was answered what. Each
source has several connections, for a connection is answered one LOGIN at a time.

Limits are as they ship, but nobody is exempt from them, and passwords cost what
they cost.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import define, field

from benchmarks import accounting, servers
from benchmarks.apart import apart
from benchmarks.cases import Value
from benchmarks.figures import percentile
from benchmarks.load import CUT, PATIENCE, ask, dial
from benchmarks.polite import Polite
from benchmarks.servers import OURS, Running
from benchmarks.workers import ALL_CORES

#: Wrong passwords a second, from so many addresses, for so many names; every tenth is somebody's.
RATE, SOURCES = 500, 50
_NAMES, _MEMBERS = 100, 10
#: Connections of each source; fewer than the 20 a second that one network may make.
_EACH = 8
WORKERS = 2
SETTINGS = """
[limits]
exempt = []
"""
BEFORE = "polite client, before the wrong passwords"
DURING = "polite client beside 500 wrong passwords a second"
CASES = (BEFORE, DURING)
#: What is measured of the guesses.
COUNTS = ("guesses", "verified", "verified_most", "delayed", "turned", "unanswered", "errors", "grown")

#: How an answer begins that took a hash; that the guesser has to wait; that the server has too much to do.
_EXPECTED = VERIFIED, DELAYED, BUSY = "531", "481", "480"


@define(eq=False)
class _Seat:
    connection: socket.socket
    heard: bytes = b""
    greeted: bool = False


@define(eq=False)
class Guessers:
    """All of them.

    :ivar sent: how many passwords; ``skipped``: how many were not, for their source was not connected or had
        not been greeted yet.
    :ivar answers: of each source, how many began how.

    A seat is a connection of a source: seats 0, 50, 100, ... are those of the first of 50.
    """

    port: int
    rate: float
    sources: int
    sent: int = 0
    skipped: int = 0
    answers: list[Counter[str]] = field(factory=list)
    _there: dict[int, _Seat] = field(factory=dict)
    _numbers: dict[int, int] = field(factory=dict)
    _poll: select.epoll = field(factory=select.epoll)

    def __attrs_post_init__(self) -> None:
        self.answers = [Counter() for _ in range(self.sources)]

    def run(self, stop: int) -> None:
        """Guess until there is something to read, or an end.

        :param stop: a file.
        """
        self._poll.register(stop, select.EPOLLIN)
        began, turn = time.monotonic(), 0
        while True:
            due = began + turn / self.rate
            now = time.monotonic()
            if now >= due:
                self._guess(turn % (self.sources * _EACH), turn)
                turn += 1
            for number, _ in self._poll.poll(max(due - now, 0)):
                if number == stop:
                    return
                self._hear(self._numbers[number])

    def come(self) -> None:
        """Connect all, and wait for the banners.

        :raises OSError: nobody listens.
        """
        for seat in range(self.sources * _EACH):
            self._sit(seat)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not all(one.greeted for one in self._there.values()):
            for number, _ in self._poll.poll(PATIENCE):
                self._hear(self._numbers[number])

    def _sit(self, seat: int) -> None:
        connection = socket.create_connection(("127.0.0.1", self.port), 10, (f"127.0.0.{seat % self.sources + 2}", 0))
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._there[seat] = _Seat(connection)
        self._numbers[connection.fileno()] = seat
        self._poll.register(connection, select.EPOLLIN)

    def _guess(self, seat: int, turn: int) -> None:
        if seat not in self._there:
            self._sit(seat)
        if not self._there[seat].greeted:
            self.skipped += 1
            return
        name = (turn // self.sources + 7 * seat) % _NAMES
        try:
            self._there[seat].connection.sendall(b"LOGIN member%d wrong-battery\r\n" % name)
            self.sent += 1
        except OSError:
            self._lost(seat)

    def _hear(self, seat: int) -> None:
        one = self._there[seat]
        try:
            piece = one.connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        *lines, one.heard = (one.heard + piece).split(b"\r\n")
        for line in lines:
            welcome = not one.greeted and line.startswith(b"220 ")
            one.greeted = one.greeted or welcome
            if not welcome:
                self.answers[seat % self.sources][line[:3].decode(errors="replace")] += 1
        if not piece:
            self._lost(seat)

    def _lost(self, seat: int) -> None:
        self.answers[seat % self.sources][CUT] += 1
        connection = self._there.pop(seat).connection
        del self._numbers[connection.fileno()]
        connection.close()

    def close(self) -> None:
        """Everybody goes."""
        for one in self._there.values():
            one.connection.close()
        self._there.clear()
        self._poll.close()


def measured(state: Path, lines: Sequence[bytes], seconds: float) -> Iterator[Value | str]:
    """The polite client for so long alone, and for so long beside them; texts are remarks."""
    with servers.ours(state, settings=SETTINGS, workers=WORKERS, cores=ALL_CORES) as server:
        _members(server)
        alone = _polite(server, lines, min(seconds, 10.0))
        calm = accounting.memory(server.pid).rss
        with apart("guessing", server.port, RATE, SOURCES) as process:
            process.line()
            began = time.monotonic()
            beside = _polite(server, lines, seconds)
            grown = max(beside.worst, accounting.memory(server.pid).rss) - calm
            flooded = time.monotonic() - began
            told = process.rest()
    for case, client in ((BEFORE, alone), (DURING, beside)):
        waits = sorted(client.waits)
        yield (case, OURS, "p50"), percentile(waits, 0.5) * 1e3
        yield (case, OURS, "p99"), percentile(waits, 0.99) * 1e3
        yield (case, OURS, "longest"), waits[-1] * 1e3
    by_source = [Counter(one) for one in told["answers"]]
    everywhere = sum(by_source, Counter())
    yield (DURING, OURS, "guesses"), told["sent"] / flooded
    yield (DURING, OURS, "verified"), everywhere[VERIFIED]
    yield (DURING, OURS, "verified_most"), max(one[VERIFIED] for one in by_source)
    yield (DURING, OURS, "delayed"), everywhere[DELAYED]
    yield (DURING, OURS, "turned"), everywhere[BUSY]
    yield (DURING, OURS, "unanswered"), told["sent"] - sum(everywhere[one] for one in _EXPECTED)
    wrong = {one: count for one, count in everywhere.items() if one not in _EXPECTED and count}
    if told["skipped"]:
        wrong["not greeted yet"] = told["skipped"]
    yield (DURING, OURS, "errors"), sum(wrong.values())
    if wrong:
        yield f"{DURING}: those who guess: {wrong}"
    yield (DURING, OURS, "grown"), grown / 1024


def _polite(server: Running, lines: Sequence[bytes], seconds: float) -> Polite:
    client = Polite(server, lines, weighing=True)
    client.run(seconds)
    return client


def _members(server: Running) -> None:
    """Some of the names are somebody's."""
    with dial(server.port) as connection:
        ask(connection)
        for number in range(_MEMBERS):
            heard = ask(connection, b"REGISTER member%d correct-horse\r\n" % number)
            assert heard.startswith((b"280 ", b"580 ")), heard  # new, or of a run before
            ask(connection, b"LOGOUT\r\n")


def main(port: int, rate: float, sources: int) -> None:
    """Connect, say so, guess until the input ends, and tell."""
    guessers = Guessers(port, rate, sources)
    try:
        guessers.come()
        print("ready", flush=True)
        guessers.run(sys.stdin.fileno())
        told = {"sent": guessers.sent, "skipped": guessers.skipped, "answers": guessers.answers}
        print(json.dumps(told), flush=True)
    finally:
        guessers.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
