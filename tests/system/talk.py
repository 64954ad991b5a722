"""One side of a conversation, said at once: what comparisons with C dictd are made of."""

from __future__ import annotations

import re
import socket

_FIGURES = re.compile(rb" \[d/m/c = [^]]*\]")
_BANNER = re.compile(rb"220 .*<[\w.-]*> <[^<>]+>\r\n")


def talk(port: int, octets: bytes) -> str:
    """Say all at once and hang up our half; what was answered, without the banner and without figures."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        pieces = []
        while True:
            # C dictd writes in small pieces, each of which waits for the one before to be acknowledged.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            piece = connection.recv(65536)
            if not piece:
                break
            pieces.append(piece)
    said = b"".join(pieces)
    banner = _BANNER.match(said)
    assert banner, said[:200]
    return _FIGURES.sub(b"", said[banner.end() :]).decode()
