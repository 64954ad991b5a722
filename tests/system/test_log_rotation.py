"""etc/logrotate/dictd, with Debian's logrotate and a server in the background."""

from __future__ import annotations

import getpass
import os
import re
import signal
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.debian import package
from tests.support.programs import CHECKOUT, environment
from tests.support.server import twistd, until

SHIPPED = CHECKOUT / "etc" / "logrotate" / "dictd"


class Rotation(SynchronousTestCase):
    """A log that somebody else moves away."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        for name in ("log", "state"):
            (self.directory / name).mkdir(mode=0o700, parents=True)
        self.log, self.pidfile = self.directory / "log/dictd.log", self.directory / "state/twistd.pid"
        text = SHIPPED.read_text("utf-8").replace("su dictd dictd", f"su {getpass.getuser()} {os.getgid()}")
        text = text.replace("/var/log/dictd", str(self.log.parent))
        self.assertIn("/var/lib/dictd/twistd.pid", text)
        self.settings = self.directory / "logrotate"
        self.settings.write_text(text.replace("/var/lib/dictd", str(self.pidfile.parent)), "utf-8")
        self.settings.chmod(0o600)

    def logrotate(self, *options: str) -> str:
        """What logrotate says; it must have been content."""
        libraries = next((package("libpopt0")).rglob("libpopt.so.0")).parent
        done = subprocess.run(
            [
                str(package("logrotate") / "usr/sbin/logrotate"),
                *("--state", str(self.directory / "rotated"), *options, str(self.settings)),
            ],
            capture_output=True,
            timeout=60,
            check=False,
            env=dict(os.environ, LD_LIBRARY_PATH=str(libraries)),
        )
        said = (done.stdout + done.stderr).decode()
        self.assertEqual(done.returncode, 0, said)
        self.assertNotIn("error", said)
        return said

    def start(self) -> int:
        """A server in the background; its process."""
        done = subprocess.run(
            twistd(
                *(f"--pidfile={self.pidfile}", f"--logfile={self.log}", "dictd", "--port", "0", "--workers", "0"),
                *("--state-dir", str(self.directory / "state")),
            ),
            capture_output=True,
            timeout=60,
            check=False,
            env=environment() | {"PYTHONPATH": str(CHECKOUT)},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        until("the log", lambda: self.log.exists() and b"listening on" in self.log.read_bytes())
        pid = int(self.pidfile.read_text())
        self.addCleanup(self.end, pid)
        return pid

    def end(self, pid: int) -> None:
        """Stop it."""
        if self.pidfile.exists():
            os.kill(pid, signal.SIGTERM)
            until("its end", lambda: not self.pidfile.exists())

    def test_understood(self) -> None:
        """logrotate -d has nothing against it."""
        self.log.write_text("something\n")
        said = self.logrotate("-d")
        self.assertRegex(said, re.escape(f"considering log {self.log}"))

    def test_rotated(self) -> None:
        """The old log is moved, the server goes on in a new one, and not a line is lost or in both."""
        pid = self.start()
        self.logrotate("--force")
        until("a new log", self.log.exists)
        (old,) = self.log.parent.glob("dictd.log-*")
        before = old.read_bytes()
        self.assertIn(b"listening on", before)
        os.kill(pid, signal.SIGHUP)
        until("something new", lambda: self.log.stat().st_size > 0)
        self.end(pid)
        self.assertIn(b"good bye", self.log.read_bytes())
        self.assertEqual(old.read_bytes(), before)
        self.assertNotIn(b"listening on", self.log.read_bytes())
        self.assertEqual(sorted(path.name for path in self.log.parent.iterdir()), ["dictd.log", old.name])

    def test_unwritable(self) -> None:
        """Where no new file can be made, the server goes on writing into the old one."""
        if os.geteuid() == 0:
            # For root everything can be written; a directory in the way is in root's way too.
            blocked = self.log.with_name("moved")
            pid = self.start()
            self.log.rename(blocked)
            self.log.mkdir()
        else:
            pid = self.start()
            blocked = self.log.with_name("moved")
            self.log.rename(blocked)
            self.log.parent.chmod(0o500)
            self.addCleanup(self.log.parent.chmod, 0o700)
        os.kill(pid, signal.SIGUSR1)
        os.kill(pid, signal.SIGHUP)
        until("something more", lambda: b"SIGHUP" in blocked.read_bytes())
        self.end(pid)
        self.assertIn(b"good bye", blocked.read_bytes())
