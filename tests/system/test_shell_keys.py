"""Who comes into the shell, and who does not, with OpenSSH's ssh."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import dictctl, run
from tests.support.server import Server, until
from tests.support.shells import ON, ShellServer, key


class Keys(SynchronousTestCase):
    """Keys that are let in, and those that are not."""

    def setUp(self) -> None:
        self.shell = ShellServer.started(self)
        self.server = self.shell.server

    def add(self, private: Path, options: str = "") -> None:
        """Let a key in."""
        with self.shell.authorized.open("a", encoding="utf-8") as file:
            file.write(options + Path(f"{private}.pub").read_text("utf-8"))

    def new(self, kind: str = "ed25519", bits: int = 0) -> Path:
        """A key that is not let in."""
        return key(self.shell.key.parent, kind, f"{kind}@desk", bits)

    def let_in(self, private: Path | None = None, **more: list[str]) -> bool:
        """Whether somebody comes in with it."""
        status, out, complaints = self.shell.done("6 * 7", key=private, options=more.get("options", ()))
        self.assertIn((status, out), ((0, "42\n"), (255, "")), complaints)
        if status:
            self.assertIn("Permission denied (publickey).", complaints)
        return not status

    def test_kinds(self) -> None:
        """ed25519, ECDSA and RSA, each with the host key of either kind."""
        self.assertTrue(self.let_in())
        for kind, bits in (("ecdsa", 256), ("ecdsa", 521), ("rsa", 2048)):
            private = self.new(kind, bits)
            self.assertFalse(self.let_in(private), kind)
            self.add(private)
            for host_key in ("ssh-ed25519", "rsa-sha2-512"):
                self.assertTrue(self.let_in(private, options=[f"HostKeyAlgorithms={host_key}"]), (kind, host_key))

    def test_wrong_key(self) -> None:
        """Another key, and its fingerprint in the log."""
        self.assertFalse(self.let_in(self.new()))
        until("the log", lambda: self.server.logged("a key is not let in, it is not in"))
        self.assertFalse(self.server.logged("Traceback"))

    def test_weak(self) -> None:
        """RSA of 1024 bits, and signatures by SHA-1."""
        private = self.new("rsa", 1024)
        self.add(private)
        self.assertFalse(self.let_in(private, options=["RequiredRSASize=1024"]))
        until("the log", lambda: self.server.logged("it has less than 2048 bits"))
        private = self.new("rsa", 2048)
        self.add(private)
        self.assertFalse(self.let_in(private, options=["PubkeyAcceptedAlgorithms=ssh-rsa"]))

    def test_no_password(self) -> None:
        """Passwords, in whatever way, are not even offered."""
        for way in ("password", "keyboard-interactive"):
            options = [f"PreferredAuthentications={way}", "NumberOfPasswordPrompts=1"]
            status, out, complaints = self.shell.done("6 * 7", options=options)
            self.assertEqual((status, out), (255, ""))
            self.assertIn("Permission denied (publickey).", complaints)

    def test_file_others_can_write(self) -> None:
        """Neither the file nor its directory; the log says what to type."""
        for path, mode in ((self.shell.authorized, 0o666), (self.shell.authorized.parent, 0o770)):
            before = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode)
            self.assertFalse(self.let_in(), path)
            until("the log", lambda path=path: self.server.logged(f"type: chmod go-w {path}"))  # type: ignore[misc]
            path.chmod(before)
            self.assertTrue(self.let_in())

    def test_file_of_another(self) -> None:
        """A file that belongs to somebody else than root and the server."""
        if os.geteuid():
            self.skipTest("only root can give a file away")
        os.chown(self.shell.authorized, 12345, -1)
        self.assertFalse(self.let_in())
        until("the log", lambda: self.server.logged("belongs to another user (#12345)"))

    def test_taken_out(self) -> None:
        """A key that is no longer in the file, or a file that is gone."""
        self.assertTrue(self.let_in())
        self.shell.authorized.write_text("# nobody\n", "utf-8")
        self.assertFalse(self.let_in())
        self.shell.authorized.unlink()
        self.assertFalse(self.let_in())
        until("the log", lambda: self.server.logged("dictctl shell --authorize FILE.pub makes it"))

    def test_taken_out_meanwhile(self) -> None:
        """What is open is ended, also what only looks on, and told why; that of another key goes on."""
        other = self.new()
        self.add(other)
        mine, theirs = self.shell.terminal(), self.shell.terminal(command=self.shell.ssh(key=other))
        self.assertEqual(mine.enter("6 * 7"), ["42"])
        mine.type("import twisted.internet.defer as d; await d.Deferred()\r")
        self.shell.authorized.write_text(Path(f"{other}.pub").read_text("utf-8"), "utf-8")
        self.assertEqual(mine.ended(), 255)
        self.assertIn("the key is not in the list of this server any more", " ".join(mine.glass.text().split()))
        self.assertEqual(theirs.enter("6 * 7"), ["42"])
        self.assertTrue(self.server.logged("a connection to the shell is ended, the key is not in the list"))

    def test_options(self) -> None:
        """What stands before a key is kept to, or the key is not let in, and the log says so once."""
        private = self.new()
        for options, comes_in in (
            ('from="10.0.0.0/8" ', False),
            ('command="ls" ', False),
            ("restrict ", True),
            ('no-port-forwarding,expiry-time="20991231Z" ', True),
            ('expiry-time="20200101" ', False),
        ):
            self.shell.authorized.write_text("", "utf-8")
            self.add(private, options)
            self.assertEqual(self.let_in(private), comes_in, options)
            self.assertEqual(self.let_in(private), comes_in, options)
        self.server.hear()
        self.assertEqual(self.server.said.count(b"its option from cannot be kept to here"), 1)
        self.shell.authorized.write_text("", "utf-8")
        self.add(private, "restrict ")
        status, _, complaints = self.shell.done(key=private, options=["RequestTTY=force"], sent=b"1\n")
        self.assertIn("PTY allocation request failed", complaints)
        self.assertEqual(status, 255)

    def test_only_sessions(self) -> None:
        """No forwarding, no files."""
        *line, name = self.shell.ssh()
        for more in (["-W", f"127.0.0.1:{self.server.port}", name], ["-s", name, "sftp"]):
            done = run([*line, *more])
            self.assertEqual((done.returncode, done.stdout), (255, b""), done.stderr)
        self.assertFalse(self.server.logged("Traceback"))

    def test_only_there(self) -> None:
        """Bound to 127.0.0.1 it is not at 127.0.0.2."""
        port = int(self.shell.where().rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), 30).close()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 30)

    def test_noise(self) -> None:
        """What is no SSH ends the connection, with a line in the log and no traceback."""
        port = int(self.shell.where().rpartition(":")[2])
        for noise in (b"GET / HTTP/1.1\r\n\r\n" * 500, b"SSH-2.0-x\r\n" + bytes(range(256)) * 40, os.urandom(9000)):
            with socket.create_connection(("127.0.0.1", port), 30) as connection:
                try:
                    connection.sendall(noise)
                    while connection.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
        self.assertTrue(self.let_in())
        self.assertFalse(self.server.logged("Traceback"))


class HostKeys(SynchronousTestCase):
    """The keys of the server."""

    def test_made_once(self) -> None:
        """Both kinds, for nobody else's eyes, the same after a restart."""
        state = Path(self.mktemp()).absolute()
        made: list[list[str]] = []
        for _ in range(2):
            server = Server.started(state, surroundings=ON)
            self.addCleanup(server.kill)
            server.stop()
            files = {name: (state / "manhole" / name) for name in ("ssh_host_ed25519_key", "ssh_host_rsa_key")}
            self.assertEqual({stat.S_IMODE(path.stat().st_mode) for path in files.values()}, {0o600})
            made.append([path.read_text("utf-8") for path in files.values()])
        self.assertEqual(made[0], made[1])
        self.assertEqual(stat.S_IMODE((state / "manhole").stat().st_mode), 0o700)

    def test_seen_by_others(self) -> None:
        """No shell, with what to type; the server goes on, and dictctl says it too."""
        state = Path(self.mktemp()).absolute()
        server = Server.started(state, surroundings=ON)
        server.stop()
        path = state / "manhole" / "ssh_host_rsa_key"
        path.chmod(0o644)
        server = Server.started(state, surroundings=ON)
        self.addCleanup(server.kill)
        self.assertTrue(server.logged(f"no shell: {path} can be read by others; type: chmod 600 {path}"))
        self.assertEqual(server.connect().code("STATUS"), 210)
        self.assertIn(b"no shell: ", dictctl(state, "status").stdout)
        said = dictctl(state, "shell", "1")
        self.assertEqual((said.returncode, said.stderr.count(b"\n")), (1, 1))
        self.assertIn(f"type: chmod 600 {path}".encode(), said.stderr)

    def test_port_taken(self) -> None:
        """A warning, and the server goes on."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            state = Path(self.mktemp()).absolute()
            server = Server.started(state, surroundings={**ON, "DICTD_MANHOLE_PORT": str(port)})
            self.addCleanup(server.kill)
            self.assertTrue(server.logged(f"no shell: port {port} of 127.0.0.1 is taken"))
            self.assertEqual(server.connect().code("STATUS"), 210)

    def test_off(self) -> None:
        """Off unless it is switched on: nothing is said, nothing made."""
        state = Path(self.mktemp()).absolute()
        server = Server.started(state)
        self.addCleanup(server.kill)
        self.assertFalse(server.logged("shell"))
        self.assertFalse((state / "manhole").exists())
