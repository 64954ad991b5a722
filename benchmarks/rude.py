"""Clients without manners: they send without pause, and read all, a little or nothing of the answers.

``python -m benchmarks.rude PORT CLIENTS READ`` takes lines from its standard
input up to an empty one, sends them over and over on so many connections, and
reads READ bytes a second on each (0: nothing, -1: as fast as they come). It
says how many connections it has, goes on until its input ends, and then says
what it got. It runs as a process of its own, with less priority, so that
it takes the server's time and not that of who is measured.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import asdict, define, field

from benchmarks.load import ServerFell, ask, dial
from benchmarks.machine import CORES, on
from benchmarks.servers import Running
from tests.support.programs import CHECKOUT, environment

#: Bytes that are ready to be sent at least.
_AHEAD = 1 << 14
#: Seconds between two looks at who may read again, and before somebody who was thrown out comes back.
_PAUSE = 0.05
_NICE = 5


@define(eq=False)
class _Rude:
    connection: socket.socket
    left: memoryview
    heard: int = 0


@define(eq=False)
class Rabble:
    """All of them.

    :ivar read: bytes a second that each reads; negative: all.
    :ivar heard, sent, thrown: as :class:`Told` has them.
    """

    port: int
    clients: int
    read: int
    text: bytes
    heard: int = 0
    sent: int = 0
    thrown: int = 0
    _there: dict[int, _Rude] = field(factory=dict)
    _poll: select.epoll = field(factory=select.epoll)

    def come(self) -> None:
        """Connect as many as are missing.

        :raises ServerFell: nobody listens.
        """
        while len(self._there) < self.clients:
            connection = dial(self.port)
            # A small buffer of ours, so that what is not read waits in the server.
            if self.read >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
            if not ask(connection).startswith(b"220 "):
                connection.close()
                self.thrown += 1
                return
            connection.setblocking(False)
            # Each begins with another line, or all would wait for the same one.
            start = self.text.rfind(b"\n", 0, len(self.text) * len(self._there) // self.clients + 1) + 1
            self._there[connection.fileno()] = _Rude(connection, memoryview(self.text)[start:])
            self._poll.register(connection, select.EPOLLOUT | (select.EPOLLIN if self.read < 0 else 0))

    def run(self, stop: int) -> None:
        """Be rude until there is something to read, or an end.

        :param stop: a file.
        """
        self._poll.register(stop, select.EPOLLIN)
        began = looked = time.monotonic()
        while True:
            for number, _ in self._poll.poll(_PAUSE):
                if number == stop:
                    return
                if number in self._there:
                    self._turn(self._there[number])
            if time.monotonic() - looked >= _PAUSE:
                looked = time.monotonic()
                for rude in list(self._there.values()):
                    if self.read > 0 and rude.heard < self.read * (looked - began):
                        self._hear(rude)
                self.come()

    def _turn(self, rude: _Rude) -> None:
        try:
            if not rude.left:
                rude.left = memoryview(self.text)
            sent = rude.connection.send(rude.left)
            rude.left = rude.left[sent:]
            self.sent += sent
        except BlockingIOError:
            pass
        except OSError:
            self._thrown_out(rude)
            return
        if self.read < 0:
            self._hear(rude)

    def _hear(self, rude: _Rude) -> None:
        try:
            piece = rude.connection.recv(1 << 18 if self.read < 0 else max(int(self.read * _PAUSE * 2), 1))
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        rude.heard += len(piece)
        self.heard += len(piece)
        if not piece:
            self._thrown_out(rude)

    def _thrown_out(self, rude: _Rude) -> None:
        self.thrown += 1
        del self._there[rude.connection.fileno()]
        rude.connection.close()

    def close(self) -> None:
        """Go."""
        for rude in self._there.values():
            rude.connection.close()
        self._there.clear()
        self._poll.close()


@define
class Told:
    """What they got.

    :ivar heard: bytes that came.
    :ivar sent: bytes that went.
    :ivar thrown: connections that the server closed.
    :ivar seconds: in this time.
    """

    heard: int = 0
    sent: int = 0
    thrown: int = 0
    seconds: float = 0.0


@contextmanager
def beside(server: Running, clients: int, read: int, lines: Sequence[bytes]) -> Iterator[Told]:
    """Have them there for as long; what they got is filled in at the end.

    :raises ServerFell: they could not connect.
    """
    with on(CORES.asking):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.rude", str(server.port), str(clients), str(read)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=CHECKOUT,
            env=environment(),
        )
    told = Told()
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"".join(lines) + b"\r\n")
        process.stdin.flush()
        if not process.stdout.readline():
            raise ServerFell(process.communicate()[1].decode().strip().rpartition("\n")[2])
        yield told
        said, complained = process.communicate(timeout=30)
        if process.returncode:
            raise ServerFell(complained.decode().strip().rpartition("\n")[2])
        for name, value in json.loads(said).items():
            setattr(told, name, value)
    finally:
        process.kill()
        process.communicate()


def main(port: int, clients: int, read: int) -> None:
    """Be there, say so, and be rude until the input ends."""
    lines = b"".join(iter(sys.stdin.buffer.readline, b"\r\n"))
    os.nice(_NICE)
    rabble = Rabble(port, clients, read, lines * (_AHEAD // len(lines) + 1))
    try:
        rabble.come()
        print(len(rabble._there), flush=True)
        began = time.monotonic()
        rabble.run(sys.stdin.fileno())
        told = Told(rabble.heard, rabble.sent, rabble.thrown, time.monotonic() - began)
        print(json.dumps(asdict(told)), flush=True)
    finally:
        rabble.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
