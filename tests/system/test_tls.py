"""TLS, STARTTLS and proxies with real processes, sockets and openssl."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.certificates import made, shown, trusting
from tests.support.debian import package
from tests.support.house import final_codes
from tests.support.programs import dictctl, environment, program, run
from tests.support.proxies import version_1, version_2
from tests.support.server import Caller, Server, clear, twistd, until

#: What Debian's haproxy is linked with beyond what any Debian has.
LIBRARIES = ("liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
WORDBOOK = "penguin\tn. a bird that swims\nlong\t" + "word " * 2000 + "\n"
FAR = "203.0.113.9"


def opened(connection: socket.socket) -> Caller:
    """A client that has read its banner."""
    caller = Caller(connection)
    caller.banner = caller.line()
    return caller


class Serving(SynchronousTestCase):
    """A server with a certificate that trusts 127.0.0.2 as a proxy."""

    more = ""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())  # the path of a unix socket is short, that of a test is not
        self.addCleanup(clear, self.directory)
        self.certificate, self.key = made(self.directory)
        self.state = self.directory / "state"
        book = self.directory / "animals.tsv"
        book.write_text(WORDBOOK, "utf-8")
        done = dictctl(self.state, "import", str(book), "--name", "animals")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.config = self.directory / "dictd.toml"
        self.config.write_text(
            f'[tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\nport = 0\n'
            f'[proxy]\ntrusted = ["127.0.0.2"]\nport = 0\n[listen]\naddresses = ["127.0.0.1"]\n{self.more}',
            "utf-8",
        )
        self.server = Server.started(self.state, "--config", str(self.config))
        self.addCleanup(self.server.kill)
        self.tls_port = self.port(r"127\.0\.0\.1:(\d+) \(TLS\)")
        self.proxy_port = self.port(r"127\.0\.0\.1:(\d+) \(for proxies\)")

    def port(self, pattern: str) -> int:
        """A port that the server has told."""
        found = re.search(pattern, self.server.said.decode())
        assert found is not None, self.server.said
        return int(found[1])

    def plain(self, port: int, source: str = "127.0.0.1") -> socket.socket:
        """A connection."""
        connection = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
        self.addCleanup(connection.close)
        return connection

    def sealed(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        """A connection to the TLS port."""
        connection = trusting().wrap_socket(self.plain(self.tls_port, source))
        self.addCleanup(connection.close)
        return connection

    def users(self) -> list[str]:
        """Who has an account, as LOGIN tells."""
        caller = self.server.connect()
        self.addCleanup(caller.close)
        return [name for name in ("eve", "alice") if caller.code(f"LOGIN {name} correct-horse") == 230]

    def memory(self) -> int:
        """Resident memory of the server, bytes."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def openssl(self, *arguments: str, port: int = 0, sent: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """``openssl s_client``, quiet: it shows what the server says and ends with it."""
        at = f"127.0.0.1:{port or self.tls_port}"
        return run([program("openssl"), "s_client", "-connect", at, *arguments], sent)


class Port(Serving):
    """The TLS port."""

    def test_openssl(self) -> None:
        """Banner, answers, the end; thirty times of thirty, also with input behind QUIT."""
        for behind in (b"", b"STATUS\r\n" * 2000):
            for _ in range(15):
                done = self.openssl("-quiet", sent=b"D animals penguin\r\nSTATUS\r\nQUIT\r\n" + behind)
                banner, _, rest = done.stdout.partition(b"\r\n")
                self.assertTrue(banner.startswith(b"220 "), done)
                self.assertEqual(final_codes(rest), [250, 210, 221])
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_verified(self) -> None:
        """openssl is content with certificate, name, version and cipher."""
        arguments = ("-CAfile", self.certificate, "-verify_hostname", "localhost", "-verify_return_error", "-ign_eof")
        for version in ("-tls1_2", "-tls1_3"):
            done = self.openssl(*arguments, version, sent=b"QUIT\r\n")
            self.assertIn(b"Verify return code: 0 (ok)", done.stdout)
            self.assertIn(b"221 bye", done.stdout)
            self.assertIn(b"Compression: NONE", done.stdout)

    def test_old_versions(self) -> None:
        """TLS 1.1 is refused."""
        done = self.openssl("-quiet", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", sent=b"QUIT\r\n")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(b"220", done.stdout)

    def test_renegotiation(self) -> None:
        """What a client of TLS 1.2 asks for with R is not done."""
        done = self.openssl("-tls1_2", "-ign_eof", sent=b"STATUS\r\nQUIT\r\n")
        self.assertIn(b"221 bye", done.stdout)
        process = subprocess.Popen(
            [program("openssl"), "s_client", "-connect", f"127.0.0.1:{self.tls_port}", "-tls1_2"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.addCleanup(process.kill)
        assert process.stdin is not None and process.stdout is not None
        seen = b""
        while b"220 " not in seen:
            seen += os.read(process.stdout.fileno(), 4096)
        process.stdin.write(b"R\n")
        process.stdin.flush()
        seen += process.communicate(timeout=20)[0]
        self.assertIn(b"no renegotiation", seen)

    def test_one_write_an_answer(self) -> None:
        """An answer comes in one record."""
        connection = self.sealed()
        opened(connection)
        for _ in range(20):
            connection.sendall(b"DEFINE * penguin\r\n")
            self.assertTrue(connection.recv(65536).endswith(b"250 ok\r\n"))

    def test_end_of_tls(self) -> None:
        """The server says that there is no more: an end without that would be an error here."""
        connection = trusting().wrap_socket(self.plain(self.tls_port), suppress_ragged_eofs=False)
        self.addCleanup(connection.close)
        caller = opened(connection)
        connection.sendall(b"D animals long\r\n" * 50 + b"QUIT\r\n" + b"STATUS\r\n" * 5000)
        self.assertEqual(final_codes(caller.rest()), [250] * 50 + [221])

    def test_handshake_that_stops(self) -> None:
        """Nothing, or half a ClientHello: cut off after limits.line_seconds; others are served meanwhile."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            trusting().wrap_bio(incoming, outgoing).do_handshake()
        hello = outgoing.read()
        stopped = [self.plain(self.tls_port) for _ in range(3)]
        stopped[1].sendall(hello[: len(hello) // 2])
        stopped[2].sendall(hello)  # and never a word more
        began = time.monotonic()
        self.assertEqual(opened(self.sealed()).code("STATUS"), 210)
        for connection in stopped[:2]:
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(connection.recv(10), b"")
        with contextlib.suppress(ConnectionResetError):
            while stopped[2].recv(65536):
                pass
        self.assertTrue(1 < time.monotonic() - began < 8, time.monotonic() - began)

    more = "[limits]\nline_seconds = 2\n"

    def test_slow_reader(self) -> None:
        """20,000 DEFINEs that nobody reads cost no more than 2 MB, and all are answered once they are read."""
        openings = [self.sealed() for _ in range(4)]  # what the first connections cost
        for connection in openings:
            self.assertEqual(opened(connection).code("D animals long"), 250)
        slow = self.sealed()
        opened(slow)
        before = self.memory()
        asked = b"D animals long\r\n" * 20_000
        slow.settimeout(0.3)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < len(asked):
                sent += slow.send(asked[sent : sent + 16384])
        grown = self.memory() - before
        self.assertLess(grown, 2_000_000)
        self.assertEqual(opened(self.sealed()).code("STATUS"), 210)
        slow.settimeout(20)
        whole = sent - sent % len("D animals long\r\n")
        answers, heard = 0, b""
        while answers < whole // len("D animals long\r\n"):
            piece = slow.recv(65536)
            self.assertTrue(piece)
            heard = heard[-16:] + piece
            answers += heard.count(b"\r\n250 ok\r\n")
            heard = heard[heard.rfind(b"250 ok\r\n") + 3 :] if b"250 ok\r\n" in heard else heard

    def test_certificate_replaced(self) -> None:
        """New connections see the new one within two seconds, old ones go on; a bad one is told and not taken."""
        old = self.sealed()
        caller = opened(old)
        self.assertEqual(shown(old), "one")
        certificate, key = made(self.directory, "two")
        os.rename(certificate, self.certificate)
        until("the mismatch to be told", lambda: self.server.logged("the new certificate is not taken"), 5)
        self.assertEqual(shown(self.sealed()), "one")
        os.rename(key, self.key)
        until("the new certificate", lambda: shown(self.sealed()) == "two", 5)
        self.assertEqual(caller.code("D animals penguin"), 250)
        self.assertEqual(self.server.said.count(b"is not taken"), 1)

    def test_hangup(self) -> None:
        """SIGHUP reads it at once."""
        self.server.signal(signal.SIGHUP)
        until("the certificate to be read", lambda: self.server.logged("the certificate was read again"), 5)
        self.assertEqual(opened(self.sealed()).code("STATUS"), 210)

    def test_secrets(self) -> None:
        """They may be sent."""
        self.assertEqual(opened(self.sealed()).code("REGISTER alice correct-horse"), 280)


class StartTLS(Serving):
    """STARTTLS on the plain port, over sockets."""

    def test_dialogue(self) -> None:
        """382, the handshake, no second banner; who was logged in is not."""
        caller = self.server.connect()
        self.assertIn(".starttls.", caller.banner)
        self.assertEqual(caller.code("REGISTER alice correct-horse"), 280)
        self.assertEqual(caller.ask("STARTTLS"), ["382 go on with TLS"])
        connection = trusting().wrap_socket(caller.connection)
        self.addCleanup(connection.close)
        sealed = Caller(connection)
        self.assertEqual(sealed.ask("WHOAMI"), ["285 you are not logged in"])
        self.assertEqual(sealed.code("LOGIN alice correct-horse"), 230)
        self.assertEqual(sealed.code("D animals long"), 250)
        self.assertEqual(sealed.code("STARTTLS"), 502)
        connection.sendall(b"QUIT\r\n")
        self.assertEqual(final_codes(sealed.rest()), [221])

    def test_injected(self) -> None:
        """What stands behind it in one segment is not done: 503 and the end."""
        for behind in (b"REGISTER eve correct-horse\r\n", b"REGISTER eve", b"REGISTER eve correct-horse\r\n" * 3000):
            connection = self.plain(self.server.port)
            caller = opened(connection)
            connection.sendall(b"STARTTLS\r\n" + behind)
            self.assertEqual(final_codes(caller.rest()), [503])
        self.assertEqual(self.users(), [])

    def test_injected_later(self) -> None:
        """Nor what comes in the clear after 382; no line of ours is in the clear either."""
        connection = self.plain(self.server.port)
        caller = opened(connection)
        self.assertEqual(caller.ask("STARTTLS")[0][:3], "382")
        connection.sendall(b"REGISTER eve correct-horse\r\n")
        with contextlib.suppress(ConnectionResetError):
            self.assertNotRegex(caller.rest(), rb"\d\d\d ")
        self.assertEqual(self.users(), [])

    def test_handshake_that_stops(self) -> None:
        """Cut off after limits.line_seconds, without a word in the clear."""
        connection = self.plain(self.server.port)
        caller = opened(connection)
        self.assertEqual(caller.ask("STARTTLS")[0][:3], "382")
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(caller.rest(), b"")
        self.assertTrue(1 < time.monotonic() - began < 8)

    more = "[limits]\nline_seconds = 2\n"


class Proxied(Serving):
    """The port for proxies."""

    def test_versions(self) -> None:
        """The client is whom the header tells: a far one, whose secrets are refused."""
        for header in (version_1(FAR), version_2(FAR), version_2("2001:db8::7", notes=b"\x04\x00\x01x")):
            connection = self.plain(self.proxy_port, "127.0.0.2")
            connection.sendall(header + b"REGISTER alice correct-horse\r\nD animals penguin\r\nQUIT\r\n")
            self.assertEqual(final_codes(Caller(connection).rest()), [220, 584, 250, 221])

    def test_tls_through_it(self) -> None:
        """After STARTTLS they are taken."""
        connection = self.plain(self.proxy_port, "127.0.0.2")
        connection.sendall(version_1(FAR))
        self.assertEqual(opened(connection).ask("STARTTLS")[0][:3], "382")
        sealed = Caller(trusting().wrap_socket(connection))
        self.addCleanup(sealed.close)
        self.assertEqual(sealed.code("REGISTER alice correct-horse"), 280)

    def test_others(self) -> None:
        """An address that is not trusted gets no byte, header or not."""
        for source in ("127.0.0.1", "127.0.0.3"):
            connection = self.plain(self.proxy_port, source)
            with contextlib.suppress(OSError):
                connection.sendall(version_1(FAR))
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(connection.recv(100), b"")

    def test_no_header(self) -> None:
        """Nor does a proxy that does not say whom it brings."""
        for sent in (b"STATUS\r\n", b"PROXY TCP4 x y 1 2\r\n", b"\x16\x03\x01\x02\x00\x01"):
            connection = self.plain(self.proxy_port, "127.0.0.2")
            connection.sendall(sent)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(connection.recv(100), b"")
        until(
            "the log",
            lambda: self.server.said.count(b"the proxy at 127.0.0.2 is cut off") == 3 or not self.server.hear(),
        )

    def test_never_mixed(self) -> None:
        """The plain port takes no header, not even from a proxy, and the TLS port neither."""
        connection = self.plain(self.server.port, "127.0.0.2")
        connection.sendall(version_1(FAR) + b"WHOAMI\r\nQUIT\r\n")
        self.assertEqual(final_codes(Caller(connection).rest()), [220, 500, 285, 221])
        sealed = self.plain(self.tls_port, "127.0.0.2")
        sealed.sendall(version_1(FAR))
        with contextlib.suppress(ConnectionResetError):
            self.assertNotIn(b"220", Caller(sealed).rest())

    def test_haproxy(self) -> None:
        """HAProxy itself, with either version."""
        # Unpacked and not installed: its package would start one on this machine.
        haproxy = str(package("haproxy") / "usr/sbin/haproxy")
        libraries = [str(library) for name in LIBRARIES for library in (package(name) / "usr/lib").glob("*-linux-*")]
        around = dict(os.environ, LD_LIBRARY_PATH=":".join(libraries))
        for sends in ("send-proxy", "send-proxy-v2"):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                front = free.getsockname()[1]
            path = self.directory / "haproxy.cfg"
            path.write_text(
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 9s\n timeout server 9s\n"
                f"listen d\n bind 127.0.0.1:{front}\n"
                f" server s 127.0.0.1:{self.proxy_port} {sends} source 127.0.0.2\n",
                "utf-8",
            )
            process = subprocess.Popen([haproxy, "-db", "-f", str(path)], stderr=subprocess.DEVNULL, env=around)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)

            def answered(port: int = front) -> bool:
                try:
                    with socket.create_connection(("127.0.0.1", port), 5) as connection:
                        return opened(connection).code("D animals penguin") == 250
                except (OSError, EOFError):
                    return False

            until("haproxy", answered)


class SecureProxy(Serving):
    """Proxies that speak TLS with their clients."""

    more = ""

    def setUp(self) -> None:
        super().setUp()
        self.server.stop()
        text = self.config.read_text("utf-8").replace("[proxy]\n", "[proxy]\nsecure = true\n")
        self.config.write_text(text, "utf-8")
        self.server = Server.started(self.state, "--config", str(self.config))
        self.addCleanup(self.server.kill)
        self.proxy_port = self.port(r"127\.0\.0\.1:(\d+) \(for proxies\)")

    def test_secrets(self) -> None:
        """They may be sent, though the client is far."""
        connection = self.plain(self.proxy_port, "127.0.0.2")
        connection.sendall(version_2(FAR) + b"REGISTER alice correct-horse\r\nSTARTTLS\r\nQUIT\r\n")
        self.assertEqual(final_codes(Caller(connection).rest()), [220, 280, 502, 221])


class Refused(SynchronousTestCase):
    """What keeps a server from starting, in one line."""

    def test_certificates(self) -> None:
        """A key that others can read, one that does not fit, a certificate that is not there."""
        directory = Path(self.mktemp()).absolute()
        certificate, key = made(directory)
        _, other = made(directory, "other")
        config = directory / "dictd.toml"
        for files, mode, said in (
            ((certificate, other), 0o600, "is not that of the first certificate"),
            (("/no/such", key), 0o600, "cannot be read: No such file"),
            ((certificate, key), 0o644, f"type: chmod 600 {key}"),
        ):
            os.chmod(key, mode)
            config.write_text(f'[tls]\ncertificate = "{files[0]}"\nkey = "{files[1]}"\nport = 0\n', "utf-8")
            command = twistd("--pidfile=", "-n", "dictd", "--state-dir", str(directory / "state"), "--port", "0")
            done = subprocess.run(
                [*command, "--workers", "0", "--config", str(config)],
                capture_output=True,
                timeout=60,
                check=False,
                env=environment(),
            )
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.decode(), f"^dictd: [^\n]*{re.escape(said)}[^\n]*\n$")
