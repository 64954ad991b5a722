"""Files and directories that are there whole or not at all, also when the power fails."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dictd.accounts.spoolfile import sync
from dictd.errors import BackupRefused
from dictd.importers import lease


@contextmanager
def file(path: Path, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file that only its user can read, and that has its name when all of it is on the disk.

    :raises BackupRefused: something is there, or the disk is full; what was there stays.
    """
    if path.exists() and not path.is_file():
        raise BackupRefused(f"{path} is not a file; name one in it, or write to standard output: dictctl backup -")
    if path.exists() and not overwrite:
        raise BackupRefused(f"{path} is there already; choose another name, or --overwrite")
    with _trouble(path):
        temporary = _temporary(path)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as opened:
                yield opened
                opened.flush()
                os.fsync(descriptor)
            temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync(path.parent)


@contextmanager
def directory(path: Path) -> Iterator[Path]:
    """A directory that has its name when all that was put into it is on the disk.

    :raises BackupRefused: something is there, or the disk is full.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BackupRefused(f"{path} is there already; name a directory that is not there, or is empty")
    with _trouble(path):
        temporary = _temporary(path)
        try:
            temporary.mkdir(mode=0o700)
            yield temporary
            for made, _, names in os.walk(temporary):
                for name in names:
                    sync_file(Path(made, name))
                sync(Path(made))
            with suppress(FileNotFoundError):
                path.rmdir()
            temporary.rename(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        sync(path.parent)


def sync_file(path: Path) -> None:
    """See on the disk what is in a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _trouble(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or path
        after = "the backup of before stays" if path.exists() else f"there is no {path}"
        raise BackupRefused(f"{where}: {error.strerror or error}; {after}") from None


def _temporary(path: Path) -> Path:
    """A name beside another; what killed processes left of it goes."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.(\d+)\.partial")
    for left in path.parent.iterdir():
        match = pattern.fullmatch(left.name)
        if match and not lease.exists(int(match[1])):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
