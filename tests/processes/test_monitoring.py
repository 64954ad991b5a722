"""What a server tells of itself."""

from __future__ import annotations

from typing import Any, cast

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.processes import sockets
from dictd.processes.monitoring import Overall, serve_metrics
from dictd.processes.steering import Steering

SERVING = {"name": "worker 1", "state": "serving", "memory": 30}


@define
class SomeServer:
    """A server that says what it is told to say."""

    workers: list[dict[str, Any]] = field(factory=lambda: [SERVING, SERVING | {"name": "worker 2", "memory": 40}])
    dictionaries: list[list[Any]] = field(factory=lambda: [["wn", "WordNet", 11], ["jargon", "Jargon", 2]])
    store: bool = True

    def status(self) -> dict[str, Any]:
        """See :class:`Steering`."""
        told = {"workers": self.workers, "dictionaries": self.dictionaries, "store": self.store, "restarts": 3}
        return told | {"certificate": 1.8e9}

    def counts(self) -> dict[str, Any]:
        """See :class:`Steering`."""
        return {"definitions": 7}


class Telling(SynchronousTestCase):
    """The facts of a server."""

    def setUp(self) -> None:
        self.server = SomeServer()
        self.facts = Overall(cast(Steering, self.server))

    def test_totals(self) -> None:
        """What all processes have counted."""
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(self.facts.totals())), {"definitions": 7})

    def test_gauges(self) -> None:
        """Workers that serve, how often one was started again, memory by worker, headwords by dictionary."""
        self.server.workers.append({"name": "worker 1", "state": "retiring", "memory": None})
        gauges = self.facts.gauges()
        self.assertEqual((gauges.workers, gauges.restarts), (2, 3))
        self.assertEqual(gauges.memory, {"worker 1": 30, "worker 2": 40})
        self.assertEqual(gauges.headwords, {"wn": 11, "jargon": 2})
        self.assertEqual(gauges.certificate, 1.8e9)

    def test_ready(self) -> None:
        """Ready: a worker that serves, something to look up, and a store that answers."""
        self.assertEqual(self.facts.unready(), [])
        self.server.store = False
        self.assertEqual(self.facts.unready(), ["the account store does not answer"])
        self.server.dictionaries = []
        self.assertEqual(self.facts.unready(), ["no dictionary is served", "the account store does not answer"])
        self.server.workers = [SERVING | {"state": "starting"}]
        self.assertEqual(self.facts.unready(), ["no worker serves", "the account store does not answer"])


class Serving(SynchronousTestCase):
    """The port."""

    def test_taken(self) -> None:
        """Where the port is taken the server goes on, and says which setting to change."""
        other = sockets.bound("127.0.0.1", 0)
        self.addCleanup(other.close)
        chosen = evolve(Settings().metrics, port=other.getsockname()[1])
        port, where = serve_metrics(evolve(Settings(), metrics=chosen), MemoryReactorClock(), cast(Any, None))
        self.assertIsNone(port)
        self.assertIn("choose another port with metrics.port", where)

    def test_off(self) -> None:
        """Not enabled, nothing listens."""
        off = evolve(Settings(), metrics=evolve(Settings().metrics, enabled=False))
        self.assertEqual(serve_metrics(off, MemoryReactorClock(), cast(Any, None)), (None, ""))
