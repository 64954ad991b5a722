"""A look that is left to itself where it does not end: nothing that hangs keeps the doctor."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import held, ran_out
from dictd.errors import DictError
from dictd.store.faults import ERRORS, told

_END = None


def bounded(about: str, look: Callable[[], Iterator[Finding]], seconds: float) -> Iterator[Finding]:
    """What a look finds, as it finds it.

    It runs on a thread of its own, which ends with the process at the latest. Trouble is a finding.
    """
    found: queue.Queue[Finding | BaseException | None] = queue.Queue()

    def run() -> None:
        try:
            for finding in look():
                found.put(finding)
        except BaseException as trouble:  # noqa: BLE001 - raised again where it is heard
            found.put(trouble)
        else:
            found.put(_END)

    threading.Thread(target=run, name=f"look at {about}", daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        try:
            one = found.get(timeout=max(end - time.monotonic(), 0))
        except queue.Empty:
            yield Finding(about, "fault", f"no answer in {seconds:.0f} s: something hangs; its log may say what")
            return
        if one is _END:
            return
        if isinstance(one, Finding):
            yield one
        elif (finding := _trouble(about, one)) is not None:
            yield finding
            return
        else:
            raise one


def _trouble(about: str, error: BaseException) -> Finding | None:
    """What ended a look; ``None`` where it is a fault of ours."""
    if isinstance(error, DictError):
        return Finding(about, "fault", error.text)
    if ran_out(error):
        return Finding(
            about, "note", "not all was looked at, it takes too long; dictctl doctor --thorough takes the time"
        )
    if held(error):
        return Finding(about, "note", f"{told(error)} by a program that writes just now; look again in a moment")
    if isinstance(error, (OSError, *ERRORS)):
        return Finding(about, "fault", told(error))
    return None
