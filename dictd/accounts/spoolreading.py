"""Rows of the history that wait in ``spool/``, read beside the process that keeps them there; nothing is touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from dictd.accounts.spool import SUFFIX
from dictd.accounts.spoolfile import FORMAT, SpoolFile
from dictd.model import LookUp


def waiting(directory: Path, remark: Callable[[str], None]) -> Iterator[LookUp]:
    """All rows there are; some may be in the store already, some here twice.

    What is read before a snapshot of the store is begun is complete with it: a file is removed
    only when its rows are committed.

    :param directory: the one of a store in ``spool/``.
    :param remark: told of what could not be read.
    :raises OSError: the directory or a file cannot be read.
    """
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(SUFFIX))
    except FileNotFoundError:
        return
    for name in names:
        path = directory / name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            continue  # its rows are in the store by now
        with closing(SpoolFile(path, descriptor)) as file:
            yield from _rows(file, remark)


def _rows(file: SpoolFile, remark: Callable[[str], None]) -> Iterator[LookUp]:
    version = file.count()
    if version is not None and version > FORMAT:
        remark(f"{file.path} is left out: a newer dictd wrote it")
        return
    damaged = 0
    for row in file.read():
        if row is None:
            damaged += 1
        else:
            yield row
    # The last line of a file that is being written may be half there: it was promised to nobody yet.
    if damaged > 1:
        remark(f"{damaged} damaged lines of {file.path} are left out")
