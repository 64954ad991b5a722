"""What a server holds alone: its state directory and its entrances."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from attrs import define

from dictd.config import Settings
from dictd.errors import DictError, SettingsRefused
from dictd.processes import sockets
from dictd.processes.sockets import Entrance
from dictd.processes.state import Lock, State

#: How long the workers of a server that was killed may take to end, seconds.
_PATIENCE = 4.0
_MOMENT = 0.05


@define(eq=False, repr=False)
class Claim:
    """Taken before the daemon's fork, so that trouble is one line on the terminal and nobody comes in between."""

    state: State
    lock: Lock
    entrances: Sequence[Entrance]

    @classmethod
    def made(cls, settings: Settings, state: State, begin: Callable[[], Callable[[], None]]) -> Claim:
        """Check and take everything that can be in the way.

        :param begin: begins to check the rest once the lock is held, and returns what ends that.
        :raises DictError: one line that says what to do.
        """
        state.prepare()
        lock = Lock(state.directory / "lock")
        try:
            taken = lock.take() or (_ending(lock) and _taken_soon(lock))
        except OSError as error:
            raise SettingsRefused(f"{lock.path} cannot be locked: {error.strerror}") from None
        if not taken:
            raise SettingsRefused(
                f"dictd runs already on {state.directory} (process {lock.holder()});"
                " stop that one, or choose another with --state-dir"
            )
        try:
            end = begin()
            try:
                entrances = sockets.entrances(settings, os.environ)
            except DictError:
                with suppress(DictError):
                    end()
                raise
            try:
                end()
            except DictError:
                sockets.close(entrances)
                raise
        except BaseException:
            lock.release()
            raise
        return cls(state, lock, entrances)

    def release(self) -> None:
        """Give everything up."""
        sockets.close(self.entrances)
        self.lock.release()


def _ending(lock: Lock) -> bool:
    """Whether the process that took the lock is dead, and only its workers have it still, for a moment."""
    holder = lock.holder()
    return holder.isdecimal() and not os.path.exists(f"/proc/{holder}")


def _taken_soon(lock: Lock) -> bool:
    end = time.monotonic() + _PATIENCE
    while not lock.take():
        if time.monotonic() > end:
            return False
        time.sleep(_MOMENT)
    return True
