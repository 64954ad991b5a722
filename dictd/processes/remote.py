"""The commons as a worker has them: what the supervisor keeps for all."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dictd.accounts.commons import Outcome
from dictd.errors import AccountsUnavailable
from dictd.limits import Peer
from dictd.processes import channel
from dictd.processes.channel import Channel, Silent


@frozen
class Remote:
    """See :class:`dictd.accounts.commons.Commons`."""

    _channel: Channel
    _clock: Any

    async def penalty(self, account: str, peer: Peer) -> int:
        """Ask the supervisor."""
        try:
            answer = await self._ask(channel.Penalty, account=account, host=peer.host)
        except AccountsUnavailable:
            # Should it be heard late, it has begun a try that nobody makes.
            self.ended(account, peer, Outcome.ABANDONED)
            raise
        return int(answer["seconds"])

    def ended(self, account: str, peer: Peer, outcome: Outcome) -> None:
        """Tell the supervisor."""
        self._channel.tell(channel.Ended, account=account, host=peer.host, outcome=outcome.value)

    async def registration(self, peer: Peer) -> int:
        """Ask the supervisor."""
        answer = await self._ask(channel.Registration, host=peer.host)
        return int(answer["seconds"])

    async def expel(self, user_id: int, key: str | None = None) -> int:
        """The supervisor asks all others."""
        answer = await self._ask(channel.Expel, user=user_id, key=key)
        return int(answer["count"])

    async def keep(self, user_id: int, keeps: bool) -> int:
        """The supervisor asks all others."""
        answer = await self._ask(channel.Keep, user=user_id, keeps=keeps)
        return int(answer["count"])

    async def take_back(self, user_id: int, k: bytes | None) -> int:
        """The supervisor asks all others."""
        answer = await self._ask(channel.TakeBack, user=user_id, k=k)
        return int(answer["count"])

    async def _ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        try:
            return await self._channel.ask(self._clock, command, **arguments)
        except Silent:
            raise AccountsUnavailable() from None
