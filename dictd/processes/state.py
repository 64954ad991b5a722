"""The state directory: its parts, its lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from attrs import define, field, frozen

from dictd.accounts.spoolfile import sync
from dictd.errors import SettingsRefused


@frozen
class State:
    """Where everything lies under the state directory."""

    directory: Path

    @property
    def store(self) -> Path:
        """SQLite's files."""
        return self.directory / "store"

    @property
    def lexicon(self) -> Path:
        """The published dictionaries."""
        return self.directory / "lexicon"

    @property
    def spool(self) -> Path:
        """Rows of the history that wait for a store that is away."""
        return self.directory / "spool"

    @property
    def server_key(self) -> Path:
        """The key under which secrets in the store are sealed."""
        return self.directory / "server.key"

    @property
    def temporary(self) -> Path:
        """What lives no longer than one command."""
        return self.directory / "tmp"

    def prepare(self) -> State:
        """Make what is missing, for this user alone.

        :raises SettingsRefused: one line with the path that cannot be made.
        """
        try:
            for part in (self.directory, self.store, self.lexicon, self.spool, self.temporary):
                new = not part.exists()
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
                if new:
                    sync(part.parent)
                if not os.access(part, os.W_OK | os.X_OK):
                    raise PermissionError(13, "Permission denied", str(part))
        except OSError as error:
            raise SettingsRefused(
                f"the state directory cannot be used: {error.filename or self.directory}: {error.strerror};"
                " choose another with --state-dir"
            ) from None
        return self


@define
class Lock:
    """A lock that lasts as long as the process, also through a fork.

    :ivar path: a file of the state directory; it names the process that holds it.
    """

    path: Path
    _descriptor: int = field(default=-1, init=False)

    def take(self, wait: bool = False) -> bool:
        """Take the lock; false when another process has it.

        :param wait: stand in line instead.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        self.sign()
        return True

    @property
    def descriptor(self) -> int:
        """Of the open file: whoever has it has the lock too."""
        return self._descriptor

    def held(self) -> bool:
        """Whether some process has the lock just now."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def sign(self) -> None:
        """Write down which process this is; again after a fork."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock up."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def holder(self) -> str:
        """The process that holds the lock, as it signed."""
        try:
            return self.path.read_text("ascii").strip()
        except (OSError, ValueError):
            return ""
