"""Opens the shell: the prompt of :mod:`dictd.manhole`, for whoever the settings let in."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import succeed
from twisted.logger import Logger

from dictd import __version__
from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.manhole import authorized, hostkeys
from dictd.manhole.screen import Screen
from dictd.manhole.shell import Shell
from dictd.manhole.sshd import ShellFactory
from dictd.processes import ports, sockets
from dictd.processes.asking import short_name
from dictd.processes.console import Console
from dictd.processes.steering import Steering

_NEW_FILE = "# The public keys that are let in, one a line; dictctl shell --authorize FILE.pub adds one.\n"


def keys_file(settings: Settings, directory: Path) -> Path:
    """Where the keys are that are let in.

    :param directory: the state directory.
    """
    chosen = settings.manhole.authorized_keys
    if chosen:
        return Path(chosen).expanduser().absolute()
    return directory.absolute() / hostkeys.DIRECTORY / authorized.FILE


@define(eq=False, repr=False)
class Prompting:
    """The shell of one server; where it cannot be opened the server says so and goes on.

    :ivar told: for ``status``: ``None`` where it is off, else ``where`` it is or the ``trouble``; for ssh the
        ``address`` and ``port``, or the path of the ``unix`` socket.
    """

    _settings: Settings
    _directory: Path
    _reactor: Any
    _steering: Steering
    told: dict[str, Any] | None = field(default=None, init=False)
    _shell: Shell = field(init=False)
    _port: Any = field(default=None, init=False)
    _socket: Path | None = field(default=None, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._shell = Shell(self._names, self._greeting, self._reactor)

    def open(self) -> None:
        """Listen, if that is wanted."""
        chosen = self._settings.manhole
        if not chosen.enabled:
            return
        told: dict[str, Any] = {"where": "", "trouble": "", "address": "", "port": 0, "unix": ""}
        self.told = told
        try:
            listening = self._listening()
        except SettingsRefused as refused:
            told["trouble"] = refused.text
            self.log.warn("no shell: {trouble}", trouble=refused.text)
            return
        with listening:
            if listening.family == socket.AF_UNIX:
                told["unix"] = told["where"] = str(self._socket)
            else:
                told["where"] = sockets.where(listening)
                told["address"], told["port"] = listening.getsockname()[:2]
        self.log.info("shell on {where}", where=told["where"])

    def reload(self, settings: Settings) -> None:
        """Take new settings."""
        was, self._settings = self._settings.manhole, settings
        if settings.manhole != was or (self.told is not None and self.told["trouble"]):
            closed = self._stop_listening()
            if not settings.manhole.enabled:
                self._shell.close("the shell is closed: the settings have changed")
            self.told = None
            # The port is free only then.
            succeed(None).addCallback(lambda _: closed).addCallback(lambda _: self.open())

    def close(self) -> None:
        """Listen no longer, and end the sessions."""
        self._stop_listening()
        self._shell.close("the server stops, good bye")

    def _listening(self) -> socket.socket:
        """Listen, with the keys that are there or are made.

        :raises SettingsRefused: it cannot be.
        """
        chosen = self._settings.manhole
        path = keys_file(self._settings, self._directory)
        keys = hostkeys.prepared(self._directory / hostkeys.DIRECTORY)
        if not chosen.authorized_keys:
            with suppress(FileExistsError), open(path, "x", opener=_private) as file:
                file.write(_NEW_FILE)
        if chosen.unix:
            self._socket = Path(chosen.unix).expanduser().absolute()
            listening = _unix(self._socket)
        else:
            listening = sockets.bound(chosen.address, chosen.port, option="manhole.port in the settings")
        factory = ShellFactory(self._shell, path, keys)
        self._port = ports.adopted(self._reactor, listening.fileno(), listening.family, factory)
        return listening

    def _stop_listening(self) -> Any:
        closed = None
        if self._port is not None:
            closed = self._port.stopListening()
            self._port = None
        if self._socket is not None:
            with suppress(OSError):
                self._socket.unlink()
            self._socket = None
        return closed

    def _names(self, screen: Screen) -> dict[str, Any]:
        return Console(self._steering, screen).names()

    def _greeting(self) -> str:
        return (
            f"dictd {__version__} of {self._settings.site.host}, process {os.getpid()}\n"
            "help() says what there is; what is typed here is logged; exit or Ctrl-D leaves"
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _unix(path: Path) -> socket.socket:
    """Listen on a unix socket that is this user's alone; what a dead server left is taken away, and nothing else.

    :raises SettingsRefused: one line that says why not.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with short_name(path) as name:
            if path.is_socket():
                _take_away(path, name)
            listening.bind(name)
        listening.listen(16)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise SettingsRefused(f"{path} cannot be listened on: {error.strerror or error}") from None
    except SettingsRefused:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def _take_away(path: Path, name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.setblocking(False)
        try:
            asked.connect(name)
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass  # somebody listens, and is slow
    raise SettingsRefused(f"{path} is taken by another program; choose another with manhole.unix")
