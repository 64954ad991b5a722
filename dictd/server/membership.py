"""What people do as themselves: accounts, keys, history. The half of a session that needs the store."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar

from twisted.logger import Logger

from dictd import tally
from dictd.accounts import invites, keeping
from dictd.errors import (
    AccessDenied,
    AccountsUnavailable,
    BadArguments,
    InvitesNotUsed,
    LoginDelayed,
    LoginFailed,
    TooManyAttempts,
)
from dictd.limits import Peer
from dictd.model import User
from dictd.server import commands, keytexts, texts
from dictd.server.answer import Answer
from dictd.server.paging import Page
from dictd.server.service import Service
from dictd.wire import grammar, replies
from dictd.wire.grammar import Command
from dictd.wire.replies import Reply


class Membership:
    """Verbs of a session; what they share with the others is in :class:`dictd.server.session.Session`."""

    __slots__ = ()

    service: Service
    peer: Peer
    user: User | None
    key: str | None
    mime: bool
    message_id: str
    log: ClassVar[Logger] = Logger()

    def stay(self) -> None:
        """Somebody is logged in: the place is theirs."""
        raise NotImplementedError

    # Accounts -----------------------------------------------------------------

    async def do_register(self, command: Command, words: tuple[str, ...]) -> Reply:
        registrar = self.service.registrar
        if len(words) > 2 and registrar.settings.registration == "open":
            raise BadArguments(commands.find(command)[0].hint)
        user = await registrar.register(words[0], words[1], self.peer, self, "".join(words[2:]))
        self.stay()
        return replies.status(280, f"welcome, {user.name}: you are registered and logged in")

    async def do_login(self, command: Command, words: tuple[str, ...]) -> Reply:
        user = await self._tried(self.service.registrar.log_in(words[0], words[1], self.peer, self))
        self.stay()
        return replies.status(230, f"welcome, {user.name}")

    async def do_passwd(self, command: Command, words: tuple[str, ...]) -> Reply:
        keys = len(await self.service.keyring.listed(self._member()))
        await self.service.registrar.change_password(self, words[0], words[1], self.peer)
        stay = f"; your keys still let in, there are {keys}: KEY LIST" if keys else ""
        return replies.status(282, f"password changed; other sessions of yours are logged out{stay}")

    async def do_unregister(self, command: Command, words: tuple[str, ...]) -> Reply:
        await self.service.registrar.unregister(self, words[0], self.peer)
        return replies.status(286, "your account and its history are deleted")

    def do_logout(self, command: Command, words: tuple[str, ...]) -> Answer:
        was = self.user
        self.service.registrar.roster.leave(self)
        return replies.status(285, f"good bye, {was.name}" if was else "you were not logged in")

    def do_whoami(self, command: Command, words: tuple[str, ...]) -> Answer:
        if self.user is None:
            return replies.status(285, "you are not logged in")
        return self._standing(self.user)

    async def _standing(self, was: User) -> Reply:
        try:
            user, days = await self.service.keeping.standing(self)
        except AccountsUnavailable:
            return replies.status(285, f"{texts.named(was)}; accounts are unavailable just now")
        return replies.status(285, f"{texts.named(user)}; {texts.keeping(user, days)}")

    async def do_invite(self, command: Command, words: tuple[str, ...]) -> Reply:
        count = _number(words[0] if words else str(invites.USES), invites.MOST_USES, command)
        if not self.service.registrar.invited_only:
            raise InvitesNotUsed()
        return replies.status(288, texts.invited(*await self.service.invites.issue(self, count)))

    # Keys -----------------------------------------------------------------------

    async def do_auth(self, command: Command, words: tuple[str, ...]) -> Reply:
        keyring = self.service.keyring
        user = await self._tried(keyring.authenticate(words[0], words[1], self.message_id, self.peer, self))
        self.stay()
        return replies.status(230, f"welcome, {user.name}")

    async def _tried(self, logging_in: Awaitable[User]) -> User:
        """Log in, and count how that ended."""
        result = tally.UNAVAILABLE
        try:
            user = await logging_in
            result = tally.OK
        except (TooManyAttempts, LoginDelayed):
            result = tally.DELAYED
            raise
        except LoginFailed:
            result = tally.WRONG
            # Not the name: some type their password there.
            self.log.info("a login from {host} failed", host=self.peer.host)
            raise
        finally:
            self.service.tally.tried(result)
        return user

    async def do_key_new(self, command: Command, words: tuple[str, ...]) -> Reply:
        user, service = self._member(), self.service
        secret = await service.keyring.new(user, words[0], self)
        return keytexts.issued(words[0], secret, user, service.host, service.settings.listen.port, self.mime)

    async def do_key_list(self, command: Command, words: tuple[str, ...]) -> Reply:
        return keytexts.listed(await self.service.keyring.listed(self._member()), self.mime)

    async def do_key_drop(self, command: Command, words: tuple[str, ...]) -> Reply:
        expelled = await self.service.keyring.drop(self._member(), words[0])
        return replies.status(284, f"key dropped; {expelled} sessions that came by it are logged out")

    # History --------------------------------------------------------------------

    async def do_history(self, command: Command, words: tuple[str, ...]) -> Reply:
        page, user = Page.of(command.rest), self._member()
        recorder = self.service.lookups.recorder
        # Before the store is asked: what comes into it meanwhile is told twice rather than not at all.
        away = texts.on_their_way(recorder.on_its_way(user.id), self.service.tally.elsewhere.get("spooled_rows", 0))
        rows = await recorder.newest(user, page.count + 1, page.word, page.before)
        shown = rows[: page.count]
        last = replies.status(250, f"ok, older ones: {page.after(shown)}") if rows[page.count :] else replies.OK
        head = f"{len(shown)} look-ups, newest first{away}"
        return replies.listing(180, head, map(texts.look_up, shown), self.mime, last)

    async def do_history_off(self, command: Command, words: tuple[str, ...]) -> Reply:
        await self.service.keeping.pause(self._member())
        return replies.status(287, "what you look up is not kept from now on; what was kept stays, FORGET * deletes it")

    async def do_history_on(self, command: Command, words: tuple[str, ...]) -> Reply:
        await self.service.keeping.go_on(self._member())
        return replies.status(287, "what you look up is kept from now on")

    async def do_history_keep(self, command: Command, words: tuple[str, ...]) -> Reply:
        days = None if grammar.upper(words[0]) == "ALL" else _number(words[0], keeping.MOST_DAYS, command)
        user = self._member()
        await self.service.keeping.keep_days(user, days)
        return replies.status(287, texts.kept_for(user, days))

    async def do_forget(self, command: Command, words: tuple[str, ...]) -> Reply:
        word = grammar.phrase(command.rest)
        if not word:
            raise BadArguments(commands.find(command)[0].hint)
        everything = command.rest == "*"
        count = await self.service.lookups.recorder.forget(self._member(), None if everything else word)
        return replies.status(283, f"{count} look-ups forgotten")

    def _member(self) -> User:
        if self.user is None:
            raise AccessDenied()
        return self.user


def _number(word: str, most: int, command: Command) -> int:
    """A whole number from 1 on.

    :raises BadArguments: it is none, with the hint of the verb.
    """
    number = int(word) if word.isascii() and word.isdigit() and len(word) <= len(str(most)) else 0
    if not 1 <= number <= most:
        raise BadArguments(commands.find(command)[0].hint)
    return number
