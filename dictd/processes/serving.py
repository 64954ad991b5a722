"""One serving process, from its start to its end."""

from __future__ import annotations

import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.logger import Logger

from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.processes import serverkey, sockets
from dictd.processes.children import Child
from dictd.processes.state import Lock, State
from dictd.processes.wiring import Parts, wire
from dictd.store.sqlite import ACCOUNTS_FILE, DICTIONARIES_FILE, connect

#: How often the catalogue is looked at, seconds.
LOOK_EVERY = 1.0
#: How long a stop waits for people to finish, and then for the history, seconds.
GRACE = 5.0
#: Open files that are not connections.
_FILES_BESIDE = 256


@define(eq=False)
class Claim:
    """What a server holds alone: its state directory and its sockets.

    Taken before the daemon's fork, so that trouble is one line on the terminal
    and nobody can come in between.
    """

    state: State
    lock: Lock
    listening: list[socket.socket]

    @classmethod
    def made(cls, settings: Settings, state: State) -> Claim:
        """Check and take everything that can be in the way.

        :raises SettingsRefused, StoreUnavailable: one line that says what to do.
        """
        state.prepare()
        lock = Lock(state.directory / "lock")
        try:
            taken = lock.take()
        except OSError as error:
            raise SettingsRefused(f"{lock.path} cannot be locked: {error.strerror}") from None
        if not taken:
            raise SettingsRefused(
                f"dictd runs already on {state.directory} (process {lock.holder()});"
                " stop that one, or choose another with --state-dir"
            )
        try:
            serverkey.load(state.server_key)
            for name, subject in ((ACCOUNTS_FILE, "accounts"), (DICTIONARIES_FILE, "dictionaries")):
                connect(state.store / name, subject).close()
            listen = settings.listen
            return cls(state, lock, sockets.bind(listen.addresses, listen.port, listen.backlog))
        except BaseException:
            lock.release()
            raise


@define(eq=False)
class Serving(Service):
    """The line server in this process, with a publisher beside it.

    :ivar greet: told, once people can connect, where.
    """

    settings: Settings
    claim: Claim
    reactor: Any
    greet: Callable[[Parts, Sequence[str]], None] | None = None
    parts: Parts | None = field(default=None, init=False)
    _ports: list[Any] = field(factory=list, init=False)
    _publisher: Child | None = field(default=None, init=False)
    _timer: Any = field(default=None, init=False)
    _old_hangup: Any = field(default=None, init=False)
    log = Logger()

    def startService(self) -> None:
        Service.startService(self)
        self.claim.lock.sign()
        self._make_room()
        self.parts = wire(self.settings, self.claim.state, self.reactor)
        self.parts.passwords.start()
        self._timer = self.reactor.callLater(LOOK_EVERY, self._look)
        directory = str(self.claim.state.directory)
        self._publisher = Child(self.reactor, "dictd.processes.publish", ("--state-dir", directory, "--watch"))
        self.reactor.callWhenRunning(self._publisher.start)
        self.parts.lexicon.distrust = self._publisher.nudge
        where = [sockets.shown(listening) for listening in self.claim.listening]
        for listening in self.claim.listening:
            self._ports.append(self.reactor.adoptStreamPort(listening.fileno(), listening.family, self.parts.factory))
            listening.close()
        self._old_hangup = signal.signal(signal.SIGHUP, lambda *_: self.reactor.callFromThread(self.reload))
        for dictionary, headwords in self.parts.lexicon.dictionaries():
            self.log.info("{name}: {headwords} headwords", name=dictionary.name, headwords=headwords)
        if missing := self.parts.lexicon.missing():
            self.log.warn("the settings name dictionaries that are not there: {missing}", missing=", ".join(missing))
        self.log.info("listening on {where}", where=", ".join(where))
        if self.greet is not None:
            self.reactor.callWhenRunning(self.greet, self.parts, where)

    def _make_room(self) -> None:
        """As many open files as the connections that the settings allow, if the system lets us."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.settings.limits.connections + _FILES_BESIDE
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
        if hard < wanted:
            self.log.warn(
                "{wanted} connections are allowed, but the system allows {hard} open files (ulimit -n)",
                wanted=self.settings.limits.connections,
                hard=hard,
            )

    def reload(self) -> None:
        """SIGHUP: look at the dictionaries at once. Settings are read at the start only."""
        self.log.info("SIGHUP: dictionaries are looked at; settings are read when the server starts")
        self._refresh(force=True)

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        """Stop listening, finish what was asked, flush the history, close."""
        parts, self.parts = self.parts, None
        if parts is None:
            return
        self._timer.cancel()
        unpublished = self._publisher.stop() if self._publisher else succeed(None)
        await gatherResults([Deferred.fromCoroutine(_as_coroutine(port.stopListening())) for port in self._ports])
        await self._within(GRACE, parts.factory.drain(), "some clients were cut off")
        parts.factory.stop()
        flushed = Deferred.fromCoroutine(parts.recorder.flush())
        await self._within(GRACE, flushed, "some history rows were not written")
        parts.recorder.stop()
        parts.passwords.stop()
        parts.pool.close()
        parts.lexicon.close()
        await self._within(GRACE, unpublished, "the publisher was killed")
        if self._publisher is not None:
            self._publisher.kill()
        self.claim.lock.release()
        signal.signal(signal.SIGHUP, self._old_hangup)
        self.log.info("good bye")

    async def _within(self, seconds: float, work: Deferred[None], otherwise: str) -> None:
        timely = work.addTimeout(seconds, self.reactor, lambda *_: self.log.warn("{otherwise}", otherwise=otherwise))
        await timely

    def _look(self) -> None:
        self._timer = self.reactor.callLater(LOOK_EVERY, self._look)
        self._refresh()

    def _refresh(self, force: bool = False) -> None:
        if self.parts is None:
            return
        try:
            if self.parts.lexicon.refresh(force):
                shown = [
                    f"{dictionary.name} ({headwords} headwords)"
                    for dictionary, headwords in self.parts.lexicon.dictionaries()
                ]
                self.log.info("dictionaries are now: {shown}", shown=", ".join(shown) or "none")
        except Exception:  # noqa: BLE001 - logged with its traceback; the service goes on
            self.log.failure("the dictionaries could not be looked at")


async def _as_coroutine(maybe: Any) -> None:
    if maybe is not None:
        await maybe


def tell_newcomer(parts: Parts, where: Sequence[str]) -> None:
    """Say on the terminal what to type next; the log has lines of its own."""
    terminal = sys.__stdout__
    if terminal is None:
        return
    host, _, port = where[0].rpartition(":")
    dictionaries = parts.lexicon.dictionaries()
    known = ", ".join(f"{d.title} ({headwords:,} headwords)" for d, headwords in dictionaries)
    lines = [
        "",
        f"  dictd is listening on {' and '.join(where)}.",
        f"  Dictionaries: {known}"
        if known
        else "  No dictionary yet: dictctl import FILE (in .venv/bin) brings one in.",
        "",
        "  Now type, in another terminal:",
        f"      nc {host.strip('[]')} {port}",
        "  and there, one line each:",
        "      Q penguin",
        "      REGISTER your-name a-password",
        "      Q ice cream",
        "      HISTORY",
        "      HELP",
        "      QUIT",
        *_client(host, port),
        "  Ctrl-C here stops the server.",
        "",
    ]
    terminal.write("\n".join(lines) + "\n")
    terminal.flush()


def _client(host: str, port: str) -> list[str]:
    """How to ask with the bundled client, where it is installed beside this interpreter."""
    program = Path(sys.executable).with_name("dictc")
    if not program.exists():
        return []
    shown = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    server = "" if port == "2628" else f"--server dict://{host}:{port} "
    return ["  or, with the client, which has a prompt too:", f"      {shown} {server}penguin"]
