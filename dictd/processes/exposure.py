"""Secrets that others on this machine could read: no server starts before that is mended.

What is looked at are modes, not who asks: it is the same for root. A file that
others may read inside a directory that lets nobody in is not read by anybody.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from dictd import secrecy
from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.processes.asking import FILE
from dictd.processes.state import State
from dictd.storeurl import StoreURL

_GROUP, _WORLD = 0o070, 0o007
_READ_OR_WRITE, _WRITE = 0o066, 0o022
#: So many paths of one directory are named one by one; more by the directory.
_FEW = 3
#: Of the shell: others may read them, and change none.
_PUBLIC = ("authorized_keys", "known_hosts")


@frozen
class Exposed:
    """A path of which others may do too much.

    :ivar part: the directory to which the command may be told as a whole; itself where there is none.
    :ivar reached: whether they come as far as to it, through all directories above.
    """

    path: Path
    part: Path
    mode: int
    reached: bool

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return stat.S_ISDIR(self.mode)

    @property
    def what(self) -> str:
        """What others can do with it."""
        return "read" if not self.is_directory and self.mode & 0o044 else "changed"


def refuse(state: State, settings: Settings) -> None:
    """Look before a start or a reload.

    :raises SettingsRefused: one line, with all there is to type.
    """
    if found := list(exposed(state, settings, reached=True)):
        what = f"{found[0].path} can be {found[0].what}" if len(found) == 1 else "what must be secret can be read"
        raise SettingsRefused(f"{what} by others; type: {command(found)}")


def command(found: Iterable[Exposed]) -> str:
    """What puts it right, as it is typed."""
    by_part: dict[Path, list[Exposed]] = {}
    for one in found:
        by_part.setdefault(one.part, []).append(one)
    typed: dict[str, list[Path]] = {"chmod 600": [], "chmod 700": [], "chmod -R go=": []}
    for part, ones in by_part.items():
        if len(ones) > _FEW:
            typed["chmod -R go="].append(part)
        else:
            for one in ones:
                typed["chmod 700" if one.is_directory else "chmod 600"].append(one.path)
    return " && ".join(
        " ".join([chmod, *(shlex.quote(str(path)) for path in dict.fromkeys(paths))])
        for chmod, paths in typed.items()
        if paths
    )


def exposed(state: State, settings: Settings, reached: bool = False) -> Iterator[Exposed]:
    """Everything that others may read or change.

    :param reached: leave out what they do not come as far as to; then no file is looked at in a
        directory that lets nobody in.
    """
    for one in _all(state, settings, reached):
        if one.reached or not reached:
            yield one


def _all(state: State, settings: Settings, reached: bool) -> Iterator[Exposed]:
    manhole = state.directory / "manhole"
    parts = (state.store, state.spool, state.temporary, manhole)
    for directory in (state.directory, *parts, state.lexicon):
        # Who can write there puts another file in the place of ours.
        yield from _judged(directory, _WRITE, directory)
    for part in parts:
        if reached and not _who_comes_to(part):
            continue
        for path, is_directory in _under(part):
            if _is_elsewhere(path, state):
                continue
            public = is_directory or (part == manhole and (path.name in _PUBLIC or path.suffix == ".pub"))
            yield from _judged(path, _WRITE if public else _READ_OR_WRITE, part)
    for path in (state.directory / "bans.json", state.directory / FILE):
        if not _is_elsewhere(path, state):
            yield from _judged(path, _READ_OR_WRITE, path)
    if settings.manhole.authorized_keys:
        keys = Path(settings.manhole.authorized_keys).expanduser()
        yield from _judged(keys, _WRITE, keys)
    yield from _judged(state.server_key, _GROUP | _WORLD, state.server_key, strict=True)
    reader = secrecy.reader_of(state.directory)
    for path in _given(settings):
        if (found := _stat(path)) and (rights := secrecy.too_much(found, reader)):
            yield from _judged(path, rights, path, strict=True)


def _given(settings: Settings) -> Iterator[Path]:
    """Keys and passwords of the settings; others have no right on them wherever they are."""
    store, tls = settings.store, settings.tls
    if store.password_file and not store.password and StoreURL.parse(store.url).kind == "mysql":
        yield Path(store.password_file).expanduser()
    if tls.certificate:
        yield Path(tls.key or tls.certificate)


def _judged(path: Path, rights: int, part: Path, strict: bool = False) -> Iterator[Exposed]:
    found = _stat(path)
    if found is None or not stat.S_IMODE(found.st_mode) & rights:
        return
    come = _GROUP | _WORLD if strict else _who_comes_to(Path(os.path.realpath(path)).parent)
    yield Exposed(path, part, found.st_mode, bool(stat.S_IMODE(found.st_mode) & rights & come))


def _who_comes_to(directory: Path) -> int:
    """The rights of those who come through a directory and all above it: a mask for modes of what is in it."""
    who = _GROUP | _WORLD
    real = Path(os.path.realpath(directory))
    for part in (real, *real.parents):
        found = _stat(part)
        mode = found.st_mode if found else 0
        if not mode & 0o001:
            who &= ~_WORLD
        if not mode & 0o011:
            who &= ~_GROUP
        if not who:
            break
    return who


def _is_elsewhere(path: Path, state: State) -> bool:
    """Whether this is a link to what is none of ours: its modes are the business of somebody else."""
    own = os.path.realpath(state.directory)
    return path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(own)


def _under(directory: Path) -> Iterator[tuple[Path, bool]]:
    """All that is under a directory, and whether each is one itself."""
    try:
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return  # whoever needs it says so
    for entry in found:
        yield Path(entry.path), os.path.isdir(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _under(Path(entry.path))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
