"""Files for their owner alone: passwords, histories."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dictd.errors import DictError


@contextmanager
def new(path: Path) -> Iterator[BinaryIO]:
    """A file that was not there; it goes again where the work in it fails.

    :raises DictError: there is one of this name.
    :raises OSError: it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise DictError(f"{path} is there already; name another file, or remove that one") from None
    try:
        with open(descriptor, "wb") as file:
            yield file
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file in place of the one that may be there, once it is whole.

    :raises DictError: what is there is no file.
    :raises OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        raise DictError(f"{path} is no file; without --output standard output is used")
    path = path.resolve()  # a link goes on to lead where it leads
    temporary = path.with_name(f".{secrets.token_hex(8)}.new")
    with new(temporary) as file:
        yield file
        kept(file)
        os.replace(temporary, path)


def kept(file: BinaryIO) -> None:
    """See what was written onto the disk."""
    file.flush()
    os.fsync(file.fileno())
