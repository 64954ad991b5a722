"""A settings file with the keys that differ from the defaults alone, each with what it means."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from dictd.accounts.spoolfile import sync
from dictd.sections import SECTIONS

_HEAD = """\
# Settings of dictd, written by dictctl init: the keys that differ from their defaults.
# etc/dictd.toml of the source shows all there are. A key that does not exist is an
# error, so a typing mistake cannot hide. After a change: dictctl reload.
"""


def text(chosen: Mapping[str, Mapping[str, Any]]) -> str:
    """What stands in the file.

    :param chosen: section -> key -> value.
    """
    lines = [_HEAD]
    for section, values in chosen.items():
        if not values:
            continue
        declared = attrs.fields_dict(SECTIONS[section])
        lines.append(f"[{section}]")
        for key, value in values.items():
            lines += [f"# {line}" for line in declared[key].metadata["about"].split("\n")]
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)


def write(path: Path, content: str, mode: int, anew: bool = False) -> None:
    """Write a file whole or not at all.

    :param anew: also where there is one, which is kept beside it.
    :raises FileExistsError: there is one.
    :raises OSError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)  # whatever the umask
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if anew:
            if path.exists():
                os.replace(path, path.with_name(f"{path.name}.old"))
            os.replace(fresh, path)
        else:
            os.link(fresh, path)  # as O_EXCL: never over another
    finally:
        fresh.unlink(missing_ok=True)
    sync(path.parent)
