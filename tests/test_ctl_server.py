"""dictctl and a running server, which is a socket of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from dictd import ctl
from dictd.config import Settings
from dictd.ctl.looks.examination import Examination
from dictd.ctl.looks.running import running
from dictd.ctl.root import Shared
from dictd.processes import control
from dictd.processes.state import Lock, State

STATUS = {
    "version": "1", "pid": 7, "seconds": 3725.0, "listening": ["127.0.0.1:2628", "[::1]:2628"],
    "metrics": "127.0.0.1:9628", "restarts": 1, "reloading": True, "bans": 2, "store": False,
    "dictionaries": [["wn", "WordNet", 147000]], "waiting": [],
    "workers": [
        {"name": "worker 1", "pid": 8, "state": "serving", "seconds": 61, "number": 1, "memory": 50 << 20,
         "connections": 1234, "commands": 9},
        {"name": "worker 2", "pid": 9, "state": "starting", "seconds": 0, "number": None, "memory": None,
         "connections": None, "commands": None},
    ],
}  # fmt: skip


class Answering:
    """A server that is a socket of the test's own.

    :ivar asked: what it has heard.
    """

    state: Path
    asked: list[dict[str, Any]]

    def answering(self) -> None:
        """What happens before it answers."""

    @contextmanager
    def server(self, answer: Any) -> Iterator[None]:
        """Somebody who gives one answer to everything."""
        with control.bound(self.state) as listening:
            listening.setblocking(True)

            def serve() -> None:
                try:
                    while True:
                        with listening.accept()[0] as connection:
                            self.asked.append(json.loads(connection.recv(10_000)))
                            self.answering()
                            connection.sendall(json.dumps(answer).encode() + b"\n")
                except OSError:
                    return

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            try:
                yield
            finally:
                listening.shutdown(socket.SHUT_RDWR)
                thread.join(10)


class Server(Answering, SynchronousTestCase):
    """dictctl status, sessions, kick, ban, reload, stop."""

    def setUp(self) -> None:
        """A state directory with nobody on it."""
        self.state = Path(tempfile.mkdtemp(prefix="dictd-ctl-"))
        self.addCleanup(shutil.rmtree, self.state)
        self.asked: list[dict[str, Any]] = []

    def ctl(self, *args: str) -> Result:
        """Run dictctl."""
        env = {name: None for name in os.environ if name.startswith("DICTD_")}
        return CliRunner().invoke(ctl.main, ["--state-dir", str(self.state), *args], env=env, prog_name="dictctl")

    def done(self, answer: Any, *args: str) -> str:
        """What is printed on an answer."""
        with self.server({"ok": answer}):
            result = self.ctl(*args)
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        return result.stdout

    def test_status(self) -> None:
        """Everything that somebody has to know; with --json what the server said."""
        said = self.done(STATUS, "status")
        for part in (
            "dictd 1, process 7, up 1 h 02 min", "127.0.0.1:2628, [::1]:2628", "metrics 127.0.0.1:9628", "1,234",
            "50 MiB", "starting", "wn (147,000)", "account store does not answer", "1 worker ended and was started",
            "a reload is under way", "2 bans",
        ):  # fmt: skip
            self.assertIn(part, said)
        self.assertEqual(json.loads(self.done(STATUS, "--json", "status")), STATUS)

    def test_store(self) -> None:
        """Which store it uses is told, where it says so."""
        said = self.done(STATUS | {"database": "dictd at db1:3306, one of 2 hosts"}, "status")
        self.assertIn("\nstore dictd at db1:3306, one of 2 hosts\n", said)

    def test_spooled(self) -> None:
        """What waits for a store that is away is told of."""
        said = self.done(STATUS | {"store": False, "spooled": 1234}, "status")
        self.assertIn("the account store does not answer", said)
        self.assertIn("1,234 rows of the history in the spool", said)

    def test_status_of_nobody(self) -> None:
        """Where nobody serves that is said, and not that there are no dictionaries."""
        said = self.done(STATUS | {"workers": [], "waiting": ["worker 1", "worker 2"], "dictionaries": []}, "status")
        self.assertIn("not started again yet: worker 1, worker 2; the log says why", said)
        self.assertIn("no worker serves, so nobody is answered", said)
        self.assertNotIn("dictctl import", said)
        starting = {"name": "worker 1", "pid": 8, "state": "starting", "seconds": 0, "connections": 0, "commands": 0}
        first = STATUS | {"workers": [starting | {"memory": None}], "restarts": 0}
        self.assertIn("\nstarting: no worker serves yet\n", self.done(first, "status"))
        changes: list[dict[str, Any]] = [{"restarts": 1}, {"waiting": ["worker 1"]}, {"workers": []}]
        for later in changes:
            self.assertIn("\nno worker serves, so nobody is answered\n", self.done(first | later, "status"))

    def test_doctor(self) -> None:
        """It asks a server that runs whether it serves."""
        examination = Examination(Shared(Settings(), State(self.state), as_json=False))
        lock = Lock(self.state / "lock")
        self.assertTrue(lock.take())
        self.addCleanup(lock.release)
        serving = [{"state": "serving"}]
        for status, state, text in (
            ({"workers": serving, "waiting": [], "metrics": ""}, "ok", "it runs, process"),
            ({"workers": serving, "waiting": ["worker 2"], "metrics": ""}, "fault", "without worker 2"),
            ({"workers": [], "waiting": ["worker 1"], "metrics": ""}, "fault", "no worker serves"),
            ({"workers": serving, "waiting": [], "metrics": "not served: taken"}, "note", "not served: taken"),
        ):
            with self.server({"ok": status}):
                (found,) = running(examination)
            self.assertEqual((found.about, found.state), ("server", state))
            self.assertIn(text, found.text)
        (found,) = running(examination)
        self.assertEqual((found.state, found.text[:15]), ("note", "it is beginning"))
        with self.server({"ok": {"workers": serving, "waiting": [], "metrics": "", "store": False, "version": "0"}}):
            _, away, old = running(examination)
        self.assertEqual((away.state, old.state), ("note", "note"))
        self.assertIn("its account store does not answer", away.text)
        self.assertIn("it is dictd 0, installed is ", old.text)

    def test_sessions(self) -> None:
        """One a line, and how many."""
        rows: list[dict[str, Any]] = [
            {"process": "worker 1", "peer": "192.0.2.1", "user": "alice", "key": "phone", "seconds": 5, "secure": True},
            {"process": "worker 2", "peer": "unix", "user": None, "key": None, "seconds": 90000, "secure": False},
        ]
        said = self.done(rows, "sessions")
        for part in ("192.0.2.1", "alice (key phone)", "TLS", "worker 2", "1 day 1 h", "2 connections"):
            self.assertIn(part, said)
        row = rows[0] | {"id": "1/17", "idle": 3, "commands": 1234, "last": "DEFINE"}
        self.assertRegex(self.done([row], "sessions"), r"1/17 .* 3 s +1,234  DEFINE  TLS")
        self.assertEqual(self.done([], "sessions"), "0 connections\n")

    def test_kick(self) -> None:
        """How many there were."""
        self.assertEqual(self.done(2, "kick", "alice"), "2 connections of alice ended.\n")
        self.assertEqual(self.asked, [{"verb": "kick", "name": "alice"}])
        self.assertEqual(self.done(1, "kick", "1/17"), "Connection 1/17 was ended.\n")
        self.assertEqual(self.done(0, "kick", "1/17"), "No connection has the id 1/17.\n")

    def test_ban(self) -> None:
        """For ever, for a time, lifted, listed."""
        done = {"network": "192.0.2.0/24", "ended": 1}
        self.assertIn("until dictctl ban --lift; 1 connection ended", self.done(done, "ban", "192.0.2.0/24"))
        self.assertIn("for 1 h 30 min", self.done(done, "ban", "192.0.2.0/24", "--minutes", "90"))
        self.assertIn("may come in again", self.done(done, "ban", "192.0.2.0/24", "--lift"))
        bans = [{"network": "192.0.2.1", "seconds": None}, {"network": "192.0.2.2", "seconds": 59}]
        said = self.done(bans, "ban", "--list")
        self.assertIn("until lifted", said)
        self.assertIn("59 s", said)
        self.assertIn("Nobody", self.done([], "ban", "--list"))
        self.assertEqual([asked.get("seconds") for asked in self.asked], [None, 5400.0, None, None, None])
        for wrong in (("ban",), ("ban", "192.0.2.1", "--minutes", "0")):
            self.assertEqual(self.ctl(*wrong).exit_code, 2)

    def test_reload(self) -> None:
        """What was done."""
        self.assertEqual(self.done("2 new workers serve", "reload"), "Done: 2 new workers serve.\n")

    def test_stop_waits(self) -> None:
        """Until the lock is free."""
        lock = Lock(self.state / "lock")
        self.assertTrue(lock.take())
        threading.Timer(0.3, lock.release).start()
        self.assertEqual(self.done(None, "stop"), "The server has ended.\n")
        self.assertFalse(lock.held())

    def test_refused(self) -> None:
        """Exit 1 and one line on standard error."""
        with self.server({"trouble": "dictd.toml:3: no"}):
            result = self.ctl("reload")
        self.assertEqual((result.exit_code, result.stdout), (1, ""))
        self.assertIn("dictd.toml:3: no", result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1)

    def test_no_server(self) -> None:
        """Every command says so, and how to start one."""
        for command in (("status",), ("sessions",), ("kick", "alice"), ("ban", "192.0.2.1"), ("reload",), ("stop",)):
            result = self.ctl(*command)
            self.assertEqual((result.exit_code, result.stdout), (1, ""), command)
            self.assertIn("no server runs on", result.stderr)
            self.assertIn("--state-dir or --config names another's", result.stderr)
