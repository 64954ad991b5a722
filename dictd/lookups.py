"""Look-ups and what is recorded of them: once, for all front ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.accounts.misses import Misses
from dictd.accounts.recorder import Recorder
from dictd.errors import BadArguments
from dictd.lexicon import folding
from dictd.lexicon.definition import Definition
from dictd.lexicon.nearest import Nearest
from dictd.lexicon.reader import Lexicon
from dictd.lexicon.search import Search
from dictd.lexicon.work import Work
from dictd.model import LONGEST_WORD, User
from dictd.recent import LookedUp, Recent

#: Seconds a search works before somebody else has a turn.
SLICE = 0.002
#: How a word was asked, in :class:`dictd.recent.Recent`: by DEFINE or QUERY, and what was meant instead.
DEFINE, NEAREST = "define", "nearest"


@define(eq=False)
class Searches:
    """Searches that take long: each works for a moment, in turn, once a round of the reactor.

    :param clock: a reactor or a ``Clock``; ``steady``: seconds of a steady clock.
    :param most_seconds: how long one search may work in all.
    :ivar recent: what was looked up lately.
    """

    clock: Any
    steady: Callable[[], float]
    most_seconds: float
    recent: Recent = field(factory=Recent, init=False)
    _waiting: deque[tuple[Work, Deferred[None], float, float]] = field(factory=deque, init=False)
    _due: bool = field(default=False, init=False)
    log = Logger()

    def begin(self, work: Work) -> bool:
        """Work for a moment; most searches are done in it.

        :returns: whether it is done; if not, :meth:`finish` it.
        """
        done = self._work(work, SLICE)
        if done and work.how:
            self.recent.note((work.word, work.how, work.found, 0.0))
        return done

    def finish(self, work: Work) -> Deferred[None]:
        """Go on with a search that was begun; fires when it is done or was stopped because it took too long."""
        done: Deferred[None] = Deferred()
        self._waiting.append((work, done, self.most_seconds - SLICE, self.steady() - SLICE))
        self._come_back()
        return done

    def under_way(self) -> list[tuple[str, str, float]]:
        """Searches that are not done: the word, how it was asked, and for how many seconds."""
        now = self.steady()
        return [(work.word, work.how or NEAREST, now - began) for work, _, _, began in self._waiting]

    def _work(self, work: Work, seconds: float) -> bool:
        end = self.steady() + seconds
        return work.run(lambda: self.steady() < end)

    def _come_back(self) -> None:
        if not self._due:
            self._due = True
            self.clock.callLater(0, self._turn)

    def _turn(self) -> None:
        self._due = False
        work, done, left, began = self._waiting.popleft()
        begun = self.steady()
        try:
            finished = self._work(work, SLICE)
        except Exception:  # noqa: BLE001 - it is the trouble of who asked, told in the answer
            work.stop()
            done.errback()
        else:
            left -= self.steady() - begun
            if not finished and left <= 0:
                work.stop()
                finished = True
            if finished:
                self.recent.note((work.word, work.how or NEAREST, work.found, self.steady() - began))
                done.callback(None)
            else:
                self._waiting.append((work, done, left, began))
        if self._waiting:
            self._come_back()


@frozen
class LookUps:
    """Define and match; a definition asked by a user is history, found or not.

    :param most_matches: how many matches one answer has at most.
    :param misses: counts what is not found, but for those who want nothing to be kept.
    """

    lexicon: Lexicon
    recorder: Recorder
    most_matches: int
    searches: Searches
    misses: Misses | None = None
    _note: Callable[[LookedUp], None] = field(init=False)

    @_note.default
    def _of_recent(self) -> Callable[[LookedUp], None]:
        return self.searches.recent.note

    def define(self, database: str, word: str, user: User | None) -> tuple[list[Definition], Deferred[bool] | None]:
        """Look a word up.

        :param database: a name, ``*`` or ``!``.
        :param user: who asks; ``None`` leaves no trace, nor does one who wants nothing to be kept.
        :returns: what was found, and for a user a Deferred that fires with
            whether the look-up is kept; see :meth:`Recorder.record`.
        :raises UnknownDatabase: no such database; not recorded.
        :raises BadArguments: no headword can be that long.
        """
        _check(word)
        reader = user.key if user else ""
        found = self.lexicon.define(database, word, reader)
        self._note((word, DEFINE, len(found), 0.0))
        if user and not user.keeps:
            return found, None
        if found:
            database = found[0].shown_in
        else:
            if database not in ("*", "!"):
                database = self.lexicon.view(reader).name_of(database)
            if self.misses:
                self.misses.count(word, database)
        if user is None or not word:
            return found, None
        return found, self.recorder.record(user, word, database, len(found))

    def match(self, database: str, strategy: str, word: str, user: User | None) -> Search:
        """Begin to list headwords; never recorded. :attr:`searches` does the rest.

        :raises UnknownStrategy: checked before the database.
        :raises UnknownDatabase: no such database.
        :raises BadArguments: no headword can be that long, or no pattern is written so.
        """
        _check(word)
        search = self.lexicon.match(database, strategy, word, self.most_matches, user.key if user else "")
        search.word, search.how = word, "match " + strategy.lower()
        return search

    def nearest(self, word: str, most: int, user: User | None) -> Nearest:
        """Begin to look for what could have been meant; never recorded."""
        nearest = self.lexicon.nearest(word, most, user.key if user else "")
        nearest.word = word
        return nearest


def _check(word: str) -> None:
    """Refuse what no headword can be, before it costs the time to fold it.

    :raises BadArguments: it is too long.
    """
    if not folding.fits(word):
        raise BadArguments(f"a word has at most {LONGEST_WORD} characters")
