"""Where the log goes: where twistd's options say, in the form that the settings say."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.logger import ILogObserver
from twisted.python.components import Componentized
from twisted.python.logfile import LogFile

from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.processes.logs import Observer

#: How often what was kept back is looked at, seconds.
TICK = 1.0
_DEFAULT_FILE = "twistd.log"

Write = Callable[[str], object]


def destination(twistd: Mapping[str, Any], reactor: Any) -> Write | None:
    """What twistd's options say: a file that SIGUSR1 rotates, or the terminal.

    :returns: ``None`` where twistd's own observer is to be left: ``--syslog``, ``--logger``.
    :raises SettingsRefused: the file cannot be opened.
    """
    name = twistd.get("logfile") or ""
    if twistd.get("syslog") or twistd.get("logger"):
        return None
    if twistd.get("nodaemon"):
        if name in ("", "-"):
            return _to(sys.stdout)
    elif name == "-":
        return None  # twistd says why not, and ends
    try:
        file = LogFile.fromFullPath(name or _DEFAULT_FILE)
    except OSError as error:
        raise SettingsRefused(f"the log {name or _DEFAULT_FILE} cannot be written: {error.strerror}") from None
    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(_begin_anew, file))
    return _to(file)


def _begin_anew(file: LogFile) -> None:
    """Begin a new file; where somebody moved the old one, as logrotate does, that is all there is to do."""
    try:
        moved = not os.path.samestat(os.stat(file.path), os.fstat(file._file.fileno()))
    except FileNotFoundError:
        moved = True
    if not moved:
        file.rotate()
        return
    with suppress(OSError), open(file.path, "ab"):  # else what is written goes on into the old one
        file.reopen()


def _to(stream: Any) -> Write:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


class Logged(MultiService):
    """The service of the whole process, and its log.

    twistd takes the observer of the application where there is one, and asks
    for it once the application has its services.

    :param twistd: its options.
    :param who: this process, in the log.
    """

    def __init__(self, settings: Settings, twistd: Mapping[str, Any], who: str, reactor: Any) -> None:
        super().__init__()
        write = destination(twistd, reactor)
        self.observer = None if write is None else Observer(settings.log, write, who)
        self._reactor = reactor
        self._timer: Any = None

    def setServiceParent(self, parent: IService) -> None:
        if self.observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self.observer)
        super().setServiceParent(parent)

    def startService(self) -> None:
        super().startService()
        if self.observer is not None:
            self._timer = self._reactor.callLater(TICK, self._tick)

    def stopService(self) -> Any:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.observer is not None:
            self.observer.tick(at_the_end=True)
        return super().stopService()

    def follow(self, settings: Settings) -> None:
        """New settings: the level, the form, how often the same is said."""
        if self.observer is not None:
            self.observer.follow(settings)

    def _tick(self) -> None:
        self._timer = self._reactor.callLater(TICK, self._tick)
        if self.observer is not None:
            self.observer.tick()
