"""``dictctl backup``: all that makes up a store, in one file or in one directory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import click

from dictd.ctl.backups import copying, lines, output
from dictd.ctl.backups.dumping import Dumping
from dictd.ctl.backups.lines import Writer
from dictd.ctl.progress import Bar
from dictd.ctl.root import Shared, main
from dictd.errors import BackupRefused
from dictd.store import inventory
from dictd.store.sqlite import SQLite
from dictd.tables import count

STANDARD = "-"
_COMPRESSED = ".gz"
_WITHOUT_KEY = "Not in it: {}, which opens the keys for AUTH; keep a copy in another place."


@main.command()
@click.argument("file")
@click.option("--without-dictionaries", is_flag=True, help="Leave them out: they can be imported again.")
@click.option("--files", is_flag=True, help="Copy SQLite's files into a directory FILE instead.")
@click.option("--with-key", is_flag=True, help="With --files: copy server.key too, which opens the keys for AUTH.")
@click.option("--overwrite", is_flag=True, help="Replace FILE, if it is there.")
@click.pass_obj
def backup(shared: Shared, file: str, without_dictionaries: bool, files: bool, with_key: bool, overwrite: bool) -> None:
    """Write accounts, keys, history, invites and dictionaries into FILE; servers go on meanwhile.

    FILE is text, JSON in lines, compressed where its name ends in .gz, and can be restored into SQLite, MySQL and
    MariaDB alike. - is standard output. It has everybody's history: keep it as you keep the store.

    With --files, or where FILE ends in /, SQLite's files are copied into a directory of that name.

    Not in it: server.key, without which keys for AUTH cannot be used (keep it apart from backups), the settings,
    certificates.
    """
    if files or file.endswith("/"):
        if without_dictionaries or overwrite or file == STANDARD:
            raise click.UsageError("--files copies all, into a directory that is not there yet")
        _copy(shared, Path(file), with_key)
        return
    if with_key:
        raise click.UsageError("--with-key goes with --files; else copy server.key yourself, to another place")
    began = time.monotonic()
    with _opened(file, overwrite) as opened, Bar.shown("backup", _at_terminal(shared)) as bar:
        writer = Writer(opened.write)
        dumping = Dumping(
            shared.database,
            shared.as_it_is,
            shared.state.spool,
            int(time.time() * 1000),
            not without_dictionaries,
            bar.progress,
            shared.aside,
        )
        end = dumping.write(writer)
    seconds = time.monotonic() - began
    outcome: dict[str, object] = {
        "file": file,
        "rows": dict(end.counts),
        "spooled": dumping.spooled,
        "sha256": end.checksum,
        "seconds": round(seconds, 2),
    }
    told = [f"{counted(end.counts)}: all is in {'it' if file == STANDARD else file}, {seconds:.1f} s."]
    if dumping.spooled:
        told.append(f"{count(dumping.spooled, 'row')} of the history waited in the spool; in the backup they are home.")
    if file != STANDARD:
        size = Path(file).stat().st_size
        outcome["octets"] = size
        told[0] = told[0].removesuffix(".") + f", {size / 1e6:,.1f} MB."
    if end.counts.get("user_key"):
        told.append(
            f"Not in it: {shared.state.server_key}, which opens the keys for AUTH; keep a copy in another place."
        )
    if file == STANDARD:
        shared.aside(json.dumps(outcome) if shared.as_json else "\n".join(told))
    else:
        shared.tell(outcome, "\n".join(told))


def counted(counts: Mapping[str, int]) -> str:
    """How much a backup has, for people."""
    tables = (*inventory.ACCOUNTS, inventory.DICTIONARY, inventory.WORDS)
    shown = [plural(counts[table.name], table.noun) for table in tables if counts.get(table.name)]
    return ", ".join(shown) or "nothing but empty tables"


def plural(number: int, noun: str) -> str:
    """As :func:`dictd.tables.count`, of what has words behind it: ``2 rows of history``."""
    first, blank, rest = noun.partition(" ")
    return count(number, first) + blank + rest


@contextmanager
def _opened(file: str, overwrite: bool) -> Iterator[IO[bytes]]:
    """Where the lines go."""
    if file == STANDARD:
        standard = sys.stdout.buffer
        if standard.isatty():
            raise click.UsageError("this would be on your screen, with everybody's history; name a file")
        yield standard
        standard.flush()
        return
    path = Path(file)
    if not path.absolute().parent.is_dir():
        raise BackupRefused(f"there is no directory {path.absolute().parent}")
    with output.file(path, overwrite) as raw:
        if path.suffix == _COMPRESSED:
            with lines.compressed(raw) as compressed:
                yield cast(IO[bytes], compressed)
        else:
            yield raw


def _copy(shared: Shared, directory: Path, with_key: bool) -> None:
    if not isinstance(shared.database, SQLite):
        raise BackupRefused(
            "--files is for SQLite; dictctl backup FILE.jsonl.gz writes a dump that goes back into any database,"
            " mariadb-backup copies the files of MariaDB"
        )
    if with_key and not shared.state.server_key.exists():
        raise BackupRefused(f"there is no {shared.state.server_key} to copy; the first start of a server makes it")
    if not directory.absolute().parent.is_dir():
        raise BackupRefused(f"there is no directory {directory.absolute().parent}")
    began = time.monotonic()
    with output.directory(directory) as made, Bar.shown("backup", _at_terminal(shared)) as bar:
        copies = copying.copy(shared.state, shared.as_it_is, made, int(time.time() * 1000), with_key, bar.progress)
    seconds = time.monotonic() - began
    size = sum((directory / name).stat().st_size for name in copies.files)
    outcome = {
        "directory": str(directory),
        "files": dict(copies.files),
        "octets": size,
        "key": with_key,
        "seconds": round(seconds, 2),
    }
    text = f"{count(len(copies.files), 'file')}, {size / 1e6:,.1f} MB, {seconds:.1f} s: SQLite finds them sound."
    if not with_key:
        text += f"\n{_WITHOUT_KEY.format(shared.state.server_key)}"
    shared.tell(outcome, text)


def _at_terminal(shared: Shared) -> bool:
    return sys.stderr.isatty() and not shared.as_json
