"""Clients that remember every answer, to be held against what the store has in the end."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count

from attrs import define, field

_AGAIN = 0.03
_NOT_CONFIRMED = b"(history not confirmed)"


@define(eq=False)
class _Client:
    """One connection; it asks for a word, waits for the answer, asks for another."""

    connection: socket.socket
    received: bytes = b""
    word: str = ""
    since: float = 0.0


@define(eq=False)
class Truth:
    """Look-ups by one user on many connections, no word twice; who is cut off comes again.

    The words are in no dictionary: an answer is one line, and the look-up is history all the same.

    :ivar confirmed: words whose answer promises a row of the history; ``unconfirmed``: those that say it is not sure.
    :ivar refused: other answers, by their code.
    :ivar slowest: seconds of the longest wait for an answer; ``waits``: all of them.
    :param pause: seconds that each connection thinks before it asks again.
    """

    port: int
    name: str
    secret: str
    connections: int = 16
    prefix: str = "word"
    pause: float = 0.0
    confirmed: set[str] = field(factory=set)
    unconfirmed: set[str] = field(factory=set)
    refused: Counter[bytes] = field(factory=Counter)
    slowest: float = 0.0
    waits: list[float] = field(factory=list)
    cut: int = 0
    _thinking: deque[tuple[float, _Client]] = field(factory=deque, init=False)
    _clients: list[_Client] = field(factory=list, init=False)
    _waiting: list[float] = field(factory=list, init=False)
    _over: bool = field(default=False, init=False)
    _thread: threading.Thread = field(init=False)
    _selector: selectors.BaseSelector = field(factory=selectors.DefaultSelector, init=False)
    _numbers: Callable[[], int] = field(factory=lambda: count().__next__, init=False)

    def start(self) -> None:
        """Begin to ask."""
        self._waiting = [0.0] * self.connections
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask nothing more; what is under way is not waited for."""
        self._over = True
        self._thread.join(30)
        for client in self._clients:
            client.connection.close()
        self._selector.close()

    def missing(self, words: Iterable[str]) -> set[str]:
        """What was promised and is not there."""
        return self.confirmed - set(words)

    @staticmethod
    def twice(words: Iterable[str]) -> list[str]:
        """What is there more than once."""
        return [word for word, times in Counter(words).items() if times > 1]

    def _run(self) -> None:
        while not self._over:
            now = time.monotonic()
            due = [moment for moment in self._waiting if moment <= now]
            self._waiting = [moment for moment in self._waiting if moment > now]
            for _ in due:
                self._come()
            while self._thinking and self._thinking[0][0] <= now:
                self._ask(self._thinking.popleft()[1])
            for key, _ in self._selector.select(0.01):
                self._hear(key.data)

    def _come(self) -> None:
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), 1)
        except OSError:
            self._waiting.append(time.monotonic() + _AGAIN)
            return
        client = _Client(connection)
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)
        self._say(client, f"LOGIN {self.name} {self.secret}")

    def _hear(self, client: _Client) -> None:
        try:
            piece = client.connection.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            self._leave(client)
            return
        client.received += piece
        while b"\n" in client.received:
            line, _, client.received = client.received.partition(b"\n")
            if not self._answered(client, line.rstrip(b"\r")):
                return

    def _answered(self, client: _Client, line: bytes) -> bool:
        """Take one answer, and ask again; false when the client has left."""
        if line[:3] == b"220":
            return True
        if line[:3] == b"552" and client.word:
            self.waits.append(time.monotonic() - client.since)
            self.slowest = max(self.slowest, self.waits[-1])
            (self.unconfirmed if _NOT_CONFIRMED in line else self.confirmed).add(client.word)
        elif line[:3] != b"230":
            self.refused[line[:3]] += 1
            self._leave(client)
            return False
        if self.pause:
            self._thinking.append((time.monotonic() + self.pause, client))
            return True
        return self._ask(client)

    def _ask(self, client: _Client) -> bool:
        if client not in self._clients:
            return False  # it has left meanwhile
        client.word = f"{self.prefix}-{self._numbers()}"
        return self._say(client, f"DEFINE ! {client.word}")

    def _say(self, client: _Client, line: str) -> bool:
        client.since = time.monotonic()
        try:
            client.connection.sendall(f"{line}\r\n".encode())
        except OSError:
            self._leave(client)
            return False
        return True

    def _leave(self, client: _Client) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(client.connection)
        client.connection.close()
        if client in self._clients:
            self._clients.remove(client)
        self.cut += bool(client.word)
        self._waiting.append(time.monotonic() + _AGAIN)
