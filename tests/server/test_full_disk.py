"""No room for the history on the disk: the real pool, a real file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from dictd.sections import Store
from dictd.store import databases, sqlite
from dictd.store.pool import open_pool
from dictd.store.sqlite import prepare
from tests.support.house import BOOKS, Client, House, publish

CLOCK: Any = reactor


class Full(TestCase):
    """SQLite says that the disk is full, and later no more."""

    timeout = 60.0

    def setUp(self) -> None:
        """A server with a store whose size can be bounded."""
        self.connections: list[sqlite3.Connection] = []
        self.pages = 1_000_000
        directory = Path(self.mktemp()).absolute()
        publish(directory / "lexicon", BOOKS)
        database = databases.database(Store(), directory)
        self.own: Any = database.connect("accounts")
        self.patch(sqlite, "prepare", self.prepare)
        pool = open_pool(database, "accounts", CLOCK)
        self.addCleanup(pool.close)
        self.addCleanup(self.own.close)
        store: Any = pool
        self.house = House(directory / "lexicon", clock=CLOCK, pool=store)
        self.addCleanup(self.house.lexicon.close)
        self.addCleanup(self.house.factory.stop)
        self.addCleanup(self.house.recorder.stop)

    def prepare(self, connection: sqlite3.Connection) -> None:
        """As the pool's own, and with the bound."""
        prepare(connection)
        self.connections.append(connection)
        self.bound(self.pages)

    def bound(self, pages: int) -> None:
        """No connection of the pool may make the file longer than this."""
        self.pages = pages
        for connection in self.connections:
            connection.execute(f"PRAGMA max_page_count = {pages}").close()

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for something that is bound to happen; the test's own time-out ends it else."""
        while not happened():
            await deferLater(CLOCK, 0.01)

    async def ask(self, client: Client, line: str) -> str:
        """A line and the whole answer."""
        client.protocol.dataReceived(line.encode() + b"\r\n")
        said = b""

        def answered() -> bool:
            nonlocal said
            said += client.heard()
            last = said.splitlines()[-1:]
            return bool(last) and said.endswith(b"\n") and last[0][:1] in b"245" and last[0][3:4] == b" "

        await self.until(answered)
        return said.decode()

    async def test_full(self) -> None:
        """Look-ups go on and say what is not kept; when there is room again everything is kept, without a restart."""
        alice, other = self.house.welcome(), self.house.welcome()
        await self.ask(alice, "REGISTER alice correct-horse")
        self.assertTrue((await self.ask(alice, "Q penguin")).endswith("250 ok\r\n"))
        ((pages,),) = self.own.execute("PRAGMA page_count").fetchall()
        self.bound(pages)
        asked = ["penguin"]
        while "not confirmed" not in (said := await self.ask(alice, "Q " + (word := f"{len(asked):0500}"))):
            asked.append(word)
            self.assertLess(len(asked), 1000)
        asked.append(word)
        self.assertRegex(said, r"^552 .*\(history not confirmed\)\r\n$")
        self.assertIn("a flightless bird", await self.ask(alice, "Q penguin"))
        asked.append("penguin")
        self.assertTrue((await self.ask(other, "Q penguin")).endswith("250 ok\r\n"))
        self.bound(1_000_000)
        said = "not confirmed"
        while "not confirmed" in said:
            await deferLater(CLOCK, 0.05)  # while it fails an answer takes no turn of the reactor
            said = await self.ask(alice, "Q penguin")
            asked.append("penguin")
        self.assertTrue((await self.ask(other, "REGISTER bob correct-horse")).startswith("280 "))
        history = (await self.ask(alice, f"HISTORY {len(asked)}")).splitlines()[1:-2]
        self.assertEqual(len(history), len(asked))
        for line, word in zip(history, reversed(asked), strict=True):
            self.assertIn(f'"{word}"', line)
