"""Whether those who are logged in still may be, as the store says.

What changes an account on this server reaches its sessions at once, see
:class:`~dictd.accounts.commons.Commons`. A server on another machine with the
same store only changes the store: there each process asks, every few seconds,
how those are who are logged in to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.accounts.roster import Roster, SignedIn
from dictd.errors import AccountsUnavailable
from dictd.model import User
from dictd.store.accounts import AccountQueries
from dictd.store.pool import Pool

#: How often the store is asked, seconds.
EVERY = 5.0
#: About how many users it is asked in one statement.
SLICE = 500


@define(eq=False)
class Standing:
    """The sessions of one process, held against the store.

    :param clock: a reactor or a ``Clock``.
    :param end: logs sessions out whose account has changed, and says how many connections it ended.
    """

    _roster: Roster
    _pool: Pool
    _queries: AccountQueries
    _clock: Any
    _end: Callable[[Collection[SignedIn]], int]
    _looked: float = field(init=False)
    _asking: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._looked = self._clock.seconds()

    def look(self) -> None:
        """Ask when it is time, and the last question is answered; to be called about each second."""
        now = self._clock.seconds()
        if self._asking or now - self._looked < EVERY:
            return
        self._looked = now
        users = self._roster.users()
        if users:
            self._asking = True
            Deferred.fromCoroutine(self._ask(users)).addErrback(
                lambda failure: self.log.failure("it is not known who still may be logged in", failure=failure)
            )

    async def _ask(self, users: list[int]) -> None:
        try:
            for first in range(0, len(users), SLICE):
                await self._compare(users[first : first + SLICE])
        except AccountsUnavailable:
            pass  # nobody is thrown out because nobody can be asked
        finally:
            self._asking = False

    async def _compare(self, users: list[int]) -> None:
        asked, changes = self._roster.sessions(users), self._roster.expulsions
        found = await self._pool.run(self._queries.as_they_are, users)
        # Who came or changed since it was asked is younger than the answer.
        asked = [(session, was) for session, was in asked if _is_as_it_was(session, was)]
        good = [(session, found[was.id]) for session, was in asked if _holds(found.get(was.id), was)]
        if changes == self._roster.expulsions:
            for session, user in good:
                if session.user != user:
                    self._roster.follow(session, user)
        ended = [
            (session, was)
            for session, was in asked
            if not _holds(found.get(was.id), was) and not await self._by_itself(session, was, found.get(was.id))
        ]
        # Some may have ended by themselves while that was asked.
        sessions = {session: was.name for session, was in ended if _is_as_it_was(session, was)}
        if sessions:
            names, count = ", ".join(sorted({*sessions.values()})), self._end(sessions)
            self.log.info("changed in the store: {names}; connections ended: {count}", names=names, count=count)

    async def _by_itself(self, session: SignedIn, was: User, now: User | None) -> bool:
        """Whether it was this session that changed its account: then it stays.

        It changes it just now, or the answer to its COMMIT was lost.
        """
        change = self._roster.change_of(session)
        if change is None or (now is None) is not (change.passwd == ""):
            return False
        if now is None:
            return True
        if now.epoch != change.epoch or not await self._pool.run(self._queries.has_passwd, was.id, change.passwd):
            return False
        if self._roster.change_of(session) is change:
            self._roster.changed(session, change)
        return True


def _is_as_it_was(session: SignedIn, was: User) -> bool:
    user = session.user
    return user is not None and (user.id, user.epoch) == (was.id, was.epoch)


def _holds(user: User | None, was: User) -> bool:
    """Whether a session goes on, by what the store has now."""
    return user is not None and user.epoch == was.epoch
