"""A command to a reply: everything the line server does, without a socket."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.errors import AccessDenied, BadArguments, DictError, NeedsTLS, NoDatabases, Unavailable
from dictd.lexicon import strategies
from dictd.lexicon.definition import Definition
from dictd.lexicon.search import Search
from dictd.lexicon.work import Work
from dictd.limits import Peer
from dictd.model import User
from dictd.server import commands, keytexts, texts
from dictd.server.service import Service
from dictd.wire import grammar, replies
from dictd.wire.grammar import Command
from dictd.wire.replies import Reply

_NOT_CONFIRMED = b" (history not confirmed)\r\n"
_MOST_HISTORY = 1000
_NUMBER = re.compile(r"[0-9]{1,4}")
_USUAL_HISTORY = 20
_SUGGESTIONS = 5


@frozen
class Held:
    """A reply whose last line waits: the text goes out at once.

    :ivar kept: fires with whether the look-up is in the history.
    """

    reply: Reply
    kept: Deferred[bool]

    def last(self) -> Deferred[bytes]:
        """Fires with the last line."""
        return self.kept.addCallback(self._last)

    def _last(self, kept: bool) -> bytes:
        return self.reply.last if kept else self.reply.last[:-2] + _NOT_CONFIRMED


W = TypeVar("W", bound=Work)
Answer = Reply | Held | Coroutine[Any, Any, Reply]


@define(eq=False)
class Session:
    """One client, from its banner to its QUIT.

    :ivar mime: texts have headers; ``html``: an article that has HTML comes as that.
    :ivar key: label of the key it came by, if it did.
    :ivar message_id: of its banner, the challenge of AUTH.
    :ivar leaving: set once the client has said QUIT.
    """

    service: Service
    peer: Peer
    user: User | None = None
    key: str | None = None
    mime: bool = False
    html: bool = False
    leaving: bool = False
    _work: Work | None = None
    message_id: str = field(init=False)
    log = Logger()

    @message_id.default
    def _message_id(self) -> str:
        return self.service.message_id()

    def answer(self, line: bytes) -> Answer:
        """Do what a line says. Never raises.

        :param line: without its end.
        :returns: the reply, one whose last line waits, or an awaitable of one.
        """
        try:
            self.service.tally.commands += 1
            command = grammar.parse(line)
            verb, words = commands.find(command)
            if verb.secret or verb.member or verb.looks_up:
                self._authorise(verb)
            answer: Answer = getattr(self, verb.method)(command, words)
            return answer if isinstance(answer, Reply | Held) else self._guarded(answer)
        except Exception as error:  # noqa: BLE001 - told apart, logged and answered
            return self._refusal(error)

    def _authorise(self, verb: commands.Verb) -> None:
        accounts = self.service.settings.accounts
        if verb.secret and not (self.peer.loopback or accounts.plaintext):
            raise NeedsTLS()
        if self.user is None and (verb.member or (verb.looks_up and not accounts.anonymous)):
            raise AccessDenied()
        if verb.owner and self.key is not None:
            raise AccessDenied("you came by a key, which cannot change your account; please LOGIN with your password")

    async def _guarded(self, answer: Awaitable[Reply]) -> Reply:
        try:
            return await answer
        except Exception as error:  # noqa: BLE001 - told apart, logged and answered
            return self._refusal(error)

    def _refusal(self, error: Exception) -> Reply:
        """Expected trouble is its own reply; anything else is logged under an id that the client sees."""
        if isinstance(error, DictError):
            return replies.error(error)
        trouble = secrets.token_hex(4)
        self.log.failure("trouble {trouble}", trouble=trouble)
        return replies.error(Unavailable(f"something went wrong here, please report trouble {trouble}"))

    def closed(self) -> None:
        """The connection is gone."""
        if self._work is not None:
            self._work.stop()
        self.service.registrar.roster.leave(self)

    # Look-ups ---------------------------------------------------------------

    def do_define(self, command: Command, words: tuple[str, ...]) -> Answer:
        return self._define(words[0], words[1])

    def do_query(self, command: Command, words: tuple[str, ...]) -> Answer:
        word = grammar.phrase(command.rest)
        if not word:
            raise BadArguments(commands.find(command)[0].hint)
        found, kept = self.service.lookups.define("*", word, self.user)
        if found:
            return self._defined(found, kept)
        return self._searched(self.service.lookups.nearest(word, _SUGGESTIONS, self.user), texts.suggesting, kept)

    def _define(self, database: str, word: str) -> Answer:
        return self._defined(*self.service.lookups.define(database, word, self.user))

    def _defined(self, found: list[Definition], kept: Deferred[bool] | None) -> Reply | Held:
        if found:
            self.service.tally.definitions += len(found)
            reply = texts.definitions(found, self.mime, self.html)
        else:
            reply = texts.NO_MATCH
        return reply if kept is None else Held(reply, kept)

    def do_match(self, command: Command, words: tuple[str, ...]) -> Answer:
        database, strategy, word = words
        return self._searched(self.service.lookups.match(database, strategy, word, self.user), self._matched)

    def _matched(self, search: Search) -> Reply:
        matches = search.matches
        self.service.tally.matches += matches.count
        return texts.matched(matches, self.service.settings.limits.match_seconds, self.mime)

    def _searched(self, work: W, reply: Callable[[W], Reply], kept: Deferred[bool] | None = None) -> Answer:
        """The reply to a search: at once, where a moment was enough."""
        if self.service.lookups.searches.begin(work):
            return reply(work) if kept is None else Held(reply(work), kept)
        return self._searched_later(work, reply, kept)

    async def _searched_later(self, work: W, reply: Callable[[W], Reply], kept: Deferred[bool] | None) -> Reply:
        self._work = work
        await self.service.lookups.searches.finish(work)
        self._work = None
        if kept is None:
            return reply(work)
        held = Held(reply(work), kept)
        return Reply(held.reply.head, await held.last())

    # What there is ------------------------------------------------------------

    def do_show_db(self, command: Command, words: tuple[str, ...]) -> Answer:
        if self.user is None and not self.service.settings.accounts.anonymous:
            raise NoDatabases("no databases before LOGIN")
        lexicon = self.service.lookups.lexicon
        lexicon.ensure_any(self._reader)
        shown = [(d.name, d.title) for d, _ in lexicon.dictionaries(self._reader)]
        shown += [(group.name, group.title) for group in lexicon.view(self._reader).groups]
        lines = [f"{name} {replies.in_quotes(title)}" for name, title in shown]
        return replies.listing(110, f"{len(lines)} databases present", lines, self.mime)

    def do_show_strat(self, command: Command, words: tuple[str, ...]) -> Answer:
        lines = [f"{s.name} {replies.in_quotes(s.about)}" for s in strategies.STRATEGIES]
        return replies.listing(111, f"{len(lines)} strategies present", lines, self.mime)

    def do_show_info(self, command: Command, words: tuple[str, ...]) -> Answer:
        group, dictionaries = self.service.lookups.lexicon.described(words[0], self._reader)
        name = group.name if group else dictionaries[0].name
        return replies.text(112, f"information for {name}", texts.told(group, dictionaries), self.mime)

    def do_show_server(self, command: Command, words: tuple[str, ...]) -> Answer:
        seen = self.user is not None or self.service.settings.accounts.anonymous
        shown = self.service.lookups.lexicon.dictionaries(self._reader) if seen else []
        body = texts.server(self.service.host, self._uptime(), self.service.settings.site.contact, shown)
        return replies.text(114, "server information", body, self.mime)

    def do_status(self, command: Command, words: tuple[str, ...]) -> Answer:
        tally = self.service.tally
        counts = (
            f"{self.service.doors.inside} of {tally.connected} connections, {tally.commands} commands,"
            f" {tally.definitions} definitions, {tally.matches} matches"
        )
        return replies.status(210, f"{self._uptime()}, {counts}")

    def _uptime(self) -> str:
        seconds = int(self.service.steady() - self.service.tally.started)
        days, rest = divmod(seconds, 86400)
        return f"up {days} days {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"

    def do_help(self, command: Command, words: tuple[str, ...]) -> Answer:
        return replies.text(113, "help text follows", commands.help_text(" ".join(words)), self.mime)

    def do_client(self, command: Command, words: tuple[str, ...]) -> Answer:
        return replies.OK

    @property
    def _reader(self) -> str:
        return self.user.key if self.user else ""

    def do_option_html(self, command: Command, words: tuple[str, ...]) -> Answer:
        self.mime = self.html = True
        return replies.status(250, "ok - using MIME headers, and HTML where there is any")

    def do_option_mime(self, command: Command, words: tuple[str, ...]) -> Answer:
        self.mime = True
        return replies.status(250, "ok - using MIME headers")

    def do_quit(self, command: Command, words: tuple[str, ...]) -> Answer:
        self.leaving = True
        return replies.status(221, "bye")

    # Accounts -----------------------------------------------------------------

    async def do_register(self, command: Command, words: tuple[str, ...]) -> Reply:
        user = await self.service.registrar.register(words[0], words[1], self.peer, self)
        return replies.status(280, f"welcome, {user.name}: you are registered and logged in")

    async def do_login(self, command: Command, words: tuple[str, ...]) -> Reply:
        user = await self.service.registrar.log_in(words[0], words[1], self.peer, self)
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
        user = await self.service.keyring.authenticate(words[0], words[1], self.message_id, self.peer, self)
        return replies.status(230, f"welcome, {user.name}")

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
