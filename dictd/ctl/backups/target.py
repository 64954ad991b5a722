"""The store that is to be filled: whether it may be, and what whoever fills it should know."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from dictd.ctl.backup import plural
from dictd.ctl.root import Shared
from dictd.errors import BackupRefused
from dictd.model import EPOCH
from dictd.processes import serverkey
from dictd.processes.state import Lock
from dictd.store import inventory, schema
from dictd.store.dialect import Connection
from dictd.store.keys import KeyQueries
from dictd.store.mysql import MySQL
from dictd.store.refilling import RefillQueries

#: Row ids are no further ahead of the clock than this, see :mod:`dictd.processes.entry`; milliseconds.
_AHEAD = 600_000


@contextmanager
def alone(shared: Shared) -> Iterator[None]:
    """No server begins here meanwhile.

    :raises BackupRefused: one runs.
    """
    shared.prepare()
    lock = Lock(shared.state.directory / "lock")
    if not lock.take():
        raise BackupRefused(
            f"a server runs on {shared.state.directory} (process {lock.holder()}); end it first: dictctl stop"
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def connected(shared: Shared, subject: str) -> Iterator[Connection]:
    """A subject of the store, brought up to date where that is done by itself; also where a restore was cut off.

    :raises StoreUnavailable: it cannot be used.
    """
    database = shared.database
    if not isinstance(database, MySQL):
        with shared.store(subject) as connection:
            yield connection
        return
    with closing(database.patient()) as connection:
        if schema.pending(connection.cursor(), subject, database.dialect):
            raise BackupRefused("the database has not the tables of this program; type: dictctl migrate")
        connection.rollback()
        yield connection


def ensure_ended(shared: Shared, queries: RefillQueries, connection: Connection) -> bool:
    """No server of any machine may use the store; whether a restore was begun here before and has not ended.

    :raises BackupRefused: one does.
    """
    txn = connection.cursor()
    here = socket.gethostname()
    if isinstance(shared.database, MySQL):  # SQLite's are on this machine, and hold the lock
        for holder in queries.writers(txn, int(time.time() * 1000)):
            host, _, rest = holder.partition(" ")
            pid = rest.partition(" ")[0]
            if host != here or os.path.exists(f"/proc/{pid}"):
                raise BackupRefused(
                    f"process {pid} on {host} uses this database; end its server first"
                    " (one that was killed counts for two minutes)"
                )
        if not queries.alone(txn):
            raise BackupRefused("somebody restores into this database already; wait for that")
    return schema.half_restored(txn, shared.database.dialect)


def there(shared: Shared, accounts: Connection, dictionaries: Connection | None) -> dict[str, int]:
    """How many rows a store has that would be lost."""
    txn = accounts.cursor()
    found = {table.name: inventory.count(txn, table) for table in tables(shared)}
    if dictionaries is not None:
        found["dictionary"] = RefillQueries(shared.database.dialect).dictionaries(dictionaries.cursor())
    return {name: number for name, number in found.items() if number}


def tables(shared: Shared) -> list[inventory.Kept]:
    """The tables of accounts that this program has."""
    return inventory.accounts(schema.migrations("accounts", shared.database.dialect)[-1].version)


def ensure_wanted(shared: Shared, lost: dict[str, int], replace: bool, yes: bool) -> None:
    """Whether what is there may go.

    :raises BackupRefused: nobody has said so.
    """
    where = shared.database.shown("accounts")
    what = ", ".join(plural(number, inventory.TABLES[name].noun) for name, number in lost.items())
    if not replace:
        raise BackupRefused(f"{where} is not empty: {what}; with --replace all that is lost; nothing was changed")
    if yes:
        return
    if not sys.stdin.isatty():
        raise BackupRefused(f"{what} in {where} would be lost; say so with --yes; nothing was changed")
    shared.aside(f"In {where} are {what}. All that will be lost.")
    if click.prompt("Type yes to go on", err=True, default="no", show_default=False) != "yes":
        raise BackupRefused("nothing was changed")


def remarks(shared: Shared, accounts: Connection, last: int) -> list[str]:
    """What an administrator should know before a server is started."""
    found = []
    txn, state = accounts.cursor(), shared.state
    here = serverkey.load(state.server_key).id if state.server_key.exists() else ""
    if sealed := KeyQueries(shared.database.dialect).sealed_elsewhere(txn, here):
        which = "is not the one here" if here else "is not here"
        found.append(
            f"{plural(sealed, 'key for AUTH')} cannot be used: the server.key that opens them {which};"
            f" bring it back to {state.server_key}, before the first start, or everybody needs new keys"
        )
    accounts.rollback()
    latest, now = (last >> 22) + EPOCH, time.time() * 1000
    if last and latest > now + _AHEAD:
        found.append(
            f"the history has rows of {moment(latest)}, and the clock here says {moment(now)}:"
            " set it before a server is started"
        )
    return found


def moment(milliseconds: float) -> str:
    """A moment as it is told."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
