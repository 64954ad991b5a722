"""The shell without a terminal, and dictctl shell."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew, prepared
from tests.support.programs import dictctl, environment, program
from tests.support.server import Server, until
from tests.support.shells import ON, ShellServer, key


def ctl(state: Path, *arguments: str, sent: bytes = b"", path: str = "") -> tuple[int, str, str]:
    """Status, output and complaints of dictctl shell."""
    env = {name: value for name, value in environment().items() if name != "SSH_AUTH_SOCK"}
    command = [sys.executable, "-m", "dictd.ctl", "--state-dir", str(state), "shell", *arguments]
    found = subprocess.run(
        command, input=sent, capture_output=True, timeout=60, check=False, env=env | ({"PATH": path} if path else {})
    )
    return found.returncode, found.stdout.decode(), found.stderr.decode()


class Commands(SynchronousTestCase):
    """One command, or a program."""

    def setUp(self) -> None:
        self.shell = ShellServer.started(self)
        self.server = self.shell.server
        self.done = self.shell.done

    def test_command(self) -> None:
        """Its value and status 0, or a traceback on standard error and status 1; a status of its own."""
        self.assertEqual(self.done("6 * 7"), (0, "42\n", ""))
        self.assertEqual(self.done("print('a', end='')"), (0, "a", ""))
        status, out, complaints = self.done("print('before'); 1/0")
        self.assertEqual((status, out), (1, "before\n"))
        self.assertIn("ZeroDivisionError: division by zero", complaints)
        self.assertEqual(self.done("1 +")[:2], (1, ""))
        self.assertEqual(self.done("raise SystemExit(9)"), (9, "", ""))
        self.assertEqual(self.done("exit('no')"), (1, "", "no\n"))
        later = "from twisted.internet import reactor, task; await task.deferLater(reactor, 0.01, str)"
        self.assertEqual(self.done(later), (0, "''\n", ""))

    def test_large(self) -> None:
        """A long answer comes whole, and a value that is too long is cut."""
        status, out, _ = self.done("for i in range(200_000): print(i)")
        self.assertEqual((status, out.count("\n"), out[-7:]), (0, 200_000, "199999\n"))
        self.assertTrue(
            self.done("'x' * 300_000")[1].endswith("... (300,002 characters, the first 200,000 are shown)\n")
        )

    def test_program(self) -> None:
        """What comes by standard input is run, and ends at the first exception."""
        program = b"async def f():\n    return 5\n\nx = await f()\nx + 1\n"
        self.assertEqual(self.done(sent=program), (0, "6\n", ""))
        status, out, _ = self.done(sent=b"print(1)\n1/0\nprint(2)\n")
        self.assertEqual((status, out), (1, "1\n"))
        self.assertEqual(self.done(sent=b"x = '\xff'\n")[0], 1)
        self.assertEqual(self.done(sent=b""), (0, "", ""))

    def test_most_sessions(self) -> None:
        """One more than there may be is refused; when one has ended it is let in."""
        terminals = [self.shell.terminal() for _ in range(8)]
        status, _, complaints = self.done("1", options=["LogLevel=INFO"])
        self.assertEqual(status, 255)
        self.assertIn("8 sessions are open, no more can be", complaints)
        terminals[0].type("\x04")
        terminals[0].ended()
        until("the end", lambda: self.server.logged("ends after"))
        self.assertEqual(self.done("1"), (0, "1\n", ""))

    def test_strangers(self) -> None:
        """Those who never log in keep nobody out."""
        port = int(self.shell.where().rpartition(":")[2])
        idle = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(16)]
        for connection in idle:
            self.addCleanup(connection.close)
            connection.settimeout(30)
            connection.recv(100)
        self.assertEqual(self.done("1"), (0, "1\n", ""))
        until("the log", lambda: self.server.logged("16 connections to the shell have not logged in; the oldest"))


class Dictctl(SynchronousTestCase):
    """dictctl shell, end to end."""

    def test_ways(self) -> None:
        """Off; no key; a key is let in; a command, a program, a terminal."""
        state = Path(self.mktemp()).absolute()
        self.assertIn("no server runs on", ctl(state, "1")[2])
        server = Server.started(state)
        self.addCleanup(server.kill)
        status, _, said = ctl(state, "1")
        self.assertEqual((status, said.count("\n")), (1, 1))
        self.assertIn("write enabled = true under [manhole]", said)
        server.stop()
        server = Server.started(state, surroundings=ON)
        self.addCleanup(server.kill)
        status, _, said = ctl(state, "1")
        self.assertEqual((status, said.count("\n")), (1, 1))
        self.assertIn("dictctl shell --authorize ~/.ssh/id_ed25519.pub", said)
        keys = Path(self.mktemp())
        keys.mkdir()
        private = key(keys)
        self.assertIn(".pub", ctl(state, "--authorize", str(private))[2])
        status, said, _ = ctl(state, "--authorize", f"{private}.pub")
        self.assertEqual(status, 0)
        self.assertIn("alice@desk", said)
        self.assertIn(f"dictctl shell -i {private} opens it.", said)
        self.assertIn("already", ctl(state, "--authorize", f"{private}.pub")[1])
        path = state / "manhole" / "authorized_keys"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        identity = ("-i", str(private))
        status, said, complaints = ctl(state, *identity, "status().facts['workers'][0]['state']")
        self.assertEqual((status, said, complaints), (0, "'serving'\n", ""))
        self.assertEqual(ctl(state, *identity, "print(6", ", 7)")[:2], (0, "6 7\n"))
        self.assertEqual(ctl(state, *identity, "1/0")[0], 1)
        self.assertEqual(ctl(state, *identity, sent=b"1 + 1\n"), (0, "2\n", ""))
        self.assertIn("apt install openssh-client", ctl(state, "1", path=os.devnull)[2])
        self.assertIn(b"\nshell 127.0.0.1:", dictctl(state, "status").stdout)

    def test_another_server(self) -> None:
        """Who sits at the port with another key is not taken for the server."""
        shell = ShellServer.started(self)
        known = shell.state / "manhole" / "known_hosts"
        other = key(shell.key.parent, "ed25519", "other")
        known.write_text("dictd " + Path(f"{other}.pub").read_text("utf-8"), "utf-8")
        status, said, complaints = ctl(shell.state, "-i", str(shell.key), "1")
        self.assertEqual((status, said), (255, ""))
        self.assertIn("Host key verification failed", complaints)

    def test_unix_socket(self) -> None:
        """A unix socket for this user alone; one that a dead server left is taken away."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        path = directory / "a shell's 100%.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            os.chdir(directory)
            self.addCleanup(os.chdir, directory.parent)
            dead.bind(path.name)
        shell = ShellServer.started(self, DICTD_MANHOLE_UNIX=str(path))
        until("the shell", lambda: shell.server.logged("shell on /"))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(ctl(shell.state, "-i", str(shell.key), "6 * 7"), (0, "42\n", ""))
        until("who it was", lambda: shell.server.logged(f"of user #{os.geteuid()}"))
        shell.server.stop()
        self.assertFalse(path.exists())


class WithWorkers(SynchronousTestCase):
    """A server with workers has the shell in its supervisor."""

    def test_reload(self) -> None:
        """Switched on, moved and off by a reload; a session that is open is told."""
        program("ssh")
        prepared(type(self))
        crew = Crew.started(self, 2)
        state = crew.state
        self.assertIn("is off", ctl(state, "1")[2])
        keys = Path(self.mktemp())
        keys.mkdir()
        private = key(keys)
        self.assertEqual(ctl(state, "--authorize", f"{private}.pub")[0], 0)
        on = "[manhole]\nenabled = true\nport = 0\n"
        crew.configure(on)
        crew.ask("reload")
        command = "import os; os.getpid(), len(status().facts['workers'])"
        told = (0, f"({crew.server.process.pid}, 2)\n", "")
        self.assertEqual(ctl(state, "-i", str(private), command), told)
        port = crew.ask("status")["shell"]["port"]
        crew.configure(f'{on.replace("0", str(port))}authorized_keys = "{state}/manhole/authorized_keys"\n')
        crew.ask("reload")
        self.assertEqual(crew.ask("status")["shell"]["where"], f"127.0.0.1:{port}")
        self.assertEqual(ctl(state, "-i", str(private), command), told)
        crew.configure("")
        crew.ask("reload")
        self.assertIsNone(crew.ask("status")["shell"])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 30)
        self.assertEqual(crew.complaints(), [])
