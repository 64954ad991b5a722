"""Tests of :mod:`benchmarks.figures`, :mod:`benchmarks.goals` and what makes figures of loads."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import (
    cases,
    durable,
    entering,
    faults,
    filling,
    guessing,
    keeping,
    outage,
    polite,
    publishing,
    recovery,
    scraping,
    secure,
)
from benchmarks.cases import WrongAnswers, values
from benchmarks.draws import STRATEGIES
from benchmarks.figures import Figure, Run, gathered, percentile
from benchmarks.goals import BUDGETS, GOALS, Goal
from benchmarks.load import Outcome
from benchmarks.servers import FLOOR, OURS
from tests.benchmarks.runs import run


class Statistics(SynchronousTestCase):
    """Numbers of rounds and waits."""

    def test_figure(self) -> None:
        """The median is told, with the least, the most and how far they are apart."""
        figure = Figure("c", "s", "cpu", (30.0, 10.0, 20.0))
        self.assertEqual((figure.median, figure.low, figure.high, figure.spread), (20.0, 10.0, 30.0, 1.0))
        self.assertEqual(Figure("c", "s", "cpu", (0.0,)).spread, 0.0)

    def test_percentile(self) -> None:
        """The nearest rank."""
        hundred = [float(number) for number in range(1, 101)]
        self.assertEqual([percentile(hundred, share) for share in (0, 0.5, 0.99, 1)], [1, 50, 99, 100])
        self.assertEqual([percentile([1.0, 2.0], share) for share in (0.5, 0.51, 0.99)], [1, 2, 2])

    @given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
    def test_percentile_of_anything(self, waits: list[float], share: float) -> None:
        """It is one of the values, and that share of them is not above it."""
        waits.sort()
        found = percentile(waits, share)
        self.assertIn(found, waits)
        self.assertGreaterEqual(sum(wait <= found for wait in waits), share * len(waits) * (1 - 1e-9))

    def test_gathered(self) -> None:
        """Values come together under their key, in order."""
        a, b = ("one", OURS, "cpu"), ("one", FLOOR, "cpu")
        found = gathered(iter([(a, 1.0), (b, 5.0), (a, 2.0)]))
        self.assertEqual(found, (Figure(*a, (1.0, 2.0)), Figure(*b, (5.0,))))

    def test_values(self) -> None:
        """CPU is divided by all answers; waits are milliseconds; busy is a share of the time."""
        waits = [number / 1000 for number in range(100, 0, -1)]
        outcome = Outcome(Counter({"250": 400, "552": 100, "missing": 7}), waits, 1, 2.0)
        found = dict(values(outcome, 0.5))
        told = {"cpu": 1000.0, "rate": 250.0, "p50": 50.0, "p99": 99.0, "busy": 25.0}
        self.assertEqual(found, told | {"nothing": 20.0})
        self.assertNotIn("cpu", dict(values(outcome, 0.0)))
        self.assertRaises(WrongAnswers, list, values(Outcome(Counter({"missing": 1})), 1.0))


class Files(SynchronousTestCase):
    """Runs as JSON."""

    def test_round_trip(self) -> None:
        """What is written is read."""
        one = run(Figure("Fälle", OURS, "cpu", (1.5, 2.0)), Figure("c", FLOOR, "p50", (3.0,)), remarks=("no peer",))
        self.assertEqual(Run.read(one.text()), one)
        self.assertIn("Fälle", one.text())

    def test_not_a_run(self) -> None:
        """Anything else is refused."""
        for text in ("", "{", "[]", "{}", '{"format": 1}', run().text().replace('"format": 1', '"format": 0')):
            self.assertRaises(ValueError, Run.read, text)

    def test_find(self) -> None:
        """Figures are found by all three names; servers of a case in order."""
        figures = [Figure("c", server, measure, (1.0,)) for server in (FLOOR, OURS) for measure in ("cpu", "p50")]
        one = run(*figures, Figure("d", "other", "cpu", (1.0,)))
        self.assertIs(one.find("c", OURS, "p50"), figures[3])
        self.assertIsNone(one.find("d", OURS, "cpu"))
        self.assertEqual(one.servers("c"), [FLOOR, OURS])


class Goals(SynchronousTestCase):
    """What is wanted."""

    def test_ratio(self) -> None:
        """A goal relative to the floor needs both."""
        goal = next(goal for goal in GOALS if goal.about == "CPU, 64 clients")
        ours, floor = (
            Figure(cases.MANY.name, server, "cpu", (value,)) for server, value in ((OURS, 20.0), (FLOOR, 8.0))
        )
        self.assertEqual(goal.reached(run(ours, floor)), 2.5)
        self.assertIsNone(goal.reached(run(ours)))
        self.assertIsNone(goal.reached(run(floor)))

    def test_met(self) -> None:
        """At the limit it is met, on the right side of it too."""
        for most, good, bad in ((True, 2.0, 4.0), (False, 4.0, 2.0)):
            goal = Goal("x", "c", "cpu", 3.0, most=most)
            self.assertEqual([goal.met(value) for value in (3.0, good, bad)], [True, True, False])

    def test_measured(self) -> None:
        """Every goal is of a case that there is, or of an import, or of idle connections."""
        known = {case.name for case in (*cases.EVERYWHERE, cases.ANONYMOUS, cases.LOGGED_IN, cases.ONE_EACH)}
        known |= {cases.IMPORT_WORDNET, cases.IMPORT_TABBED, cases.IDLE}
        known |= {situation.name for situation in polite.SITUATIONS}
        known |= {*faults.CASES, *guessing.CASES, secure.IDLE, scraping.SCRAPED}
        for chapter in (durable, entering, filling, keeping, outage, publishing, recovery):
            known |= set(chapter.CASES)
        self.assertLessEqual({goal.case for goal in GOALS}, known)
        self.assertLessEqual(set(BUDGETS), set(STRATEGIES))
        self.assertLessEqual({goal.against[0] for goal in GOALS if goal.against}, known)
