"""A server that says what a test wrote for it, in a thread of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread

from attrs import define, field

BANNER = b"220 scripted <> <0@scripted>\r\n"
RIGHT = b'150 1 definitions retrieved\r\n151 "x" wn "WordNet"\r\nx\r\n..\r\n250 ok\r\n.\r\n250 ok\r\n'
NO_MATCH = b"552 no match\r\n"

#: The number of the connection, how many lines it has sent before, the line -> what is said; ``None`` hangs up.
Script = Callable[[int, int, bytes], bytes | None]


def always(answer: bytes) -> Script:
    """Say this to every line; good bye to QUIT."""
    return lambda connection, count, line: b"221 bye\r\n" if line == b"QUIT" else answer


@define(eq=False)
class Scripted:
    """Listens on 127.0.0.1 until it is stopped.

    :ivar piece: bytes that are sent at a time.
    :ivar heard: all lines, QUIT too.
    :ivar port: where it listens.
    """

    script: Script
    banner: bytes = BANNER
    piece: int = 1 << 16
    heard: list[bytes] = field(factory=list)
    _listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _threads: list[Thread] = field(factory=list)
    _connections: list[socket.socket] = field(factory=list)
    _lock: Lock = field(factory=Lock)
    port: int = field(init=False)

    @port.default
    def _where(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def start(self) -> Scripted:
        """Listen."""
        self._begin(self._welcome)
        return self

    def stop(self) -> None:
        """Hang up, and wait for the threads."""
        with self._lock:
            connections = [self._listener, *self._connections]
        for connection in connections:
            with suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for connection in connections:
            connection.close()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _welcome(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.append(connection)
            self._begin(lambda connection=connection, number=number: self._converse(connection, number))  # type: ignore[misc]
            number += 1

    def _converse(self, connection: socket.socket, number: int) -> None:
        try:
            connection.sendall(self.banner)
            for count, line in enumerate(connection.makefile("rb")):
                said = self.script(number, count, line.rstrip(b"\r\n"))
                with self._lock:
                    self.heard.append(line.rstrip(b"\r\n"))
                for at in range(0, len(said or b""), self.piece):
                    connection.sendall((said or b"")[at : at + self.piece])
                if said is None or said.startswith(b"221 "):
                    connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
