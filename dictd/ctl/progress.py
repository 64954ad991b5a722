"""Progress: a bar on a terminal, a line every five seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from attrs import define, field

#: Seconds between lines of progress where there is no terminal.
_LINE_EVERY = 5.0


@define
class Bar:
    """How far one import is, on standard error."""

    name: str
    _on_terminal: bool
    _clock: Callable[[], float] = time.monotonic
    _step: str = ""
    _bar: Any = None
    _last_line: float = field(init=False)

    @_last_line.default
    def _now(self) -> float:
        return self._clock()

    @classmethod
    @contextmanager
    def shown(cls, name: str, on_terminal: bool) -> Iterator[Bar]:
        """A bar that is ended whatever happens."""
        bar = cls(name, on_terminal)
        try:
            yield bar
        finally:
            bar.end_step()

    def progress(self, step: str, done: int, total: int) -> None:
        """See :data:`dictd.importers.intake.Progress`."""
        if self._on_terminal:
            if step != self._step:
                self.end_step()
                self._step = step
                self._bar = click.progressbar(length=max(total, 1), label=f"{self.name}: {step:<13}", file=sys.stderr)
                self._bar.__enter__()
            self._bar.length = max(total, 1)
            self._bar.update(min(done, self._bar.length) - self._bar.pos)
        elif self._clock() - self._last_line >= _LINE_EVERY:
            self._last_line = self._clock()
            click.echo(f"{self.name}: {step} {100 * done // max(total, 1)} %", err=True)

    def end_step(self) -> None:
        """Leave the line."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
