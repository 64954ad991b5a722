"""What holds for all workers together: who may guess, who may register, who is logged out everywhere.

One process keeps it by itself; several ask the supervisor, see
:mod:`dictd.processes.channel`. Only logins and registrations ask; look-ups
never do.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from attrs import define

from dictd.config import Settings
from dictd.limits import Guesses, Peer, Rate

_HOUR = 3600.0


class Outcome(Enum):
    """How a try to log in ended."""

    FAILED = "failed"
    SUCCEEDED = "succeeded"
    #: The server could not look.
    ABANDONED = "abandoned"


class Commons(Protocol):
    """What front ends and accounts ask of whoever keeps it."""

    async def penalty(self, account: str, peer: Peer) -> int:
        """Whole seconds a try must wait; 0 begins it, and :meth:`ended` ends it.

        :raises AccountsUnavailable: nobody can say.
        """

    def ended(self, account: str, peer: Peer, outcome: Outcome) -> None:
        """A try that was begun has ended."""

    async def registration(self, peer: Peer) -> int:
        """Whole seconds until this network may register again; 0 counts one."""

    async def expel(self, user_id: int, key: str | None = None) -> int:
        """Log a user out in all other workers; how many sessions there were.

        Returns when it is done in all of them, or those that did not do it have ended.

        :param key: only sessions that came by the key of this label.
        """

    async def keep(self, user_id: int, keeps: bool) -> int:
        """Tell all other workers whether look-ups of a user are kept from now on; how many sessions were told."""

    async def take_back(self, user_id: int, k: bytes | None) -> int:
        """Take rows of the history back that are on their way in other workers; how many had not begun to be."""


@define
class OneProcess:
    """The commons of a process that serves alone, and what the supervisor keeps for its workers.

    :param steady: seconds of a steady clock.
    """

    _guesses: Guesses
    _registrations: Rate
    _steady: Callable[[], float]

    @classmethod
    def of(cls, settings: Settings, steady: Callable[[], float]) -> OneProcess:
        """As the settings have it."""
        limits, accounts = settings.limits, settings.accounts
        guesses = Guesses(limits.guesses, limits.penalty_seconds)
        return cls(guesses, Rate(accounts.registrations_per_hour, _HOUR), steady)

    def follow(self, settings: Settings) -> None:
        """Take new settings; what was counted stays."""
        self._guesses.free, self._guesses.longest = settings.limits.guesses, settings.limits.penalty_seconds
        self._registrations.most = settings.accounts.registrations_per_hour

    async def penalty(self, account: str, peer: Peer) -> int:
        """See :meth:`Commons.penalty`."""
        return self._guesses.penalty(account, peer, self._steady())

    def ended(self, account: str, peer: Peer, outcome: Outcome) -> None:
        """See :meth:`Commons.ended`."""
        if outcome is Outcome.FAILED:
            self._guesses.failed(account, peer, self._steady())
        elif outcome is Outcome.SUCCEEDED:
            self._guesses.succeeded(account, peer)
        else:
            self._guesses.abandoned(account, peer)

    async def registration(self, peer: Peer) -> int:
        """See :meth:`Commons.registration`."""
        return self._registrations.wait(peer.network, self._steady())

    async def expel(self, user_id: int, key: str | None = None) -> int:
        """There are no others."""
        return 0

    async def keep(self, user_id: int, keeps: bool) -> int:
        """There are no others."""
        return 0

    async def take_back(self, user_id: int, k: bytes | None) -> int:
        """There are no others."""
        return 0
