"""What the line server counts of what people do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd import tally
from dictd.accounts.recorder import Recorder
from dictd.config import Settings
from dictd.server.protocol import Entry
from dictd.tally import BOUNDS
from tests.support.house import BOOKS, House, Line, publish


class Counts(SynchronousTestCase):
    """A house, and what its tally says."""

    def setUp(self) -> None:
        directory = Path(self.mktemp())
        publish(directory, BOOKS)
        self.house = House(directory)

    def snapshot(self) -> dict[str, Any]:
        """What is counted by now."""
        return self.house.factory.service.tally.snapshot()

    def commands(self) -> dict[str, dict[str, int]]:
        """Of the line protocol: verb to code to number."""
        commands: dict[str, dict[str, int]] = self.snapshot()["commands"]["dict"]
        return commands

    def test_commands(self) -> None:
        """Each line counts under the verb of the table, whatever it was typed as, and its final code."""
        client = self.house.welcome()
        client.ask("d wn penguin", "DEFINE wn nothing", "Define nowhere penguin", "define wn", "Q penguin", "SHOW DB")
        client.ask("SHOW DATABASES", "SHOW", "m wn prefix pen", "xyzzy", "", "option mime", "OPTION fast", "SASLAUTH x")
        client.send(b"x" * 7000 + b"\r\n")
        client.ask("QUIT")
        self.assertEqual(
            self.commands(),
            {
                "DEFINE": {"250": 1, "552": 1, "550": 1, "501": 1},
                "QUERY": {"250": 1},
                "SHOW DB": {"250": 2},
                "MATCH": {"250": 1},
                "OPTION MIME": {"250": 1},
                "SASLAUTH": {"532": 1},
                "unknown": {"500": 3, "501": 1, "503": 1},
                "QUIT": {"221": 1},
            },
        )

    def test_first_line(self) -> None:
        """A browser that was led here is an unknown command, whatever came before on other connections."""
        self.house.welcome().ask("SHOW DB")
        self.house.welcome().ask("GET / HTTP/1.1")
        self.assertEqual(self.commands(), {"SHOW DB": {"250": 1}, "unknown": {"500": 1}})

    def test_look_ups(self) -> None:
        """Hits, misses, and misses with suggestions."""
        client = self.house.welcome()
        client.ask("Q penguin", "Q penguen", "Q zzzzzzzzzz", "DEFINE wn penguen", "MATCH wn prefix pen")
        snapshot = self.snapshot()
        self.assertEqual(snapshot["lookups"], {"hit": 1, "miss": 2, "suggest": 1})
        self.assertEqual([snapshot["definitions"], snapshot["matches"]], [2, 2])

    def test_connections(self) -> None:
        """Who is in now, and who has been; who is refused is not, and counts as that."""
        limits = evolve(self.house.settings.limits, connections=2)
        house = House(self.house.directory, evolve(Settings(), limits=limits))
        clients = [house.welcome() for _ in range(3)]
        clients[0].ask("QUIT")
        clients[0].protocol.connectionLost()
        snapshot = house.factory.service.tally.snapshot()
        self.assertEqual(snapshot["connections"], {"dict": 1})
        self.assertEqual(snapshot["connected"], {"dict": 2})
        self.assertEqual(snapshot["limited"], {"dict": {"connections": 1}})

    def test_limits(self) -> None:
        """Each limit counts what it refuses, as its own."""

        def limited(**limits: Any) -> dict[str, int]:
            house = House(self.house.directory, Settings(limits=evolve(self.house.settings.limits, **limits)))
            for _ in range(5):
                house.connect("203.0.113.7")
            counted: dict[str, int] = house.factory.service.tally.snapshot()["limited"]["dict"]
            return counted

        self.assertEqual(limited(connections_per_network=2), {"network_connections": 3})
        self.assertEqual(limited(new_per_second=1), {"new_connections": 2})
        self.house.factory.service.doors.ban("203.0.113.7", 60.0)
        self.house.connect("203.0.113.7")
        client = self.house.welcome()
        client.ask(*["xyzzy"] * 30)
        self.assertEqual(self.snapshot()["limited"], {"dict": {"banned": 1, "bad_commands": 1}})

    def test_other_entrance(self) -> None:
        """Those of another entrance are counted as that."""
        house = self.house
        protocol: Any = house.factory.come("127.0.0.1", Entry.BEHIND_TLS)
        line = Line()
        line.protocol = protocol
        protocol.makeConnection(line)
        protocol.dataReceived(b"Q penguin\r\n")
        self.assertEqual(self.snapshot()["commands"], {"dicts": {"QUERY": {"250": 1}}})
        self.assertEqual(self.snapshot()["connections"], {"dicts": 1})

    def test_logins(self) -> None:
        """How tries to log in end, by password and by key."""
        self.house.member("alice")
        client = self.house.welcome()
        client.ask("LOGIN alice correct-horse", "LOGIN alice wrong-horse", "LOGIN alice correct-horse")
        client.ask("AUTH alice " + 32 * "0")
        self.house.clock.advance(3)
        client.ask("AUTH alice " + 32 * "0")
        self.house.clock.advance(20)
        self.house.pool.away = True
        client.ask("LOGIN alice correct-horse", "AUTH alice " + 32 * "0")
        snapshot = self.snapshot()
        self.assertEqual(snapshot["logins"], {"ok": 1, "wrong": 2, "delayed": 2, "unavailable": 2})
        self.assertEqual(snapshot["limited"], {"dict": {"logins": 2}})
        self.assertEqual(snapshot["commands"]["dict"]["LOGIN"], {"230": 1, "531": 1, "481": 1, "480": 1})

    def test_registrations(self) -> None:
        """Registrations that come too fast count as refused."""
        accounts = evolve(self.house.settings.accounts, registrations_per_hour=1)
        house = House(self.house.directory, evolve(Settings(), accounts=accounts))
        house.member("alice")
        house.welcome().ask("REGISTER bob correct-horse")
        self.assertEqual(house.factory.service.tally.snapshot()["limited"], {"dict": {"registrations": 1}})

    def test_durations(self) -> None:
        """An answer that waits for its history row takes until it leaves; one at once takes no time here."""
        client = self.house.member()
        kept: Deferred[bool] = Deferred()
        self.patch(Recorder, "record", lambda *_: kept)
        client.send(b"DEFINE wn penguin\r\n")
        self.assertNotIn("DEFINE", self.commands())
        self.house.clock.advance(1.5)
        kept.callback(True)
        cell = self.snapshot()["durations"]["dict"]["DEFINE"]
        self.assertEqual(cell["microseconds"], 1_500_000)
        self.assertEqual(cell["buckets"].index(1), BOUNDS.index(2.5))
        self.assertEqual(self.commands()["DEFINE"], {"250": 1})
        self.assertEqual(self.snapshot()["durations"]["dict"]["REGISTER"]["buckets"][0], 1)

    def test_lost_answer(self) -> None:
        """An answer that fails when it is awaited counts as what was said instead."""
        client = self.house.member()
        kept: Deferred[bool] = Deferred()
        self.patch(Recorder, "record", lambda *_: kept)
        client.send(b"DEFINE wn penguin\r\n")
        kept.errback(ValueError("trouble"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.commands()["DEFINE"], {"420": 1})

    def test_status(self) -> None:
        """STATUS shows the sums of all processes, itself counted."""
        self.house.factory.service.tally.elsewhere = tally.shown(
            {
                "connections": {"dict": 10, "dicts": 5},
                "connected": {"dict": 100},
                "commands": {"dict": {"DEFINE": {"250": 1000, "552": 1}}},
                "definitions": 1000,
                "matches": 7,
            }
        )
        status = self.house.welcome().ask("DEFINE wn penguin", "STATUS").splitlines()[-1]
        self.assertEqual(
            status, "210 up 0 days 00:00:00, 16 of 101 connections, 1003 commands, 1001 definitions, 7 matches"
        )

    def test_no_words(self) -> None:
        """Nothing that somebody typed is in what is counted."""
        client = self.house.member("secretname")
        client.ask("Q secretword", "secretverb", "SHOW secretthing", "CLIENT secretprogram", "MATCH wn secretstrat x")
        client.ask("LOGIN secretname secretpassword", "HELP secretverb", "AUTH secretname secretmd")
        self.assertNotIn("secret", json.dumps(self.snapshot()))
