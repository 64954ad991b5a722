"""The composition root: which part is given to which."""

from __future__ import annotations

import time
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger

from dictd.accounts.commons import Commons
from dictd.accounts.keyring import Keyring
from dictd.accounts.passwords import Passwords
from dictd.accounts.recorder import Recorder, RowIds
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.config import Settings
from dictd.doors import Doors
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.lookups import LookUps, Searches
from dictd.processes import serverkey, sockets
from dictd.processes.number import Number
from dictd.processes.state import State
from dictd.server.certificates import Certificates
from dictd.server.entrances import ProxyEntrance, TLSEntrance
from dictd.server.factory import DictFactory
from dictd.server.service import Service
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.keys import KeyQueries
from dictd.store.leases import LeaseQueries
from dictd.store.pool import Pool, open_accounts
from dictd.tally import Tally


@frozen
class Parts:
    """Everything one serving process is made of."""

    lexicon: Lexicon
    pool: Pool
    passwords: Passwords
    recorder: Recorder
    factory: DictFactory
    row_ids: RowIds
    number: Number

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
    :raises StoreUnavailable: the account store cannot be opened.
    :raises SettingsRefused: the server key or the certificate cannot be used.
    """
    log = Logger(namespace="dictd.lexicon")
    lexicon = Lexicon(state.lexicon, lambda line: log.warn("{line}", line=line), arrangement(settings))
    lexicon.refresh()
    server_key = serverkey.load(state.server_key)
    pool, connection = open_accounts(state.store, reactor)
    try:
        history = HistoryQueries(pool.dialect)
        last_rid = history.last_rid(connection.cursor())
        number = Number.taken(LeaseQueries(pool.dialect), connection, time.time)
        key_queries = KeyQueries(pool.dialect)
        sealed_elsewhere = key_queries.sealed_elsewhere(connection.cursor(), server_key.id)
    finally:
        connection.close()
    if sealed_elsewhere:
        Logger(namespace="dictd.accounts").warn(
            "{count} keys for AUTH cannot be used: another server key than {path} sealed them",
            count=sealed_elsewhere,
            path=str(state.server_key),
        )
    accounts = settings.accounts
    passwords = Passwords.made(reactor, accounts.hash_memory_kib, accounts.hash_passes, accounts.hash_queue)
    row_ids = RowIds(number.number, last_rid)
    recorder = Recorder(
        pool,
        history,
        row_ids,
        reactor,
        time.time,
        commons,
        most_rows=settings.history.group_rows,
        most_waiting=settings.history.waiting_rows,
        patience=settings.history.confirm_seconds,
    )
    limits = settings.limits
    roster = Roster()
    registrar = Registrar(
        settings=accounts,
        roster=roster,
        recorder=recorder,
        pool=pool,
        queries=AccountQueries(pool.dialect),
        passwords=passwords,
        commons=commons,
        wall=time.time,
    )
    service = Service(
        settings=settings,
        doors=Doors.of(limits),
        lookups=LookUps(lexicon, recorder, limits.matches, Searches(reactor, time.monotonic, limits.match_seconds)),
        registrar=registrar,
        keyring=Keyring(roster, server_key, pool, key_queries, commons, time.time),
        tally=Tally(started=began),
        steady=time.monotonic,
        certificates=Certificates.of(settings),
    )
    factory = DictFactory(service, reactor)
    return Parts(lexicon, pool, passwords, recorder, factory, row_ids, number)
