"""Where a server is: ``dict://host:port``, ``dicts://host:port`` for TLS, and what people write for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dictc.exits import Exit
from dictc.troubles import Trouble

PORT = 2628
TLS_PORT = 2629
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:\[\]]*))(?::(\d{0,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A server.

    :ivar host: a name or an address, IPv6 without its brackets.
    :ivar port: a number or the name of a service.
    :ivar secure: the connection begins with TLS.
    """

    host: str = "localhost"
    port: str = str(PORT)
    secure: bool = False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address:
    """Read ``dict://host[:port][/...]``, ``host[:port]``, ``[IPv6]:port`` or a bare IPv6 address.

    ``dicts://`` is a server that is spoken to with TLS, and has a port of its own.
    A path is left alone: RFC 2229 5 puts words there, dictc takes them as arguments.

    :raises Trouble: it is none of these, or it carries a name or a password.
    """
    scheme, slashes, rest = text.strip().partition("://")
    if not slashes:
        rest = text.strip()
    elif scheme.lower() not in ("dict", "dicts"):
        raise Trouble(f"{scheme}:// is not a DICT server, say dict://host:port or dicts://host:port", Exit.USAGE)
    secure = bool(slashes) and scheme.lower() == "dicts"
    usual = str(TLS_PORT if secure else PORT)
    authority = rest.partition("/")[0]
    if "@" in authority:
        raise Trouble("a name and a password do not belong in an address; --user asks for them", Exit.USAGE)
    if authority.count(":") > 1 and not authority.startswith("["):
        return Address(authority, usual, secure)
    found = _AUTHORITY.fullmatch(authority)
    if found is None or int(found[3] or usual) > 65_535:
        raise Trouble(f"{text!r} is no address of a server, say dict://host:port", Exit.USAGE)
    return Address(found[1] or found[2] or "localhost", found[3] or usual, secure)
