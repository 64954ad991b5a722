"""Signals and ends of the process that twistd started."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.error import ReactorNotRunning

#: However a stop hangs, it is over after so long, seconds.
LONGEST_STOP = 14.0
#: How long the answer to whoever said stop has to leave, seconds.
_LAST_WORD = 0.05


def end_soon(reactor: Any) -> None:
    """End this process, after the answer to who said so; somebody may have said so before."""

    def stop() -> None:
        with suppress(ReactorNotRunning):
            reactor.stop()

    reactor.callLater(_LAST_WORD, stop)


def hurry() -> None:
    """This process ends in time, also when a thread of it hangs for ever."""
    timer = threading.Timer(LONGEST_STOP, os._exit, (1,))
    timer.daemon = True
    timer.start()


def on_hangup(reactor: Any, do: Callable[[], None]) -> Callable[[], None]:
    """Do something on SIGHUP, which would end the process otherwise.

    :returns: what undoes it.
    """
    before = signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(do))
    return lambda: (signal.signal(signal.SIGHUP, before), None)[1]
