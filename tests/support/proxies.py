"""What proxies say first."""

from __future__ import annotations

import ipaddress
import struct

#: How a header of version 2 begins.
START = b"\r\n\r\n\x00\r\nQUIT\n"


def version_1(host: str, port: int = 40000) -> bytes:
    """A header of version 1."""
    kind, here = ("TCP6", "::1") if ":" in host else ("TCP4", "127.0.0.1")
    return f"PROXY {kind} {host} {here} {port} 2628\r\n".encode()


def version_2(host: str, port: int = 40000, command: int = 0x21, notes: bytes = b"") -> bytes:
    """A header of version 2."""
    source = ipaddress.ip_address(host).packed
    body = source + bytes(len(source)) + struct.pack("!2H", port, 2628) + notes
    return START + bytes([command, 0x11 if len(source) == 4 else 0x21]) + struct.pack("!H", len(body)) + body
