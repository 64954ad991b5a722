"""What conch has to say, which is for who looks for a fault."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger


class Quiet:
    """In the place of conch's loggers: each step of each connection is debugging, and so is each fault of a client."""

    _log = Logger("twisted.conch")

    def __init__(self) -> None:
        self.debug = self.info = self.warn = self.error = self._log.debug

    def failure(self, words: str, *arguments: Any, **named: Any) -> None:
        """What should not have happened."""
        self._log.failure(words, *arguments, **named)


QUIET: Any = Quiet()
