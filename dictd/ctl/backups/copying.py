"""Copies of SQLite's files in a directory, taken while a server uses them, and brought back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from dictd import __version__
from dictd.accounts.spool import SUFFIX
from dictd.ctl.backups import lines
from dictd.ctl.backups.dumping import Progress
from dictd.errors import BackupRefused, StoreUnavailable
from dictd.processes.state import State
from dictd.store import schema
from dictd.store.dialect import SQLITE
from dictd.store.identity import IdentityQueries
from dictd.store.sqlite import FILES

#: What tells of the others.
MANIFEST = "backup.json"
KEY = "server.key"
BANS = "bans.json"
#: Version of the manifest.
FORMAT = 1
#: Pages that are copied at a time.
_PAGES = 2_048


@frozen
class Copies:
    """What a directory has.

    :ivar schemas: subject -> version of the schema; ``made``: milliseconds since 1970; ``store``: its name.
    :ivar files: path below the directory -> SHA-256.
    """

    version: str
    schemas: Mapping[str, int]
    made: int
    store: str
    files: Mapping[str, str]


def copy(
    state: State,
    opened: Callable[[str], Any],
    directory: Path,
    now: int,
    with_key: bool,
    progress: Progress,
) -> Copies:
    """Copy into an empty directory.

    :raises BackupRefused: a copy is not sound.
    :raises FileNotFoundError: there is no key to copy.
    """
    # First the spool, then the database: a row leaves the one when it is in the other.
    for path in sorted(state.spool.rglob(f"*{SUFFIX}")):
        target = directory / "spool" / path.relative_to(state.spool)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _copied(path, target)
        except FileNotFoundError:
            continue  # its rows are in the store by now
    schemas = {subject: _copy_database(opened, subject, directory, progress) for subject in FILES}
    if with_key:
        _copied(state.server_key, directory / KEY)
    if (bans := state.directory / BANS).exists():
        _copied(bans, directory / BANS)
    name = ""
    if schemas["accounts"] >= 4:
        with closing(opened("accounts")) as connection:
            name = IdentityQueries(SQLITE).known(connection.cursor())
    found = {
        str(path.relative_to(directory)): _checksum(path) for path in sorted(directory.rglob("*")) if path.is_file()
    }
    made = Copies(__version__, schemas, now, name, found)
    path = directory / MANIFEST
    path.touch(mode=0o600)
    path.write_text(json.dumps({"dictd": "files", "format": FORMAT, **attrs.asdict(made)}, indent=1) + "\n", "utf-8")
    return made


def _copy_database(opened: Callable[[str], Any], subject: str, directory: Path, progress: Progress) -> int:
    target = directory / FILES[subject]
    target.touch(mode=0o600)
    with closing(opened(subject)) as source, closing(sqlite3.connect(target, isolation_level=None)) as made:
        # In a transaction: whoever writes meanwhile is not in the way, and is not in the copy.
        source.execute("BEGIN")
        schema.pending(source.cursor(), subject, SQLITE)
        version = schema.version(source.cursor(), subject, SQLITE)
        source.backup(
            made, pages=_PAGES, progress=lambda _, left, total: progress(FILES[subject], total - left, max(total, 1))
        )
        source.execute("ROLLBACK")
        # One file alone, that can be read where nothing can be written.
        made.execute("PRAGMA journal_mode = DELETE").close()
        if faults := unsound(made):
            raise BackupRefused(f"{FILES[subject]} is damaged: {faults}; there is no backup")
    return version


def unsound(connection: sqlite3.Connection) -> str:
    """What SQLite finds wrong with a database, in a line; empty where it is well."""
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    if found != ["ok"]:
        return "; ".join(" ".join(str(line).split()) for line in found)
    return f"rows of {orphans[0]} belong to nobody" if orphans else ""


def examined(directory: Path) -> Copies:
    """Look whether all files of a copy are as they were made.

    :raises BackupRefused: they are not, or of a newer program.
    """
    path = directory / MANIFEST
    try:
        told = json.loads(path.read_text("utf-8"))
        if not isinstance(told, dict) or told.pop("dictd", None) != "files":
            raise ValueError
        if (number := told.pop("format", None)) != FORMAT:
            raise BackupRefused(f"{directory} has format {number}, this program knows {FORMAT}: a newer dictd made it")
        copies = Copies(**told)
        if not lines.is_moment(copies.made) or not str(copies.version).isprintable():
            raise ValueError
        versions = {subject: int(copies.schemas[subject]) for subject in FILES}
        checksums = {str(name): str(checksum) for name, checksum in copies.files.items()}
    except FileNotFoundError:
        raise BackupRefused(f"{directory} is not a backup of dictd: it has no {MANIFEST}") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise BackupRefused(f"{path} is damaged; nothing was changed") from None
    for subject, version in versions.items():
        known = schema.migrations(subject, SQLITE)[-1].version
        if version > known:
            raise BackupRefused(
                f"{directory} has schema {version} of {subject}, this program knows {known}:"
                f" dictd {copies.version} made it; restore it with that or a newer one"
            )
        checksums.setdefault(FILES[subject], "")
    for name, checksum in checksums.items():
        one = directory / name
        if not _is_ours(name) or directory.resolve() not in one.resolve().parents:
            raise BackupRefused(f"{path} is damaged, or not of dictctl backup: it names {name!r}; nothing was changed")
        try:
            found = _checksum(one)
        except OSError as error:
            raise BackupRefused(f"{one}: {error.strerror}; nothing was changed") from None
        if found != checksum:
            raise BackupRefused(f"{one} was changed after it was made, or is damaged; nothing was changed")
    for name in FILES.values():
        with closing(
            sqlite3.connect(f"{(directory / name).absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as file:
            if faults := unsound(file):
                raise BackupRefused(f"{directory / name} is damaged: {faults}; nothing was changed")
    return copies


def _is_ours(name: str) -> bool:
    """Whether :func:`copy` makes a file of this name.

    Any other may not come into the state directory, where whose key stands in ``manhole/authorized_keys`` is let in.
    """
    parts = name.split("/")
    if parts[0] != "spool":
        return name in (*FILES.values(), KEY, BANS)
    return len(parts) > 1 and name.endswith(SUFFIX) and not {"", ".", ".."} & {*parts}


def bring_back(state: State, opened: Callable[[str], Any], directory: Path, copies: Copies, progress: Progress) -> None:
    """Put the copies in the place of what is there: each database in one transaction.

    :param opened: a connection to a subject of the store that is filled.
    """
    after = "nothing was changed"
    for subject, name in FILES.items():
        progress(name, 0, 1)
        try:
            with closing(_read_only(directory / name)) as source, closing(opened(subject)) as target:
                # All in one step: what is there is whole until the end of it, and again from there.
                source.backup(target)
                target.execute("PRAGMA journal_mode = WAL").close()
                if faults := unsound(target):
                    raise StoreUnavailable(f"{name} is damaged after it was brought back: {faults}; is the disk well?")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{state.store / name}: {error}; {after}") from None
        after = "the accounts are brought back, the dictionaries are those of before; type the same again"
        progress(name, 1, 1)
    for name in copies.files:
        target_path = state.directory / name
        if name in FILES.values() or target_path.exists():
            continue
        target_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copied(directory / name, target_path)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def same_key(state: State, directory: Path) -> bool:
    """Whether the key of a copy, if it has one, is the one that is there."""
    copied = directory / KEY
    return not copied.exists() or not state.server_key.exists() or copied.read_bytes() == state.server_key.read_bytes()


def _copied(source: Path, target: Path) -> None:
    """For this user alone."""
    with source.open("rb") as read:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as written:
            shutil.copyfileobj(read, written)
            written.flush()
            os.fsync(descriptor)


def _checksum(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
