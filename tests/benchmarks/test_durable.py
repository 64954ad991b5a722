"""Tests of :mod:`benchmarks.durable`: answers that are held against syncs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import durable
from benchmarks.cases import WrongAnswers
from benchmarks.durable import Keeping
from benchmarks.servers import OURS, Running
from benchmarks.stores import SQLITE, Kept
from tests.benchmarks.scripted import RIGHT, Scripted

_WELCOME = b"230 welcome\r\n"


@define
class Disk:
    """It counts what the script has done."""

    syncs: int = 0
    answered: list[bytes] = field(factory=list)

    @contextmanager
    def counted(self) -> Iterator[Callable[[], int]]:
        """As :class:`benchmarks.slowdisk.SlowDisk`."""
        yield lambda: self.syncs


class Witnessed(SynchronousTestCase):
    """One client."""

    def witnessed(self, every: int, last: bytes = RIGHT) -> dict[str, float]:
        """A server that syncs before every so manieth answer."""
        disk = Disk()

        def script(connection: int, count: int, line: bytes) -> bytes:
            if line.startswith(b"LOGIN"):
                return _WELCOME
            disk.syncs += not count % every
            return last

        server = Scripted(script).start()
        self.addCleanup(server.stop)
        found: Any = durable._witnessed(
            Running(OURS, server.port, 0),
            Kept(SQLITE, Path()),
            disk,  # type: ignore[arg-type]
            [b"DEFINE wn x\r\n"] * 10,
            [b"LOGIN a b\r\n"],
        )
        return {measure: value for (case, _, measure), value in found if case == durable.witnessed(SQLITE)}

    def test_synced(self) -> None:
        """A sync each."""
        told = self.witnessed(1)
        self.assertEqual((told["unsynced"], told["syncs"]), (0, 1))

    def test_unsynced(self) -> None:
        """Answers that came without one are counted."""
        told = self.witnessed(2)
        self.assertEqual((told["unsynced"], told["syncs"]), (5, 0.5))

    def test_not_confirmed(self) -> None:
        """Answers that promise nothing are no answers."""
        refused = RIGHT.replace(b"250 ok\r\n.", b"x\r\n.").replace(b"250 ok", b"250 ok (history not confirmed)")
        self.assertRaises(WrongAnswers, self.witnessed, 1, refused)


class Names(SynchronousTestCase):
    """Cases."""

    def test_all_differ(self) -> None:
        """Every way of keeping has a case of its own."""
        self.assertEqual(len(set(durable.CASES)), len(durable.CASES))
        self.assertEqual(len(durable.CASES), 2 * 2 * 6)
        self.assertIn(Keeping(SQLITE, False, True).name, durable.CASES)
