"""Where clients come in when there are workers: IPv6, a unix socket, sockets of systemd, taken ports, daemons."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew, alive
from tests.support.crowd import Crowd
from tests.support.peer import free_port
from tests.support.programs import CHECKOUT, environment
from tests.support.server import Caller, Server, twistd, until

#: Does what systemd does: puts descriptors at 3 and on, says so, and becomes the server.
_ACTIVATED = """
import os, sys
kept = [int(number) for number in sys.argv[1].split(",")]
for place, number in enumerate(kept, 3):
    os.dup2(number, place)
    os.close(number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kept)))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Entrances(SynchronousTestCase):
    """Every way in leads to all workers."""

    def test_ipv6_and_unix(self) -> None:
        """::1 and a unix socket are served by both workers; the file of the socket goes with the server."""
        crew = Crew.started(self)
        path = crew.state.parent / "dict.sock"
        crew.configure(f'[listen]\nunix = "{path}"\n')
        crew.ask("reload")
        crew.wait_for(2)
        self.assertIn(str(path), crew.ask("status")["listening"])
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o666)
        self.assertEqual(stat.S_IMODE((crew.state / "control.sock").stat().st_mode), 0o600)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            caller = Caller(connection)
            self.assertTrue(caller.line().startswith("220 "))
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
            self.assertEqual([row["peer"] for row in crew.ask("sessions")], ["unix"])
            # The workers that listened there end, and the socket does not.
            crew.ask("reload")
        crew.wait_for(2)
        for _ in range(4):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(path))
                self.assertTrue(Caller(connection).line().startswith("220 "))
        if f"[::1]:{crew.port}" in crew.ask("status")["listening"]:
            caller = crew.connect("::1", "::1")
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
            caller.close()
        crew.server.stop()
        self.assertFalse(path.exists())
        self.assertEqual(crew.complaints(), [])

    def test_dual_stack(self) -> None:
        """Who comes to "::" by IPv4 is the IPv4 address that he is."""
        crew = Crew.started(self, settings='[listen]\naddresses = ["127.0.0.1"]\n', port=free_port())
        crew.configure('[listen]\naddresses = ["::"]\n')
        crew.ask("reload")
        crew.wait_for(2)
        caller = crew.connect("127.0.3.1", "127.0.3.1")
        self.assertEqual([row["peer"] for row in crew.ask("sessions")], ["127.0.3.1"])
        caller.close()
        self.assertEqual(crew.ask("status")["listening"], [f"[::]:{crew.port}"])


class Activated(SynchronousTestCase):
    """Sockets that systemd opened."""

    def activated(self, sockets: Sequence[socket.socket], crew: Crew) -> Server:
        """A server that is handed sockets."""
        server = Server(crew.state, (), alone=False)
        command = twistd("--pidfile=", "-n", "dictd", "--state-dir", str(crew.state), "--config", str(crew.settings))
        # High enough to be out of the way of the places where they are to be.
        kept = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in sockets]
        try:
            server.process = subprocess.Popen(
                [sys.executable, "-c", _ACTIVATED, ",".join(map(str, kept)), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=CHECKOUT,
                env=environment(),
                pass_fds=kept,
            )
        finally:
            for number in kept:
                os.close(number)
        self.addCleanup(server.kill)
        return server

    def served(self, count: int) -> None:
        """So many sockets at one address are served by two workers, through a reload too."""
        crew = Crew.started(self)
        crew.server.stop()
        crew.configure("[listen]\nworkers = 2\n")
        with ExitStack() as undo:
            sockets: list[socket.socket] = []
            for _ in range(count):
                one = undo.enter_context(socket.socket())
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                one.bind(("127.0.0.1", sockets[0].getsockname()[1] if sockets else 0))
                one.listen(128)
                sockets.append(one)
            crew.server = self.activated(sockets, crew)
            until("it to listen", lambda: crew.server.hear() and crew.port > 0)
            self.assertEqual(crew.port, sockets[0].getsockname()[1])
        old = crew.wait_for(2)
        crowd = Crowd(crew.port, clients=10, pause=0.02).begin()
        until("some answers", crowd.has_answered(50))
        crew.ask("reload")
        self.assertEqual(set(crew.wait_for(2)) & set(old), set())
        crowd.end()
        self.assertEqual(crowd.trouble, [])
        # Those whom it serves when it stops would be lost; of those who come then nobody is.
        os.kill(crew.pids()[0], signal.SIGSTOP)
        later = Crowd(crew.port, clients=10, pause=0.02).begin()
        until("some answers", later.has_answered(100))
        later.end()
        self.assertEqual(later.trouble, [])
        self.assertLess(max(crowd.slowest, later.slowest), 5)

    def test_one_socket(self) -> None:
        """One socket is shared by all workers."""
        self.served(1)

    def test_two_sockets(self) -> None:
        """Two, of ReusePort=yes, are one each."""
        self.served(2)


class Taken(SynchronousTestCase):
    """A second server, and what a dead one left."""

    def test_second_server(self) -> None:
        """On the same port, or the same state directory, it fails with one line; the first serves on."""
        crew = Crew.started(self)
        other = crew.state.parent / "other"
        for state, port, said in (
            (other, crew.port, f"port {crew.port} of 127.0.0.1 is taken by a DICT server"),
            (crew.state, 0, f"dictd runs already on {crew.state} (process {crew.server.process.pid})"),
        ):
            arguments = ("--state-dir", str(state), "--port", str(port), "--workers", "2")
            done = subprocess.run(
                twistd("--pidfile=", "-n", "dictd", *arguments),
                capture_output=True,
                timeout=60,
                check=False,
                cwd=CHECKOUT,
                env=environment(),
            )
            self.assertEqual(done.returncode, 1, done)
            text = (done.stdout + done.stderr).decode()
            self.assertIn(said, text)
            self.assertEqual(text.count("\n"), 1, text)
        self.assertEqual(crew.connect().code("DEFINE * penguin"), 250)

    def test_daemon(self) -> None:
        """In the background, beside the pidfile of a dead one; what fails there fails before, in one line."""
        crew = Crew.started(self)
        crew.server.stop()
        directory = crew.state.parent
        pidfile, log = directory / "pid", directory / "log"
        pidfile.write_text("999999999")
        options = ("dictd", "--state-dir", str(crew.state), "--port", "0", "--workers", "2")
        done = self.launched(f"--pidfile={pidfile}", f"--logfile={log}", *options)
        self.assertEqual(done.returncode, 0, done)
        until("the log", lambda: log.exists() and log.read_bytes().count(b" serves, process ") == 2)
        pid = int(pidfile.read_text())
        self.addCleanup(_end, pid)
        everybody = [worker["pid"] for worker in crew.ask("status")["workers"]]
        self.assertEqual(crew.ask("status")["pid"], pid)
        again = self.launched(f"--pidfile={directory}/pid2", f"--logfile={log}", *options)
        self.assertEqual(again.returncode, 1)
        self.assertIn(f"process {pid}".encode(), again.stdout + again.stderr)
        self.assertFalse((directory / "pid2").exists())
        os.kill(pid, signal.SIGTERM)
        until("its end", lambda: not pidfile.exists() and not any(map(alive, [pid, *everybody])))
        (crew.state / "server.key").write_bytes(b"no key\n")
        spoilt = self.launched(f"--pidfile={pidfile}", f"--logfile={log}", *options)
        self.assertEqual(spoilt.returncode, 1)
        self.assertIn(b"server.key", spoilt.stdout + spoilt.stderr)
        self.assertFalse(pidfile.exists())

    def launched(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """What twistd says until it is in the background."""
        return subprocess.run(
            twistd(*arguments), capture_output=True, timeout=60, check=False, cwd=CHECKOUT, env=environment()
        )


def _end(pid: int) -> None:
    if alive(pid):
        os.kill(pid, signal.SIGKILL)
