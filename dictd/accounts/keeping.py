"""What users want to be kept of what they look up, and for how long."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, evolve

from dictd.accounts.commons import Commons
from dictd.accounts.roster import Roster, SignedIn
from dictd.errors import AccessDenied, AccountsUnavailable
from dictd.model import User
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.pool import Pool

#: The longest time that can be asked for, days: a hundred years.
MOST_DAYS = 36_500


@define(eq=False)
class Keeping:
    """The wishes of all users, whatever front end they use.

    :param wall: seconds since 1970.
    """

    _roster: Roster
    _pool: Pool
    _queries: AccountQueries
    _commons: Commons
    _wall: Callable[[], float]

    async def standing(self, session: SignedIn) -> tuple[User, int | None]:
        """Who is logged in, as the store has them now, and for how many days look-ups are kept: ``None`` for ever.

        :raises AccessDenied: nobody, or nobody any more.
        """
        user = session.user
        if user is None:
            raise AccessDenied()
        changes = self._roster.expulsions
        found = await self._pool.run(self._queries.standing, user.id)
        if found is None or session.user is None:
            raise AccessDenied()
        if found[0].epoch != user.epoch == session.user.epoch and self._roster.change_of(session) is None:
            raise AccessDenied()  # it has ended, and nobody has told us yet
        if changes == self._roster.expulsions:
            session.user = evolve(found[0], epoch=session.user.epoch)
        return found

    async def pause(self, user: User) -> None:
        """Keep nothing that is looked up from now on, in whichever session; what was kept stays."""
        # The next millisecond: what was looked up before, perhaps in this one, was to be kept.
        await self._pool.run(self._queries.set_paused, user.id, self._now() + 1)
        await self._tell(user, keeps=False)

    async def go_on(self, user: User) -> None:
        """Keep look-ups again."""
        await self._pool.run(self._queries.set_paused, user.id, None)
        await self._tell(user, keeps=True)

    async def keep_days(self, user: User, days: int | None) -> None:
        """Keep look-ups for so many days, and delete what is older; with ``None`` for ever.

        What the store has no time to delete now is shown to nobody, and goes within the hour.
        """
        await self._pool.run(self._queries.set_keep_days, user.id, days)
        if days is None:
            return
        expire = HistoryQueries(self._queries.dialect).expire
        try:
            # Users in turn: this one first, and no other.
            after = await self._pool.run(expire, self._now(), user.id - 1)
            while after and after < user.id:
                after = await self._pool.run(expire, self._now(), after)
        except AccountsUnavailable:
            return

    async def _tell(self, user: User, keeps: bool) -> None:
        self._roster.keep(user.id, keeps)
        await self._commons.keep(user.id, keeps)

    def _now(self) -> int:
        return int(self._wall() * 1000)
