"""Tests of :mod:`benchmarks.comers` and :mod:`benchmarks.turns` against a server that follows a script."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import comers
from benchmarks.comers import Comers
from benchmarks.load import CUT, MISSING, ServerFell
from benchmarks.servers import OURS, Running
from benchmarks.turns import AGAIN, ONCE, STAY, Turn, address, coming
from tests.benchmarks.scripted import NO_MATCH, RIGHT, Script, Scripted, always
from tests.support.server import until

_LINES = [b"DEFINE wn one\r\n", b"DEFINE wn two\r\n"]


class _Served(SynchronousTestCase):
    def serve(self, script: Script, banner: bytes = b"220 here\r\n") -> Scripted:
        """Start a server."""
        server = Scripted(script, banner).start()
        self.addCleanup(server.stop)
        return server

    def come(
        self, port: int, kind: str, enough: Callable[[Comers], bool], clients: int = 2, pause: float = 0.002
    ) -> list[Turn]:
        """Let them come until something has happened; what has happened then."""
        crowd = Comers.prepared(port, clients, 0.01, pause, kind, _LINES)
        self.addCleanup(crowd.close)
        ending, end = os.pipe()
        thread = threading.Thread(target=crowd.run, args=(ending,))
        thread.start()
        try:
            until("the clients to come", lambda: enough(crowd))
        finally:
            os.close(end)
            thread.join(20)
            os.close(ending)
        self.assertFalse(thread.is_alive())
        return crowd.turns

    @staticmethod
    def endings(turns: list[Turn]) -> Counter[str]:
        """How they ended."""
        return Counter(turn.ending for turn in turns)


class Kinds(_Served):
    """Those who come again, those who stay, and those who come once."""

    def test_again(self) -> None:
        """A connection for each look-up, with QUIT; nothing is left in the middle at the end."""
        server = self.serve(always(RIGHT))
        turns = self.come(server.port, AGAIN, lambda crowd: len(crowd.turns) >= 10)
        self.assertTrue(all(turn.right and turn.new and 0 < turn.took < 5 for turn in turns))
        self.assertEqual({turn.client for turn in turns}, {0, 1})
        server.stop()
        asked = Counter(server.heard)
        self.assertEqual(asked[b"QUIT"], len(turns))
        self.assertEqual(asked[b"DEFINE wn one"] + asked[b"DEFINE wn two"], len(turns))

    def test_stay(self) -> None:
        """One connection each, and no QUIT; only the first turn is new."""
        server = self.serve(always(RIGHT))
        turns = self.come(server.port, STAY, lambda crowd: len(crowd.turns) >= 10)
        self.assertTrue(all(turn.right for turn in turns))
        self.assertEqual(sum(turn.new for turn in turns), 2)
        self.assertNotIn(b"QUIT", server.heard)

    def test_once(self) -> None:
        """Each comes once and not again."""
        turns = self.come(self.serve(always(RIGHT)).port, ONCE, lambda crowd: len(crowd.turns) == 5, clients=5)
        self.assertEqual(sorted(turn.client for turn in turns), [0, 1, 2, 3, 4])

    def test_finish(self) -> None:
        """Who is under way when it ends finishes, and nobody comes any more."""
        crowd = Comers.prepared(self.serve(always(RIGHT)).port, 2, 100, 0, AGAIN, _LINES)
        self.addCleanup(crowd.close)
        ending, end = os.pipe()
        os.close(end)
        self.addCleanup(os.close, ending)
        crowd.run(ending)
        self.assertEqual([(turn.client, turn.right) for turn in crowd.turns], [(0, True)])

    def test_addresses(self) -> None:
        """Each has an address of its own, and those who stay have others."""
        found = {address(client, kind) for client in range(300) for kind in (AGAIN, STAY)}
        self.assertEqual(len(found), 600)
        self.assertEqual(address(258, AGAIN), "127.1.1.2")

    def test_apart(self) -> None:
        """In a process of their own, they come when they are told to; all turns are told at the end."""
        server = self.serve(always(RIGHT))
        running = Running(OURS, server.port, os.getpid())
        with coming(running, 3, 0.01, 0, ONCE, _LINES) as told:
            self.assertEqual(server.heard, [])
            told.go()
            until("all to have come", lambda: server.heard.count(b"QUIT") == 3)
        self.assertEqual([turn.right for turn in told.turns], [True] * 3)
        first = told.turns[0]
        self.assertIn(first, told.within(first.ended, first.ended + 1))
        self.assertEqual(told.within(0, first.began - 100), [])

    def test_nobody_told_them(self) -> None:
        """Who is never told to come has nothing to tell."""
        server = self.serve(always(RIGHT))
        with coming(Running(OURS, server.port, os.getpid()), 3, 0.01, 0, ONCE, _LINES) as told:
            pass
        self.assertEqual(told.turns, [])


class Errors(_Served):
    """What goes wrong is told, and they come again."""

    def test_refused(self) -> None:
        """Nobody listens."""
        server = self.serve(always(RIGHT))
        server.stop()
        turns = self.come(server.port, AGAIN, lambda crowd: len(crowd.turns) >= 4)
        self.assertEqual(set(self.endings(turns)), {"ECONNREFUSED"})
        self.assertTrue(all(turn.new for turn in turns))

    def test_cut(self) -> None:
        """The first connection ends in the middle."""
        server = self.serve(lambda connection, count, line: None if connection == 0 else always(RIGHT)(0, 0, line))
        turns = self.come(server.port, AGAIN, lambda crowd: len(crowd.turns) >= 6)
        endings = self.endings(turns)
        self.assertEqual(endings[CUT] + endings["ECONNRESET"], 1)
        self.assertEqual(endings["250"], len(turns) - 1)

    def test_no_farewell(self) -> None:
        """A right answer without the 221 behind it is one that was cut."""
        server = self.serve(lambda connection, count, line: None if line == b"QUIT" else RIGHT)
        turns = self.come(server.port, AGAIN, lambda crowd: len(crowd.turns) >= 2)
        self.assertFalse(any(turn.right for turn in turns))

    def test_not_welcome(self) -> None:
        """A 420 for a banner, and an answer that is not right, are told by their codes."""
        server = self.serve(always(RIGHT), b"420 full\r\n")

        def hang_up() -> None:
            until("somebody", lambda: bool(server._connections))
            server.stop()

        thread = threading.Thread(target=hang_up)
        thread.start()
        turns = self.come(server.port, ONCE, lambda crowd: len(crowd.turns) >= 1, clients=1)
        thread.join(10)
        self.assertEqual(set(self.endings(turns)), {"420"})
        turns = self.come(self.serve(always(NO_MATCH)).port, AGAIN, lambda crowd: len(crowd.turns) >= 2)
        self.assertEqual(set(self.endings(turns)), {"552"})

    def test_missing(self) -> None:
        """An answer that does not come is given up."""
        self.patch(comers, "PATIENCE", 0.1)
        self.patch(comers, "_LOOK", 0.02)
        server = self.serve(lambda connection, count, line: b"")
        turns = self.come(server.port, ONCE, lambda crowd: len(crowd.turns) >= 1, clients=1)
        self.assertEqual(self.endings(turns), {MISSING: 1})

    def test_cut_between(self) -> None:
        """One who stays and is cut between two questions tells of it once, and comes again."""
        server = self.serve(always(RIGHT))
        seen: list[int] = []

        def cut() -> None:
            until("an answer", lambda: bool(server.heard))
            seen.append(len(server.heard))
            with server._lock:
                server._connections[0].shutdown(2)

        thread = threading.Thread(target=cut)
        thread.start()
        turns = self.come(server.port, STAY, lambda crowd: len(crowd.turns) >= 4, clients=1, pause=0.2)
        thread.join(10)
        self.assertEqual([turn.right for turn in turns].count(False), 1)
        self.assertEqual(sum(turn.new for turn in turns), 2)
        self.assertEqual(len({turn.began for turn in turns}), len(turns))

    def test_fell(self) -> None:
        """A process that fails says why."""
        server = self.serve(always(RIGHT))

        def without_lines() -> None:
            with coming(Running(OURS, server.port, os.getpid()), 1, 0.01, 0, ONCE, []) as told:
                told.go()
                until("a client", lambda: bool(server._connections))

        self.assertIn("StopIteration", str(self.assertRaises(ServerFell, without_lines)))
