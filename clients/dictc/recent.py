"""What was typed at the prompt: a file of lines that only its owner can read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from prompt_toolkit.history import History

from dictc.dialogue import is_kept

#: Lines that are kept.
MOST = 2000


def place(environment: Mapping[str, str]) -> Path:
    """Where the file is: ``dictc/history`` in XDG's directory for state."""
    state = environment.get("XDG_STATE_HOME", "")
    # The XDG base directory specification: a path that is not absolute is ignored.
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "dictc" / "history"


class Recent(History):
    """The history of the prompt, one line each, the newest last; without a file where none can be written.

    :ivar path: of the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        lines = self._lines()
        if len(lines) > MOST:
            self._write(lines[-MOST:])

    def load_history_strings(self) -> Iterable[str]:
        """The newest first."""
        return reversed(self._lines())

    def append_string(self, string: str) -> None:
        """Take a line, if it may be kept."""
        if is_kept(string):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Write a line to the file."""
        with contextlib.suppress(OSError), os.fdopen(self._open(os.O_APPEND), "w", encoding="utf-8") as file:
            file.write(" ".join(string.split("\n")) + "\n")

    def forget(self, word: str) -> None:
        """Take a word out; ``*`` takes everything."""
        kept = [] if word == "*" else [line for line in self._lines() if line.strip().lower() != word.lower()]
        self._write(kept)
        self._loaded_strings = kept[::-1]

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []

    def _write(self, lines: list[str]) -> None:
        with contextlib.suppress(OSError), os.fdopen(self._open(os.O_TRUNC), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    def _open(self, flag: int) -> int:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
