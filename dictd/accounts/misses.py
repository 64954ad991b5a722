"""What people look up and nobody finds: counted by word, never by who asked.

Each process counts in memory and adds it to the store about once a minute. A
process that is killed takes the counts of that minute with it, and where the
answer to a COMMIT is lost they may be added twice: both are little among many.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from dictd.accounts.recorder import key_of
from dictd.errors import AccountsUnavailable, UnknownDatabase
from dictd.lexicon.reader import Lexicon
from dictd.store.misses import SLICE, Miss, MissedWord, MissQueries, Wanted, gathered
from dictd.store.pool import Pool

#: How often they are added to the store, seconds.
EVERY = 60.0
#: Different words that are counted between two times; more are counted together.
MOST = 4096
#: A longer text is no word that a dictionary lacks; it is counted with those that are too many.
LONGEST = 100
#: Words that are asked for at a time, while it is sought what nobody has now either.
PAGE = 200

_Place = tuple[bytes, str]
_OTHERS: _Place = (b"", "*")


@frozen
class Listed:
    """What nobody found.

    :ivar words: the most missed first.
    :ivar found_now: how many words that were missed would be found now, of those that were looked at.
    :ivar others: how often words were missed that were too many to be counted each by itself.
    :ivar stored: whether the store could be asked.
    """

    words: Sequence[MissedWord]
    found_now: int = 0
    others: int = 0
    stored: bool = True

    def rows(self) -> list[dict[str, Any]]:
        """The words: JSON."""
        return [
            {
                "word": word.word,
                "count": word.count,
                "databases": list(word.dictionaries),
                "first": _moment(word.first),
                "last": _moment(word.last),
            }
            for word in self.words
        ]


@define(eq=False)
class Misses:
    """The words of one process.

    :param clock: a reactor or a ``Clock``.
    :param wall: seconds since 1970.
    :param most: see :data:`MOST`.
    """

    _pool: Pool
    _queries: MissQueries
    _clock: Any
    _wall: Callable[[], float]
    most: int = MOST
    _counted: dict[_Place, Miss] = field(factory=dict, init=False)
    _adding: DeferredLock = field(factory=DeferredLock, init=False)
    _looked: float = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._looked = self._clock.seconds()

    def count(self, word: str, database: str) -> None:
        """A word was not found.

        :param database: the name under which it was asked, ``*`` or ``!``, which is no other.
        """
        k, now = key_of(word), self.now()
        if k:  # else there was nothing to look up
            place = _OTHERS if len(word) > LONGEST else (k, "*" if database == "!" else database)
            self._add(Miss(*place, word if place[0] else "", 1, now, now))

    def _add(self, miss: Miss) -> None:
        place = miss.k, miss.dictionary
        before = self._counted.get(place)
        if before is None and len(self._counted) >= self.most:
            place, miss = _OTHERS, evolve(miss, k=b"", dictionary="*", word="")
            before = self._counted.get(place)
        self._counted[place] = before.plus(miss) if before else miss

    def look(self) -> None:
        """Add them to the store when it is time; to be called about each second."""
        now = self._clock.seconds()
        if now - self._looked >= EVERY:
            self._looked = now
            Deferred.fromCoroutine(self.flush()).addErrback(
                lambda failure: self.log.failure("words that nobody found are not counted", failure=failure)
            )

    async def flush(self) -> bool:
        """Add them to the store.

        :returns: whether all are there; else they wait here.
        """
        await self._adding.acquire()
        try:
            counted, self._counted = list(self._counted.values()), {}
            try:
                while counted:
                    await self._pool.run(self._queries.add, counted[:SLICE])
                    del counted[:SLICE]
                    if not counted:
                        await self._all_of(self._queries.thin)
            except AccountsUnavailable:
                for miss in counted:
                    self._add(miss)
                return False
            return True
        finally:
            self._adding.release()

    async def expire(self) -> None:
        """Delete what is too old or too much.

        :raises AccountsUnavailable: the store is away.
        """
        await self._all_of(self._queries.expire, self.now())

    async def _all_of(self, query: Callable[..., bool], *arguments: Any) -> None:
        while await self._pool.run(query, *arguments):
            pass

    async def listed(self, lexicon: Lexicon, wanted: Wanted, most: int) -> Listed:
        """Words that nobody has now either; where the store is away, those that wait here, however rare."""
        sought = Sought(lexicon, wanted, most)
        try:
            while not sought.done:
                sought.take(await self._pool.run(self._queries.most_missed, wanted, PAGE, sought.seen))
            others = await self._pool.run(self._queries.others, wanted.since)
        except AccountsUnavailable:
            sought = Sought(lexicon, wanted, most)
            sought.take(gathered(self._counted.values(), evolve(wanted, least=1)))
            here = self._counted.get(_OTHERS)
            return Listed(sought.words, sought.found_now, here.count if here else 0, stored=False)
        return Listed(sought.words, sought.found_now, others)

    @property
    def waiting(self) -> int:
        """Different words that are not in the store yet."""
        return len(self._counted)

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self._wall() * 1000)


@define
class Sought:
    """The first words, of pages of them, that the dictionaries that are there now do not have either.

    :ivar seen: how many were looked at; ``found_now``: how many of these somebody would find.
    """

    _lexicon: Lexicon
    _wanted: Wanted
    _most: int
    words: list[MissedWord] = field(factory=list, init=False)
    seen: int = field(default=0, init=False)
    found_now: int = field(default=0, init=False)
    done: bool = field(default=False, init=False)

    def take(self, page: Iterable[MissedWord]) -> None:
        """Look at more; once a page is short of :data:`PAGE` there are none."""
        taken = 0
        for word in page:
            taken += 1
            if len(self.words) == self._most:
                break
            if is_found(self._lexicon, word.word, self._wanted.dictionary):
                self.found_now += 1
            else:
                self.words.append(word)
        self.seen += taken
        self.done = taken < PAGE or len(self.words) == self._most


def is_found(lexicon: Lexicon, word: str, dictionary: str = "") -> bool:
    """Whether somebody who looks a word up now finds it.

    :param dictionary: only there; where nobody is shown that one, nobody does.
    """
    for reader in ("", *sorted(lexicon.arrangement.favoured)):
        try:
            return bool(lexicon.define(dictionary or "*", word, reader))
        except UnknownDatabase:
            continue
    return False


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
