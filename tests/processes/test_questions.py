"""Long values between supervisor and workers."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.protocols import amp
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import questions
from dictd.processes.channel import PATIENCE, Channel, Silent, parts


class Echo(Channel):
    """An end that gives back what it was asked to run."""

    @questions.Run.responder
    def run(self, code: str, seconds: float, who: str) -> dict[str, Any]:
        """Give it back."""
        return {"text": code * 2}


class Long(SynchronousTestCase):
    """In as many values as it takes."""

    @given(st.integers(0, 3), st.integers(-3, 3), st.sampled_from("xé鹅"))
    def test_sizes(self, parts: int, more: int, letter: str) -> None:
        """Whatever the size, it comes out as it went in, and no value is longer than AMP has it."""
        length = max(0, (parts * questions._MOST - 2) // len(letter.encode()) + more)
        box: dict[bytes, bytes] = {}
        argument: Any = questions.Long()
        argument.toBox(b"text", box, {"text": letter * length}, None)
        self.assertTrue(all(len(value) <= amp.MAX_VALUE_LENGTH for value in box.values()))
        found: dict[str, Any] = {}
        argument.fromBox(b"text", box, found, None)
        self.assertEqual((found, box), ({"text": letter * length}, {}))

    def test_asked(self) -> None:
        """Both ways, over a channel."""
        clock = Clock()
        here, _, pump = iosim.connectedServerAndClient(Echo, Channel)
        asked = Deferred.fromCoroutine(here.ask(clock, questions.Run, code="é" * 100_000, seconds=1.0, who="a"))
        pump.flush()
        self.assertEqual(self.successResultOf(asked), {"text": "é" * 200_000})

    def test_halves(self) -> None:
        """Half a pair of UTF-16 gets through both ways, behind a backslash too."""
        here, _, pump = iosim.connectedServerAndClient(Echo, Channel)
        code = "a\ud800 \\\udc00 \\"
        asked = Deferred.fromCoroutine(here.ask(Clock(), questions.Run, code=code, seconds=1.0, who="a"))
        pump.flush()
        self.assertEqual(self.successResultOf(asked), {"text": code * 2})
        self.assertEqual([*parts([code, code])], [[code, code]])

    def test_patience(self) -> None:
        """One question may take longer than others."""
        clock = Clock()
        here, there, pump = iosim.connectedServerAndClient(Echo, Channel)
        there.dataReceived = lambda data: None  # type: ignore[method-assign]
        asked = Deferred.fromCoroutine(here.ask(clock, questions.Run, patience=60.0, code="", seconds=1.0, who="a"))
        pump.flush()
        clock.advance(PATIENCE + 50)
        self.assertNoResult(asked)
        clock.advance(10)
        self.failureResultOf(asked, Silent)
