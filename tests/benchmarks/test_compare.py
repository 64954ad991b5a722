"""Tests of :mod:`benchmarks.compare`."""

from __future__ import annotations

import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import compare, matching
from benchmarks.compare import Change, changes, rendered
from benchmarks.figures import Figure, Run
from benchmarks.servers import FLOOR, OURS, PEER
from tests.benchmarks.runs import run


def _figure(measure: str, value: float, server: str = OURS, case: str = "case", spread: float = 0.0) -> Figure:
    half = value * spread / 2
    return Figure(case, server, measure, (value - half, value, value + half))


def _one(old: Run, new: Run) -> Change:
    (found,) = [change for change in changes(old, new) if change.new.server == OURS]
    return found


class Changes(SynchronousTestCase):
    """What changed, and whether it is more than noise."""

    def verdict(self, measure: str, before: float, after: float, spread: float = 0.0) -> str:
        """Of a figure without a floor."""
        return _one(run(_figure(measure, before, spread=spread)), run(_figure(measure, after, spread=spread))).verdict

    def test_direction(self) -> None:
        """More CPU is worse, more look-ups are better."""
        self.assertEqual([self.verdict("cpu", 10, after) for after in (8, 10, 12)], ["better", "", "worse"])
        self.assertEqual([self.verdict("rate", 10, after) for after in (8, 10, 12)], ["worse", "", "better"])
        self.assertEqual(self.verdict("memory", 100, 130), "worse")
        self.assertEqual(self.verdict("busy", 50, 100), "")

    def test_strategies_and_crowds(self) -> None:
        """More memory at the worst and much longer longest waits are worse; what others got is no matter."""
        self.assertEqual([self.verdict("worst", 100, after) for after in (80, 105, 120)], ["better", "", "worse"])
        self.assertEqual([self.verdict("longest", 10, after) for after in (30, 50)], ["", "worse"])
        for measure in ("before", "flood", "after", "nothing"):
            self.assertEqual(self.verdict(measure, 10, 100), "")
        old, new = (
            run(*(Figure(matching.case("lev", where), OURS, "cpu", (cpu,)) for where in ("wn", "a million")))
            for cpu in (10.0, 20.0)
        )
        self.assertEqual([change.verdict for change in changes(old, new)], ["worse", "worse"])

    def test_margin(self) -> None:
        """What is below the margin of its measure is noise even if no round differed."""
        self.assertEqual([self.verdict("cpu", 100, after) for after in (104, 106)], ["", "worse"])
        self.assertEqual([self.verdict("p99", 100, after) for after in (199, 201)], ["", "worse"])

    def test_spread(self) -> None:
        """What is below the spread of the rounds is noise."""
        self.assertEqual([self.verdict("cpu", 100, after, 0.2) for after in (127, 130)], ["", "worse"])
        self.assertEqual([self.verdict("cpu", 100, after, 0.2) for after in (73, 70)], ["", "better"])

    def test_pace(self) -> None:
        """A slower machine slows the floor too; that is no change of ours."""
        old = run(_figure("cpu", 20), _figure("cpu", 8, FLOOR))
        slower = _one(old, run(_figure("cpu", 30), _figure("cpu", 12, FLOOR)))
        self.assertAlmostEqual(slower.raw, 0.5)
        self.assertAlmostEqual(slower.share, 0.0)
        self.assertEqual(slower.verdict, "")
        self.assertEqual(_one(old, run(_figure("cpu", 20), _figure("cpu", 6, FLOOR))).verdict, "worse")

    def test_rates_go_the_other_way(self) -> None:
        """With a floor of their own they follow its rate, without one the inverse of its CPU."""
        old, new = _figure("rate", 1000), _figure("rate", 500)
        floors = _figure("rate", 100_000, FLOOR), _figure("rate", 50_000, FLOOR)
        self.assertEqual(_one(run(old, floors[0]), run(new, floors[1])).verdict, "")
        elsewhere = _figure("cpu", 8, FLOOR, "other"), _figure("cpu", 16, FLOOR, "other")
        self.assertAlmostEqual(_one(run(old, elsewhere[0]), run(new, elsewhere[1])).share, 0.0)

    def test_mean_pace(self) -> None:
        """Times without a floor of their own follow all floors; memory follows none."""
        old = [_figure("cpu", 8, FLOOR, "one"), _figure("cpu", 1, FLOOR, "two")]
        new = [_figure("cpu", 16, FLOOR, "one"), _figure("cpu", 8, FLOOR, "two")]  # 2 and 8 times: 4
        change = _one(run(_figure("p50", 1), *old), run(_figure("p50", 4), *new))
        self.assertAlmostEqual(change.share, 0.0)
        self.assertEqual(_one(run(_figure("idle", 1), *old), run(_figure("idle", 4), *new)).verdict, "worse")

    def test_noise_of_the_floor(self) -> None:
        """A floor that is not sure of itself makes ours unsure."""
        old = run(_figure("cpu", 20), _figure("cpu", 8, FLOOR, spread=0.3))
        change = _one(old, run(_figure("cpu", 25), _figure("cpu", 8, FLOOR)))
        self.assertAlmostEqual(change.noise, 0.3)
        self.assertEqual(change.verdict, "")

    def test_disturbed(self) -> None:
        """Where others had part of the machine CPU and memory are judged, times by the clock are not."""
        for before, later in ((0.02, 0.3), (0.3, 0.02)):
            found = {}
            for measure in ("cpu", "memory", "idle", "p50", "p99", "rate", "rows"):
                after = 1.0 if measure in ("rate", "rows") else 100.0
                found[measure] = _one(
                    run(_figure(measure, 10), others=before), run(_figure(measure, after), others=later)
                )
            judged = [measure for measure, change in found.items() if change.verdict == "worse"]
            self.assertEqual(judged, ["cpu", "memory", "idle"])
            text = rendered(run(others=before), run(others=later), [])
            self.assertIn("% of the machine: only CPU and memory are judged", text)
        self.assertNotIn("only CPU", rendered(run(), run(others=0.1), []))

    def test_run_differently(self) -> None:
        """Runs of other lengths are shown beside each other, and not judged."""
        old, new = run(_figure("memory", 10)), run(_figure("memory", 99), seconds=0.6)
        self.assertEqual(_one(old, new).verdict, "")
        text = rendered(old, new, [])
        self.assertIn("! old and new: rounds 3 and 3; seconds 2.0 and 0.6\n! run differently", text)
        self.assertNotIn("differently", rendered(old, old, []))

    def test_others(self) -> None:
        """The peer and the floor are shown, never judged; what only one run has is left out."""
        old = run(_figure("cpu", 1, PEER), _figure("cpu", 1, FLOOR), _figure("cpu", 1, case="old"))
        new = run(_figure("cpu", 9, PEER), _figure("cpu", 9, FLOOR), _figure("cpu", 1, case="new"))
        self.assertEqual(
            [(one.new.server, one.verdict, one.raw) for one in changes(old, new)], [(PEER, "", 8), (FLOOR, "", 8)]
        )


class Program(SynchronousTestCase):
    """``python -m benchmarks.compare``."""

    def setUp(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.patch(compare.sys, "stdout", self.out)
        self.patch(compare.sys, "stderr", self.err)

    def files(self, *runs: Run) -> list[str]:
        """Written somewhere."""
        paths = [Path(self.mktemp()) for _ in runs]
        for path, one in zip(paths, runs, strict=True):
            path.write_text(one.text(), "utf-8")
        return list(map(str, paths))

    def test_exit_codes(self) -> None:
        """0 while nothing got worse, 1 if something did, 2 for what cannot be compared."""
        old, new = self.files(run(_figure("cpu", 10)), run(_figure("cpu", 20)))
        self.assertEqual([compare.main([old, old]), compare.main([old, new]), compare.main([new, old])], [0, 1, 0])
        self.assertEqual(
            [compare.main([old]), compare.main([old, "/nowhere"]), compare.main([old, __file__])], [2, 2, 2]
        )
        self.assertIn("usage", self.err.getvalue())
        self.assertIn(f"bench-compare: {__file__}: ", self.err.getvalue())

    def test_text(self) -> None:
        """Figure by figure: old, new, change, change to the floor, noise; then how many."""
        old = run(_figure("cpu", 10), _figure("cpu", 8, FLOOR))
        new = run(_figure("cpu", 33), _figure("cpu", 16, FLOOR), remarks=("no peer",), cores=4)
        lines = rendered(old, new, list(changes(old, new))).splitlines()
        row = next(line for line in lines if line.startswith("  dictd"))
        self.assertEqual(row.split(), ["dictd", "cpu,", "us", "10.0", "33.0", "+230.0%", "+65.0%", "5.0%", "WORSE"])
        self.assertIn("case", lines)
        self.assertIn("! not the same cores", lines)
        self.assertIn("! new: no peer", lines)
        self.assertEqual(lines[-1], "0 better, 1 worse beyond the noise, of 2 figures")
