"""Headwords while they are typed: MATCH prefix on a connection of its own."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from dictc.address import Address
from dictc.dialogue import COMMANDS
from dictc.grammar import command
from dictc.replies import Parser, Reply
from dictc.troubles import Trouble

#: How many headwords are offered.
MOST = 50
#: Seconds: of silence before the server is asked, for its answer, and after one that did not come.
PAUSE, PATIENCE, REST = 0.08, 1.0, 5.0


class Headwords(Completer):
    """Offers the headwords that begin with what was typed; a server that is slow or away offers none.

    :ivar server: asked on a connection of its own, so that a look-up never waits for a list.
    :ivar ca: see :meth:`dictc.connection.Connection.opened`; with TLS or without, as look-ups.
    :ivar database: gives the database that words are looked up in.
    """

    def __init__(self, server: Address, database: Callable[[], str], ca: str = "") -> None:
        self.server = server
        self.database = database
        self.ca = ca
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._parser = Parser()
        self._replies: deque[Reply] = deque()
        self._resting_until = 0.0

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """None: there are only those of :meth:`get_completions_async`."""
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """The commands after a colon, headwords else."""
        typed = document.text_before_cursor.lstrip()
        if typed.startswith(":"):
            for known in COMMANDS:
                if f":{known.name}".startswith(typed):
                    yield Completion(f":{known.name}", -len(typed), display_meta=known.about)
            return
        # One letter would list a tenth of a dictionary, one Chinese character a dozen words.
        if len(typed.encode("utf-8")) < 2:
            return
        await asyncio.sleep(PAUSE)
        if get_app().current_buffer.document != document:
            return  # typed on
        for word in await self.headwords(typed):
            yield Completion(word, -len(typed))

    async def headwords(self, typed: str) -> list[str]:
        """The first headwords that begin with a text, each once; none if they cannot be had in time."""
        if time.monotonic() < self._resting_until:
            return []
        done = False
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await self._ask(command("MATCH", self.database(), "prefix", typed))
            done = True
        except (OSError, TimeoutError, Trouble):
            self._resting_until = time.monotonic() + REST
            return []
        finally:
            if not done:  # cut off as well: the answer that is under way belongs to nobody
                self.close()
        return list(dict.fromkeys(headword for _, headword in reply.pairs))[:MOST]

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.transport.abort()  # TLS would wait for the server to take leave as well
        self._reader = self._writer = None

    async def _ask(self, line: bytes) -> Reply:
        for attempt in (1, 2):
            fresh = self._reader is None or self._writer is None or self._reader.at_eof()
            if fresh:
                self.close()
                self._parser, self._replies = Parser(), deque()
                self._reader, self._writer = await asyncio.open_connection(
                    self.server.host, int(self.server.port), **self._seal()
                )
            assert self._reader is not None and self._writer is not None  # noqa: S101 - for mypy
            try:
                self._writer.write(line)
                if fresh and (await self._next()).code != 220:
                    raise ConnectionError
                reply = await self._next()
                if reply.code == 421:
                    raise ConnectionError
                return reply
            except ConnectionError:
                self.close()
                if fresh or attempt == 2:
                    raise
        raise ConnectionError

    def _seal(self) -> dict[str, Any]:
        if not self.server.secure:
            return {}
        from dictc.seal import name_of, trusting

        return {"ssl": trusting(self.ca), "server_hostname": name_of(self.server)}

    async def _next(self) -> Reply:
        assert self._reader is not None  # noqa: S101 - for mypy
        while not self._replies:
            piece = await self._reader.read(1 << 16)
            if not piece:
                raise ConnectionError
            self._replies += self._parser.feed(piece)
        return self._replies.popleft()
