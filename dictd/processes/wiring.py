"""The composition root: which part is given to which."""

from __future__ import annotations

import time
from typing import Any

from attrs import frozen
from twisted.logger import Logger

from dictd.accounts.keyring import Keyring
from dictd.accounts.passwords import Passwords
from dictd.accounts.recorder import Recorder, RowIds
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.config import Settings
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.limits import Doors, Guesses, Rate
from dictd.lookups import LookUps, Searches
from dictd.processes import serverkey
from dictd.processes.state import State
from dictd.server.factory import DictFactory
from dictd.server.service import Service, Tally
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.keys import KeyQueries
from dictd.store.pool import Pool, open_accounts

_HOUR = 3600.0


@frozen
class Parts:
    """Everything one serving process is made of."""

    lexicon: Lexicon
    pool: Pool
    passwords: Passwords
    recorder: Recorder
    factory: DictFactory


def wire(settings: Settings, state: State, reactor: Any, worker: int = 0) -> Parts:
    """Open the store and put the parts together; nothing listens yet.

    :param worker: number of this process among those that write history.
    :raises StoreUnavailable: the account store cannot be opened.
    :raises SettingsRefused: the server key cannot be used.
    """
    log = Logger(namespace="dictd.lexicon")
    lexicon = Lexicon(state.lexicon, lambda line: log.warn("{line}", line=line), arrangement(settings))
    lexicon.refresh()
    server_key = serverkey.load(state.server_key)
    pool, connection = open_accounts(state.store, reactor)
    try:
        history = HistoryQueries(pool.dialect)
        last_rid = history.last_rid(connection.cursor())
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
    recorder = Recorder(
        pool,
        history,
        RowIds(worker, last_rid),
        reactor,
        time.time,
        most_rows=settings.history.group_rows,
        most_waiting=settings.history.waiting_rows,
        patience=settings.history.confirm_seconds,
    )
    roster, guesses = Roster(), Guesses()
    registrar = Registrar(
        settings=accounts,
        roster=roster,
        recorder=recorder,
        pool=pool,
        queries=AccountQueries(pool.dialect),
        passwords=passwords,
        guesses=guesses,
        registrations=Rate(accounts.registrations_per_hour, _HOUR),
        steady=time.monotonic,
        wall=time.time,
    )
    limits = settings.limits
    service = Service(
        settings=settings,
        doors=Doors(limits.connections, limits.connections_per_network),
        lookups=LookUps(lexicon, recorder, limits.matches, Searches(reactor, time.monotonic, limits.match_seconds)),
        registrar=registrar,
        keyring=Keyring(roster, server_key, pool, key_queries, guesses, time.monotonic, time.time),
        tally=Tally(started=time.monotonic()),
        steady=time.monotonic,
    )
    factory = DictFactory(service, reactor)
    return Parts(lexicon, pool, passwords, recorder, factory)
