"""One server process of the state machine, all but the network: it stops, or it dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import argon2
from attrs import define, field
from twisted.internet.task import Clock

from dictd.accounts.commons import OneProcess
from dictd.accounts.invites import Invites
from dictd.accounts.keeping import Keeping
from dictd.accounts.passwords import Passwords, normal
from dictd.accounts.recorder import RETRY, Recorder
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.accounts.rowids import RowIds
from dictd.accounts.spool import Spool
from dictd.config import Accounts as AccountSettings
from dictd.limits import Guesses, Rate
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.invites import InviteQueries
from dictd.store.pool import Pool
from tests.accounts.failing_pool import FailingPool
from tests.accounts.recording import Thread
from tests.store.databases import committed

_WORKERS = 1024


@define(eq=False)
class CheapPasswords:
    """The methods of :class:`Passwords`, at once and for nothing."""

    _hasher: argon2.PasswordHasher = field(
        factory=lambda: argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )

    async def hash(self, secret: str) -> str:
        """As :meth:`Passwords.hash`."""
        return self._hasher.hash(normal(secret))

    async def verify(self, passwd: str | None, secret: str) -> bool:
        """As :meth:`Passwords.verify`."""
        if passwd is None:
            return False
        try:
            return self._hasher.verify(passwd, normal(secret))
        except argon2.exceptions.VerifyMismatchError:
            return False

    def outdated(self, passwd: str) -> bool:
        """As :meth:`Passwords.outdated`."""
        return self._hasher.check_needs_rehash(passwd)


class Process:
    """A server process.

    :param number: how many were there before.
    :param spool: the directory of the spool; ``None`` for none.
    """

    def __init__(
        self,
        number: int,
        pool: FailingPool,
        spool: Path | None,
        settings: AccountSettings,
        wall: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self.number, self.pool, self._directory = number, pool, spool
        self.clock, self.thread = Clock(), Thread()
        self.row_ids = RowIds(-1)
        self.spool = Spool(spool, 1 << 20) if spool else None
        dialect, asked = pool.store.dialect, cast(Pool, pool)
        self._history = HistoryQueries(dialect)
        accounts = AccountQueries(dialect)
        commons = OneProcess(Guesses(), Rate(1_000_000, 3600.0), steady)
        self.recorder = Recorder(
            asked, self._history, self.row_ids, self.clock, wall, commons, spool=self.spool, in_thread=self.thread
        )
        self.roster = Roster()
        self.registrar = Registrar(
            settings, self.roster, self.recorder, asked, accounts, cast(Passwords, CheapPasswords()), commons, wall
        )
        self.keeping = Keeping(self.roster, asked, accounts, commons, wall)
        self.invites = Invites(self.keeping, asked, InviteQueries(dialect), wall)

    def enter(self) -> None:
        """Ask the store what has to be asked before a history is kept; once."""
        if self.row_ids.worker < 0 and not self.pool.down:
            connection = self.pool.store.connect()
            self.row_ids.last = committed(connection, self._history.last_rid)
            self.row_ids.worker = self.number % _WORKERS
            connection.close()

    def begin(self) -> None:
        """Replay what others have left."""
        if not self.pool.down:
            self.recorder.begin()

    def back(self) -> None:
        """The store works again."""
        self.enter()
        self.recorder.back()
        self.wait()

    def wait(self) -> None:
        """Long enough that everything is tried again."""
        self.clock.advance(RETRY)

    @property
    def drained(self) -> bool:
        """Whether nothing waits here, nor in a file that anybody left."""
        return not self.recorder.waiting and not self.left

    @property
    def left(self) -> list[str]:
        """Files of the spool."""
        if self._directory is None or not self._directory.is_dir():
            return []
        return sorted(name for name in os.listdir(self._directory) if name.endswith(".rows"))

    def stop(self) -> None:
        """End in order."""
        self.recorder.stop()
        assert self.clock.getDelayedCalls() == []
        self.pool.close()

    def die(self) -> None:
        """As by signal 9: the kernel closes what was open, and that is all."""
        self.pool.close()
        spool: Any = self.spool
        if spool:
            for file in {spool._present, *spool._sealed} - {None}:
                file.close()
