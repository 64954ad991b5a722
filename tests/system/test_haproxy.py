"""etc/haproxy.cfg with Debian's HAProxy, from a client's TLS through to dictd."""

from __future__ import annotations

import os
import select
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.certificates import made, trusting
from tests.support.debian import package
from tests.support.ports import port_of_its_own
from tests.support.programs import CHECKOUT, dictctl
from tests.support.server import Caller, Server, clear, until
from tests.system.test_tls import LIBRARIES

SHIPPED = CHECKOUT / "etc" / "haproxy.cfg"


def settings_told() -> str:
    """The settings of dictd that the file tells."""
    told = [line.removeprefix("#   ") for line in SHIPPED.read_text("utf-8").splitlines() if line.startswith("#   ")]
    return "\n".join(told) + "\n"


class Behind(SynchronousTestCase):
    """A server behind HAProxy."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="dictd-haproxy-"))
        self.addCleanup(clear, self.directory)
        certificate, key = made(self.directory)
        both = self.directory / "dict.pem"
        both.write_bytes(Path(certificate).read_bytes() + Path(key).read_bytes())
        both.chmod(0o600)
        self.front, self.back = port_of_its_own(), port_of_its_own()
        text = SHIPPED.read_text("utf-8")
        for old, new in (
            ("bind :2629", f"bind 127.0.0.1:{self.front}"),
            ("/etc/haproxy/dict.pem", str(both)),
            ("127.0.0.1:2630", f"127.0.0.1:{self.back}"),
        ):
            self.assertEqual(text.count(old), 1)
            text = text.replace(old, new)
        self.path = self.directory / "haproxy.cfg"
        self.path.write_text(text, "utf-8")

    def haproxy(self, *arguments: str) -> subprocess.Popen[bytes]:
        """HAProxy, unpacked and not installed: its package would start one on this machine."""
        libraries = [str(library) for name in LIBRARIES for library in (package(name) / "usr/lib").glob("*-linux-*")]
        return subprocess.Popen(
            [str(package("haproxy") / "usr/sbin/haproxy"), *arguments, "-f", str(self.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, LD_LIBRARY_PATH=":".join(libraries)),
        )

    def test_understood(self) -> None:
        """haproxy -c has nothing against it."""
        with self.haproxy("-c") as checking:
            said, _ = checking.communicate(timeout=30)
        self.assertEqual(checking.returncode, 0, said)
        self.assertNotRegex(said.decode(), r"\[(WARNING|ALERT)\]")

    def test_through(self) -> None:
        """A client comes by TLS and may log in; that a server is away is noticed, and that it is back."""
        state, book, config = (self.directory / name for name in ("state", "book.tsv", "dictd.toml"))
        book.write_text("penguin\ta bird\n", "utf-8")
        self.assertEqual(dictctl(state, "import", str(book), "--name", "animals").returncode, 0)
        config.write_text(settings_told().replace("port = 2630", f"port = {self.back}"), "utf-8")
        server = Server.started(state, "--config", str(config))
        self.addCleanup(lambda: server.kill())
        with self.haproxy("-db") as process:
            self.addCleanup(process.kill)
            until("the first look at the server", lambda: self.answers("DEFINE animals penguin"))
            self.assertTrue(self.answers("REGISTER alice correct-horse", 280))
            caller = self.connect()
            self.assertEqual(caller.code("WHOAMI"), 285)
            (row,) = [line for line in dictctl(state, "sessions").stdout.decode().splitlines() if "127.0.0.1" in line]
            self.assertRegex(row, r"TLS")
            caller.close()
            server.stop()
            until("its absence to be seen", self.said(process, b"Server dicts/one is DOWN, reason: Layer4"))
            self.assertFalse(self.answers("STATUS", 210))
            server = Server.started(state, "--config", str(config))
            until("its return to be seen", self.said(process, b"Server dicts/one is UP, reason: Layer7 check passed"))
            self.assertTrue(self.answers("DEFINE animals penguin"))
            server.stop()
            process.kill()
        self.assertNotIn(b"Traceback", server.said)
        self.assertNotIn(b"cut off", server.said)

    def said(self, process: subprocess.Popen[bytes], words: bytes) -> Callable[[], bool]:
        """Whether HAProxy has said something by now."""
        assert process.stdout is not None
        stream, heard = process.stdout, bytearray()

        def look() -> bool:
            while select.select([stream], [], [], 0)[0] and (piece := os.read(stream.fileno(), 4096)):
                heard.extend(piece)
            return words in heard

        return look

    def connect(self) -> Caller:
        """A client in TLS, that has read its banner."""
        plain = socket.create_connection(("127.0.0.1", self.front), 5)
        sealed: ssl.SSLSocket = trusting().wrap_socket(plain, server_hostname="localhost")
        caller = Caller(sealed)
        caller.banner = caller.line()
        return caller

    def answers(self, line: str, code: int = 250) -> bool:
        """Whether somebody answers."""
        try:
            caller = self.connect()
        except (OSError, EOFError):
            return False
        try:
            return caller.code(line) == code
        except (OSError, EOFError):
            return False
        finally:
            caller.close()
