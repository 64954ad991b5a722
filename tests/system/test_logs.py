"""The log of a real server, wherever twistd is told to put it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import CHECKOUT, dictctl, environment
from tests.support.server import Server, twistd, until

_LISTENING = re.compile(rb"listening on [^0-9]*127\.0\.0\.1:(\d+)|\"where\": \"127\.0\.0\.1:(\d+)")
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (?:server|publisher) \[\S+\] .*|    .*")


class Terminal(SynchronousTestCase):
    """In the foreground."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()

    def started(self, **surroundings: str) -> Server:
        """A server with a word in it."""
        path = Path(self.mktemp()).absolute()
        path.write_text("penguin\ta bird\n", "utf-8")
        self.assertEqual(dictctl(self.state, "import", str(path), "--name", "animals").returncode, 0)
        for file in (self.state / "lexicon").iterdir():
            file.unlink()  # so that the publisher has something to say
        server = Server.started(self.state, surroundings=surroundings)
        self.addCleanup(server.kill)
        until("the publisher", lambda: server.logged("animals is published"))
        return server

    def test_json(self) -> None:
        """Every line that is printed is an object, of whichever process, and none has a secret."""
        server = self.started(DICTD_LOG_FORMAT="json")
        client = server.connect()
        for line in ("REGISTER alice correct-horse", "LOGIN alice wrong-horse", "LGOIN alice mistyped-horse"):
            client.ask(line)
        client.close()
        server.stop()
        told = [json.loads(line) for line in server.said.decode().splitlines()]
        self.assertEqual({one["who"] for one in told}, {"server", "publisher"})
        self.assertTrue(all({"time", "level", "who", "namespace", "message"} <= set(one) for one in told))
        self.assertIn("good bye", [one["message"] for one in told])
        self.assertNotIn(b"horse", server.said)

    def test_text(self) -> None:
        """Every line has its time and its process; the greeting alone has not."""
        server = self.started()
        server.stop()
        text = server.said.decode()
        log = re.sub(r"(?s)\n\n  dictd is listening.*?stops the server\.\n\n", "\n", text)
        self.assertNotEqual(log, text)
        self.assertEqual([line for line in log.splitlines() if not _LINE.fullmatch(line)], [])
        self.assertIn(" publisher [stdout] animals is published", log)

    def test_level(self) -> None:
        """With a higher level the usual is not said."""
        server = Server(self.state, ("--workers", "0"), {"DICTD_LOG_LEVEL": "warn", "DICTD_LOG_FORMAT": "json"})
        server.launch()
        self.addCleanup(server.kill)
        until("the lock", lambda: (self.state / "lock").exists() and (self.state / "lock").read_text().strip() != "")
        server.stop()
        self.assertEqual(server.said, b"")


class Elsewhere(SynchronousTestCase):
    """In the background, or wherever the options say."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()

    def start(self, *options: str, **surroundings: str) -> subprocess.CompletedProcess[bytes]:
        """twistd in the background, which has forked when this returns."""
        pidfile = self.directory / "pid"
        return subprocess.run(
            twistd(
                f"--pidfile={pidfile}",
                *options,
                *("dictd", "--state-dir", str(self.directory / "state"), "--port", "0", "--workers", "0"),
            ),
            capture_output=True,
            timeout=60,
            check=False,
            cwd=self.directory,
            env=environment() | {"PYTHONPATH": str(CHECKOUT)} | surroundings,
        )

    def started(self, *options: str, **surroundings: str) -> int:
        """The process of a server in the background."""
        done = self.start(*options, **surroundings)
        self.assertEqual(done.returncode, 0, done.stderr)
        pidfile = self.directory / "pid"
        until("the pidfile", lambda: pidfile.exists() and pidfile.read_text().strip() != "")
        pid = int(pidfile.read_text())
        self.addCleanup(self.end, pid)
        return pid

    def end(self, pid: int) -> None:
        """Stop it and wait until it has ended."""
        pidfile = self.directory / "pid"
        if pidfile.exists():
            os.kill(pid, signal.SIGTERM)
            until("its end", lambda: not pidfile.exists())

    def reached(self, name: str) -> None:
        """Wait until a server answers where its log says that it listens; then it can be stopped too."""
        path = self.directory / name
        until("the log", lambda: path.exists() and _LISTENING.search(path.read_bytes()) is not None)
        found = _LISTENING.search(path.read_bytes())
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1] or found[2])), 30) as connection:
            self.assertTrue(connection.recv(100).startswith(b"220 "))

    def objects(self, name: str) -> list[dict[str, str]]:
        """The lines of a log file."""
        path = self.directory / name
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def messages(self, name: str) -> str:
        """What they say."""
        return "\n".join(one["message"] for one in self.objects(name))

    def test_file(self) -> None:
        """A daemon writes into the file it is told, and SIGUSR1 begins a new one."""
        pid = self.started(f"--logfile={self.directory}/log", DICTD_LOG_FORMAT="json")
        self.reached("log")
        os.kill(pid, signal.SIGUSR1)
        until("a new log", lambda: (self.directory / "log.1").exists())
        self.assertIn("listening on", self.messages("log.1"))
        os.kill(pid, signal.SIGHUP)
        until("something in it", lambda: "SIGHUP" in self.messages("log"))
        self.end(pid)
        self.assertIn("good bye", self.messages("log"))
        self.assertNotIn("good bye", self.messages("log.1"))

    def test_usual_file(self) -> None:
        """A daemon that is not told writes twistd.log."""
        self.started(DICTD_LOG_FORMAT="json")
        self.reached("twistd.log")

    def test_foreground(self) -> None:
        """With -n too a file is what it says."""
        command = twistd("--pidfile=", "-n", "--logfile=log", "dictd", "--state-dir", "state", "--port", "0")
        with subprocess.Popen(
            [*command, "--workers", "0"],
            cwd=self.directory,
            env=environment() | {"DICTD_LOG_FORMAT": "json"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            self.addCleanup(process.kill)
            self.reached("log")
            process.terminate()
            printed, _ = process.communicate(timeout=30)
        self.assertEqual(printed, b"")

    def test_refused(self) -> None:
        """A file that cannot be written is told in a line, before the daemon forks; so is a daemon without any."""
        done = self.start(f"--logfile={self.directory}/nowhere/log")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"\Adictd: the log \S+/nowhere/log cannot be written: .*\n\Z")
        done = self.start("--logfile=-")
        self.assertIn(b"cannot log to stdout", done.stderr)
        self.assertFalse((self.directory / "pid").exists())

    def test_own_observer(self) -> None:
        """An observer that --logger names is the one that writes."""
        (self.directory / "observing.py").write_text(
            "from twisted.logger import jsonFileLogObserver\n"
            "def own():\n    return jsonFileLogObserver(open('own', 'a', buffering=1))\n",
            "utf-8",
        )
        self.started(
            "--logger=observing.own",
            f"--logfile={self.directory}/log",
            PYTHONPATH=f"{CHECKOUT}:{self.directory}",
        )
        self.reached("own")
        self.assertFalse((self.directory / "log").exists())
