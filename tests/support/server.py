"""A server in a process of its own, and a plain client."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from attrs import define, field

from tests.support.house import final_codes
from tests.support.programs import CHECKOUT, environment

_LISTENING = re.compile(rb"listening on 127\.0\.0\.1:(\d+)")
_PATIENCE = 30.0
#: Nothing more in the environment.
NO_MORE: Mapping[str, str] = MappingProxyType({})


def until(what: str, happened: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Wait for something that is bound to happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        select.select([], [], [], 0.02)


def clear(directory: Path) -> None:
    """Remove a directory in which what a server has left behind may put its things away for a moment yet."""

    def cleared() -> bool:
        shutil.rmtree(directory, ignore_errors=True)
        return not directory.exists()

    until(f"{directory} to be empty", cleared)


def twistd(*arguments: str) -> list[str]:
    """The command line of this interpreter's twistd."""
    return [sys.executable, "-c", "from twisted.scripts.twistd import run; run()", *arguments]


@define(eq=False)
class Server:
    """``twistd -n dictd`` on a port that the system chose.

    :ivar surroundings: settings in its environment, ``DICTD_SECTION_KEY``, and what else it has besides.
    :ivar before: called in its process before it begins.
    """

    state: Path
    arguments: tuple[str, ...] = ()
    surroundings: Mapping[str, str] = NO_MORE
    before: Callable[[], None] | None = None
    alone: bool = True
    process: subprocess.Popen[bytes] = field(init=False)
    port: int = field(default=0, init=False)
    said: bytes = field(default=b"", init=False)

    @classmethod
    def started(
        cls,
        state: Path,
        *arguments: str,
        port: int = 0,
        surroundings: Mapping[str, str] = NO_MORE,
        before: Callable[[], None] | None = None,
    ) -> Server:
        """Start it and wait until it listens."""
        server = cls(state, arguments, surroundings, before)
        server.launch(port)
        until("the server to listen", lambda: server.hear() and server.port > 0)
        return server

    def launch(self, port: int = 0) -> None:
        """Start it; in one process, unless the arguments, or else the settings, say how many workers."""
        asked = "--workers" in self.arguments or not self.alone
        arguments = self.arguments if asked else ("--workers", "0", *self.arguments)
        self.process = subprocess.Popen(
            twistd("--pidfile=", "-n", "dictd", "--state-dir", str(self.state), "--port", str(port), *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env={**environment(), **self.surroundings},
            preexec_fn=self.before,  # noqa: PLW1509 - one thread; it sets a limit and nothing else
        )

    def hear(self) -> bool:
        """Take in what it has logged."""
        assert self.process.stdout is not None
        while not self.process.stdout.closed and select.select([self.process.stdout], [], [], 0)[0]:
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                assert self.process.poll() is None or self.port, self.said.decode()
                break
            self.said += piece
        found = _LISTENING.search(self.said)
        if found:
            self.port = int(found[1])
        return True

    def logged(self, text: str) -> bool:
        """Whether the log has a text by now."""
        self.hear()
        return text.encode() in self.said

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """Stop it as an administrator does; twistd ends by the signal it was sent, after a clean stop."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            rest, _ = self.process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            rest, _ = self.process.communicate()
            raise AssertionError(f"the server did not stop: {(self.said + rest).decode()}") from None
        self.said += rest
        assert self.process.returncode in (0, -signal.SIGTERM, -signal.SIGINT), self.said.decode()

    def memory(self) -> int:
        """What it has in memory, KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))

    def work(self) -> float:
        """Seconds of CPU it has had."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=_PATIENCE)

    def connect(self, host: str = "127.0.0.1", source: str = "") -> Caller:
        """A client that has read its banner, from another address of this machine if one is given."""
        origin = (source, 0) if source else None
        caller = Caller(socket.create_connection((host, self.port), _PATIENCE, origin))
        caller.banner = caller.line()
        return caller


@define(eq=False)
class Caller:
    """A client that waits for each answer."""

    connection: socket.socket
    banner: str = ""
    _received: bytes = b""

    def line(self) -> str:
        """The next line."""
        while b"\n" not in self._received:
            piece = self.connection.recv(65536)
            if not piece:
                raise EOFError
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line.decode().rstrip("\r")

    def ask(self, line: str) -> list[str]:
        """The lines of the answer to a line."""
        self.connection.sendall(line.encode() + b"\r\n")
        return self.answer()

    def answer(self) -> list[str]:
        """The lines of the next answer."""
        lines: list[str] = []
        while True:
            lines.append(self.line())
            whole = "".join(f"{line}\r\n" for line in lines).encode()
            try:
                if final_codes(whole):
                    return lines
            except AssertionError:
                continue

    def code(self, line: str) -> int:
        """The final status of the answer to a line."""
        return int(self.ask(line)[-1][:3])

    def rest(self) -> bytes:
        """Everything until the server closes."""
        pieces = [self._received]
        while piece := self.connection.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Hang up."""
        self.connection.close()
