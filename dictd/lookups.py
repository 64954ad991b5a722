"""Look-ups and what is recorded of them: once, for all front ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.accounts.recorder import Recorder
from dictd.errors import BadArguments
from dictd.lexicon import folding
from dictd.lexicon.definition import Definition
from dictd.lexicon.nearest import Nearest
from dictd.lexicon.reader import Lexicon
from dictd.lexicon.search import Search
from dictd.lexicon.work import Work
from dictd.model import LONGEST_WORD, User

#: Seconds a search works before somebody else has a turn.
SLICE = 0.002


@define(eq=False)
class Searches:
    """Searches that take long: each works for a moment, in turn, once a round of the reactor.

    :param clock: a reactor or a ``Clock``; ``steady``: seconds of a steady clock.
    :param most_seconds: how long one search may work in all.
    """

    clock: Any
    steady: Callable[[], float]
    most_seconds: float
    _waiting: deque[tuple[Work, Deferred[None], float]] = field(factory=deque, init=False)
    _due: bool = field(default=False, init=False)
    log = Logger()

    def begin(self, work: Work) -> bool:
        """Work for a moment; most searches are done in it.

        :returns: whether it is done; if not, :meth:`finish` it.
        """
        return self._work(work, SLICE)

    def finish(self, work: Work) -> Deferred[None]:
        """Go on with a search that was begun; fires when it is done or was stopped because it took too long."""
        done: Deferred[None] = Deferred()
        self._waiting.append((work, done, self.most_seconds - SLICE))
        self._come_back()
        return done

    def _work(self, work: Work, seconds: float) -> bool:
        end = self.steady() + seconds
        return work.run(lambda: self.steady() < end)

    def _come_back(self) -> None:
        if not self._due:
            self._due = True
            self.clock.callLater(0, self._turn)

    def _turn(self) -> None:
        self._due = False
        work, done, left = self._waiting.popleft()
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
                done.callback(None)
            else:
                self._waiting.append((work, done, left))
        if self._waiting:
            self._come_back()


@frozen
class LookUps:
    """Define and match; a definition asked by a user is history, found or not.

    :param most_matches: how many matches one answer has at most.
    """

    lexicon: Lexicon
    recorder: Recorder
    most_matches: int
    searches: Searches

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
        if user is None:
            return self.lexicon.define(database, word), None
        found = self.lexicon.define(database, word, user.key)
        if not word or not user.keeps:
            return found, None
        if found:
            database = found[0].shown_in
        elif database not in ("*", "!"):
            database = self.lexicon.view(user.key).name_of(database)
        return found, self.recorder.record(user, word, database, len(found))

    def match(self, database: str, strategy: str, word: str, user: User | None) -> Search:
        """Begin to list headwords; never recorded. :attr:`searches` does the rest.

        :raises UnknownStrategy: checked before the database.
        :raises UnknownDatabase: no such database.
        :raises BadArguments: no headword can be that long, or no pattern is written so.
        """
        _check(word)
        return self.lexicon.match(database, strategy, word, self.most_matches, user.key if user else "")

    def nearest(self, word: str, most: int, user: User | None) -> Nearest:
        """Begin to look for what could have been meant; never recorded."""
        return self.lexicon.nearest(word, most, user.key if user else "")


def _check(word: str) -> None:
    """Refuse what no headword can be, before it costs the time to fold it.

    :raises BadArguments: it is too long.
    """
    if not folding.fits(word):
        raise BadArguments(f"a word has at most {LONGEST_WORD} characters")
