"""What all sessions of a process share."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from attrs import define, field, frozen

from dictd import __version__
from dictd.accounts.keyring import Keyring
from dictd.accounts.registrar import Registrar
from dictd.config import Settings
from dictd.limits import Doors
from dictd.lookups import LookUps

#: What the banner names: only what is on.
CAPABILITIES = "auth.mime.xaccount.xhistory"


@define
class Tally:
    """What STATUS counts."""

    started: float
    connected: int = 0
    commands: int = 0
    definitions: int = 0
    matches: int = 0


@frozen
class Service:
    """The parts that a session asks, and the settings it keeps to.

    :ivar steady: seconds of a steady clock.
    :ivar host: how the server calls itself.
    """

    settings: Settings
    doors: Doors
    lookups: LookUps
    registrar: Registrar
    keyring: Keyring
    tally: Tally
    steady: Callable[[], float]

    host: str = field(init=False)

    @host.default
    def _host(self) -> str:
        return self.settings.site.host

    def message_id(self) -> str:
        """A new one with 128 random bits, for one connection: the challenge of AUTH (RFC 2229 3.1)."""
        return f"<{secrets.token_hex(16)}@{self.host}>"

    def banner(self, message_id: str) -> bytes:
        """The first line; the message id is its last word."""
        return f"220 {self.host} dictd {__version__} <{CAPABILITIES}> {message_id}\r\n".encode("ascii")
