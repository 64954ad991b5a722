"""``server.key``: the key of the state directory under which secrets are sealed."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from dictd import secrecy
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
            return read(path)
        except FileNotFoundError:
            secrecy.made(path, ServerKey.made().line())
            return read(path)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be used: {error.strerror}") from None


def read(path: Path) -> ServerKey:
    """Read the key; none is made.

    :raises SettingsRefused: others may read it, or it is no key.
    """
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
