"""The composition root: which part is given to which."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from functools import partial
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from dictd.accounts.commons import Commons
from dictd.accounts.invites import Invites
from dictd.accounts.keeping import Keeping
from dictd.accounts.keyring import Keyring
from dictd.accounts.misses import Misses
from dictd.accounts.passwords import Passwords
from dictd.accounts.recorder import Recorder, RowIds
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.accounts.spool import Spool
from dictd.accounts.standing import Standing
from dictd.config import Settings
from dictd.doors import Doors
from dictd.errors import StoreUnavailable
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.lookups import LookUps, Searches
from dictd.processes import seats, serverkey, sockets
from dictd.processes.entry import Entry
from dictd.processes.number import Number
from dictd.processes.state import State
from dictd.server.certificates import Certificates
from dictd.server.entrances import ProxyEntrance, TLSEntrance
from dictd.server.factory import DictFactory
from dictd.server.service import Service
from dictd.store import databases
from dictd.store.accounts import AccountQueries
from dictd.store.databases import Database
from dictd.store.dialect import SQLITE
from dictd.store.faults import ERRORS, told
from dictd.store.history import HistoryQueries
from dictd.store.invites import InviteQueries
from dictd.store.keys import KeyQueries
from dictd.store.leases import LeaseQueries
from dictd.store.misses import MissQueries
from dictd.store.pool import Pool, open_pool
from dictd.tally import Tally


@frozen
class Parts:
    """Everything one serving process is made of."""

    lexicon: Lexicon
    database: Database
    pool: Pool
    passwords: Passwords
    recorder: Recorder
    misses: Misses
    spooling: ThreadPool
    factory: DictFactory
    row_ids: RowIds
    number: Number
    entry: Entry
    standing: Standing | None

    @property
    def entrances(self) -> dict[str, IProtocolFactory]:
        """Who takes the connections of each kind of entrance, see :data:`dictd.processes.sockets.KINDS`."""
        proxy = self.factory.service.settings.proxy
        return {
            sockets.DICT: self.factory,
            sockets.DICTS: TLSEntrance(self.factory),
            sockets.PROXY: ProxyEntrance(self.factory, proxy.trusted, proxy.secure),
        }


def wire(settings: Settings, state: State, reactor: Any, commons: Commons, began: float) -> Parts:
    """Open the store and put the parts together; nothing listens yet.

    :param began: when the server did, seconds of the steady clock.
    :raises StoreUnavailable: the account store cannot be used; one that does not answer is waited for.
    :raises SettingsRefused: the server key or the certificate cannot be used.
    """
    log = Logger(namespace="dictd")
    lexicon = Lexicon(state.lexicon, lambda line: log.warn("{line}", line=line), arrangement(settings))
    lexicon.refresh()
    server_key = serverkey.load(state.server_key)
    database = databases.database(settings.store, state.store)
    dialect = database.dialect
    row_ids = RowIds(-1)
    number = Number(LeaseQueries(dialect), time.time)
    spool = Spool(state.spool, settings.history.spool_mib << 20) if settings.history.spool_mib else None
    entry = Entry(dialect, number, row_ids, server_key.id, time.time, spool)
    if dialect is SQLITE:
        try:
            with closing(database.connect("accounts")) as connection:
                entry.at_once(connection)
        except ERRORS as error:
            raise StoreUnavailable(f"{database.shown('accounts')}: {told(error)}") from None
    else:
        try:
            entry.soon(database, settings.store.answer_seconds)
        except StoreUnavailable as trouble:
            text = "the database {database} is not ready ({trouble}); look-ups go on, accounts wait for it"
            log.warn(text, database=database.shown("accounts"), trouble=trouble.text)
    pool = open_pool(database, "accounts", reactor)
    pool.ready = entry.done
    accounts = settings.accounts
    passwords = Passwords.made(reactor, accounts.hash_memory_kib, accounts.hash_passes, accounts.hash_queue)
    spooling = ThreadPool(0, 2, "spool")
    # One that hangs with the disk does not keep the process from its end.
    spooling.threadFactory = partial(threading.Thread, daemon=True)  # type: ignore[assignment]
    recorder = Recorder(
        pool,
        HistoryQueries(dialect),
        row_ids,
        reactor,
        time.time,
        commons,
        most_rows=settings.history.group_rows,
        most_waiting=settings.history.waiting_rows,
        patience=settings.history.confirm_seconds,
        flights=database.flights,
        spool=spool,
        in_thread=partial(deferToThreadPool, reactor, spooling),
    )
    pool.on_back.append(recorder.back)
    misses = Misses(pool, MissQueries(dialect), reactor, time.time)
    limits = settings.limits
    roster = Roster()
    registrar = Registrar(
        settings=accounts,
        roster=roster,
        recorder=recorder,
        pool=pool,
        queries=AccountQueries(dialect),
        passwords=passwords,
        commons=commons,
        wall=time.time,
    )
    keeping = Keeping(roster, pool, AccountQueries(dialect), commons, time.time)
    service = Service(
        settings=settings,
        doors=Doors.of(limits),
        lookups=LookUps(
            lexicon,
            recorder,
            limits.matches,
            Searches(reactor, time.monotonic, limits.match_seconds),
            misses if settings.history.misses else None,
        ),
        registrar=registrar,
        keyring=Keyring(roster, server_key, pool, KeyQueries(dialect), commons, time.time),
        keeping=keeping,
        invites=Invites(keeping, pool, InviteQueries(dialect), time.time),
        tally=Tally(started=began),
        steady=time.monotonic,
        certificates=Certificates.of(settings),
    )
    factory = DictFactory(service, reactor)
    standing = None
    if dialect is not SQLITE:
        # The store may have servers on other machines, whose users change their accounts too.
        standing = Standing(roster, pool, AccountQueries(dialect), reactor, partial(seats.end, factory))
    return Parts(
        lexicon, database, pool, passwords, recorder, misses, spooling, factory, row_ids, number, entry, standing
    )
