"""Two workers and their supervisor's channels, in memory: what one does reaches the other before it is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.protocols.amp import MAX_VALUE_LENGTH
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.commons import OneProcess, Outcome
from dictd.errors import AccountsUnavailable
from dictd.limits import TRIES_AT_ONCE, Guesses, Peer, Rate
from dictd.model import User
from dictd.processes import channel
from dictd.processes.channel import PATIENCE, Channel
from dictd.processes.remote import Remote
from dictd.processes.shared import Shared
from dictd.processes.steering import counted
from dictd.processes.superior import SupervisorChannel
from dictd.processes.worker import Worker, WorkerChannel
from tests.support.house import BOOKS, Client, House, ImmediatePool, publish


@define(eq=False)
class Parts:
    """Of a house, as :class:`dictd.processes.wiring.Parts` has them."""

    factory: Any
    recorder: Any


@define(eq=False)
class Serving:
    """A house that serves."""

    parts: Parts
    facts: Callable[[], dict[str, Any]] = dict


@define(eq=False)
class Known:
    """A worker as its channel knows it; it is the superior too."""

    clock: Clock
    shared: Shared
    name: str
    all_: list[Known]
    link: SupervisorChannel = field(init=False)
    counts: dict[str, Any] = field(factory=dict)

    @property
    def superior(self) -> Known:
        """Whoever keeps workers."""
        return self

    async def ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        """Ask it."""
        return await self.link.ask(self.clock, command, **arguments)

    async def others(self, worker: Any, command: Any, **arguments: Any) -> int:
        """All others."""
        count = 0
        for other in self.all_:
            if other is not worker:
                asked: Any = other
                count += await counted(asked, command, **arguments)
        return count

    def peer(self, host: str) -> Peer:
        """Who is at an address."""
        return Peer.at(host)

    async def penalty(self, worker: Any, account: str, peer: Peer) -> int:
        """Of all."""
        return await self.shared.penalty(worker, account, peer)

    def try_ended(self, worker: Any, account: str, peer: Peer, outcome: Outcome) -> None:
        """Of all."""
        self.shared.try_ended(worker, account, peer, outcome)

    async def registration(self, peer: Peer) -> int:
        """Of all."""
        return await self.shared.commons.registration(peer)


class Two(SynchronousTestCase):
    """Two houses with one store."""

    def setUp(self) -> None:
        """Joined by channels."""
        self.clock, pool = Clock(), ImmediatePool.empty()
        self.shared = Shared(OneProcess(Guesses(10, 15), Rate(5, 3600), self.clock.seconds))
        self.known: list[Known] = []
        self.pumps: list[iosim.IOPump] = []
        self.houses = [self.house(pool, number) for number in range(2)]

    def house(self, pool: ImmediatePool, number: int) -> House:
        """One more; a process opens a file of a lexicon once, so it has its own."""
        directory = Path(self.mktemp())
        publish(directory, BOOKS)
        house = House(directory, clock=self.clock, pool=pool)
        known = Known(self.clock, self.shared, f"worker {number}", self.known)
        client, server, pump = iosim.connectedServerAndClient(
            lambda: SupervisorChannel(known),  # type: ignore[arg-type]
            WorkerChannel,
        )
        link: Any = client
        known.link = server
        remote = Remote(link, self.clock)
        serving: Any = Serving(Parts(house.factory, house.recorder))
        link.worker = Worker(self.clock, serving, link)
        for part in (house.registrar, house.recorder, house.keyring, house.factory.service.keeping):
            part._commons = remote
        self.known.append(known)
        self.pumps.append(pump)
        return house

    def flush(self) -> None:
        """Let everything arrive."""
        for _ in range(8):
            for pump in self.pumps:
                pump.flush()
            self.clock.advance(0)

    def code(self, client: Client, line: str) -> int:
        """The final status of a line."""
        client.send(f"{line}\r\n".encode())
        self.flush()
        return int(client.heard().decode().rstrip().splitlines()[-1][:3])

    def both(self) -> tuple[Client, Client]:
        """A user who is logged in in both."""
        one, other = (house.welcome() for house in self.houses)
        self.assertEqual(self.code(one, "REGISTER alice correct-horse"), 280)
        self.assertLess(self.code(other, "LOGIN alice correct-horse"), 300)
        return one, other

    def user(self) -> User:
        """Who it is."""
        return next(protocol.session.user for protocol in self.houses[0].factory.connections)  # type: ignore[return-value]

    def test_password(self) -> None:
        """A new password is answered after the other house has logged the user out."""
        one, other = self.both()
        one.send(b"PASSWD correct-horse battery-staple\r\n")
        self.assertEqual(one.heard(), b"")
        self.flush()
        self.assertTrue(one.heard().startswith(b"282 "))
        self.assertEqual(self.code(other, "HISTORY"), 530)
        self.assertEqual(self.code(one, "HISTORY"), 250)

    def test_expel(self) -> None:
        """The count is of the other house; sessions of another key stay."""
        self.both()
        commons: Any = self.houses[0].registrar._commons
        for key, count in (("phone", 0), (None, 1), (None, 0)):
            expelled = Deferred.fromCoroutine(commons.expel(self.user().id, key))
            self.flush()
            self.assertEqual(self.successResultOf(expelled), count)

    def test_keep(self) -> None:
        """HISTORY OFF and ON are answered after the other house knows; sessions of others stay as they are."""
        one, other = self.both()
        bob = self.houses[1].welcome()
        self.assertEqual(self.code(bob, "REGISTER bob correct-horse"), 280)
        for line, keeps in (("HISTORY OFF", False), ("HISTORY ON", True)):
            one.send(f"{line}\r\n".encode())
            self.assertEqual(one.heard(), b"")
            self.flush()
            self.assertTrue(one.heard().startswith(b"287 "))
            there: Any = (other.protocol.session.user, bob.protocol.session.user)
            self.assertEqual([user.keeps for user in there], [keeps, True])

    def test_take_back(self) -> None:
        """Rows that are on their way in the other house are taken back."""
        self.both()
        asked: list[tuple[int, bytes | None]] = []

        async def take_back(user_id: int, k: bytes | None) -> int:
            asked.append((user_id, k))
            return 3

        self.patch(type(self.houses[1].recorder), "take_back", _only(self.houses[1].recorder, take_back))
        commons: Any = self.houses[0].registrar._commons
        for k in (None, b"penguin\x00\xff"):
            taken = Deferred.fromCoroutine(commons.take_back(self.user().id, k))
            self.flush()
            self.assertEqual(self.successResultOf(taken), 3)
        self.assertEqual([k for _, k in asked], [None, b"penguin\x00\xff"])

    def test_penalty(self) -> None:
        """A wrong password here makes the next wait there."""
        one, other = (house.welcome() for house in self.houses)
        self.assertEqual(self.code(one, "REGISTER alice correct-horse"), 280)
        self.assertEqual(self.code(one, "LOGIN alice wrong-password"), 531)
        self.assertEqual(self.code(other, "LOGIN alice correct-horse"), 481)

    def test_supervisor_is_silent(self) -> None:
        """Nobody can say: the login is refused, the look-up goes on; tries it begins late are given up."""
        one, other = (house.welcome() for house in self.houses)
        self.assertEqual(self.code(one, "REGISTER alice correct-horse"), 280)
        for _ in range(TRIES_AT_ONCE + 1):
            other.send(b"LOGIN alice correct-horse\r\n")
            self.clock.advance(PATIENCE + 0.1)
            self.assertEqual(other.heard()[:3], b"480")
        self.assertEqual(other.codes("DEFINE * penguin"), [250])
        self.flush()
        self.assertLess(self.code(one, "LOGIN alice correct-horse"), 300)

    def test_nobody(self) -> None:
        """Without a channel everything about accounts is unavailable."""
        alone = Remote(Channel(), self.clock)
        penalty = alone.penalty("alice", Peer.at("192.0.2.1"))
        for asked in (penalty, alone.expel(1), alone.keep(1, keeps=True), alone.take_back(1, None)):
            self.failureResultOf(Deferred.fromCoroutine(asked), AccountsUnavailable)
        alone.ended("alice", Peer.at("192.0.2.1"), Outcome.FAILED)

    def test_dictionaries_in_parts(self) -> None:
        """A worker with very many dictionaries tells them in messages that AMP takes, and once."""
        commons: Any = self.houses[0].registrar._commons
        worker = commons._channel.worker
        shelf = [[f"dictionary-{number}", "T" * 60, number] for number in range(3000)]
        worker.serving.facts = lambda: {"pid": 1, "dictionaries": list(shelf)}
        told: list[dict[str, Any]] = []
        self.patch(commons._channel, "tell", lambda command, **said: told.append({"command": command, **said}))
        self.assertEqual(worker._facts(), {"pid": 1})
        self.assertEqual([row for part in told for row in part["rows"]], shelf)
        self.assertEqual([part["first"] for part in told], [True, *[False] * (len(told) - 1)])
        self.assertGreater(len(told), 1)
        for part in told:
            self.assertLessEqual(len(channel.Json().toString(part["rows"])), MAX_VALUE_LENGTH)
        before = len(told)
        worker._facts()
        self.assertEqual(len(told), before)

    def test_sessions_are_listed_in_parts(self) -> None:
        """Two thousand rows come in parts that fit, none twice."""
        seats = [{"peer": f"2001:db8::{number:x}", "user": "u" * 32, "seconds": number} for number in range(2000)]
        commons: Any = self.houses[0].registrar._commons
        link = commons._channel
        link.insight = SimpleNamespace(seats=SimpleNamespace(listed=lambda: seats))
        found: list[Any] = []
        more = True
        while more:
            page = Deferred.fromCoroutine(self.known[0].ask(channel.Sessions, first=len(found)))
            self.flush()
            answer = self.successResultOf(page)
            found, more = found + answer["sessions"], answer["more"]
        self.assertEqual(found, seats)


def _only(one: Any, instead: Callable[..., Any]) -> Callable[..., Any]:
    """A method that is another for one object."""
    usual = type(one).take_back

    def take_back(self: Any, *arguments: Any) -> Any:
        return instead(*arguments) if self is one else usual(self, *arguments)

    return take_back
