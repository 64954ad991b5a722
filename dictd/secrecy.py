"""Files that hold secrets: which rights others have on one and should not have; one that is made for us alone."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_OTHERS = 0o077
_GROUP_READS = 0o040


def too_much(found: os.stat_result, reader: int) -> int:
    """The rights on a file that are to be taken away; none where it is kept well.

    What root owns may be readable by its group, and that is how a reader who is not root comes to it: PostgreSQL
    has it so, Debian's ``ssl-cert`` and credentials of systemd are made so.

    :param reader: the user id of the server.
    """
    rights = stat.S_IMODE(found.st_mode) & _OTHERS
    return 0 if reader and not found.st_uid and not rights & ~_GROUP_READS else rights


def reader_of(directory: Path) -> int:
    """The user id of the server of a state directory: ours; whose it is, where root asks for another."""
    try:
        return os.geteuid() or directory.stat().st_uid
    except OSError:
        return 0


def made(path: Path, octets: bytes) -> None:
    """Make a file, whole or not at all, also when the power fails; one that is there stays."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(fresh, path)  # as O_EXCL: never over another
    finally:
        fresh.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
