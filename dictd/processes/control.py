"""``control.sock``: how ``dictctl`` speaks to a running server.

A unix socket in the state directory that only its owner can reach. A line of
JSON, ``{"verb": ..., ...}``, is answered by one: ``{"ok": ...}`` or
``{"trouble": ...}``.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

from dictd.errors import BadArguments, DictError, SettingsRefused
from dictd.processes.asking import FILE, short_name
from dictd.processes.steering import Steering

_MOST = 1 << 16


def bound(directory: Path) -> socket.socket:
    """Listen; the caller has the lock of the state directory, so what is there is of a dead server.

    :raises SettingsRefused: one line that says why not.
    """
    path = directory / FILE
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with suppress(FileNotFoundError):
            path.unlink()
        with short_name(path) as name:
            listening.bind(name)
    except OSError as error:
        listening.close()
        raise SettingsRefused(f"{path} cannot be listened on: {error.strerror or error}") from None
    finally:
        os.umask(before)
    listening.listen(16)
    listening.setblocking(False)
    return listening


class ControlFactory(Factory):
    """Connections of ``dictctl``."""

    noisy = False

    def __init__(self, steering: Steering) -> None:
        self.steering = steering

    def buildProtocol(self, addr: Any) -> Control:
        """One more."""
        return Control(self.steering)


class Control(LineOnlyReceiver):
    """One connection of ``dictctl``."""

    delimiter = b"\n"
    MAX_LENGTH = _MOST
    log = Logger()

    def __init__(self, steering: Steering) -> None:
        self._steering = steering

    def lineReceived(self, line: bytes) -> None:
        Deferred.fromCoroutine(self._answer(line)).addCallback(self._send)

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = _understood(line)
            return {"ok": await self._steering.do(asked.pop("verb"), asked)}
        except DictError as error:
            return {"trouble": error.text}
        except Exception:  # noqa: BLE001 - logged under an id that the client sees
            trouble = secrets.token_hex(4)
            self.log.failure("trouble {trouble}", trouble=trouble)
            return {"trouble": f"something went wrong in the server, its log has trouble {trouble}"}

    def _send(self, answer: dict[str, Any]) -> None:
        transport: Any = self.transport
        if transport is not None and transport.connected:
            # In ASCII: half a surrogate that somebody sent cannot be written in UTF-8.
            self.sendLine(json.dumps(answer).encode())


def _understood(line: bytes) -> dict[str, Any]:
    """A line of ``dictctl``.

    :raises BadArguments: it is none.
    """
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or not isinstance(asked.get("verb"), str):
        raise BadArguments('a line is one object of JSON, with a "verb"')
    return asked
