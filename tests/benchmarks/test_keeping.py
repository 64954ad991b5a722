"""Tests of :mod:`benchmarks.keeping`: the table of what the store costs."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import durable, entering, outage, recovery
from benchmarks.durable import FEW, MANY, Keeping
from benchmarks.figures import MEASURES, Figure
from benchmarks.servers import OURS
from benchmarks.stores import MARIADB, SQLITE
from benchmarks.table import rendered
from tests.benchmarks.runs import run


def _figures(case: str, **told: float) -> list[Figure]:
    assert told.keys() <= MEASURES.keys()
    return [Figure(case, OURS, measure, (value,)) for measure, value in told.items()]


def _kept(each: bool, slow: bool, connections: int, rate: float) -> list[Figure]:
    return _figures(Keeping(SQLITE, each, slow, 0, connections).name, rate=rate, p50=1.5, p99=9.0, cpu=5.0, busy=9.0)


class Sections(SynchronousTestCase):
    """A run for readers."""

    def test_durable(self) -> None:
        """Both ways below each other, and how many times the one is the other; goals."""
        figures = [
            *_kept(True, False, FEW, 500.0),
            *_kept(False, False, FEW, 5000.0),
            *_kept(True, False, MANY, 1000.0),
            *_kept(False, False, MANY, 8000.0),
            *_kept(True, True, FEW, 100.0),
            *_kept(False, True, FEW, 1500.0),
            *_figures(durable.witnessed(SQLITE), unsynced=0.0, syncs=1.0, quickest=6.0),
        ]
        lines = rendered(run(*figures)).splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("look-ups of users, kept"))
        each, group, times, slow = (lines[at + row].split() for row in (1, 2, 3, 4))
        self.assertEqual(each, ["SQLite,", "a", "commit", "each", "500", "1.50", "9.00", "1,000", "1.50", "9.00"])
        self.assertEqual(group[-6], "5,000")
        self.assertEqual(times, ["x", "10.0", "x", "8.00"])
        self.assertEqual(slow[-6:], ["100", "1.50", "9.00", "-", "-", "-"])
        self.assertIn("0 answers without a sync", "".join(lines))
        self.assertLessEqual(max(map(len, lines)), 100)
        # Once, not in the table of loads as well.
        self.assertFalse([line for line in lines if "CPU a look-up" in line or "dictd: " in line])
        goals = {line[2:52].strip(): line.split()[-1] for line in lines if line.startswith("  ")}
        self.assertEqual(goals["look-ups/s kept on SQLite, together : each"], "met")
        self.assertEqual(goals["the same on SQLite, 5 ms more a sync"], "missed")
        self.assertEqual(goals["answers without a sync, SQLite"], "met")
        self.assertEqual(goals["answers without a sync, MariaDB"], "measured")

    def test_noticed(self) -> None:
        """Waits of clients, and below them what else there is to say."""
        figures = [
            *_figures(entering.beside(MARIADB), p50=1.0, p99=20.0, longest=30.0, logins=40.0, login_p50=400.0),
            *_figures(outage.BEFORE, p50=1.0, p99=2.0, longest=3.0),
            *_figures(outage.DURING, p50=1.0, p99=5.0, longest=9.0, grown=8.0),
            *_figures(outage.KEPT, p50=1.0, p99=5.0, longest=1015.0, unconfirmed=0.0),
            *_figures(outage.LOGIN, p50=1.0, p99=5.0, longest=9.0, first=2003.0, errors=0.0),
            *_figures(outage.BACK, login=0.1, home=2.5, promised=9.0, missing=1.0, twice=0.0, unconfirmed=0.0),
            Figure(recovery.AGAIN, OURS, "login", (0.1, 0.5, 0.3)),
        ]
        text = rendered(run(*figures))
        for told in (
            "40.0 logins/s, each 400 ms",
            "memory grew by 8.00 MiB",
            "until the breakers are open 2,003 ms at the most",
            "all that was promised is in the history after 2.50 s",
            "promised rows: 9; missing: 1; twice: 0; answers that promise no row: 0",
            "somebody can log in and read the history after 0.500 s at the most",
        ):
            self.assertIn(told, text)
        lines = text.splitlines()
        self.assertLessEqual(max(map(len, lines)), 100)
        goals = {line[2:52].strip(): line.split()[-2:] for line in lines if line.startswith("  ")}
        self.assertEqual(goals["p99 while MariaDB is stopped : before"], ["2.50", "missed"])
        self.assertEqual(goals["rows missing, MariaDB was stopped"], ["1.00", "missed"])
        self.assertEqual(goals["LOGIN refused meanwhile, p99"], ["5.00", "met"])

    def test_nothing(self) -> None:
        """Where nothing was measured there is no section."""
        text = rendered(run())
        self.assertNotIn("kept when answered", text)
        self.assertNotIn("what the store has to do", text)
