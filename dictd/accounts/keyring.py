"""What people do with their keys: make, list and drop them, and log in by AUTH."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dictd.accounts import keys
from dictd.accounts.commons import Commons, Outcome
from dictd.accounts.keys import ServerKey
from dictd.accounts.names import AccountName
from dictd.accounts.roster import Roster, SignedIn
from dictd.errors import AccessDenied, AccountsUnavailable, LoginDelayed, LoginFailed, Unavailable, UnknownKey
from dictd.limits import Peer
from dictd.model import StoredKey, User
from dictd.store.keys import KeyQueries
from dictd.store.pool import Pool

#: The use of a key is noted at most this often, milliseconds.
SPACING = 60_000


@define(eq=False)
class Keyring:
    """The keys of all users, whatever front end they use.

    :param commons: the registrar's, so that a guess is a guess by LOGIN and by AUTH.
    :param wall: seconds since 1970.
    """

    roster: Roster
    _server_key: ServerKey
    _pool: Pool
    _queries: KeyQueries
    _commons: Commons
    _wall: Callable[[], float]
    log = Logger()

    async def new(self, user: User, label: str, session: SignedIn) -> str:
        """Make a key.

        :returns: its secret, which nobody can be told again.
        :raises NameNotAllowed, NameTaken: choose another label.
        :raises TooManyKeys: drop one first.
        :raises AccessDenied: the session was logged out meanwhile.
        """
        label = keys.label_of(label)
        secret = keys.new_secret()
        sealed = self._server_key.seal(user.id, label, secret)
        key = StoredKey(user.id, label, sealed, self._server_key.id, self._now())
        # A session that perhaps has changed its password perhaps has another.
        epoch = None if self.roster.change_of(session) else user.epoch
        kept = await self._pool.run(self._queries.add, key, keys.MOST, epoch)
        if session.user is None or session.user.id != user.id:
            # A new password has thrown this session out: it must not leave a way in behind.
            if kept:
                await self._pool.run(self._queries.drop, user.id, label)
            raise AccessDenied()
        if not kept:
            raise AccessDenied()
        return secret

    async def listed(self, user: User) -> list[tuple[StoredKey, bool]]:
        """The keys of a user, oldest first, each with whether it can be used."""
        stored = await self._pool.run(self._queries.of, user.id)
        return [(key, self._server_key.open(key) is not None) for key in stored]

    async def drop(self, user: User, label: str) -> int:
        """Delete a key and log out every session that came by it; how many those were.

        :raises UnknownKey: there is none of this label.
        """
        label = keys.label_of(label)
        dropped = await self._pool.run(self._queries.drop, user.id, label)
        # Also where it is gone already: its commit may have been lost on the way to us.
        expelled = self.roster.expel(user.id, key=label) + await self._commons.expel(user.id, label)
        if not dropped:
            raise UnknownKey()
        return expelled

    async def authenticate(self, name: str, answer: str, message_id: str, peer: Peer, session: SignedIn) -> User:
        """Log in by AUTH.

        :param answer: MD5, in hex, of the message id and the secret of a key.
        :param message_id: of this connection's banner, with its angle brackets.
        :raises LoginFailed: the name, the answer, or a penalty that is running;
            in the same words and, for the first two, the same time.
        :raises Unavailable: the store could not be asked. Of 48x dict(1) dies.
        """
        account_key = AccountName.key_of(name)
        try:
            wait = await self._commons.penalty(account_key, peer)
        except AccountsUnavailable as trouble:
            raise Unavailable(trouble.text) from None
        if wait:
            raise LoginDelayed()
        try:
            found = await self._right(account_key, answer, message_id)
        except AccountsUnavailable as trouble:
            self._commons.ended(account_key, peer, Outcome.ABANDONED)
            raise Unavailable(trouble.text) from None
        except BaseException:
            self._commons.ended(account_key, peer, Outcome.ABANDONED)
            raise
        if found is None:
            self._commons.ended(account_key, peer, Outcome.FAILED)
            raise LoginFailed()
        self._commons.ended(account_key, peer, Outcome.SUCCEEDED)
        user, key = found
        self.roster.enter(user, session, key.label)
        self._note_use(key)
        return user

    async def _right(self, account_key: str, answer: str, message_id: str) -> tuple[User, StoredKey] | None:
        """Who answered by which key, as the store is when nobody is logged out while it is asked."""
        while True:
            expulsions = self.roster.expulsions
            account, stored = await self._pool.run(self._queries.of_name, account_key.encode())
            if expulsions == self.roster.expulsions:
                break
        key = self._server_key.answered_by(stored, message_id, answer)
        if account is None or key is None or account.disabled:
            return None
        return account.user, key

    def _note_use(self, key: StoredKey) -> None:
        """Write down that a key was used; nobody waits for it."""
        now = self._now()
        if key.last_used is None or now - key.last_used >= SPACING:
            Deferred.fromCoroutine(self._pool.run(self._queries.used, key, now, SPACING)).addErrback(self._not_noted)

    def _not_noted(self, failure: Failure) -> None:
        if failure.check(AccountsUnavailable) is None:
            self.log.failure("the use of a key could not be noted", failure=failure)

    def _now(self) -> int:
        return int(self._wall() * 1000)
