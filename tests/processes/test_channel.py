"""What supervisor and workers say to each other, over a line in memory."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols import amp
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import channel
from dictd.processes.channel import PATIENCE, Channel, Json, Silent

TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


class Answering(Channel):
    """An end that answers, and fails where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.beats: list[Any] = []

    @channel.Kick.responder
    def kick(self, name: str) -> dict[str, Any]:
        """Fail for one of them."""
        if name == "trouble":
            raise RuntimeError("trouble")
        return {"count": len(name)}

    @channel.Beat.responder
    def beat(self, doors: Any, facts: Any) -> dict[str, Any]:
        """Fail for one of them."""
        if facts == "trouble":
            raise RuntimeError("trouble")
        self.beats.append((doors, facts))
        return {}


class Values(SynchronousTestCase):
    """JSON in messages of AMP."""

    @given(VALUES)
    def test_json(self, value: Any) -> None:
        """Every value of JSON comes out as it went in."""
        self.assertEqual(Json().fromString(Json().toString(value)), value)

    @given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300), max_size=60), st.integers(300, 4000))
    def test_parts(self, rows: list[str], most: int) -> None:
        """Parts put together are the whole, in order, and each fits or has one row."""
        found = list(channel.parts(rows, most))
        self.assertEqual([row for part in found for row in part], rows)
        for part in found:
            self.assertTrue(part)
            self.assertTrue(len(part) == 1 or len(Json().toString(part)) <= most + 1)

    def test_thousands_of_networks(self) -> None:
        """The connections of 20,000 networks go in messages that AMP takes."""
        doors = {f"2001:db8:{number:x}::/64": [1, 1] for number in range(20_000)}
        together: dict[str, Any] = {}
        for part in channel.parts(list(doors.items())):
            together |= dict(part)
            self.assertLessEqual(len(Json().toString(dict(part))), amp.MAX_VALUE_LENGTH)
        self.assertEqual(together, doors)


class Asking(SynchronousTestCase):
    """Two ends."""

    def setUp(self) -> None:
        """Joined in memory."""
        self.clock = Clock()
        self.here, self.there, self.pump = iosim.connectedServerAndClient(Answering, Channel)

    def ask(self, name: str) -> Deferred[dict[str, Any]]:
        """Ask, and let it arrive."""
        asked = Deferred.fromCoroutine(self.here.ask(self.clock, channel.Kick, name=name))
        self.pump.flush()
        return asked

    def test_answer(self) -> None:
        """What is asked is answered."""
        self.assertEqual(self.successResultOf(self.ask("alice")), {"count": 5})

    def test_trouble_costs_one_answer(self) -> None:
        """An answer that fails is none; it is logged there, and the channel goes on."""
        self.failureResultOf(self.ask("trouble"), Silent)
        self.here.tell(channel.Beat, doors={}, facts="trouble")
        self.pump.flush()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
        self.here.tell(channel.Beat, doors={"a": [1, 1]}, facts=None)
        self.assertEqual(self.successResultOf(self.ask("bob")), {"count": 3})
        self.assertEqual(self.there.beats, [({"a": [1, 1]}, None)])

    def test_unknown_command(self) -> None:
        """A command of a newer program is no answer, and the channel goes on."""
        asked = Deferred.fromCoroutine(self.here.ask(self.clock, channel.Sessions, first=0))
        self.here.tell(channel.Distrust)
        self.pump.flush()
        self.failureResultOf(asked, Silent)
        self.assertEqual(self.successResultOf(self.ask("bob")), {"count": 3})

    def test_no_answer(self) -> None:
        """Who does not answer in time is silent, and an answer that comes late is nobody's."""
        self.there.dataReceived = lambda data: None  # type: ignore[method-assign]
        asked = self.ask("alice")
        self.clock.advance(PATIENCE - 0.1)
        self.assertNoResult(asked)
        self.clock.advance(0.2)
        self.failureResultOf(asked, Silent)

    def test_gone(self) -> None:
        """Who goes leaves no question open, and is asked and told nothing more."""
        self.there.dataReceived = lambda data: None  # type: ignore[method-assign]
        asked = self.ask("alice")
        there: Any = self.there.transport
        there.loseConnection()
        self.pump.flush()
        self.failureResultOf(asked, Silent)
        self.failureResultOf(self.ask("alice"), Silent)
        self.here.tell(channel.Beat, doors={}, facts=None)
        self.assertFalse(self.here.open)

    def test_never_connected(self) -> None:
        """An end without another is silent."""
        alone = Channel()
        self.failureResultOf(Deferred.fromCoroutine(alone.ask(self.clock, channel.Stop)), Silent)
        alone.tell(channel.Distrust)

    def test_one_connection(self) -> None:
        """The factory of an end makes that end."""
        link = Channel()
        made: Any = channel.one(link).buildProtocol(None)
        made.makeConnection(StringTransport())
        self.assertIs(made, link)
