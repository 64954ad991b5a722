"""``dictctl restore``: a store from a backup."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from dictd.ctl.backup import counted
from dictd.ctl.backups import copying, lines, target
from dictd.ctl.backups.checking import Checking
from dictd.ctl.backups.lines import Header
from dictd.ctl.backups.refilling import Refilling
from dictd.ctl.imports import purge
from dictd.ctl.progress import Bar
from dictd.ctl.root import TROUBLE, Shared, main
from dictd.ctl.typed import start
from dictd.errors import BackupRefused, DictError, StoreUnavailable
from dictd.importers import intake
from dictd.processes import publish
from dictd.store import schema
from dictd.store.dialect import Connection
from dictd.store.faults import told
from dictd.store.mysql import MySQL
from dictd.store.refilling import RefillQueries
from dictd.store.sqlite import SQLite


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only look whether the backup is whole.")
@click.option("--replace", is_flag=True, help="Where the store is not empty: all that is there now is lost.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def restore(shared: Shared, file: Path, check: bool, replace: bool, yes: bool) -> None:
    """Bring back what dictctl backup has written into FILE, or into a directory; into an empty store.

    The backup is read to its end before anything is written: one that is cut off, or was changed, is refused.
    Servers of this store must have ended, on all machines. Accounts keep their ids and passwords; server.key and
    the settings are brought back by hand, before a server is started.

    A restore that was cut off: type the same again. In SQLite all accounts are then as they were before, or all
    are there; a database of MySQL is used by no server until a restore has come to its end.
    """
    if file.is_dir():
        _from_copies(shared, file, check, replace, yes)
    else:
        _from_dump(shared, file, check, replace, yes)


@frozen
class _Read:
    """What the first reading of a dump has found."""

    header: Header
    checking: Checking
    checksum: str


def _from_dump(shared: Shared, file: Path, check: bool, replace: bool, yes: bool) -> None:
    if check:
        read = _read(shared, file, {})
        made = target.moment(read.header.made)
        value = {"file": str(file), "made": made, "version": read.header.version, "rows": dict(read.checking.counts)}
        text = f"{file} is whole: {counted(read.checking.counts)}; made {made} by dictd {read.header.version}."
        shared.tell(value | {"dictionaries": read.checking.names}, text)
        return
    began = time.monotonic()
    with (
        target.alone(shared),
        target.connected(shared, "accounts") as accounts,
        target.connected(shared, "dictionaries") as dictionaries,
    ):
        queries = RefillQueries(shared.database.dialect)
        cut = target.ensure_ended(shared, queries, accounts)
        read = _read(shared, file, queries.lengths(accounts.cursor()))
        lost = target.there(shared, accounts, dictionaries if read.header.dictionaries else None)
        if lost and not cut:
            target.ensure_wanted(shared, lost, replace, yes)
        accounts.rollback()
        dictionaries.rollback()
        _write(shared, file, read, accounts, dictionaries)
        remarks = target.remarks(shared, accounts, read.checking.last)
    if read.header.dictionaries:
        remarks += _publish(shared)
    seconds = time.monotonic() - began
    for remark in remarks:
        shared.aside(remark)
    outcome = {
        "file": str(file),
        "made": target.moment(read.header.made),
        "rows": dict(read.checking.counts),
        "replaced": lost,
        "remarks": remarks,
        "seconds": round(seconds, 2),
    }
    text = (
        f"{counted(read.checking.counts)}: all is there, as it was {target.moment(read.header.made)}; {seconds:.1f} s."
    )
    if not read.header.dictionaries:
        text += "\nDictionaries are not in this backup; those of the store stay."
    shared.tell(outcome, text)
    _tell_next(shared, remarks)


def _from_copies(shared: Shared, directory: Path, check: bool, replace: bool, yes: bool) -> None:
    if not isinstance(shared.database, SQLite) and not check:
        raise BackupRefused(
            f"{directory} has SQLite's files, the store is {shared.database.shown('accounts')};"
            " dictctl backup FILE.jsonl.gz makes one that goes into any database"
        )
    began = time.monotonic()
    copies = copying.examined(directory)
    made = target.moment(copies.made)
    if check:
        text = f"{directory} is whole: {', '.join(copies.files)}; made {made} by dictd {copies.version}."
        shared.tell({"directory": str(directory), "made": made, "version": copies.version, **_files(copies)}, text)
        return
    with target.alone(shared):
        with target.connected(shared, "accounts") as accounts, target.connected(shared, "dictionaries") as dictionaries:
            if lost := target.there(shared, accounts, dictionaries):
                target.ensure_wanted(shared, lost, replace, yes)
        same_key = copying.same_key(shared.state, directory)
        with Bar.shown("restore", _at_terminal(shared)) as bar:
            copying.bring_back(shared.state, shared.database.connect, directory, copies, bar.progress)
        with target.connected(shared, "accounts") as accounts:
            remarks = target.remarks(shared, accounts, 0)
    if not same_key:
        remarks.append(f"{shared.state.server_key} is another than the one in the backup, and stays")
    remarks += _publish(shared)
    for remark in remarks:
        shared.aside(remark)
    seconds = time.monotonic() - began
    outcome = {"directory": str(directory), "made": made, "replaced": lost, "remarks": remarks, **_files(copies)}
    shared.tell(
        outcome | {"seconds": round(seconds, 2)},
        f"{', '.join(copies.files)}: all is there, as it was {made}; SQLite finds it sound; {seconds:.1f} s.",
    )
    _tell_next(shared, remarks)


def _tell_next(shared: Shared, remarks: list[str]) -> None:
    """What to type next, where nothing is to be mended first."""
    if not remarks:
        shared.aside(f"next type: {start()}")


def _files(copies: copying.Copies) -> dict[str, Any]:
    return {"files": dict(copies.files)}


def _read(shared: Shared, file: Path, lengths: dict[tuple[str, str], tuple[int, int]]) -> _Read:
    """Read a dump to its end.

    :raises BackupRefused: it is not whole, or does not go into this database.
    """
    known = {subject: schema.migrations(subject, shared.database.dialect)[-1].version for subject in schema.SUBJECTS}
    size = file.stat().st_size if file.exists() else 0
    with lines.opened(file) as reader, Bar.shown("restore", _at_terminal(shared)) as bar:
        checking = Checking(reader, known, lengths)
        header = checking.header()
        for _ in checking.rows():
            bar.progress("reading", min(reader.place(), size), size)
    return _Read(header, checking, reader.end.checksum if reader.end else "")


def _write(shared: Shared, file: Path, read: _Read, accounts: Connection, dictionaries: Connection) -> None:
    intake.Intake(shared.database, dictionaries, shared.state.temporary, lambda *_: None).clean_up()
    total = sum(read.checking.counts.values())
    after = "nothing was changed"
    if isinstance(shared.database, MySQL):
        after = "the store is half restored, and no server uses it: type the same command again"
    with lines.opened(file) as reader, Bar.shown("restore", _at_terminal(shared)) as bar:
        checking = Checking(reader, read.checking.known)
        checking.header()
        refilling = Refilling(
            shared.database, accounts, dictionaries, target.tables(shared), read.header.dictionaries, bar.progress
        )
        try:
            refilling.fill(checking, read.checksum, total)
        except KeyboardInterrupt:
            shared.aside(after)
            raise
        except TROUBLE as trouble:
            why = trouble.text if isinstance(trouble, DictError) else told(trouble)
            raise StoreUnavailable(f"{why}; {after}") from trouble


def _publish(shared: Shared) -> list[str]:
    """Let the dictionaries be served; what is in the way."""
    try:
        publish.look_once(shared.state, shared.database, lambda _: None)
        purge(shared)
    except TROUBLE as trouble:
        why = trouble.text if isinstance(trouble, DictError) else told(trouble)
        return [f"the dictionaries are restored, and cannot be published yet: {why}; a server does it when it starts"]
    return []


def _at_terminal(shared: Shared) -> bool:
    return sys.stderr.isatty() and not shared.as_json
