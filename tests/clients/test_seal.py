"""dictc with TLS: who is trusted, what is said when nobody is, and look-ups as without."""

from __future__ import annotations

import atexit
import functools
import json
import re
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from dictc.address import Address
from dictc.connection import Connection
from dictc.troubles import ConnectionTrouble
from tests.clients.runs import ANIMALS, Scripted, dictc, ours
from tests.clients.test_prompt import READY, AtATerminal
from tests.support.certificates import made
from tests.support.programs import dictctl
from tests.support.server import Server, until

WORDS = ["penguin", "turkey", "zzzz", "öläß03", "100 grams"] * 800
BANNER = b"220 here <xaccount> <1@x>\r\n250 ok\r\n"


@frozen
class Secure:
    """A server with a certificate for localhost, which it has signed itself."""

    server: Server
    certificate: str
    key: str
    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"dicts://localhost:{self.port}"


@functools.cache
def secure() -> Secure:
    """One for all tests of this process."""
    directory = Path(tempfile.mkdtemp(prefix="dictc-test-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    certificate, key = made(directory)
    book = directory / "animals.tsv"
    book.write_text(ANIMALS, "utf-8")
    done = dictctl(directory / "state", "import", str(book), "--name", "animals")
    assert done.returncode == 0, done.stderr
    config = directory / "dictd.toml"
    config.write_text(
        f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\nport = 0\n[listen]\naddresses = ["127.0.0.1"]\n', "utf-8"
    )
    server = Server.started(directory / "state", "--config", str(config))
    atexit.register(server.kill)
    found = re.search(r"127\.0\.0\.1:(\d+) \(TLS\)", server.said.decode())
    assert found is not None, server.said
    return Secure(server, certificate, key, int(found[1]))


def asked(*arguments: str, sent: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """dictc with the server and its certificate."""
    return dictc("--server", secure().url, "--ca", secure().certificate, *arguments, sent=sent)


class Sealing(SynchronousTestCase):
    """A server that is trusted."""

    def test_words(self) -> None:
        """What comes is what comes without TLS, and answers longer than a record are whole."""
        plain = dictc("penguin", "zzzz", port=secure().server.port)
        done = asked("penguin", "zzzz")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (20, plain.stdout, plain.stderr))
        self.assertIn(b"a bird that swims", done.stdout)
        stream = "\n".join(WORDS).encode()
        done = asked("--json", "-", sent=stream)
        self.assertEqual(done.stdout, dictc("--json", "-", port=secure().server.port, sent=stream).stdout)
        self.assertEqual([json.loads(line)["query"] for line in done.stdout.splitlines()], WORDS)

    def test_an_account(self) -> None:
        """Registered, logged in, remembered."""
        done = asked("--register", "sealed", "--password-stdin", sent=b"correct-horse\n")
        self.assertEqual((done.returncode, done.stderr), (0, b"welcome, sealed: you are registered and logged in\n"))
        mine = ("-u", "sealed", "--password-stdin")
        self.assertEqual(asked(*mine, "turkey", sent=b"correct-horse\n").returncode, 0)
        done = asked(*mine, "--history", sent=b"correct-horse\n")
        self.assertRegex(done.stdout, rb"animals +1  turkey\n\Z")
        self.assertEqual(asked(*mine, "turkey", sent=b"wrong\n").returncode, 38)

    def test_environment(self) -> None:
        """DICTD_SERVER and DICTD_CA do as well; what the system trusts is trusted."""
        ours_is = secure().certificate
        for done in (
            dictc("turkey", DICTD_SERVER=secure().url, DICTD_CA=ours_is),
            dictc("turkey", DICTD_SERVER=secure().url, SSL_CERT_FILE=ours_is),
        ):
            self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = dictc("turkey", port=ours().port, DICTD_CA="/no/such")
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_reconnecting(self) -> None:
        """A server that closes in the middle is asked on with TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secure().certificate, secure().key)

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            with context.wrap_socket(connection, server_side=True) as sealed:
                sealed.sendall(BANNER)
                if server.listen(sealed, b"DEFINE"):
                    sealed.sendall(b"552 no match\r\n" * (1 if number == 0 else 2))
                    if number:
                        server.listen(sealed, b"QUIT")

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        url = f"dicts://localhost:{server.port}"
        done = dictc("--server", url, "--ca", secure().certificate, "-C", "one", "two", "three")
        self.assertEqual((done.returncode, server.clients), (20, 2), done.stderr)
        self.assertEqual(done.stderr.count(b"No definitions found"), 3)

    def test_not_signed_by_itself(self) -> None:
        """A certificate that is named is trusted, though the one that signed it is not there."""
        certificate, key = made(Path(self.mktemp()).absolute(), signer="somebody")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            with context.wrap_socket(connection, server_side=True) as sealed:
                sealed.sendall(BANNER)
                server.listen(sealed, b"QUIT")

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        connection = Connection.opened(Address("localhost", str(server.port), secure=True), ca=certificate)
        self.addCleanup(connection.close)
        connection.greet()
        self.assertIn("xaccount", connection.capabilities)

    def test_gone(self) -> None:
        """The beginning of a record, with nothing for us yet, is no end of the connection; the end is."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secure().certificate, secure().key)

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            with context.wrap_socket(connection, server_side=True) as sealed:
                sealed.sendall(BANNER)
                socket.socket.send(sealed, b"\x17\x03\x03")
                server.listen(sealed, b"STATUS")

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        connection = Connection.opened(Address("localhost", str(server.port), secure=True), ca=secure().certificate)
        self.addCleanup(connection.close)
        connection.greet()
        until("the record", lambda: bool(select.select([connection._socket], [], [], 0)[0]))
        self.assertFalse(connection.gone)
        connection.send(b"STATUS\r\n")
        self.assertRaises(ConnectionTrouble, connection.receive)
        self.assertTrue(connection.gone)


class Distrust(SynchronousTestCase):
    """What ends in one line, and in time."""

    def refused(self, done: subprocess.CompletedProcess[bytes], text: str, status: int = 41) -> None:
        """Nothing was found, and why."""
        self.assertEqual((done.returncode, done.stdout), (status, b""), done.stderr)
        self.assertRegex(done.stderr.decode(), rf"\Adictc: {text}\n\Z")

    def test_nobody_vouches(self) -> None:
        """A certificate that the system does not know, or that is not in the file; the password is not asked for."""
        advice = r"the certificate of localhost is not trusted: self-signed certificate; --ca FILE names one that is"
        self.refused(dictc("--server", secure().url, "turkey"), advice)
        self.refused(dictc("--server", secure().url, "-u", "alice", "turkey"), advice)
        other, _ = made(Path(self.mktemp()).absolute(), "other")
        done = dictc("--server", secure().url, "--ca", other, "turkey", SSL_CERT_FILE=secure().certificate)
        self.refused(done, advice)

    def test_another_name(self) -> None:
        """An address or a name that is not in the certificate."""
        url = f"dicts://127.0.0.1:{secure().port}"
        self.refused(
            dictc("--server", url, "--ca", secure().certificate, "turkey"),
            r"the certificate of 127.0.0.1 is not trusted: IP address mismatch, [^\n]*; "
            r"--server has to say a name that is in it",
        )
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", secure().port))]
        self.patch(socket, "getaddrinfo", lambda *arguments: found)
        where = Address("dict.example", "2629", secure=True)
        trouble = self.assertRaises(ConnectionTrouble, Connection.opened, where, ca=secure().certificate)
        self.assertRegex(trouble.text, "not trusted: Hostname mismatch, .*; --server has to say a name")
        # The dot of the root and the zone of an address are not part of a name.
        Connection.opened(Address("localhost.", "2629", secure=True), ca=secure().certificate).close()

    def test_too_late(self) -> None:
        """A certificate that has expired."""
        certificate, key = made(Path(self.mktemp()).absolute(), days=-1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            context.wrap_socket(connection, server_side=True).close()

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        self.refused(
            dictc("--server", f"dicts://localhost:{server.port}", "--ca", certificate, "turkey"),
            r"the certificate of localhost is not trusted: certificate has expired; "
            r"whoever keeps the server renews it, unless the clock here is wrong",
        )

    def test_no_tls(self) -> None:
        """A server without TLS that is asked with it, one that hangs up, one that says nothing."""
        self.refused(
            dictc("--server", f"dicts://localhost:{ours().port}", "turkey"),
            rf"cannot speak TLS with localhost:{ours().port} \([^\n]*\); for a server without TLS say dict://",
        )

        def silent(server: Scripted, connection: socket.socket, number: int) -> None:
            if number:
                server.stopped.wait(20)

        server = Scripted.started(silent)
        self.addCleanup(server.stop)
        url = f"dicts://localhost:{server.port}"
        self.refused(dictc("--server", url, "turkey"), rf"cannot speak TLS with localhost:{server.port} \([^\n]*")
        self.refused(
            dictc("--server", url, "--timeout", "0.3", "turkey"),
            rf"localhost:{server.port} has not answered for 0\.3 s; does it speak TLS\?",
        )

    def test_tls_unawares(self) -> None:
        """A server with TLS that is asked without: ours hangs up, others send an alert."""
        self.refused(
            dictc("--server", f"dict://localhost:{secure().port}", "turkey"),
            rf"[^\n]*; has it TLS\? say --server dicts://localhost:{secure().port}",
        )

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            server.listen(connection)
            connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")
            server.listen(connection)

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        self.refused(
            dictc("--server", f"localhost:{server.port}", "turkey"),
            rf"localhost:{server.port} speaks TLS, say --server dicts://localhost:{server.port}",
        )

    def test_no_certificate(self) -> None:
        """A file that is not there, one with nothing in it, one for a server without TLS."""
        empty = Path(self.mktemp()).absolute()
        empty.write_text("", "utf-8")
        for path in ("/no/such.pem", str(empty), secure().key):
            self.refused(
                dictc("--server", secure().url, "--ca", path, "turkey"),
                rf"no certificate can be read from '{path}' \([^\n]*\); --ca names a PEM file",
                2,
            )
        self.refused(
            dictc("--ca", secure().certificate, "turkey"), "--ca is for TLS, say --server dicts://localhost", 2
        )


class SealedPrompt(AtATerminal):
    """The prompt."""

    def test_prompt(self) -> None:
        """Words, headwords while they are typed, and a quiet end."""
        arguments = ("-h", "localhost", "--server", secure().url, "--ca", secure().certificate)
        terminal = self.open(*arguments, port=secure().port)
        terminal.expect(READY)
        terminal.type("turke")
        terminal.expect("turkey")  # what is offered
        terminal.type("y\r")
        terminal.expect("1 definition found")
        terminal.expect(READY)
        terminal.type("penguin\r")
        terminal.expect("1 definition found")
        terminal.expect(READY)
        self.leave(terminal)
