"""Accounts: register, log in, change the password, delete."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from attrs import define, evolve

from dictd.accounts import invites, passwords
from dictd.accounts.commons import Commons, Outcome
from dictd.accounts.names import AccountName
from dictd.accounts.passwords import Passwords
from dictd.accounts.recorder import Recorder
from dictd.accounts.roster import Change, Roster, SignedIn
from dictd.config import Accounts as AccountSettings
from dictd.errors import (
    AccountsUnavailable,
    InviteRefused,
    LoginFailed,
    OutcomeUnknown,
    RegistrationClosed,
    TooManyAttempts,
)
from dictd.limits import Peer
from dictd.model import Account, User
from dictd.store.accounts import AccountQueries
from dictd.store.invites import InviteQueries
from dictd.store.pool import Pool

#: How often a login looks again when its account changes under it.
_TRIES = 3
_PERHAPS_REGISTERED = "accounts are unavailable just now; yours may have been made, try LOGIN first"
_PERHAPS_DELETED = "accounts are unavailable just now; yours may have been deleted, try LOGIN and UNREGISTER once more"
_PERHAPS_CHANGED = "accounts are unavailable just now; your password may have been changed, try LOGIN with each"


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

    async def register(self, name: str, secret: str, peer: Peer, session: SignedIn, code: str = "") -> User:
        """Make an account and log in.

        :param code: of an invite, where one is needed.
        :raises RegistrationClosed: nobody may.
        :raises InviteRefused: the code is none, or used up.
        :raises NameNotAllowed, NameTaken, PasswordNotAllowed: choose another.
        :raises TooManyAttempts: this network has registered too often.
        :raises OutcomeUnknown: perhaps there is an account now.
        """
        if self.settings.registration == "closed":
            raise RegistrationClosed()
        invite = invites.hash_of(code) if self.invited_only else None
        if invite and not code:
            raise InviteRefused()
        account_name = AccountName.of(name)
        passwords.check_new(secret)
        self._pool.ensure()
        wait = await self._commons.registration(peer)
        if wait:
            raise TooManyAttempts(wait)
        if invite:
            await self._check(invite)
        passwd = await self._passwords.hash(secret)
        key = account_name.key.encode()
        nonce = secrets.token_bytes(16)
        expulsions = self.roster.expulsions
        try:
            user = await self._pool.run(self._queries.add, account_name.shown, key, passwd, self._now(), nonce, invite)
        except OutcomeUnknown:
            raise OutcomeUnknown(_PERHAPS_REGISTERED) from None
        while expulsions != self.roster.expulsions:
            # An administrator may have changed the account before its owner heard of it.
            expulsions = self.roster.expulsions
            account = await self._find(account_name.key)
            if account is None or account.disabled or (account.user.id, account.passwd) != (user.id, passwd):
                raise LoginFailed()
        self._commons.ended(account_name.key, peer, Outcome.SUCCEEDED)
        self.roster.enter(user, session)
        return user

    @property
    def invited_only(self) -> bool:
        """Whether a code is needed to register."""
        return self.settings.registration == "invite"

    async def _check(self, invite: bytes) -> None:
        """Refuse a code that is not good, before a password is hashed for it; nothing is taken."""
        if not await self._pool.run(InviteQueries(self._queries.dialect).good, invite, self._now()):
            raise InviteRefused()

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
        :raises OutcomeUnknown: perhaps it is changed; the others are logged out all the same.
        """
        passwords.check_new(new)
        user = self._user_of(session)
        account = await self._own(user, old, peer)
        passwd = await self._passwords.hash(new)
        change = Change(passwd, account.user.epoch + 1)
        try:
            changed = await self._by(
                session, change, self._queries.change_passwd, account.user.id, account.passwd, passwd
            )
        except OutcomeUnknown:
            await self._expel(user, but=session)
            raise OutcomeUnknown(_PERHAPS_CHANGED) from None
        if not changed:
            raise LoginFailed()
        await self._expel(user, but=session)

    async def unregister(self, session: SignedIn, secret: str, peer: Peer) -> None:
        """Delete the account with its history; every session of this user is logged out.

        :raises LoginFailed: the password is wrong.
        :raises OutcomeUnknown: perhaps it is deleted; the sessions are logged out all the same.
        """
        user = self._user_of(session)
        account = await self._own(user, secret, peer)
        # In slices: a long history in one transaction would keep all others waiting.
        await self.recorder.forget(account.user, None)
        try:
            await self._by(session, Change("", 0), self._queries.delete, account.user.id)
        except OutcomeUnknown:
            await self._expel(user)
            raise OutcomeUnknown(_PERHAPS_DELETED) from None
        await self._expel(user)

    async def _by(self, session: SignedIn, change: Change, query: Callable[..., bool], *args: Any) -> bool:
        """Run what a session does to its own account, known as its own: see :mod:`dictd.accounts.standing`."""
        self.roster.changes(session, change)
        try:
            done = await self._pool.run(query, *args)
        except OutcomeUnknown:
            raise  # it still may be
        except BaseException:
            self.roster.unchanged(session)
            raise
        if done:
            self.roster.changed(session, change)
        else:
            self.roster.unchanged(session)
        return done

    async def _expel(self, user: User, but: SignedIn | None = None) -> None:
        self.roster.expel(user.id, but=but)
        await self._commons.expel(user.id)

    async def _own(self, user: User, secret: str, peer: Peer) -> Account:
        """The account of somebody who is logged in, their password checked."""
        account = await self._verified(AccountName.of(user.name).key, secret, peer)
        if account.user.id != user.id or account.disabled:
            raise LoginFailed()  # theirs is gone, and this one is another's; or an administrator wants it as it is
        return account

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
            if not await self._pool.run(self._queries.rehash, account.user.id, account.passwd, passwd):
                return None
        except AccountsUnavailable:
            return account  # there will be another login
        return evolve(account, passwd=passwd)

    def _now(self) -> int:
        return int(self._wall() * 1000)

    @staticmethod
    def _user_of(session: SignedIn) -> User:
        if session.user is None:
            raise LoginFailed()
        return session.user
