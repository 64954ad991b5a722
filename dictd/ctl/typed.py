"""Commands as they are typed from here."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click


def beside(program: str) -> Path:
    """A program of the environment that dictctl is of."""
    return Path(sys.executable).with_name(program)


def shown(path: Path) -> str:
    """A path as it is typed from the directory we are in."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def typed(program: str, settings: Path | None = None) -> str:
    """A program, by its name where that is found, with its settings file."""
    name = program if shutil.which(program) or not beside(program).exists() else shown(beside(program))
    return f"{name} --config {shown(settings)}" if settings else name


def start() -> str:
    """What starts a server on what this command was for."""
    given = click.get_current_context().find_root().params
    words = [typed("twistd"), "dictd"]
    for option, name in (("--config", "config_path"), ("--state-dir", "state_dir"), ("--store", "store")):
        if given[name] is not None:
            words += [option, shlex.quote(str(given[name]))]
    return " ".join(words)
