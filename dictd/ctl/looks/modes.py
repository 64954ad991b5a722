"""Who may read and change what the server keeps, and whose it is."""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.processes import exposure

#: So many are told one by one.
_MOST = 5


def modes(examination: Examination) -> Iterator[Finding]:
    """Nobody else may, and all of it is of one user."""
    state, settings = examination.shared.state, examination.shared.settings
    # The key of TLS and the password of the database are told of by those who read them.
    elsewhere = {settings.tls.key, settings.tls.certificate, settings.store.password_file}
    exposed = [one for one in exposure.exposed(state, settings) if str(one.path) not in elsewhere]
    if len(exposed) > _MOST:
        yield Finding(
            "modes", "fault", f"{len(exposed)} files can be reached by others; type: {exposure.command(exposed)}"
        )
    else:
        for one in exposed:
            yield Finding("modes", "fault", f"{one.path} can be reached by others; type: {exposure.command([one])}")
    if examination.config and (mode := _mode(examination.config)) is not None and mode & 0o022:
        path = shlex.quote(str(examination.config))
        yield Finding("modes", "fault", f"{path} can be changed by others; type: chmod go-w {path}")
    strangers = list(_strangers(state.directory))
    yield from (Finding("modes", "fault", text) for text in strangers)
    parts = (state.directory, state.store, state.lexicon, state.spool, state.temporary)
    open_to_all = [part for part in parts if (_mode(part) or 0) & 0o055]
    if open_to_all:
        named = " ".join(shlex.quote(str(part)) for part in open_to_all)
        text = "others can see which files there are, and read no secret in them; better type: chmod 700"
        yield Finding("modes", "note", f"{text} {named}")
    if not exposed and not strangers:
        yield Finding("modes", "ok", "nobody else can read what the server keeps")


def _strangers(directory: Path) -> Iterator[str]:
    """What belongs to another user than the state directory: the server could not use it."""
    owner = directory.stat().st_uid
    if os.geteuid() not in (0, owner):
        yield f"{directory} belongs to {_name(owner)}; type: sudo -u {_name(owner)} dictctl doctor"
        return
    others: dict[int, list[Path]] = {}
    for path in sorted(directory.rglob("*")):
        try:
            uid = path.lstat().st_uid
        except OSError:
            continue  # gone meanwhile
        if uid != owner:
            others.setdefault(uid, []).append(path)
    for uid, paths in others.items():
        many = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        what = f"chown -R {_name(owner)} {shlex.quote(str(directory))}"
        yield f"{paths[0]}{many} belongs to {_name(uid)}, the state directory to {_name(owner)}; type: {what}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
