"""A server with a shell, and keys to get in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import environment, program
from tests.support.pty import Terminal
from tests.support.server import Server, clear, until

ON = {"DICTD_MANHOLE_ENABLED": "true", "DICTD_MANHOLE_PORT": "0", "DICTD_SITE_NAME": "dict.example.org"}
_WHERE = re.compile(rb"shell on (\S+)")


def key(directory: Path, kind: str = "ed25519", comment: str = "alice@desk", bits: int = 0) -> Path:
    """A new key without a passphrase; beside it its public key.

    :raises SkipTest: there is no ssh-keygen.
    """
    path = directory / f"id_{kind}_{len(os.listdir(directory))}"
    size = ["-b", str(bits)] if bits else []
    command = [program("ssh-keygen"), "-q", "-t", kind, *size, "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@define(eq=False)
class ShellServer:
    """A server whose shell lets one key in.

    :ivar key: the private key.
    :ivar server: the server itself.
    """

    state: Path
    key: Path
    server: Server
    _terminals: list[Terminal] = field(factory=list)

    @classmethod
    def started(cls, case: SynchronousTestCase, *arguments: str, **surroundings: str) -> ShellServer:
        """Start it.

        :raises SkipTest: there is no OpenSSH.
        """
        program("ssh")
        # A path that is short enough for a unix socket.
        directory = Path(tempfile.mkdtemp(prefix="dictd-shell-"))
        case.addCleanup(clear, directory)
        (directory / "keys").mkdir()
        own = key(directory / "keys")
        state = directory / "state"
        (state / "manhole").mkdir(mode=0o700, parents=True)
        shutil.copy(f"{own}.pub", state / "manhole" / "authorized_keys")
        (state / "manhole" / "authorized_keys").chmod(0o600)
        server = Server.started(state, *arguments, surroundings={**ON, **surroundings})
        case.addCleanup(server.kill)
        shell = cls(state, own, server)
        case.addCleanup(shell.end)
        return shell

    @property
    def authorized(self) -> Path:
        """The keys that are let in."""
        return self.state / "manhole" / "authorized_keys"

    def where(self) -> str:
        """Where it says its shell is."""
        until("the shell", lambda: self.server.hear() and _WHERE.search(self.server.said) is not None)
        return _WHERE.findall(self.server.said)[-1].decode()

    def ssh(self, *command: str, key: Path | None = None, options: Sequence[str] = ()) -> list[str]:
        """The command line of ssh."""
        port = self.where().rpartition(":")[2]
        known = self.state / "manhole" / "known_hosts"
        own = ["IdentitiesOnly=yes", "IdentityAgent=none", "HostKeyAlias=dictd", f"UserKnownHostsFile={known}"]
        own += ["StrictHostKeyChecking=yes", "ConnectTimeout=30", "LogLevel=ERROR"]
        pairs = [word for option in (*options, *own) for word in ("-o", option)]
        name = ["-F", "none", "-i", str(key or self.key), "-p", port, *pairs, "alice@127.0.0.1"]
        return [program("ssh"), *name, *command]

    def done(
        self, *command: str, sent: bytes = b"", key: Path | None = None, options: Sequence[str] = ()
    ) -> tuple[int, str, str]:
        """Status, output and complaints of ssh without a terminal."""
        line = self.ssh(*command, key=key, options=options)
        done = subprocess.run(line, input=sent, capture_output=True, timeout=60, check=False, env=environment())
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def terminal(self, columns: int = 80, command: Sequence[str] = ()) -> Terminal:
        """A session in a terminal, with its first prompt."""
        terminal = Terminal(command or self.ssh(), columns)
        self._terminals.append(terminal)
        terminal.until("the prompt", terminal.prompted)
        return terminal

    def end(self) -> None:
        """Close the terminals."""
        for terminal in self._terminals:
            terminal.close()
