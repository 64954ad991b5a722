"""Who is connected to this process: listed, ended by name, kept out by network."""

from __future__ import annotations

import ipaddress
from typing import Any

from attrs import define

from dictd.errors import Banned, Kicked
from dictd.server.factory import DictFactory


@define
class Seats:
    """The connections of a factory, as an administrator sees them."""

    _factory: DictFactory
    _clock: Any

    def listed(self) -> list[dict[str, Any]]:
        """Each connection, oldest first: JSON."""
        now = self._clock.seconds()
        rows = [
            {
                "peer": protocol.peer.host,
                "user": protocol.session.user.name if protocol.session.user else None,
                "key": protocol.session.key,
                "seconds": round(now - protocol.since, 1),
                "secure": protocol.session.secure,
            }
            for protocol in self._factory.connections
        ]
        return sorted(rows, key=lambda row: -row["seconds"])

    def kick(self, name: str) -> int:
        """End the connections of a user; how many there were.

        :param name: folded, see :func:`dictd.model.name_key`.
        """
        seated = [one for one in self._factory.connections if one.session.user and one.session.user.key == name]
        for one in seated:
            one.turn_away(Kicked())
        return len(seated)

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
        seated = [one for one in self._factory.connections if _is_in(one.peer.host, within)]
        for one in seated:
            one.turn_away(Banned())
        return len(seated)


def _is_in(host: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]) in network
    except ValueError:
        return False  # a unix socket
