"""Listening sockets: opened once, refused in one line when the port is taken."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from dictd.errors import SettingsRefused

_GREETING_PATIENCE = 0.5


def bind(addresses: Sequence[str], port: int, backlog: int) -> list[socket.socket]:
    """Listen on every address that this machine has.

    With port 0 the first address chooses and the others follow. ``::1`` is left
    out where the machine has no IPv6.

    :returns: non-blocking listening sockets, one an address.
    :raises SettingsRefused: one line that says which address and why.
    """
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            listening = _bind_one(address, port, backlog)
            if listening is not None:
                opened.append(listening)
                port = port or listening.getsockname()[1]
    except SettingsRefused:
        close(opened)
        raise
    if not opened:
        raise SettingsRefused(f"none of the addresses {', '.join(addresses)} is of this machine")
    return opened


def _bind_one(address: str, port: int, backlog: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return None
        raise SettingsRefused(f"{address} cannot be listened on: {error.strerror}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((address, port))
        listening.listen(backlog)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if address == "::1" and error.errno == errno.EADDRNOTAVAIL:
            return None
        raise SettingsRefused(_why(address, port, error)) from None
    return listening


def close(sockets: Sequence[socket.socket]) -> None:
    """Close listening sockets."""
    for listening in sockets:
        listening.close()


def shown(listening: socket.socket) -> str:
    """``127.0.0.1:2628`` or ``[::1]:2628``."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why(address: str, port: int, error: OSError) -> str:
    where = f"port {port} of {address}"
    if error.errno == errno.EADDRINUSE:
        greeting = _greeting(address, port)
        by = f" by {greeting}" if greeting else " by another program"
        return f"{where} is taken{by}; stop that one, or choose another port with --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{where} needs more rights than this user has; choose a port above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address} is not an address of this machine"
    return f"{where} cannot be listened on: {error.strerror}"


def _greeting(address: str, port: int) -> str:
    """Who holds a port, if it is a DICT server: Debian's dictd often does."""
    try:
        with socket.create_connection((address, port), _GREETING_PATIENCE) as connection:
            banner = connection.recv(512).decode("utf-8", "replace").split()
    except OSError:
        return ""
    if len(banner) < 4 or banner[0] != "220":
        return ""
    return f"a DICT server ({' '.join(banner[2:4])})".replace("\n", " ")
