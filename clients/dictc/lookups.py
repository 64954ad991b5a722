"""Words to what a server knows of them, many under way at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from dictc.connection import Connection
from dictc.exits import Exit
from dictc.grammar import command
from dictc.replies import Reply
from dictc.troubles import ConnectionTrouble, NotDict, Refused, Trouble

#: How many words are under way at most.
WINDOW = 64
#: How many octets of answers wait for the answer to an earlier word, at most.
MAX_HELD = 1 << 27

#: What is said instead of the server's own words, as dict(1) does.
_SAID = {
    550: "{database} is not a valid database, use -D for a list",
    551: "{strategy} is not a valid search strategy, use -S for a list",
    554: "There are no databases currently available",
    555: "There are no search strategies currently available",
}


class Words(Protocol):
    """Where words come from."""

    def take(self, most: int, wait: bool) -> list[str]:
        """Up to ``most`` words; none if there are none just now, or no more.

        :param wait: wait for the first, unless there are no more.
        """

    @property
    def ended(self) -> bool:
        """There will be no more."""


@dataclass(slots=True)
class Given:
    """The words of a command line."""

    words: list[str]

    def take(self, most: int, wait: bool) -> list[str]:
        """See :meth:`Words.take`."""
        taken, self.words = self.words[:most], self.words[most:]
        return taken

    @property
    def ended(self) -> bool:
        """See :attr:`Words.ended`."""
        return not self.words


@dataclass(frozen=True, slots=True)
class Entry:
    """A definition.

    :ivar dictionary: the name of its database.
    :ivar title: of the database.
    :ivar headword: as the dictionary spells it.
    :ivar lines: the text.
    """

    dictionary: str
    title: str
    headword: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Question:
    """How words are looked up.

    :ivar database: its name, or ``*`` for all, ``!`` for the first that has the word (RFC 2229 3.2).
    :ivar strategy: of MATCH; ``.`` is the server's choice.
    :ivar suggestions: ask for similar words when there is none.
    """

    database: str = "*"
    strategy: str = "."
    suggestions: bool = True


@dataclass(slots=True)
class LookUp:
    """A word and what became of it.

    :ivar entries: its definitions.
    :ivar matches: (database, headword) that match, or that are suggested.
    :ivar trouble: the word could not be asked for.
    """

    word: str
    entries: list[Entry] = field(default_factory=list)
    matches: list[tuple[str, str]] = field(default_factory=list)
    trouble: Trouble | None = None
    pending: int = 0
    size: int = 0


#: What is done with the reply to a command.
Step: TypeAlias = "Callable[[LookUp, Reply], None]"


@dataclass(slots=True)
class LookUps:
    """Words on their way to a server and back: :data:`WINDOW` of them at a time, answers in their order.

    Each of :meth:`define`, :meth:`match` and :meth:`define_matches` gives one
    :class:`LookUp` a word, as soon as it is whole, and raises

    - :exc:`Refused` when no word can be answered: no such database or
      strategy, nobody is let in, ...
    - what :meth:`Connection.receive` raises.

    :ivar again: makes a new connection when the server closes this one in the
        middle, as C dictd does after 2,000 questions; what is not answered is asked anew.
    :ivar held: octets of the answers that are not given yet.
    """

    connection: Connection
    words: Words
    question: Question
    again: Callable[[], Connection] | None = None
    held: int = 0
    _answered: int = 0
    _sent: deque[tuple[LookUp, Step]] = field(default_factory=deque)
    _waiting: deque[LookUp] = field(default_factory=deque)

    @property
    def idle(self) -> bool:
        """Every word that was taken has been given back."""
        return not self._waiting

    def define(self) -> Iterator[LookUp]:
        """DEFINE, and MATCH for what is not there (RFC 2229 3.2, 3.3)."""
        return self._run(lambda look_up: self._ask(look_up, self._defined, "DEFINE", look_up.word))

    def match(self) -> Iterator[LookUp]:
        """MATCH (RFC 2229 3.3)."""
        strategy = self.question.strategy
        return self._run(lambda look_up: self._ask(look_up, self._matched, "MATCH", strategy, look_up.word))

    def define_matches(self) -> Iterator[LookUp]:
        """DEFINE for every headword that MATCH lists, as ``dict -s`` does."""
        strategy = self.question.strategy
        return self._run(lambda look_up: self._ask(look_up, self._found, "MATCH", strategy, look_up.word))

    def _run(self, start: Callable[[LookUp], None]) -> Iterator[LookUp]:
        while True:
            room = WINDOW - len(self._waiting)
            for word in self.words.take(room, wait=not self._sent) if room else ():
                self._waiting.append(LookUp(word))
                self._start(self._waiting[-1], start)
            if self._sent:
                reply = self._receive(start)
                look_up, step = self._sent.popleft()
                look_up.pending -= 1
                look_up.size += reply.size
                self.held += reply.size
                if self.held > MAX_HELD:
                    raise NotDict("the server sends more than answers can be")
                step(look_up, reply)
            while self._waiting and not self._waiting[0].pending:
                look_up = self._waiting.popleft()
                self.held -= look_up.size
                yield look_up
            if not self._waiting and self.words.ended:
                return

    def _start(self, look_up: LookUp, start: Callable[[LookUp], None]) -> None:
        try:
            start(look_up)
        except Trouble as trouble:  # this word cannot be sent; the others can
            look_up.trouble = trouble

    def _receive(self, start: Callable[[LookUp], None]) -> Reply:
        try:
            reply = self.connection.receive()
        except (ConnectionTrouble, Refused) as trouble:
            if self.again is None or not self._answered or trouble.exit not in (Exit.NO_CONNECTION, Exit.SHUTTING_DOWN):
                raise
            self.connection.close()
            self.connection = self.again()
            self._answered = 0  # a server that answers nothing is not asked a third time
            self._sent.clear()
            self.held = 0
            for place, look_up in enumerate(self._waiting):
                self._waiting[place] = LookUp(look_up.word)
                self._start(self._waiting[place], start)
            return self._receive(start)
        self._answered += 1
        return reply

    def _ask(self, look_up: LookUp, step: Step, verb: str, *strings: str, database: str = "") -> None:
        self.connection.send(command(verb, database or self.question.database, *strings))
        self._sent.append((look_up, step))
        look_up.pending += 1

    def _defined(self, look_up: LookUp, reply: Reply) -> None:
        if reply.code == 552:
            if self.question.suggestions:
                self._ask(look_up, self._suggested, "MATCH", ".", look_up.word)
        else:
            look_up.entries = self._entries(reply)

    def _suggested(self, look_up: LookUp, reply: Reply) -> None:
        if reply.code == 250:  # else there is nothing to suggest
            look_up.matches = reply.pairs

    def _matched(self, look_up: LookUp, reply: Reply) -> None:
        if reply.code != 552:
            look_up.matches = self._wanted(reply).pairs

    def _found(self, look_up: LookUp, reply: Reply) -> None:
        if reply.code != 552:
            for database, headword in self._wanted(reply).pairs:
                self._ask(look_up, self._added, "DEFINE", headword, database=database)

    def _added(self, look_up: LookUp, reply: Reply) -> None:
        if reply.code != 552:
            look_up.entries += self._entries(reply)

    def _entries(self, reply: Reply) -> list[Entry]:
        found = []
        for section in self._wanted(reply).sections:
            headword, database, title = (*section.words, "", "", "")[:3]
            found.append(Entry(database, title, headword, section.lines))
        return found

    def _wanted(self, reply: Reply) -> Reply:
        return wanted(reply, 250, self.question)


def wanted(reply: Reply, code: int, question: Question | None = None) -> Reply:
    """The reply, if it has the code that means yes.

    :param question: what is named when its database or strategy does not exist.
    :raises Refused: another code, with the words of dict(1) or else of the server.
    """
    if reply.code == code:
        return reply
    said = _SAID.get(reply.code) if question else None
    if said and question:
        raise Refused(reply.code, said.format(database=question.database, strategy=question.strategy))
    if 200 <= reply.code < 400:
        raise NotDict(f"the server answers {reply.code} {reply.text} where {code} is due"[:100])
    raise Refused(reply.code, reply.text or f"the server refuses with {reply.code}")
