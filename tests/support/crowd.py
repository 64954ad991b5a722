"""Many clients that come and go, and what went wrong for them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class Crowd:
    """Clients in a thread of their own: each connects, asks, says QUIT, and comes again.

    :ivar answered: how often all went well.
    :ivar slowest: from connecting to the last answer, seconds.
    :ivar trouble: what went wrong.
    """

    port: int
    clients: int = 100
    most: int = 1 << 30
    pause: float = 0.0
    answered: int = 0
    slowest: float = 0.0
    trouble: list[str] = field(factory=list)
    _over: threading.Event = field(factory=threading.Event, init=False)
    _thread: threading.Thread = field(init=False)
    _begun: int = field(default=0, init=False)

    def begin(self) -> Crowd:
        """Let them come."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        self._thread.start()
        return self

    def end(self) -> None:
        """No more come; wait for those that are there."""
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "clients hang"

    def wait(self) -> None:
        """Until as many have come as are to."""
        self._thread.join(120)
        assert not self._thread.is_alive(), f"clients hang: {self.answered} of {self.most} answered"

    def has_answered(self, count: int) -> Callable[[], bool]:
        """Whether so many more have been answered than now."""
        until = self.answered + count
        return lambda: self.answered >= until or bool(self.trouble)

    async def _all(self) -> None:
        await asyncio.gather(*(self._one() for _ in range(self.clients)))

    async def _one(self) -> None:
        while not self._over.is_set() and self._begun < self.most:
            self._begun += 1
            began = time.monotonic()
            try:
                await asyncio.wait_for(self._visit(), 30)
            except (OSError, AssertionError, EOFError, TimeoutError) as error:
                self.trouble.append(f"{type(error).__name__} {error} after {time.monotonic() - began:.2f} s")
            else:
                self.answered += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
            await asyncio.sleep(self.pause)

    async def _visit(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            banner = await reader.readline()
            assert banner.startswith(b"220 "), banner
            writer.write(b"DEFINE * penguin\r\nQUIT\r\n")
            said = await reader.read(-1)
            assert b"\r\n250 " in said, said
            assert b"\r\n221 " in said, said
        finally:
            writer.close()
