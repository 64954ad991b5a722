"""The units of etc/systemd: read by systemd itself, and lived in by a server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.caged import said
from tests.support.certificates import made, trusting
from tests.support.programs import CHECKOUT, dictctl, environment, program, run
from tests.support.server import Caller, Server, clear, twistd, until

UNITS = CHECKOUT / "etc" / "systemd"
#: More than this, of 10, systemd-analyze may not say of what a unit could do to the machine.
_MOST_EXPOSURE = 2.0
#: Says what it may not do.
_PRISONER = """
import mmap, os, socket
for what, do in (
    ("packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    ("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    ("execute what it has written", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
    ("chown", lambda: os.chown(".", 1, 1)),
    ("hostname", lambda: socket.sethostname("other")),
    ("unix", lambda: socket.socket(socket.AF_UNIX)),
):
    try:
        do()
    except PermissionError:
        print(what)
"""


def root_with_units(directory: Path) -> Path:
    """A root directory with the units and with what they start."""
    units = directory / "etc/systemd/system"
    units.mkdir(parents=True)
    for path in UNITS.iterdir():
        shutil.copy(path, units)
        for line in said(path, "ExecStart") + said(path, "ExecStartPost") + said(path, "ExecReload"):
            started = directory / line.split()[0].lstrip("/")
            started.parent.mkdir(parents=True, exist_ok=True)
            started.write_text("#!/bin/sh\n")
            started.chmod(0o755)
    return directory


class Read(SynchronousTestCase):
    """systemd understands them."""

    def setUp(self) -> None:
        self.analyze = program("systemd-analyze")
        self.root = root_with_units(Path(self.mktemp()).absolute())

    def verified(self) -> str:
        """What systemd has to say of the units; empty: nothing."""
        names = [path.name for path in sorted(UNITS.iterdir())]
        done = run([self.analyze, "verify", f"--root={self.root}", "--man=no", "--recursive-errors=no", *names])
        return (done.stdout + done.stderr).decode() or ("" if done.returncode == 0 else "refused")

    def test_verify(self) -> None:
        """Nothing in them is unknown or wrong, and a mistake would be seen."""
        self.assertEqual(self.verified(), "")
        unit = self.root / "etc/systemd/system/dictd.service"
        unit.write_text(unit.read_text("utf-8").replace("ProtectHome=", "ProtectHoem="), "utf-8")
        self.assertIn("ProtectHoem", self.verified())

    def test_exposure(self) -> None:
        """A server or a backup that was taken over can do little to the machine."""
        for name in ("dictd.service", "dictd-backup.service"):
            done = run([self.analyze, "security", "--offline=true", f"--root={self.root}", "--no-pager", name])
            found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout.decode())
            assert found is not None, done
            self.assertLess(float(found[1]), _MOST_EXPOSURE, done.stdout.decode())

    def test_user(self) -> None:
        """systemd-sysusers and systemd-tmpfiles make the user and the directory of backups."""
        etc = UNITS.parent
        (self.root / "etc").mkdir(exist_ok=True)
        done = run([program("systemd-sysusers"), f"--root={self.root}", str(etc / "sysusers.d/dictd.conf")])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(
            (self.root / "etc/passwd").read_text("utf-8"), r"^dictd:x:\d+:\d+:Dictionary server:/var/lib/dictd:"
        )
        if os.geteuid() == 0:  # for the owner
            command = [
                program("systemd-tmpfiles"),
                f"--root={self.root}",
                "--create",
                str(etc / "tmpfiles.d/dictd.conf"),
            ]
            done = run(command)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual((self.root / "var/backups/dictd").stat().st_mode & 0o777, 0o700)


class Caged(SynchronousTestCase):
    """A server does all its work with what the unit leaves it; see :mod:`tests.support.caged`."""

    def setUp(self) -> None:
        program("systemd-analyze")
        self.unit = UNITS / "dictd.service"
        self.directory = Path(tempfile.mkdtemp(prefix="dictd-caged-"))
        self.addCleanup(clear, self.directory)

    def command(self, *command: str) -> list[str]:
        """A command in the cage."""
        return [sys.executable, str(CHECKOUT / "tests/support/caged.py"), str(self.unit), *command]

    def test_cage(self) -> None:
        """It holds: what the unit forbids fails, and the rest does not."""
        done = run(self.command(sys.executable, "-c", _PRISONER))
        refused = "packets netlink execute-what-it-has-written chown hostname".replace("-", " ")
        self.assertEqual(done.stdout.decode().replace("\n", " ").strip(), refused, done.stderr)

    def test_server(self) -> None:
        """Workers, TLS, passwords, an import, a reload, the metrics, a stop: nothing is missing."""
        state, book, config = (self.directory / name for name in ("state", "book.tsv", "dictd.toml"))
        book.write_text("penguin\ta bird that swims\n", "utf-8")
        certificate, key = made(self.directory)
        config.write_text(
            f'[listen]\nworkers = 2\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\nport = 0\n', "utf-8"
        )
        server = Server(state, alone=False)
        more = ("--pidfile=", "-n", "dictd", "--config", str(config), "--state-dir", str(state), "--port", "0")
        server.process = subprocess.Popen(
            self.command(*twistd(*more)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env=environment() | {"DICTD_METRICS_ENABLED": "true", "DICTD_METRICS_PORT": "0"},
        )
        self.addCleanup(server.kill)
        until("the server to listen", lambda: server.hear() and server.port > 0)
        until("all workers", lambda: server.said.count(b" serves, process ") == 2 or not server.hear())
        status = Path(f"/proc/{server.process.pid}/status").read_text("ascii")
        self.assertRegex(status, r"Seccomp:\t2\n")
        self.assertRegex(status, r"CapEff:\t0+\n")
        done = run(self.command(*self.dictctl(state, config, "import", str(book), "--name", "animals")))
        self.assertEqual(done.returncode, 0, done.stderr)
        caller = server.connect()
        self.assertEqual(caller.code("REGISTER alice correct-horse"), 280)
        until("the dictionary", lambda: caller.code("DEFINE animals penguin") == 250)
        self.assertEqual(caller.code("KEY NEW laptop"), 250)
        port = re.search(rb"127\.0\.0\.1:(\d+) \(TLS\)", server.said)
        assert port is not None
        with socket.create_connection(("127.0.0.1", int(port[1])), 30) as plain:
            sealed: ssl.SSLSocket = trusting().wrap_socket(plain, server_hostname="localhost")
            other = Caller(sealed)
            other.line()
            self.assertEqual(other.code("LOGIN alice correct-horse"), 230)
            other.close()
        done = run(self.command(*self.dictctl(state, config, "reload")))
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run(self.command(*self.dictctl(state, config, "doctor")))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(server.connect().code("DEFINE animals penguin"), 250)
        caller.close()
        server.stop()
        self.assertNotIn(b"Traceback", server.said)
        self.assertNotIn(b"not permitted", server.said)

    def dictctl(self, state: Path, config: Path, *arguments: str) -> list[str]:
        """``dictctl``, as a unit calls it."""
        return [sys.executable, "-m", "dictd.ctl", "--config", str(config), "--state-dir", str(state), *arguments]


class Told(SynchronousTestCase):
    """Type=notify and WatchdogSec=."""

    def test_notify(self) -> None:
        """systemd hears that people can connect, that the server is alive, and that it stops."""
        self.assertEqual(said(UNITS / "dictd.service", "Type"), ["notify"])
        directory = Path(tempfile.mkdtemp(prefix="dictd-told-"))
        self.addCleanup(clear, directory)
        self.assertEqual(dictctl(directory / "state", "list").returncode, 0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(str(directory / "notify"))
            heard.settimeout(30)
            around = {"NOTIFY_SOCKET": str(directory / "notify"), "WATCHDOG_USEC": "1500000"}
            server = Server.started(directory / "state", "--workers", "1", surroundings=around)
            self.addCleanup(server.kill)
            ready = f"READY=1\nSTATUS=listening on 127.0.0.1:{server.port}".encode()
            until("it to say that it serves", lambda: heard.recv(4096).startswith(ready))
            self.assertEqual(server.connect().code("STATUS"), 210)
            for _ in range(3):
                self.assertEqual(heard.recv(4096), b"WATCHDOG=1")
            server.stop()
            until("the last word", lambda: heard.recv(4096) == b"STOPPING=1")
