"""Tests of :mod:`benchmarks.guessing` against a server that follows a script."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import guessing
from benchmarks.guessing import Guessers
from benchmarks.load import CUT
from tests.benchmarks.scripted import Script, Scripted
from tests.support.server import until

_WRONG = b"531 access denied\r\n"
_SEATS = 2 * guessing._EACH


class Guesses(SynchronousTestCase):
    """Two sources."""

    def guess(self, script: Script, enough: Callable[[Guessers], bool], banner: bytes = b"220 here\r\n") -> Guessers:
        """Guess until something has happened."""
        self.server = server = Scripted(script, banner).start()
        self.addCleanup(server.stop)
        guessers = Guessers(server.port, 2000, 2)
        self.addCleanup(guessers.close)
        guessers.come()
        ending, end = os.pipe()
        thread = threading.Thread(target=guessers.run, args=(ending,))
        thread.start()
        try:
            until("guesses", lambda: enough(guessers))
        finally:
            os.close(end)
            thread.join(20)
            os.close(ending)
        return guessers

    def test_answers(self) -> None:
        """Each source has its own answers, from all its connections; many names are tried."""

        def script(connection: int, count: int, line: bytes) -> bytes:
            return _WRONG if connection % 2 else b"481 wait\r\n"

        guessers = self.guess(script, lambda guessers: sum(map(Counter.total, guessers.answers)) >= 300)
        self.assertEqual([set(one) for one in guessers.answers], [{"481"}, {"531"}])
        self.assertEqual(guessers.skipped, 0)
        self.assertGreaterEqual(guessers.sent, 300)
        self.assertEqual(len(self.server._connections), _SEATS)
        tried = Counter(line.split()[1] for line in self.server.heard)
        self.assertGreater(len(tried), 90)
        peers = Counter(connection.getpeername()[0] for connection in self.server._connections)
        self.assertEqual(peers, {"127.0.0.2": guessing._EACH, "127.0.0.3": guessing._EACH})

    def test_cut(self) -> None:
        """Who is cut is counted, and comes again."""
        guessers = self.guess(
            lambda connection, count, line: None if connection < _SEATS else _WRONG,
            lambda guessers: sum((one["531"] for one in guessers.answers), 0) >= 50,
        )
        self.assertEqual(sum(one[CUT] for one in guessers.answers), _SEATS)

    def test_not_welcome(self) -> None:
        """A banner that is none is told by its code, and nothing is sent there."""
        self.patch(guessing, "PATIENCE", 0.05)
        guessers = self.guess(
            lambda connection, count, line: _WRONG, lambda guessers: guessers.skipped >= 5, b"420 full\r\n"
        )
        self.assertEqual(sum(guessers.answers, Counter()), {"420": _SEATS})
        self.assertEqual((guessers.sent, self.server.heard), (0, []))
