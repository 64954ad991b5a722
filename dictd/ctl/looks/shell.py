"""The shell into the server: who is let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.tables import count


def shell(examination: Examination) -> Iterator[Finding]:
    """Told where it is open; modes of its files are looked at with all others."""
    manhole = examination.shared.settings.manhole
    if not manhole.enabled:
        return
    from dictd.manhole.authorized import NoKey, parse  # only where it is asked for

    chosen = manhole.authorized_keys
    path = Path(chosen).expanduser() if chosen else examination.shared.state.directory / "manhole" / "authorized_keys"
    where = manhole.unix or f"{manhole.address}:{manhole.port}"
    if path.exists() and not path.is_file():
        yield Finding("manhole", "fault", f"{path} is not a file; correct manhole.authorized_keys")
        return
    keys = 0
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines() if path.exists() else (), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            until = parse(line).until
        except NoKey as refused:
            yield Finding("manhole", "note", f"line {number} of {path} lets nobody in: {refused.text}")
            continue
        if until is not None and until * 1000 < examination.now():
            yield Finding("manhole", "note", f"line {number} of {path} lets nobody in any more: its time is over")
        else:
            keys += 1
    if keys:
        text = f"it is open on {where} for {count(keys, 'key')} of {path}; who has one can do all that dictd can"
        yield Finding("manhole", "ok", text)
    else:
        text = f"it is open on {where} for nobody: {path} has no key; type: dictctl shell --authorize FILE.pub"
        yield Finding("manhole", "note", text)
