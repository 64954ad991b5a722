"""``server.key``: the key of the state directory under which secrets are sealed."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from dictd.accounts.keys import ServerKey
from dictd.errors import SettingsRefused

_LONGEST = 1024


def load(path: Path) -> ServerKey:
    """Read the key, made at the first start.

    :raises SettingsRefused: others may read it, it is no key, or the file
        cannot be read or made.
    """
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            _make(path)
            return _read(path)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be used: {error.strerror}") from None


def _read(path: Path) -> ServerKey:
    # Without waiting: what is there may be a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SettingsRefused(f"{path} is not a file")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise SettingsRefused(f"{path} can be read by others; type: chmod 600 {shlex.quote(str(path))}")
        return ServerKey.parse(os.read(descriptor, _LONGEST))
    except ValueError:
        raise SettingsRefused(
            f"{path} is not a server key; bring it back from a backup, or take it away,"
            " and everybody needs new keys for AUTH"
        ) from None
    finally:
        os.close(descriptor)


def _make(path: Path) -> None:
    """Make the file, whole or not at all, also when the power fails; one that is there stays."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, ServerKey.made().line())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(fresh, path)  # as O_EXCL: never over another
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
