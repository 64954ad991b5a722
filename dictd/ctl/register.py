"""The accounts of the store, as commands look them up and change them."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from attrs import frozen

from dictd.accounts import invites
from dictd.accounts.names import AccountName, bare
from dictd.ctl.root import Shared
from dictd.errors import DictError, NameNotAllowed
from dictd.model import Account
from dictd.store.accounts import AccountQueries, NewAccount
from dictd.store.again import committed
from dictd.store.census import CensusQueries
from dictd.store.dialect import SQLITE, Connection, Transaction
from dictd.store.history import HistoryQueries
from dictd.store.keys import KeyQueries
from dictd.store.leases import LeaseQueries

P = ParamSpec("P")
T = TypeVar("T")
ROLES = ("user", invites.ADMIN)
_NONCE = 16
#: Latin letters with accents in Unicode, and how many accounts are looked at for a name that is near.
_ACCENTED = (0xC0, 0x250)
_LOOKED_AT = 5000


@frozen
class Register:
    """Accounts, on a connection of this thread that may take its time."""

    _connection: Connection
    accounts: AccountQueries
    census: CensusQueries
    history: HistoryQueries
    keys: KeyQueries
    leases: LeaseQueries

    @classmethod
    @contextmanager
    def opened(cls, shared: Shared) -> Iterator[Register]:
        """For the length of a command.

        :raises StoreUnavailable: the store cannot be opened.
        """
        dialect = shared.database.dialect
        with shared.store("accounts") as connection:
            yield cls(
                connection,
                AccountQueries(dialect),
                CensusQueries(dialect),
                HistoryQueries(dialect),
                KeyQueries(dialect),
                LeaseQueries(dialect),
            )

    def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query that may run again, in a transaction of its own."""
        try:
            return committed(self._connection, lambda txn: query(txn, *args, **kwargs))
        except BaseException:
            self._connection.rollback()
            raise

    def find(self, name: str) -> Account | None:
        """The account with a name, however it is spelled."""
        return self.run(self.accounts.find, AccountName.key_of(name).encode())

    def found(self, name: str) -> Account:
        """The account with a name, however it is spelled.

        :raises DictError: there is none.
        """
        account = self.find(name)
        if account is None:
            near = self._near(name)
            perhaps = f"perhaps {near}; " if near else ""
            raise DictError(f"there is no account {name}; {perhaps}dictctl users list shows those there are")
        return account

    def _near(self, name: str) -> str:
        """A name that differs in accents alone, if it is among those that are looked at."""
        try:
            wanted = bare(AccountName.of(name).key)
        except NameNotAllowed:
            return ""
        letter = ord(wanted[0])
        # The same letter first, or one with an accent: of Latin script, they stand together.
        for first, end in ((letter, letter + 1), _ACCENTED):
            begins, ends = (chr(one).encode() for one in (first, end))
            for shown, key in self.run(self.census.between, begins, ends, _LOOKED_AT):
                if bare(key) == wanted:
                    return shown
        return ""

    def served_elsewhere(self) -> bool:
        """Whether servers on other machines have this store too, which SQLite's is not for."""
        if self.leases.dialect is SQLITE:
            return False  # a holder of another name was this machine, when it had that
        holders = self.run(self.leases.holders, int(time.time() * 1000))
        return any(holder.partition(" ")[0] != socket.gethostname() for holder in holders)


def new_account(name: AccountName, passwd: str, role: str) -> NewAccount:
    """An account as the store takes it, made now.

    :param passwd: an argon2id string.
    """
    now = int(time.time() * 1000)
    return NewAccount(name.shown, name.key.encode(), passwd, now, secrets.token_bytes(_NONCE), role)
