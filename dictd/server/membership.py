"""What people do as themselves: accounts, keys, history. The half of a session that needs the store."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import ClassVar

from twisted.logger import Logger

from dictd import tally
from dictd.errors import AccessDenied, BadArguments, LoginDelayed, LoginFailed, TooManyAttempts
from dictd.limits import Peer
from dictd.model import User
from dictd.server import commands, keytexts, texts
from dictd.server.answer import Answer
from dictd.server.service import Service
from dictd.wire import grammar, replies
from dictd.wire.grammar import Command
from dictd.wire.replies import Reply

_MOST_HISTORY = 1000
_NUMBER = re.compile(r"[0-9]{1,4}")
_USUAL_HISTORY = 20


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
        user = await self.service.registrar.register(words[0], words[1], self.peer, self)
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
        return replies.status(285, f"you are {self.user.name}")

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
        number, rest = (command.rest.replace("\t", " ").split(" ", 1) + [""])[:2]
        count = int(number) if _NUMBER.fullmatch(number) else 0 if number else _USUAL_HISTORY
        if not 1 <= count <= _MOST_HISTORY:
            raise BadArguments(f"say a number from 1 to {_MOST_HISTORY}, then a word if you like")
        word = grammar.phrase(rest.strip(" ")) or None
        user = self._member()
        rows = await self.service.lookups.recorder.newest(user, count, word)
        return replies.listing(180, f"{len(rows)} look-ups, newest first", map(texts.look_up, rows), self.mime)

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
