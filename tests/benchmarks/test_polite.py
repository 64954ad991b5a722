"""Tests of :mod:`benchmarks.polite` and :mod:`benchmarks.rude` against a server that follows a script."""

from __future__ import annotations

import os
import threading
import time

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import load, polite
from benchmarks.load import ServerFell
from benchmarks.polite import Polite, big_answers, definitions, worst_patterns
from benchmarks.rude import Rabble, beside
from benchmarks.servers import OURS, Running
from tests.benchmarks.scripted import RIGHT, Script, Scripted, always
from tests.support.server import until

_LINES = [b"DEFINE wn one\r\n", b"DEFINE wn two\r\n"]


class _Served(SynchronousTestCase):
    """With a server."""

    def serve(self, script: Script, banner: bytes = b"220 here\r\n") -> Scripted:
        """Start one."""
        server = Scripted(script, banner).start()
        self.addCleanup(server.stop)
        return server

    @staticmethod
    def running(server: Scripted) -> Running:
        """It as others see it."""
        return Running(OURS, server.port, os.getpid())


class Clients(_Served):
    """The client with manners."""

    def test_waits(self) -> None:
        """One line at a time, in order, a wait for each."""
        server = self.serve(always(RIGHT))
        client = Polite(self.running(server), _LINES * 3)
        client.run(60)
        self.assertEqual(server.heard, [line.rstrip() for line in _LINES * 3])
        self.assertEqual(len(client.waits), 6)
        self.assertLess(max(client.waits), load.PATIENCE)
        self.assertEqual(client.worst, 0)

    def test_weighed(self) -> None:
        """Who weighs the server has its memory."""
        client = Polite(self.running(self.serve(always(RIGHT))), _LINES, weighing=True)
        client.run(60)
        self.assertGreater(client.worst, 1000)

    def test_no_answer(self) -> None:
        """An answer that does not come counts as the longest wait there is, and is the last."""
        self.patch(load, "PATIENCE", 0.1)
        self.patch(polite, "PATIENCE", 0.1)
        client = Polite(self.running(self.serve(lambda connection, count, line: b"")), _LINES)
        client.run(60)
        self.assertEqual(client.waits, [0.1])

    def test_measures(self) -> None:
        """Alone: waits; among others: what they got, and the memory, too."""
        server = self.running(self.serve(always(RIGHT)))
        alone = dict(polite.ALONE.measured(server, _LINES, 0.05))
        self.assertEqual(
            {key for key in alone}, {(polite.ALONE.name, OURS, name) for name in ("p50", "p99", "longest")}
        )
        among = dict(polite.SLOW_READERS.measured(server, _LINES, 0.05))
        told = {key[2]: value for key, value in among.items()}
        self.assertEqual(set(told), {"p50", "p99", "longest", "flood", "after", "before", "worst"})
        self.assertLessEqual(told["before"], told["worst"])
        self.assertGreater(told["flood"], 0)


class Lines(SynchronousTestCase):
    """What the others send."""

    def test_worst(self) -> None:
        """Only strategies that there are, under the names they have; each strategy early."""
        self.assertEqual({line.split()[2] for line in worst_patterns(["exact", "prefix"], [])}, {b"prefix"})
        lines = worst_patterns(["prefix", "re", "substr", "all"], [])
        self.assertEqual([line.split()[2] for line in lines[:4]], [b"prefix", b"substr", b"re", b"all"])
        self.assertIn(b'MATCH * re "."\r\n', lines)
        self.assertEqual(len(lines), len(set(lines)))

    def test_others(self) -> None:
        """Big answers of both kinds; the lines of everybody."""
        verbs = [line.split()[0] for line in big_answers([], [])]
        self.assertEqual(verbs[:4], [b"MATCH", b"DEFINE"] * 2)
        self.assertEqual(definitions([], _LINES), _LINES)


class Rude(_Served):
    """Those without manners."""

    def rabble(self, server: Scripted, clients: int, read: int) -> Rabble:
        """Connect them."""
        rabble = Rabble(server.port, clients, read, b"".join(_LINES) * 100)
        self.addCleanup(rabble.close)
        rabble.come()
        return rabble

    def go(self, rabble: Rabble, enough: object) -> None:
        """Let them be rude until something has happened."""
        ending, end = os.pipe()
        thread = threading.Thread(target=rabble.run, args=(ending,))
        thread.start()
        try:
            until("the rude to be rude", enough)  # type: ignore[arg-type]
        finally:
            os.close(end)
            thread.join(10)
            os.close(ending)

    def test_all(self) -> None:
        """They send without waiting for answers, and read all; each begins with another line."""
        server = self.serve(always(RIGHT))
        rabble = self.rabble(server, 2, -1)
        self.go(rabble, lambda: rabble.heard > 1000 * len(RIGHT))
        self.assertGreater(rabble.sent, 1000 * len(_LINES[0]))
        self.assertLessEqual({*server.heard}, {line.rstrip() for line in _LINES})
        self.assertEqual(rabble.thrown, 0)

    def test_none(self) -> None:
        """They read nothing, and send until nothing more is taken."""
        rabble = self.rabble(self.serve(always(RIGHT * 100)), 2, 0)
        before = [-1]

        def stuck() -> bool:
            before.append(rabble.sent)
            return len(before) > 20 and rabble.sent == before[-10] > 0

        self.go(rabble, stuck)
        self.assertEqual(rabble.heard, 0)

    def test_slowly(self) -> None:
        """They read some, and no more than they may."""
        rabble = self.rabble(self.serve(always(RIGHT * 100)), 1, 4096)
        began = time.monotonic()
        self.go(rabble, lambda: rabble.heard > 3000)
        self.assertLess(rabble.heard, 4096 * (time.monotonic() - began) + 500)

    def test_thrown_out(self) -> None:
        """Who is thrown out comes back."""
        server = self.serve(lambda connection, count, line: None if connection == 0 else RIGHT)
        rabble = self.rabble(server, 1, -1)
        self.go(rabble, lambda: rabble.heard > 0)
        self.assertEqual(rabble.thrown, 1)

    def test_process(self) -> None:
        """As a process of their own: what they got is told when they have gone."""
        server = self.serve(always(RIGHT))
        with beside(self.running(server), 2, -1, _LINES) as told:
            until("lines to come", lambda: len(server.heard) > 100)
        self.assertGreater(told.heard, len(RIGHT))
        self.assertGreater(told.sent, 100 * len(_LINES[0]))
        self.assertGreater(told.seconds, 0)
        server.stop()
        self.assertRaises(ServerFell, beside(self.running(server), 2, -1, _LINES).__enter__)
