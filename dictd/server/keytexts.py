"""What KEY says: a new key and how to use it, and the list."""

from __future__ import annotations

import time
from collections.abc import Iterable

from dictd.model import StoredKey, User
from dictd.wire import replies
from dictd.wire.replies import Reply

_DICT_PORT = 2628


def issued(label: str, secret: str, user: User, host: str, port: int, mime: bool) -> Reply:
    """184 with the secret, which is shown this once.

    :param port: where the server listens; 0: the system chose.
    """
    at = host if port in (0, _DICT_PORT) else f"{host} -p {port}"
    body = f"{secret}\n\nIt is not shown again. Use it with:\n    dict -h {at} -u {user.name} -k {secret} word"
    return replies.text(184, f"key {replies.in_quotes(label)}", body, mime)


def listed(keys: Iterable[tuple[StoredKey, bool]], mime: bool) -> Reply:
    """184 with a line for each key: label, when it was made, when it was last used."""
    lines = [_line(key, usable) for key, usable in keys]
    return replies.listing(184, f"{len(lines)} keys: label, made, last used", lines, mime)


def _line(key: StoredKey, usable: bool) -> str:
    line = f"{replies.in_quotes(key.label)} {_moment(key.created)}"
    line += f" {_moment(key.last_used)}" if key.last_used is not None else " never"
    return line if usable else f"{line} (cannot be used: the server has another server.key)"


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
