"""What is checked before a server starts or reloads: everything that a worker would stumble over.

``python -m dictd.processes.preflight`` does it in a process of its own, with the
program as it is installed now: the supervisor knows neither the store nor the
lexicon, and may be older than its next workers. It reads where the settings
come from as JSON, and answers with JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from dictd import config
from dictd.config import Settings
from dictd.errors import DictError, SettingsRefused, StoreAway
from dictd.processes.lines import module

_PATIENCE = 60.0


@frozen
class Origin:
    """Where settings come from, besides the environment.

    :ivar path: the file, if there is one.
    :ivar overrides: section -> key -> value, from the command line.
    """

    path: str | None
    overrides: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def load(self, strategies: list[str] | None = None) -> Settings:
        """Read them.

        :raises SettingsRefused: every fault, one a line.
        """
        return config.load(Path(self.path) if self.path else None, os.environ, self.overrides, strategies)

    def text(self) -> str:
        """For :func:`main`."""
        return json.dumps({"path": self.path, "overrides": self.overrides})


def checked(origin: Origin) -> list[str]:
    """Check everything here.

    :returns: what is worth a word and keeps nobody from starting.
    :raises DictError: one line that says what to do.
    """
    from dictd.lexicon.strategies import STRATEGIES
    from dictd.processes import exposure, serverkey
    from dictd.processes.state import State
    from dictd.server import certificates
    from dictd.store import databases, schema

    settings = origin.load([strategy.name for strategy in STRATEGIES])
    state = State(config.state_directory(settings)).prepare()
    exposure.refuse(state, settings)
    serverkey.load(state.server_key)
    if settings.tls.certificate:
        certificates.read(settings)
    database = databases.database(settings.store, state.store)
    try:
        for subject in schema.SUBJECTS:
            database.connect(subject).close()
    except StoreAway as trouble:  # it is waited for
        return [f"{trouble.text}; accounts wait for it, look-ups go on"]
    return []


def here(origin: Origin) -> Callable[[], None]:
    """As :func:`begun`, in this process."""
    checked(origin)
    return lambda: None


def command() -> list[str]:
    """The command line of a check in a process of its own."""
    return module("dictd.processes.preflight")


def begun(origin: Origin) -> Callable[[], None]:
    """Begin a check in a process of its own.

    :returns: what waits for it, and raises :class:`SettingsRefused` where something is wrong.
    """
    process = subprocess.Popen(command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
    asked = origin.text().encode()

    def end() -> None:
        try:
            answered, _ = process.communicate(asked, timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise SettingsRefused(f"the settings could not be checked in {_PATIENCE:.0f} s") from None
        understand(answered)

    return end


def understand(answered: bytes) -> list[str]:
    """What a check has said.

    :returns: what is worth a word.
    :raises SettingsRefused: something is wrong; the text says what to do.
    """
    try:
        told = json.loads(answered)
        trouble, notes = told["trouble"], list(map(str, told.get("notes", ())))
    except (ValueError, KeyError, TypeError, AttributeError):
        notes, trouble = [], "the settings could not be checked: the program that does it failed"
    if trouble:
        raise SettingsRefused(trouble)
    return notes


def main() -> None:
    """The command line of this module."""
    asked = json.load(sys.stdin)
    trouble, notes = "", list[str]()
    try:
        notes = checked(Origin(asked["path"], asked["overrides"]))
    except DictError as error:
        trouble = error.text
    except Exception as error:  # noqa: BLE001 - told, with its traceback beside
        traceback.print_exc()
        trouble = f"the settings could not be checked: {error!r}"
    json.dump({"trouble": trouble, "notes": notes}, sys.stdout)


if __name__ == "__main__":
    main()
