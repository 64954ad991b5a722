"""Whom an administrator means: a user, an address or a network, or one connection."""

from __future__ import annotations

import ipaddress
import re

from attrs import field, frozen

from dictd import doors
from dictd.errors import BadArguments
from dictd.model import name_key

_ID = re.compile(r"\d+/\d+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def connection_id(process: int, serial: int) -> str:
    """The id of a connection, unique while the server runs: ``3/17`` is the 17th of the third process.

    It cannot be the name of a user.
    """
    return f"{process}/{serial}"


@frozen
class Whom:
    """What was said, understood.

    A name may look like an address; then both are meant.

    :ivar said: folded, the same however it was written.
    """

    said: str
    connection: str = ""
    network: Network | None = field(default=None)

    @classmethod
    def of(cls, said: object) -> Whom:
        """Understand it.

        :raises BadArguments: it can be nobody.
        """
        try:
            folded = name_key(said).strip() if isinstance(said, str) else ""
            folded.encode()
        except UnicodeEncodeError:  # half a surrogate is in nobody's name
            folded = ""
        if not folded:
            raise BadArguments('say the name of a user, an address, or the id of a connection, as in "alice"')
        if _ID.fullmatch(folded):
            return cls(folded, connection=folded)
        try:
            network: Network | None = doors.network(folded)
        except ValueError:
            network = None
        return cls(folded, network=network)

    def meets(self, connection: str, host: str, user: str | None) -> bool:
        """Whether a connection is meant.

        :param user: the key of who is logged in.
        """
        if self.connection:
            return connection == self.connection
        return user == self.said or (self.network is not None and is_in(host, self.network))


def is_in(host: str, network: Network) -> bool:
    """Whether an address is in a network."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]) in network
    except ValueError:
        return False  # a unix socket
