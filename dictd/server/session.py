"""A command to a reply: everything the line server does, without a socket."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd import tally
from dictd.errors import (
    AccessDenied,
    BadArguments,
    DictError,
    LoginDelayed,
    NeedsTLS,
    NoDatabases,
    NotImplementedHere,
    TooManyAttempts,
    TooManyFaults,
    Unavailable,
)
from dictd.lexicon import strategies
from dictd.lexicon.definition import Definition
from dictd.lexicon.nearest import Nearest
from dictd.lexicon.search import Search
from dictd.lexicon.work import Work
from dictd.limits import Peer
from dictd.model import User
from dictd.server import commands, discretion, texts
from dictd.server.answer import Answer, Held
from dictd.server.membership import Membership
from dictd.server.service import Service
from dictd.tally import Counts
from dictd.wire import grammar, replies
from dictd.wire.grammar import Command
from dictd.wire.replies import Reply

_SUGGESTIONS = 5
W = TypeVar("W", bound=Work)

#: What a line is answered that is no command, or one that is not right.
_FAULTS = (500, 501, 502, 503)


@define(eq=False)
class Session(Membership):
    """One client, from its banner to its QUIT.

    :ivar mime: texts have headers; ``html``: an article that has HTML comes as that.
    :ivar key: label of the key it came by, if it did.
    :ivar message_id: of its banner, the challenge of AUTH.
    :ivar leaving: set once the client has said QUIT or STARTTLS, or was told to go.
    :ivar secure: nobody on the way can read it.
    :ivar starting_tls: 382 was said; the rest is another session.
    :ivar reserved: it has one of the last places, kept for those who log in, and has not.
    :ivar verb: name of the verb of the latest line, or :data:`dictd.tally.UNKNOWN`.
    :ivar counts: of the protocol it came by.
    """

    service: Service
    peer: Peer
    user: User | None = None
    key: str | None = None
    mime: bool = False
    html: bool = False
    leaving: bool = False
    secure: bool = False
    starting_tls: bool = False
    verb: str = tally.UNKNOWN
    reserved: bool = False
    _faults: int = 0
    _work: Work | None = None
    message_id: str = field(init=False)
    counts: Counts = field(init=False)
    log = Logger()

    @message_id.default
    def _message_id(self) -> str:
        return self.service.message_id()

    @counts.default
    def _counts(self) -> Counts:
        return self.service.tally.of(tally.DICT)

    def answer(self, line: bytes) -> Answer:
        """Do what a line says. Never raises.

        :param line: without its end.
        :returns: the reply, one whose last line waits, or an awaitable of one.
        """
        verb = None
        try:
            command = grammar.parse(line)
            verb, words = commands.find(command)
            self.verb = verb.name
            if verb.secret or verb.member or verb.looks_up:
                self._authorise(verb)
            answer: Answer = getattr(self, verb.method)(command, words)
            if not isinstance(answer, Reply | Held):
                return self._guarded(answer)
            if self._faults:
                self._faults = 0
            return answer
        except Exception as error:  # noqa: BLE001 - told apart, logged and answered
            if verb is None:
                # Where the grammar itself broke it is not asked again.
                self.verb = commands.name_of(grammar.parse(line)) if isinstance(error, DictError) else tally.UNKNOWN
            return self._refusal(error)

    def _authorise(self, verb: commands.Verb) -> None:
        accounts = self.service.settings.accounts
        if verb.secret and not (self.secure or self.peer.loopback or accounts.plaintext):
            raise NeedsTLS()
        if self.user is None and (verb.member or (verb.looks_up and not accounts.anonymous)):
            raise AccessDenied()
        if self.reserved and verb.looks_up:
            raise Unavailable("the server is full but for those who log in: please LOGIN, or try again in a minute")
        if verb.owner and self.key is not None:
            raise AccessDenied("you came by a key, which cannot change your account; please LOGIN with your password")

    async def _guarded(self, answer: Awaitable[Reply]) -> Reply:
        try:
            reply = await answer
        except Exception as error:  # noqa: BLE001 - told apart, logged and answered
            return self._refusal(error)
        self._faults = 0
        return reply

    def refused(self, trouble: DictError) -> Reply:
        """The reply to trouble; after too many lines that were no commands it is the last one.

        A good command forgives all: whoever speaks DICT stays, however it types, and who
        does not (a spammer, a scanner, a browser) never says one. Mixing them gains nothing,
        for a good command costs at least as much as a bad one.
        """
        reply = replies.error(trouble)
        if trouble.code in _FAULTS:
            self._faults += 1
            if self._faults >= self.service.settings.limits.bad_commands:
                self.leaving = True
                self.counts.refused(tally.FAULTS)
                self.log.info("the connection from {host} is closed: too many faults", host=self.peer.host)
                return Reply(reply.last, replies.error(TooManyFaults()).last)
        else:
            self._faults = 0
        return reply

    def _refusal(self, error: Exception) -> Reply:
        """Expected trouble is its own reply; anything else is logged under an id that the client sees."""
        if isinstance(error, DictError):
            if isinstance(error, TooManyAttempts | LoginDelayed):
                self.counts.refused(tally.REGISTRATIONS if self.verb == "REGISTER" else tally.LOGINS)
            return self.refused(error)
        trouble = secrets.token_hex(4)
        self.log.failure("trouble {trouble}", trouble=trouble, failure=discretion.loggable(error, self.verb))
        return replies.error(Unavailable(f"something went wrong here, please report trouble {trouble}"))

    @property
    def may_start_tls(self) -> bool:
        """Whether STARTTLS is there for this client."""
        return self.service.tls is not None and not self.secure

    def secured(self) -> Session:
        """The session after STARTTLS: nothing of this one is known in it but the message id of the one banner."""
        fresh = Session(self.service, self.peer, secure=True, reserved=self.reserved)
        fresh.message_id, fresh.counts = self.message_id, self.counts
        return fresh

    def stay(self) -> None:
        """Somebody is logged in: the place is theirs."""
        self.reserved = False

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
        return self._searched(self.service.lookups.nearest(word, _SUGGESTIONS, self.user), self._suggesting, kept)

    def _suggesting(self, nearest: Nearest) -> Reply:
        if nearest.headwords:
            self.service.tally.suggested += 1
        return texts.suggesting(nearest)

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
        return Reply(held.reply.head, (await held.ending()).last)

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
        invited_only = self.service.registrar.invited_only
        contact = self.service.settings.site.contact
        body = texts.server(self.service.host, self._uptime(), contact, shown, invited_only)
        return replies.text(114, "server information", body, self.mime)

    def do_status(self, command: Command, words: tuple[str, ...]) -> Answer:
        sums = self.service.tally.everywhere()
        # This command is counted when it has its answer.
        counts = (
            f"{sums['connections']} of {sums['connected']} connections, {sums['commands'] + 1} commands,"
            f" {sums['definitions']} definitions, {sums['matches']} matches"
        )
        return replies.status(210, f"{self._uptime()}, {counts}")

    def _uptime(self) -> str:
        seconds = int(self.service.steady() - self.service.tally.started)
        days, rest = divmod(seconds, 86400)
        return f"up {days} days {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"

    def do_help(self, command: Command, words: tuple[str, ...]) -> Answer:
        return replies.text(
            113, "help text follows", commands.help_text(" ".join(words), self.may_start_tls), self.mime
        )

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

    def do_starttls(self, command: Command, words: tuple[str, ...]) -> Answer:
        if self.secure:
            raise NotImplementedHere("this connection has TLS already")
        if not self.may_start_tls:
            raise NotImplementedHere()
        if words:
            raise BadArguments("say STARTTLS alone")
        self.leaving = self.starting_tls = True
        return replies.status(382, "go on with TLS")
