"""Each limit, with what it is for: it holds, and with the limit at its highest what it is for happens.

Every test says its abuse as a function of settings and looks at both sides, so
that none can pass when its limit does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts import keys
from dictd.config import Settings
from tests.support.house import BOOKS, Client, House, publish

SOURCE, OTHER = "127.0.0.2", "127.0.0.3"
#: Words whose blocks a search has to read one by one.
MANY = [f"{first}{second}{third}" for first in "abcdefgh" for second in "ijklmn" for third in "opqrstuv"]


def leave(client: Client) -> None:
    """The connection is gone."""
    client.protocol.connectionLost(Failure(ConnectionError()))


class Held(SynchronousTestCase):
    """Abuse of a server in memory; 127.0.0.x are hosts like any other."""

    current: House | None = None

    def setUp(self) -> None:
        self.addCleanup(self.close)
        self.directory = Path(self.mktemp()).absolute()
        publish(self.directory, {**BOOKS, "many": ("Many", [(word, word) for word in MANY])})

    def house(self, accounts: dict[str, Any] | None = None, **limits: Any) -> House:
        """A server where this machine is not exempt, with some settings of [limits] and [accounts]."""
        default = Settings()
        settings = evolve(
            default,
            limits=evolve(default.limits, **{"exempt": (), **limits}),
            accounts=evolve(default.accounts, **(accounts or {})),
        )
        self.close()  # a process opens a file of a dictionary once
        self.current = house = House(self.directory, settings)
        return house

    def close(self) -> None:
        """Close the lexicon of the last server."""
        if self.current is not None:
            self.current.lexicon.close()


class Connections(Held):
    """Who comes in."""

    def live(self, comes: int = 500, **limits: Any) -> int:
        """Connections of one source that live after it has made so many; another source is answered."""
        house = self.house(**limits)
        flood = [house.connect(SOURCE) for _ in range(comes)]
        self.assertEqual(house.welcome(OTHER).codes("DEFINE wn penguin"), [250])
        refused = [client for client in flood if client.heard().startswith(b"420 ")]
        self.assertTrue(all(client.line.disconnecting for client in refused))
        self.assertEqual(len(house.factory.connections), 1 + comes - len(refused))
        return comes - len(refused)

    def test_flood(self) -> None:
        """Of 500 connections of one source 64 live."""
        self.assertEqual(self.live(new_per_second=1_000_000), 64)
        self.assertEqual(self.live(new_per_second=1_000_000, connections_per_network=1_000_000), 500)

    def test_new(self) -> None:
        """Of 500 connections made at once three seconds' worth are let in."""
        self.assertEqual(self.live(connections_per_network=1_000_000), 60)

    def test_from_all_over(self) -> None:
        """All places together are bounded, from however many networks."""

        def live(connections: int) -> int:
            house = self.house(connections=connections)
            come = [house.connect(f"127.1.{number >> 8}.{number & 255}") for number in range(500)]
            return sum(client.heard().startswith(b"220 ") for client in come)

        self.assertEqual(live(100), 100)
        self.assertEqual(live(1_000_000), 500)

    def test_one_ipv6_customer(self) -> None:
        """A customer that has a /56 is one network, where the settings say so."""

        def live(prefix: int) -> int:
            house = self.house(ipv6_prefix=prefix, connections_per_network=10)
            come = [house.connect(f"2001:db8:0:{number:x}::1") for number in range(100)]
            return sum(client.heard().startswith(b"220 ") for client in come)

        self.assertEqual(live(56), 10)
        self.assertEqual(live(64), 100)

    def answered_members(self, **limits: Any) -> bool:
        """Whether a member from elsewhere can log in and look up when crowds, who say nothing, fill the server."""
        house = self.house({"plaintext": True}, connections=100, **limits)
        leave(house.member("alice", "192.0.2.9"))
        crowd = [house.connect(f"10.0.0.{number}") for number in range(95)]
        for number in range(20):
            crowd.append(house.connect(f"10.0.1.{number}"))
            house.clock.pump([1.0] * 3)
            for gone in [client for client in crowd if client.line.disconnecting]:
                crowd.remove(gone)
                leave(gone)
        client = house.connect("198.51.100.1")
        if not client.heard().startswith(b"220 "):
            return False
        return client.codes("DEFINE wn penguin", "LOGIN alice correct-horse", "DEFINE wn penguin") == [420, 230, 250]

    def test_reserved(self) -> None:
        """Who logs in finds a place in a server that crowds fill: the last places are lent for 15 s."""
        self.assertTrue(self.answered_members(first_seconds=86400))
        self.assertFalse(self.answered_members(first_seconds=86400, reserved_percent=0))
        self.assertFalse(self.answered_members(first_seconds=86400, login_seconds=3600))


class Reserved(Held):
    """One of the last places."""

    def setUp(self) -> None:
        """A server whose next place is one of them."""
        super().setUp()
        self.full = self.house({"plaintext": True}, connections=10, reserved_percent=50)
        for number in range(5):
            self.full.connect(f"10.0.0.{number}")
        self.client = self.full.welcome("10.0.1.1")

    def test_look_ups(self) -> None:
        """Look-ups are 420 with what to do; everything else is answered."""
        said = self.client.ask("Q penguin")
        self.assertEqual(said[:4], "420 ")
        self.assertIn("LOGIN", said)
        lines = ("D wn penguin", "M wn . p", "SHOW INFO wn", "SHOW DB", "STATUS", "HELP", "FOO", "CLIENT x")
        self.assertEqual(self.client.codes(*lines), [420, 420, 420, 250, 210, 250, 500, 250])

    def test_time(self) -> None:
        """Who does not log in hears 421 after 15 s, whatever it says until then."""
        for _ in range(14):
            self.full.clock.pump([1.0])
            self.assertEqual(self.client.codes("STATUS"), [210])
        self.full.clock.pump([1.0, 1.0])
        self.assertTrue(self.client.heard().startswith(b"421 "))
        self.assertTrue(self.client.line.half_closed)

    def test_time_of_who_does_not_read(self) -> None:
        """Who reads nothing is cut then, without a word."""
        self.client.protocol.pauseProducing()
        self.full.clock.pump([1.0] * 14)
        self.assertFalse(self.client.line.aborted)
        self.full.clock.pump([1.0, 1.0])
        self.assertTrue(self.client.line.aborted)

    def test_login(self) -> None:
        """Who has logged in, by any way, is as any other, also after LOGOUT."""
        ways: list[Callable[[Client], str]] = [
            lambda client: "LOGIN alice correct-horse",
            lambda client: "REGISTER bob correct-horse",
            self.auth,
        ]
        alice = self.full.member()
        self.key = re.findall(r"\b[0-9a-f]{32}\b", alice.ask("KEY NEW laptop"))[0]
        leave(alice)
        for number, way in enumerate(ways):
            client = self.full.welcome(f"10.0.2.{number}") if number else self.client
            self.assertEqual(client.codes("Q penguin"), [420])
            self.assertIn(client.codes(way(client))[0], (230, 280))
            self.assertEqual(client.codes("Q penguin", "LOGOUT", "Q penguin"), [250, 285, 250])
            self.full.clock.pump([1.0] * 20)
            self.assertEqual(client.codes("Q penguin"), [250])

    def auth(self, client: Client) -> str:
        """AUTH with alice's key."""
        answer = keys.response(client.protocol.session.message_id, self.key.encode()).decode()
        return f"AUTH alice {answer}"


class Times(Held):
    """Who holds a connection and does nothing with it."""

    def gone(self, abuse: Callable[[Client, House], None], **limits: Any) -> bool:
        """Whether a client that does this for twelve seconds is gone."""
        house = self.house(**limits)
        client = house.welcome(SOURCE)
        for _ in range(12):
            abuse(client, house)
            house.clock.pump([1.0])
        return client.line.half_closed or client.line.aborted

    def test_slow_line(self) -> None:
        """A byte a second: a line must be whole after ten."""

        def drip(client: Client, house: House) -> None:
            client.protocol.dataReceived(b"S")

        self.assertTrue(self.gone(drip))
        self.assertFalse(self.gone(drip, line_seconds=3600))

    def test_silence(self) -> None:
        """Nothing said in a minute, and nothing said in ten."""

        def minutes(client: Client, house: House) -> None:
            house.clock.pump([1.0] * 6)

        def spoken(client: Client, house: House) -> None:
            if house.clock.seconds() < 1:
                client.ask("STATUS")
            house.clock.pump([1.0] * 60)

        self.assertTrue(self.gone(minutes))
        self.assertFalse(self.gone(minutes, first_seconds=86400))
        self.assertTrue(self.gone(spoken))
        self.assertFalse(self.gone(spoken, idle_seconds=86400))

    def test_unread(self) -> None:
        """Who takes nothing is cut after 30 s, also where it goes on to ask; who takes a little is not."""
        for takes in (False, True):
            for unread_seconds in (30, 86400):
                house = self.house(unread_seconds=unread_seconds)
                client = house.welcome(SOURCE)
                client.protocol.pauseProducing()
                left = [1_000_000]
                outgoing: Any = client.protocol._outgoing
                outgoing._not_taken = lambda left=left: left[0]
                for second in range(200):
                    if second == 29:
                        self.assertFalse(client.line.aborted)
                    client.protocol.dataReceived(b"S")
                    left[0] -= takes and second % 20 == 0
                    house.clock.pump([1.0])
                self.assertEqual(client.line.aborted, not takes and unread_seconds == 30)
