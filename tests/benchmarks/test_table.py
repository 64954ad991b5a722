"""Tests of :mod:`benchmarks.table`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import cases, matching, polite
from benchmarks.figures import Figure, Run
from benchmarks.numbers import number, spread
from benchmarks.servers import FLOOR, OURS, PEER
from benchmarks.table import rendered
from tests.benchmarks.runs import run


def _row(case: str, server: str, cpu: float, busy: float) -> list[Figure]:
    told = {"cpu": cpu, "rate": 1e7 / cpu, "p50": cpu / 100, "p99": cpu / 50, "busy": busy}
    return [Figure(case, server, measure, (value, value * 0.9, value * 1.2)) for measure, value in told.items()]


def _strategy(name: str, cpu: float, million: float) -> list[Figure]:
    wordnet = matching.case(name, matching.WORDNET)
    ours = {"cpu": cpu * 1e3, "p50": 1.0, "p99": 2.0}
    peer = {"cpu": cpu * 1e4, "p50": 44.0, "p99": 50.0, "nothing": 60.0}
    of_million = {"p50": 8.0, "p99": million, "cpu": 1.0}
    return [
        Figure(case, server, measure, (value,))
        for case, server, told in (
            (wordnet, OURS, ours),
            (wordnet, PEER, peer),
            (matching.case(name, matching.MILLION), OURS, of_million),
        )
        for measure, value in told.items()
    ]


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

    def test_strategies(self) -> None:
        """CPU, p50 and p99 of each server, with a mark over what is wanted; nothing where there is nothing."""
        lines = rendered(run(*_strategy("lev", 0.4, 60.0), *_strategy("exact", 0.4, 40.0))).splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("MATCH on WordNet"))
        wanted = ["lev", "0.3", "0.400!", "4.00", "-", "1.00", "44.0", "-", "2.00", "50.0", "-", "8.00", "60.0!"]
        self.assertEqual(lines[at + 2].split(), wanted)
        self.assertEqual(lines[at + 3].split()[:3], ["exact", "0.400", "4.00"])
        self.assertEqual(lines[at + 3].split()[-1], "40.0")
        self.assertEqual(lines[at + 4], "C dictd found nothing of lev 60.0 %, exact 60.0 %")
        self.assertIn("! is over", lines[at + 5])
        self.assertLessEqual(max(map(len, lines)), 100)
        self.assertNotIn("MATCH on WordNet", rendered(_whole()))
        # What has a table of its own is not told twice.
        self.assertFalse([line for line in lines if "found nothing" in line and "%" not in line])
        self.assertNotIn("dictd: ", "".join(lines))

    def test_crowds(self) -> None:
        """A client alone and among others, with the memory where it is the point."""
        figures = []
        for situation, p99 in ((polite.ALONE, 1.0), (polite.SLOW_READERS, 2.0), (polite.WORST_PATTERNS, 30.0)):
            told = {"p50": 0.1, "p99": p99, "longest": 99.0} | ({"flood": 5.0, "after": 3.0} if p99 > 1 else {})
            told |= {"before": 50.0, "worst": 60.0} if situation.weighed else {}
            figures += [Figure(situation.name, OURS, measure, (value,)) for measure, value in told.items()]
        lines = rendered(run(*figures)).splitlines()
        alone = next(line for line in lines if line.startswith(f"  {polite.ALONE.name}"))
        self.assertEqual(alone.split()[3:], ["0.100", "1.00", "99.0", "-", "-"])
        at = next(number for number, line in enumerate(lines) if line.startswith(f"  {polite.SLOW_READERS.name}"))
        self.assertEqual(lines[at].split()[-5:], ["0.100", "2.00", "99.0", "5.00", "3.00"])
        self.assertEqual(lines[at + 1].strip(), "memory of the server (RSS): 50.0 MB before, 60.0 at the worst")
        goal = next(line for line in lines if line.startswith("  p99 of a polite client, the worst"))
        self.assertEqual(goal.split()[-5:], ["<=", "20", "ms", "30.0", "missed"])
        self.assertNotIn("what the others got", "".join(lines))
        self.assertLessEqual(max(map(len, lines)), 100)

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
