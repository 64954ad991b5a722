"""Where the state directory lies: how much room there is, and on what kind of disk."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.ctl.sqlitefiles import SQLiteFiles

#: Less room than this on the disk is worth a word: bytes, and files.
LITTLE_ROOM = 500_000_000
_FEW_FILES = 10_000
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "fuse.sshfs", "fuse.glusterfs"}
_IN_MEMORY = {"tmpfs", "ramfs"}
_MOUNTS = Path("/proc/self/mountinfo")


def place(examination: Examination) -> Iterator[Finding]:
    """A full disk stops imports and the history; some disks do not keep what they were given."""
    directory = examination.shared.state.directory
    free = shutil.disk_usage(directory).free
    text = f"{free / 1e9:,.1f} GB are free on the disk"
    if free < LITTLE_ROOM:
        yield Finding("room", "note", f"{text}: imports and the history stop when it is full")
    else:
        yield Finding("room", "ok", text)
    system = os.statvfs(directory)
    if system.f_files and system.f_favail < _FEW_FILES:
        yield Finding("room", "note", f"the disk has room for {system.f_favail:,} more files only")
    kind = _kind(directory)
    if kind in _IN_MEMORY:
        yield Finding("room", "note", f"{directory} is in memory ({kind}): all of it is gone when the machine restarts")
    if kind in _NETWORK and isinstance(examination.kept, SQLiteFiles):
        text = f"{directory} is on another machine ({kind}), where SQLite loses and damages what it is given"
        yield Finding("room", "fault", f"{text}; choose a disk of this one with state.directory, or MySQL")


def _kind(directory: Path) -> str:
    """The kind of the file system, see proc_pid_mountinfo(5); empty where it cannot be told."""
    best, kind = "", ""
    real = os.path.realpath(directory)
    try:
        lines = _MOUNTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    return kind
