"""The header of the PROXY protocol, versions 1 and 2: whom a proxy brings.

As HAProxy's `proxy-protocol.txt <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>`_
has it. Twisted has parsers of its own; they take addresses that are none, stumble over a header
that comes in pieces, and have no bound for version 2.
"""

from __future__ import annotations

import ipaddress
import re

from attrs import frozen

#: Longest header of version 1, its end included.
LONGEST_1 = 107
#: Longest header of version 2 that is taken; addresses need 52 bytes, the rest are notes of proxies.
LONGEST_2 = 4096

_START_1 = b"PROXY "
_START_2 = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED_2 = 16
_TCP = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f.:]{2,39}) ([0-9A-Fa-f.:]{2,39}) ([0-9]{1,5}) ([0-9]{1,5})\r\n")
_UNKNOWN = b"PROXY UNKNOWN"
_LOCAL, _PROXY = 0x20, 0x21
#: Family and transport of version 2: length of an address, and of all addresses; 0: they tell nothing.
_FAMILIES = {0x00: (0, 0), 0x11: (4, 12), 0x21: (16, 36), 0x31: (0, 216)}


class BadHeader(ValueError):
    """It is none, or it tells what cannot be."""


@frozen
class Header:
    """A whole header.

    :ivar host: the address of the client; empty where the proxy speaks for itself or does not know.
    :ivar port: its port.
    :ivar length: bytes of the header; what follows is the client's.
    """

    host: str
    port: int
    length: int


def read(received: bytes) -> Header | None:
    """The header at the beginning of a connection; ``None`` while there is less than all of it.

    :param received: everything that came.
    :raises BadHeader: no header begins so.
    """
    if received[: len(_START_2)] == _START_2[: len(received)]:
        return _version_2(received)
    if received[: len(_START_1)] == _START_1[: len(received)]:
        return _version_1(received)
    raise BadHeader("no PROXY header")


def _version_1(received: bytes) -> Header | None:
    line = received[:LONGEST_1]
    end = line.find(b"\n") + 1
    if not end:
        if len(line) == LONGEST_1:
            raise BadHeader("a header without an end")
        return None
    line = line[:end]
    if line.startswith(_UNKNOWN) and line[len(_UNKNOWN) :][:1] in (b" ", b"\r") and line.endswith(b"\r\n"):
        return Header("", 0, end)
    found = _TCP.fullmatch(line)
    if not found:
        raise BadHeader("a header of version 1 that is none")
    family, source, destination, source_port, destination_port = found.groups()
    kind = ipaddress.IPv4Address if family == b"4" else ipaddress.IPv6Address
    try:
        address = kind(source.decode("ascii"))
        kind(destination.decode("ascii"))
    except ValueError:
        raise BadHeader("an address that is none") from None
    if max(int(source_port), int(destination_port)) > 0xFFFF:
        raise BadHeader("a port that is none")
    return Header(_shown(address), int(source_port), end)


def _version_2(received: bytes) -> Header | None:
    if len(received) < _FIXED_2:
        return None
    command, family = received[12], received[13]
    length = _FIXED_2 + int.from_bytes(received[14:16], "big")
    if length > LONGEST_2:
        raise BadHeader("a header that is too long")
    if command not in (_LOCAL, _PROXY):
        raise BadHeader("a command of version 2 that is none")
    if command == _PROXY and family not in _FAMILIES:
        raise BadHeader("a family of addresses that does not come by TCP")
    if len(received) < length:
        return None
    size, all_sizes = _FAMILIES[family] if command == _PROXY else (0, 0)
    if length < _FIXED_2 + all_sizes:
        raise BadHeader("addresses that are not whole")
    if not size:
        return Header("", 0, length)
    address = ipaddress.ip_address(received[_FIXED_2 : _FIXED_2 + size])
    at = _FIXED_2 + 2 * size
    return Header(_shown(address), int.from_bytes(received[at : at + 2], "big"), length)


def _shown(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An address as a socket of its own kind would give it."""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
