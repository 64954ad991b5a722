"""The server that runs here, if one does."""

from __future__ import annotations

from collections.abc import Iterator

from dictd import __version__
from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.errors import DictError
from dictd.processes import asking
from dictd.processes.asking import NoServer


def running(examination: Examination) -> Iterator[Finding]:
    """Whether one runs, and how it is."""
    lock = examination.lock
    if not lock.held():
        yield Finding("server", "note", "none runs on this state directory; twistd dictd starts it")
        return
    it_runs = f"it runs, process {lock.holder()}"
    try:
        status = asking.ask(examination.shared.state.directory, "status")
    except NoServer:
        yield Finding("server", "note", f"it is beginning or ending, process {lock.holder()}")
        return
    except DictError as trouble:
        yield Finding("server", "fault", f"{it_runs}, but {trouble.text}")
        return
    faults = []
    if not any(worker["state"] == "serving" for worker in status["workers"]):
        faults.append("but no worker serves; its log says why")
    elif status["waiting"]:
        faults.append(f"without {', '.join(status['waiting'])}; its log says why")
    if faults:
        yield Finding("server", "fault", f"{it_runs}, {faults[0]}")
    elif status["metrics"].startswith("not served"):
        yield Finding("server", "note", f"{it_runs}; its metrics are {status['metrics']}")
    else:
        yield Finding("server", "ok", it_runs)
    if not status.get("store", True):
        yield Finding(
            "server", "note", f"{it_runs}; its account store does not answer: accounts are 480, look-ups go on"
        )
    if status.get("version", __version__) != __version__:
        text = f"it is dictd {status['version']}, installed is {__version__}"
        yield Finding("server", "note", f"{text}; dictctl reload begins new workers, a start takes all of it")
