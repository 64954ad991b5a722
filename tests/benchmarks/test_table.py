"""Tests of :mod:`benchmarks.table`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import cases
from benchmarks.figures import Figure, Run
from benchmarks.servers import FLOOR, OURS, PEER
from benchmarks.table import number, rendered, spread
from tests.benchmarks.runs import run


def _row(case: str, server: str, cpu: float, busy: float) -> list[Figure]:
    told = {"cpu": cpu, "rate": 1e7 / cpu, "p50": cpu / 100, "p99": cpu / 50, "busy": busy}
    return [Figure(case, server, measure, (value, value * 0.9, value * 1.2)) for measure, value in told.items()]


def _whole() -> Run:
    figures = []
    for case in cases.EVERYWHERE:
        figures += _row(case.name, OURS, 20.0, 97) + _row(case.name, FLOOR, 8.0, 60) + _row(case.name, PEER, 240.0, 80)
    figures += [Figure(cases.IMPORT_WORDNET, OURS, "rows", (123456.0,)), Figure(cases.IDLE, OURS, "idle", (2.5,))]
    return run(*figures)


class Tables(SynchronousTestCase):
    """A run for readers."""

    def test_numbers(self) -> None:
        """Three digits that count, none behind the point from a hundred on."""
        shown = [number(value) for value in (0.0123, 0.5, 1.234, 12.34, 123.4, 12345.6, 1234567)]
        self.assertEqual(shown, ["0.012", "0.500", "1.23", "12.3", "123", "12,346", "1,235k"])

    def test_spread(self) -> None:
        """Median, least and most; one round has no spread, nothing is a dash."""
        self.assertEqual(spread(Figure("c", OURS, "cpu", (3.0, 1.0, 2.0))), "2.00 (1.00-3.00)")
        self.assertEqual(spread(Figure("c", OURS, "cpu", (3.0,))), "3.00")
        self.assertEqual(spread(None), "-")

    def test_rows(self) -> None:
        """A server's row: CPU, times the floor, look-ups, waits, busy."""
        lines = rendered(_whole()).splitlines()
        at = lines.index(cases.MANY.name)
        self.assertEqual(
            lines[at + 1].split(),
            ["dictd", "20.0", "(18.0-24.0)", "2.50", "500,000", "(450,000-600,000)", "0.200", "0.400", "97", "%"],
        )
        self.assertEqual(lines[at + 2].split()[:4], ["C", "floor", "8.00", "(7.20-9.60)"])
        self.assertEqual(lines[at + 3].split()[:5], ["C", "dictd", "240", "(216-288)", "30.0"])

    def test_width(self) -> None:
        """Nothing is wider than 100 columns, and columns stand below each other."""
        lines = rendered(_whole()).splitlines()
        self.assertLessEqual(max(map(len, lines)), 100)
        rows = [line for line in lines if line.endswith(" %")]
        self.assertEqual(len(rows), 15)
        self.assertEqual(len({len(line) for line in rows}), 1)

    def test_goals(self) -> None:
        """Goals are met, missed or not measured."""
        told = {line[2:52].strip(): line.split()[-1] for line in rendered(_whole()).splitlines() if line}
        self.assertEqual(told["CPU, 64 clients"], "met")
        self.assertEqual(told["CPU; connect, ask, QUIT"], "missed")
        self.assertEqual(told["memory of an idle connection"], "met")
        self.assertEqual(told["import of tabbed lines"], "measured")

    def test_not_busy(self) -> None:
        """Where our server could have done more the table says so; of the others it need not."""
        self.assertNotIn("*", rendered(_whole()))
        lazy = rendered(run(*_row("case", OURS, 20.0, 50), *_row("case", PEER, 20.0, 50)))
        self.assertEqual(lazy.count("50 %*"), 1)
        self.assertIn("* not busy", lazy)

    def test_disturbed(self) -> None:
        """Other jobs are told, and warned of where they took much."""
        self.assertIn("other jobs: 2% of the machine\n", rendered(run()))
        self.assertNotIn("! other jobs", rendered(run()))
        self.assertIn("! other jobs took 30% of the machine", rendered(run(others=0.3)))

    def test_left_out(self) -> None:
        """Without the floor there is no ratio, and the table says what was left out."""
        text = rendered(
            Run(run().machine, {}, ("C floor is left out: no compiler",), tuple(_row("case", OURS, 20.0, 99)))
        )
        self.assertIn("! C floor is left out: no compiler\n", text)
        row = next(line.split() for line in text.splitlines() if line.startswith("  dictd"))
        self.assertEqual(row[:4], ["dictd", "20.0", "(18.0-24.0)", "500,000"])
