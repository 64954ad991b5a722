"""What all sessions of a process share."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable

from attrs import field, frozen

from dictd import __version__
from dictd.accounts.invites import Invites
from dictd.accounts.keeping import Keeping
from dictd.accounts.keyring import Keyring
from dictd.accounts.registrar import Registrar
from dictd.config import Settings
from dictd.doors import Doors
from dictd.limits import Peer
from dictd.lookups import LookUps
from dictd.server.certificates import Certificates
from dictd.tally import Tally

#: What the banner names: only what is on.
CAPABILITIES = ("auth", "mime", "xaccount", "xhistory")


@frozen
class Service:
    """The parts that a session asks, and the settings it keeps to.

    :ivar steady: seconds of a steady clock.
    :ivar certificates: for TLS, where there is one.
    :ivar host: how the server calls itself.
    """

    settings: Settings
    doors: Doors
    lookups: LookUps
    registrar: Registrar
    keyring: Keyring
    keeping: Keeping
    invites: Invites
    tally: Tally
    steady: Callable[[], float]
    certificates: Certificates | None = None

    host: str = field(init=False)

    @host.default
    def _host(self) -> str:
        return self.settings.site.host

    def peer(self, host: str) -> Peer:
        """Who is at an address, as the settings draw networks."""
        limits = self.settings.limits
        return Peer.at(host, limits.ipv4_prefix, limits.ipv6_prefix)

    @property
    def tls(self) -> ssl.SSLContext | None:
        """For the next connection, where TLS is on and the certificate is good."""
        return self.certificates.context if self.certificates else None

    def message_id(self) -> str:
        """A new one with 128 random bits, for one connection: the challenge of AUTH (RFC 2229 3.1)."""
        return f"<{secrets.token_hex(16)}@{self.host}>"

    def banner(self, message_id: str, starttls: bool = False) -> bytes:
        """The first line; the message id is its last word.

        :param starttls: whether this client may say STARTTLS.
        """
        on = ".".join(sorted((*CAPABILITIES, "starttls")) if starttls else CAPABILITIES)
        return f"220 {self.host} dictd {__version__} <{on}> {message_id}\r\n".encode("ascii")
