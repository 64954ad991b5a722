"""Tests of :mod:`benchmarks.accounting`."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import accounting
from benchmarks.accounting import Memory, Process, family, parse, total

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_REST = " S 7 1 1 0 -1 4194560 1 2 3 4 {} {} {} {} 20 0 1 0 99 1 1 1\n"


class Lines(SynchronousTestCase):
    """``/proc/PID/stat``."""

    def test_fields(self) -> None:
        """User and system time of the process, and apart those of its children that are gone."""
        found = parse("42 (dictd)" + _REST.format(1, 20, 300, 4000))
        self.assertEqual(found, Process(42, 7, 21 * _TICK, 4300 * _TICK))

    def test_odd_names(self) -> None:
        """A program may be called anything."""
        for name in ("a b", "a) S 9 (b", ") R 1 1", "(", "ein (zwei) drei"):
            self.assertEqual(parse(f"42 ({name})" + _REST.format(5, 6, 7, 8)), Process(42, 7, 11 * _TICK, 15 * _TICK))


class Families(SynchronousTestCase):
    """A process and its descendants."""

    def test_descendants(self) -> None:
        """Children's children belong to it; neighbours and parents do not."""
        parents = {1: 0, 10: 1, 11: 10, 12: 10, 13: 12, 20: 1, 21: 20}
        processes = {pid: Process(pid, parent, 1.0, 0.5) for pid, parent in parents.items()}
        self.assertEqual(family(10, processes), {10, 11, 12, 13})
        self.assertEqual(family(21, processes), {21})

    def test_cpu(self) -> None:
        """Time of the family, nanoseconds where ticks say less, and that of children that are gone."""
        processes = {1: Process(1, 0, 9.0, 9.0), 10: Process(10, 1, 1.0, 0.5), 11: Process(11, 10, 0.0, 0.25)}
        self.patch(accounting, "_processes", lambda: processes)
        self.patch(accounting, "_nanoseconds", {10: 500_000_000, 11: 4_000_000}.__getitem__)
        self.assertAlmostEqual(accounting.cpu(10), 1.0 + 0.5 + 0.004 + 0.25)

    def test_machine(self) -> None:
        """All that was used; not what was idle, waited for a disk or was interrupts."""
        text = "cpu  1 20 300 4000 50000 600000 7000000 80000000 5 5\ncpu0 9 9 9 9 9 9 9 9 9 9\n"
        self.assertAlmostEqual(accounting.machine(text), 80000321 * _TICK, 3)

    def test_others(self) -> None:
        """What the machine used and we did not, of all cores."""
        used, ours = iter([100.0, 160.0]), iter([10.0, 40.0])
        self.patch(accounting, "machine", lambda stat: next(used))
        self.patch(accounting, "cpu", lambda pid: next(ours))
        others = accounting.Others(began=accounting.time.monotonic() - 60)
        self.assertAlmostEqual(others.share() * (os.cpu_count() or 1), 0.5, 1)

    def test_this_process(self) -> None:
        """This very process has used some CPU and some memory; one that is gone, none."""
        self.assertGreater(accounting.cpu(os.getpid()), 0)
        self.assertGreater(accounting.memory(os.getpid()).rss, 1000)
        self.assertEqual(accounting.cpu(2**22 + 1), 0)
        self.assertEqual(accounting.memory(2**22 + 1), Memory(0, 0, 0))

    def test_memory(self) -> None:
        """Rss and Pss are summed, nothing that only begins like them; who has ended holds none."""
        text = "00-ff ---p 0 [rollup]\nRss:    100 kB\nPss:     60 kB\nPss_Dirty:  5 kB\nShared_Clean: 9 kB\n"
        self.assertEqual(total([text, text, ""]), Memory(200, 120, 2))
