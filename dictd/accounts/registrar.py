"""Accounts: register, log in, change the password, delete."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from attrs import define, evolve, frozen

from dictd.accounts import passwords
from dictd.accounts.commons import Commons, Outcome
from dictd.accounts.passwords import Passwords
from dictd.accounts.recorder import Recorder
from dictd.accounts.roster import Roster, SignedIn
from dictd.config import Accounts as AccountSettings
from dictd.errors import (
    AccountsUnavailable,
    LoginFailed,
    NameNotAllowed,
    NameTaken,
    RegistrationClosed,
    TooManyAttempts,
)
from dictd.limits import Peer
from dictd.model import Account, User, name_key
from dictd.store.accounts import AccountQueries
from dictd.store.pool import Pool

#: How often a login looks again when its account changes under it.
_TRIES = 3
# Letters and marks that show nothing (Default_Ignorable_Code_Point of Unicode).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


@frozen
class AccountName:
    """A name as it is shown, and the key under which it is unique."""

    shown: str
    key: str

    @classmethod
    def of(cls, name: str) -> AccountName:
        """Check a name: 2 to 32 letters of any script, digits and ``. _ -``.

        Unique after NFKC and casefold, so ``Ｂｏｂ`` and ``bob`` are one.

        :raises NameNotAllowed: it cannot be anybody's.
        """
        shown = unicodedata.normalize("NFKC", name)
        if not 2 <= len(shown) <= 32 or not all(map(_allowed, " " + shown, shown)):
            raise NameNotAllowed()
        return cls(shown, name_key(shown))

    @classmethod
    def key_of(cls, name: str) -> str:
        """The key of a name as somebody who logs in gives it.

        One that cannot be anybody's has a key that nobody has, and is
        penalised like any other.
        """
        try:
            return cls.of(name).key
        except NameNotAllowed:
            return "?" + name[:32].casefold()


def _allowed(before: str, character: str) -> bool:
    """Whether a character may stand behind another in a name.

    Marks are part of letters in Devanagari, Thai and others, so they may stand
    behind a letter or another mark; what nobody can see may stand nowhere.
    """
    category = unicodedata.category(character)
    if category in ("Mn", "Mc"):
        return unicodedata.category(before)[0] in "LM" and not _INVISIBLE.match(character)
    return character in "._-" or category == "Nd" or (category[0] == "L" and not _INVISIBLE.match(character))


@define(eq=False)
class Registrar:
    """What people do with their accounts, whatever front end they use.

    :param commons: what holds for all workers together.
    :param wall: seconds since 1970.
    """

    settings: AccountSettings
    roster: Roster
    recorder: Recorder
    _pool: Pool
    _queries: AccountQueries
    _passwords: Passwords
    _commons: Commons
    _wall: Callable[[], float]

    async def register(self, name: str, secret: str, peer: Peer, session: SignedIn) -> User:
        """Make an account and log in.

        :raises RegistrationClosed: nobody may.
        :raises NameNotAllowed, NameTaken, PasswordNotAllowed: choose another.
        :raises TooManyAttempts: this network has registered too often.
        """
        if self.settings.registration == "closed":
            raise RegistrationClosed()
        account_name = AccountName.of(name)
        passwords.check_new(secret)
        wait = await self._commons.registration(peer)
        if wait:
            raise TooManyAttempts(wait)
        passwd = await self._passwords.hash(secret)
        created = int(self._wall() * 1000)
        user = await self._pool.run(self._queries.add, account_name.shown, account_name.key.encode(), passwd, created)
        if user is None:
            raise NameTaken()
        self._commons.ended(account_name.key, peer, Outcome.SUCCEEDED)
        self.roster.enter(user, session)
        return user

    async def log_in(self, name: str, secret: str, peer: Peer, session: SignedIn) -> User:
        """Log in.

        :raises LoginFailed: in the same time and words for an unknown name and a wrong password.
        :raises TooManyAttempts: a penalty is running.
        """
        account = await self._verified(AccountName.key_of(name), secret, peer)
        if account.disabled:
            raise LoginFailed()
        self.roster.enter(account.user, session)
        return account.user

    async def change_password(self, session: SignedIn, old: str, new: str, peer: Peer) -> None:
        """Change the password; every other session of this user is logged out.

        :raises LoginFailed: the old password is wrong.
        """
        passwords.check_new(new)
        user = self._user_of(session)
        account = await self._verified(AccountName.of(user.name).key, old, peer)
        passwd = await self._passwords.hash(new)
        if not await self._pool.run(self._queries.change_passwd, account.user.id, account.passwd, passwd):
            raise LoginFailed()
        self.roster.expel(user.id, but=session)
        await self._commons.expel(user.id)

    async def unregister(self, session: SignedIn, secret: str, peer: Peer) -> None:
        """Delete the account with its history; every session of this user is logged out.

        :raises LoginFailed: the password is wrong.
        """
        user = self._user_of(session)
        account = await self._verified(AccountName.of(user.name).key, secret, peer)
        self.recorder.drop(account.user.id, None)
        await self._pool.run(self._queries.delete, account.user.id)
        self.roster.expel(user.id)
        await self._commons.expel(user.id)

    async def _verified(self, key: str, secret: str, peer: Peer) -> Account:
        """The account of a folded name, its password checked and penalties kept."""
        wait = await self._commons.penalty(key, peer)
        if wait:
            raise TooManyAttempts(wait)
        try:
            account = await self._right(key, secret)
        except BaseException:
            self._commons.ended(key, peer, Outcome.ABANDONED)
            raise
        if account is None:
            self._commons.ended(key, peer, Outcome.FAILED)
            raise LoginFailed()
        self._commons.ended(key, peer, Outcome.SUCCEEDED)
        return account

    async def _right(self, key: str, secret: str) -> Account | None:
        """The account, if the secret is its password, also after all that happened while it was hashed."""
        for _ in range(_TRIES):
            expulsions = self.roster.expulsions
            account = await self._find(key)
            if not await self._passwords.verify(account.passwd if account else None, secret) or account is None:
                return None
            if self._passwords.outdated(account.passwd):
                account = await self._rehashed(account, secret)
            while account and expulsions != self.roster.expulsions:
                # Somebody's account changed meanwhile: was it this one?
                expulsions = self.roster.expulsions
                account = account if account == await self._find(key) else None
            if account:
                return account
        return None

    async def _find(self, key: str) -> Account | None:
        return await self._pool.run(self._queries.find, key.encode())

    async def _rehashed(self, account: Account, secret: str) -> Account | None:
        """The account with a hash of today's parameters; ``None`` when it was changed meanwhile."""
        try:
            passwd = await self._passwords.hash(secret)
            if not await self._pool.run(self._queries.change_passwd, account.user.id, account.passwd, passwd):
                return None
        except AccountsUnavailable:
            return account  # there will be another login
        return evolve(account, passwd=passwd)

    @staticmethod
    def _user_of(session: SignedIn) -> User:
        if session.user is None:
            raise LoginFailed()
        return session.user
