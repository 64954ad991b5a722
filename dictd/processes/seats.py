"""Who is connected to this process: listed, ended by name or id, kept out by network."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from typing import Any

from attrs import define

from dictd.accounts.roster import SignedIn
from dictd.errors import AccountChanged, Banned, Kicked
from dictd.processes.whom import Whom, connection_id, is_in
from dictd.server.factory import DictFactory
from dictd.server.protocol import DictProtocol


@define
class Seats:
    """The connections of a factory, as an administrator sees them.

    :param process: the number of this process, for ids.
    """

    _factory: DictFactory
    _clock: Any
    _process: int

    def listed(self) -> list[dict[str, Any]]:
        """Each connection, oldest first: JSON."""
        now = self._clock.seconds()
        rows = [
            {
                "id": connection_id(self._process, protocol.serial),
                "peer": protocol.peer.host,
                "user": protocol.session.user.name if protocol.session.user else None,
                "key": protocol.session.key,
                "seconds": round(now - protocol.since, 1),
                "idle": round(now - max(protocol.since, protocol.heard), 1),
                "secure": protocol.session.secure,
                "commands": protocol.commands,
                "last": protocol.session.verb if protocol.commands else None,
            }
            for protocol in self._factory.connections
        ]
        return sorted(rows, key=lambda row: -row["seconds"])

    def kick(self, name: str) -> int:
        """End the connections of a user or an address, or the one of an id; how many there were.

        :param name: see :class:`dictd.processes.whom.Whom`.
        """
        whom = Whom.of(name)
        seated = [
            one
            for one in self._factory.connections
            if not one.closing
            and whom.meets(
                connection_id(self._process, one.serial),
                one.peer.host,
                one.session.user.key if one.session.user else None,
            )
        ]
        for one in seated:
            one.turn_away(Kicked())
        return len(seated)

    def sign_out(self, user_id: int) -> int:
        """The account of a user has changed in the store: log it out, and end its connections; how many there were.

        A login that is under way sees by it that it has to look again.
        """
        seated = [one for one in self._factory.connections if one.session.user and one.session.user.id == user_id]
        self._factory.service.registrar.roster.expel(user_id)
        return _turn_away(seated, AccountChanged())

    def ban(self, network: str, seconds: float) -> int:
        """Let a network in no longer, and end its connections; 0 seconds lift the ban.

        :returns: how many connections there were.
        """
        doors, now = self._factory.service.doors, self._clock.seconds()
        if seconds <= 0:
            doors.lift(network)
            return 0
        doors.ban(network, now + seconds)
        within = ipaddress.ip_network(network)
        seated = [one for one in self._factory.connections if not one.closing and is_in(one.peer.host, within)]
        for one in seated:
            one.turn_away(Banned())
        return len(seated)


def end(factory: DictFactory, sessions: Collection[SignedIn]) -> int:
    """Accounts have changed, and not here: log sessions out, and end their connections; how many there were."""
    ended = set(sessions)
    seated = [one for one in factory.connections if one.session in ended]
    factory.service.registrar.roster.end(sessions)
    # It need not have been an administrator: who says PASSWD on one machine ends their sessions on all.
    return _turn_away(seated, AccountChanged("your account was changed elsewhere, please connect again"))


def _turn_away(seated: Sequence[DictProtocol], why: AccountChanged) -> int:
    for one in seated:
        if not one.closing:
            one.turn_away(why)
    return len(seated)
