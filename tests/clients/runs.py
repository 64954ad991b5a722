"""dictc as a process: with pipes or with a terminal, against real servers or scripted ones."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable
from pathlib import Path

from attrs import define, field
from twisted.trial.unittest import SkipTest

from tests.support.peer import CDictd
from tests.support.programs import CHECKOUT, dictctl
from tests.support.server import Server, until

ANIMALS = """penguin\tn. a bird that swims\t企鹅
crow's nest\tn. a platform on a mast
a"b\\\\c\ta word that needs quoting
C++\ta language
你好\thello
ice cream\tn. frozen and sweet
-foo\ta flag
.22\tn. a firearm
100 grams\ta weight
Mädchen\tgirl
turkey\tn. see {penguin}
""" + "".join(f"pen{i:02}\ta pen, the {i}th\n" for i in range(40))
ANIMALS += "".join(f"öläß{i:02}\tin octets longer than in letters\n" for i in range(20))
ZOO = "penguin\tblack and white\npen house\twhere the pens live\nzebra\tstriped\n"
#: Long enough for a screen of 24 rows.
LONG = "long\t" + "\t".join(f"line {i}" for i in range(60)) + "\n"

#: Names that make the column of names wider, and that do not.
NAMED = (("thirteen-long", "x\ty\n"), ("name-of-seventeen", "x\ty\n"))


@functools.cache
def ours() -> Server:
    """A server of ours for all tests of this process; it goes with the process."""
    directory = Path(tempfile.mkdtemp(prefix="dictc-test-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name, text in (("animals", ANIMALS), ("zoo", ZOO), ("long", LONG), *NAMED):
        path = directory / f"{name}.tsv"
        path.write_text(text, "utf-8")
        done = dictctl(directory / "state", "import", str(path), "--name", name, "--title", f"Book of {name}")
        assert done.returncode == 0, done.stderr
    server = Server.started(directory / "state")
    atexit.register(server.kill)
    return server


@functools.cache
def peer() -> CDictd:
    """C dictd, as :func:`ours`.

    :raises SkipTest: it cannot be had.
    """
    try:
        server = CDictd.started("wn", "jargon")
    except OSError as error:
        if os.environ.get("CI") == "true":
            raise
        raise SkipTest(f"C dictd cannot be had: {error}") from None
    atexit.register(server.stop)
    return server


def environment(**more: str) -> dict[str, str]:
    """No settings of whoever runs the tests, and this checkout's dictc."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DICTD_", "LESS", "CLICOLOR", "NO_COLOR", "PAGER"))
    }
    return ours | {"PYTHONPATH": str(CHECKOUT / "clients"), "PYTHONWARNINGS": "default", "TERM": "xterm"} | more


def command(*arguments: str) -> list[str]:
    """The command line of dictc."""
    return [sys.executable, "-m", "dictc", *arguments]


def dictc(
    *arguments: str, port: int | None = None, sent: bytes = b"", **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Run dictc to its end, in a session of its own: without a terminal to ask at.

    :param port: of a server on 127.0.0.1.
    :param more: for its environment.
    """
    where = () if port is None else ("-h", "127.0.0.1", "-p", str(port))
    return subprocess.run(
        command(*where, *arguments),
        input=sent,
        capture_output=True,
        timeout=60,
        check=False,
        env=environment(**more),
        start_new_session=True,
    )


_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07")


@define(eq=False)
class Terminal:
    """A program on a terminal of 24 rows."""

    process: int
    descriptor: int
    seen: bytes = b""
    status: int | None = None
    _looked: int = field(default=0, init=False)

    @classmethod
    def opened(cls, state: Path, arguments: list[str], variables: dict[str, str] | None = None) -> Terminal:
        """Start dictc there.

        :param state: where it keeps its history.
        """
        process, descriptor = pty.fork()
        if process == 0:
            more = {"XDG_STATE_HOME": str(state), "PROMPT_TOOLKIT_NO_CPR": "1"} | (variables or {})
            os.execve(sys.executable, command(*arguments), environment(**more))  # noqa: S606
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
        return cls(process, descriptor)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.descriptor, keys.encode())

    def expect(self, text: str) -> str:
        """Wait for a text after the last one that was expected; what came up to its end."""
        wanted = text.encode()
        try:
            until(f"{text!r}", lambda: wanted in self._new(), 15)
        except AssertionError as trouble:
            raise AssertionError(f"{trouble}; there is {self.plain[-600:].decode(errors='replace')!r}") from None
        new = self._new()
        end = new.index(wanted) + len(wanted)
        self._looked += end
        return new[:end].decode()

    def ended(self) -> int:
        """Wait for its end; its exit code."""
        until("the program to end", self._over)
        assert self.status is not None
        return self.status

    def close(self) -> None:
        """Take the terminal away from whatever still runs on it."""
        if self.status is None and not self._over():
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        with contextlib.suppress(OSError):
            os.close(self.descriptor)

    def _new(self) -> bytes:
        self._hear()
        return self.plain[self._looked :]

    @property
    def plain(self) -> bytes:
        """What came, without the moves of the cursor and the colours."""
        return _ESCAPES.sub(b"", self.seen).replace(b"\r", b"")

    def _hear(self) -> None:
        while select.select([self.descriptor], [], [], 0)[0]:
            try:
                piece = os.read(self.descriptor, 65536)
            except OSError:
                return
            if not piece:
                return
            self.seen += piece

    def _over(self) -> bool:
        self._hear()
        if self.status is None:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None


@define(eq=False)
class Scripted:
    """A server that does to each client what a test says.

    :ivar script: called with each connection, the first, the second, ...
    :ivar heard: what all clients sent, as far as :meth:`listen` was called.
    """

    script: Callable[[Scripted, socket.socket, int], None]
    heard: bytes = b""
    clients: int = 0
    stopped: threading.Event = field(factory=threading.Event)
    _socket: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _threads: list[threading.Thread] = field(factory=list)

    @classmethod
    def started(cls, script: Callable[[Scripted, socket.socket, int], None]) -> Scripted:
        """Start it."""
        server = cls(script)
        thread = threading.Thread(target=server._serve, daemon=True)
        server._threads.append(thread)
        thread.start()
        return server

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    def listen(self, connection: socket.socket, text: bytes = b"\n") -> bool:
        """Take in what a client says until there is a text in it; whether it came."""
        heard = b""
        while text not in heard and not self.stopped.is_set():
            if select.select([connection], [], [], 0.05)[0]:
                piece = connection.recv(65536)
                if not piece:
                    break
                heard += piece
                self.heard += piece
        return text in heard

    def stop(self) -> None:
        """Stop it and all it does."""
        self.stopped.set()
        self._socket.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _serve(self) -> None:
        while not self.stopped.is_set():
            try:
                if not select.select([self._socket], [], [], 0.05)[0]:
                    continue
                connection, _ = self._socket.accept()
            except (OSError, ValueError):
                return
            number, self.clients = self.clients, self.clients + 1
            thread = threading.Thread(target=self._talk, args=(connection, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError):
            self.script(self, connection, number)
