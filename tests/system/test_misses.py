"""What people do not find, with workers that are processes of their own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew
from tests.support.programs import dictctl
from tests.support.server import until


class Missed(SynchronousTestCase):
    """Two workers."""

    def rows(self, crew: Crew) -> dict[tuple[str, str], int]:
        """What the store has."""
        with closing(sqlite3.connect(crew.state / "store" / "accounts.sqlite")) as store:
            rows = store.execute("SELECT word, dictionary, count FROM miss").fetchall()
        return {(word, dictionary): count for word, dictionary, count in rows}

    def told(self, crew: Crew, **how: Any) -> dict[str, int]:
        """What the shell is told."""
        return {row["word"]: row["count"] for row in crew.ask("misses", **how)["words"]}

    def test_of_all_workers(self) -> None:
        """Whoever asks is told at once what was missed in each worker; so is dictctl; who asked is nowhere."""
        crew = Crew.started(self)
        for number, client in enumerate(crew.seated().values()):
            self.assertEqual(client.code(f"REGISTER someone{number} correct-horse"), 280)
            for line in ("DEFINE * pinguin", "D animals pinguin", "Q Pinguin", "D * penguin"):
                client.ask(line)
        self.assertEqual(self.rows(crew), {})  # the minute is not over
        self.assertEqual(self.told(crew), {"Pinguin": 6})
        self.assertEqual(self.rows(crew), {("Pinguin", "*"): 4, ("pinguin", "animals"): 2})
        client.ask("D * gone")
        done = dictctl(crew.state, "misses", "--min", "1")
        self.assertEqual(
            [line.split()[:2] for line in done.stdout.decode().splitlines()[1:]], [["Pinguin", "6"], ["gone", "1"]]
        )
        self.assertEqual(crew.complaints(), [])

    def test_many(self) -> None:
        """More of them than one message holds are told whole."""
        crew = Crew.started(self)
        client = crew.connect()
        words = [f"{'x' * 90}{number}" for number in range(700)]
        client.connection.sendall("".join(f"DEFINE * {word}\r\n" for word in words).encode())
        for _ in words:
            client.answer()
        self.assertEqual(self.told(crew, most=1000, least=1), dict.fromkeys(words, 1))

    def test_stop(self) -> None:
        """What was counted is in the store after a stop, and after a reload."""
        crew = Crew.started(self)
        for client in crew.seated().values():
            client.ask("DEFINE * pinguin")
            client.close()
        crew.ask("reload")
        until("the old ones to end", lambda: self.rows(crew) == {("pinguin", "*"): 2})
        client = crew.connect()
        client.ask("DEFINE * pinguin")
        crew.server.stop()
        self.assertEqual(self.rows(crew), {("pinguin", "*"): 3})

    def test_one_process(self) -> None:
        """A server without workers tells the same, and nothing where the settings say that nothing is counted."""
        for settings, told in (("", {"pinguin": 2}), ("[history]\nmisses = false\n", {})):
            crew = Crew.started(self, 1, settings, ("--workers", "0"))
            client = crew.connect()
            for _ in range(2):
                client.ask("DEFINE * pinguin")
            self.assertEqual(self.told(crew), told)

    def test_store_away(self) -> None:
        """While the store takes nothing what waits in all workers is told as one."""
        crew = Crew.started(self)
        with closing(sqlite3.connect(crew.state / "store" / "accounts.sqlite", isolation_level=None)) as store:
            store.execute("ALTER TABLE miss RENAME TO gone")
            store.execute("BEGIN EXCLUSIVE")
            for client in crew.seated().values():
                for _ in range(2):
                    client.ask("DEFINE * pinguin")
                client.ask("DEFINE * once")
            told = crew.ask("misses", least=3)
            self.assertEqual([(row["word"], row["count"]) for row in told["words"]], [("pinguin", 4)])
            self.assertFalse(told["stored"])
            store.execute("ROLLBACK")
            store.execute("ALTER TABLE gone RENAME TO miss")
        until("the store to be back", lambda: crew.ask("misses", least=3)["stored"])
        self.assertEqual(self.rows(crew), {("pinguin", "*"): 4, ("once", "*"): 2})
