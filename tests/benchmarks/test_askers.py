"""Tests of :mod:`benchmarks.askers` and :mod:`benchmarks.apart` against a server that follows a script."""

from __future__ import annotations

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import askers, workers
from benchmarks.apart import Apart, apart
from benchmarks.cases import WrongAnswers
from benchmarks.load import ServerFell
from benchmarks.servers import OURS, Running
from benchmarks.workers import Shared
from tests.benchmarks.scripted import NO_MATCH, RIGHT, Script, Scripted, always

_LINES = [b"DEFINE wn %d\r\n" % number for number in range(8)]


class Askers(SynchronousTestCase):
    """The load from several processes."""

    def serve(self, script: Script) -> Running:
        """Start a server."""
        server = Scripted(script).start()
        self.addCleanup(server.stop)
        self.server = server
        return Running(OURS, server.port, os.getpid())

    def test_together(self) -> None:
        """All clients are shared out, all lines are asked, and what is told is of all processes."""
        seen = askers.asked(self.serve(always(RIGHT)), 5, 2, _LINES, 0.3)
        self.assertEqual(seen.outcome.wrong, {})
        self.assertGreater(seen.outcome.answers, 10)
        self.assertEqual(len(seen.outcome.waits) * 2, seen.outcome.answers)
        self.assertEqual({*self.server.heard}, {line.rstrip() for line in _LINES})
        self.assertEqual(len(self.server._connections), 5)
        self.assertGreaterEqual(seen.outcome.seconds, 0.3)
        self.assertLess(seen.outcome.seconds, 0.6)
        self.assertGreater(seen.own, 0)
        self.assertGreater(seen.server, 0)

    def test_shared_out(self) -> None:
        """No two processes ask the same lines."""
        asked: dict[int, set[bytes]] = {0: set(), 1: set()}

        def script(connection: int, count: int, line: bytes) -> bytes:
            asked[connection].add(line)
            return RIGHT

        askers.asked(self.serve(script), 2, 1, _LINES, 0.2)
        self.assertEqual([len(lines) for lines in asked.values()], [4, 4])
        self.assertFalse(asked[0] & asked[1])

    def test_wrong(self) -> None:
        """Wrong answers are told, also those of the time before."""
        running = self.serve(lambda connection, count, line: RIGHT if count else NO_MATCH)
        seen = askers.asked(running, 4, 1, _LINES, 0.2)
        self.assertEqual(seen.outcome.wrong, {"552": 4})
        error = self.assertRaises(WrongAnswers, list, Shared(2, 1).measured(running, _LINES, 0.2))
        self.assertIn("2 workers, 64 clients: dictd: answered {'552': 64}", str(error))

    def test_measures(self) -> None:
        """CPU of the server and of the load, look-ups, waits."""
        running = self.serve(always(RIGHT))
        told = {key[2]: value for key, value in Shared(1, 16).measured(running, _LINES * 4, 0.3)}
        self.assertEqual(set(told), {"cpu", "rate", "p50", "p99", "busy", "asking"})
        self.assertGreater(told["asking"], 0)
        self.assertEqual(Shared(1, 16).name, "1 worker, 64 clients, 16 pipelined")

    def test_fell(self) -> None:
        """Nobody listens, or a process cannot be."""
        running = self.serve(always(RIGHT))
        self.server.stop()
        error = self.assertRaises(ServerFell, askers.asked, running, 2, 1, _LINES, 0.1)
        self.assertIn("nobody listens", str(error))
        with apart("no_such_part") as one:
            self.assertIn("no_such_part", str(self.assertRaises(ServerFell, one.line)))
        with apart("no_such_part") as one:
            self.assertIn("no_such_part", str(self.assertRaises(ServerFell, one.rest)))

    def test_failed_late(self) -> None:
        """What a process says before it fails is not taken for its figures."""
        command = [sys.executable, "-c", "print(1); raise SystemExit('too late')"]
        with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1) as process:
            self.assertEqual(str(self.assertRaises(ServerFell, Apart(process).rest)), "too late")

    def test_order(self) -> None:
        """One worker and two, with either load."""
        self.assertEqual([one.workers for one in workers.SHARED], [1, 2, 1, 2])
