"""Tests of :mod:`benchmarks.faults`: whose errors are whose."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import faults
from benchmarks.cases import WrongAnswers
from benchmarks.faults import Death
from benchmarks.servers import OURS
from benchmarks.turns import STAY, Turn, address

_DEATH = Death(100.0, frozenset({address(7, STAY)}), 0.5)


class Deaths(SynchronousTestCase):
    """A worker was killed at 100."""

    def test_under_way(self) -> None:
        """A turn that was under way then may have been its own, one that began later on a new connection not."""
        self.assertTrue(_DEATH.cut(Turn(1, 99.9, 100.1, "cut", True)))
        self.assertTrue(_DEATH.cut(Turn(1, 99.9, 109.9, "missing", True)))
        self.assertFalse(_DEATH.cut(Turn(1, 100.01, 100.1, "ECONNREFUSED", True)))
        self.assertFalse(_DEATH.cut(Turn(1, 99.0, 99.9, "cut", True)))

    def test_stayed(self) -> None:
        """One who stays is cut between two questions, or with the next one, soon."""
        self.assertTrue(_DEATH.cut(Turn(7, 100.01, 100.01, "cut", False)))
        self.assertTrue(_DEATH.cut(Turn(7, 100.1, 100.2, "ECONNRESET", False)))
        self.assertFalse(_DEATH.cut(Turn(7, 101.5, 101.6, "cut", False)))
        self.assertFalse(_DEATH.cut(Turn(7, 99.5, 99.6, "cut", False)))

    def test_own(self) -> None:
        """Of those who stay it is known whose they were."""
        self.assertTrue(_DEATH.cut_own(Turn(7, 99.9, 100.1, "cut", False)))
        self.assertFalse(_DEATH.cut_own(Turn(8, 99.9, 100.1, "cut", False)))


class Turns(SynchronousTestCase):
    """What turns say together."""

    turns = (
        Turn(1, 10.0, 10.001, "250", True),
        Turn(1, 11.0, 11.002, "250", False),
        Turn(7, 99.9, 100.1, "cut", False),
        Turn(8, 99.9, 100.1, "cut", False),
        Turn(9, 102.0, 102.3, "420", True),
    )

    def told(self, turns: tuple[Turn, ...], *causes: object) -> tuple[dict[str, float], list[str]]:
        """Values by measure, and remarks."""
        found = list(faults._of_turns("case", turns, causes))  # type: ignore[arg-type]
        values = {one[0][2]: one[1] for one in found if not isinstance(one, str)}
        return values, [one for one in found if isinstance(one, str)]

    def test_counts(self) -> None:
        """New connections, errors by kind, waits."""
        values, remarks = self.told(self.turns)
        self.assertEqual((values["made"], values["errors"]), (2, 3))
        self.assertAlmostEqual(values["longest"], 300)
        self.assertAlmostEqual(values["p50"], 200)
        self.assertEqual(remarks, ["case: errors: {'cut': 2, '420': 1}"])
        self.assertNotIn("own", values)

    def test_causes(self) -> None:
        """What a death accounts for is no error, and is told apart; all else stays one."""
        values, remarks = self.told(self.turns, _DEATH.cut_own)
        self.assertEqual((values["own"], values["errors"]), (1, 2))
        self.assertEqual(remarks, ["case: errors: {'cut': 1, '420': 1}"])
        values, remarks = self.told(self.turns[:3], _DEATH.cut)
        self.assertEqual((values["own"], values["errors"], remarks), (1, 0, []))

    def test_nobody(self) -> None:
        """Without turns nothing was measured, which is not zero errors."""
        self.assertRaises(WrongAnswers, list, faults._of_turns("case", ()))

    def test_replaced(self) -> None:
        """Only a worker that is not the old one counts, when all places are filled."""

        class Told:
            answers = [[1, 2], [2], [1, 2], [2, 3]]

            def serving(self) -> list[dict[str, int]]:
                return [{"pid": pid} for pid in self.answers.pop(0)]

        told = Told()
        self.assertLess(faults._replaced(told, 1, 0.0), 1e12)  # type: ignore[arg-type]
        self.assertEqual(told.answers, [])
        self.assertEqual(OURS, "dictd")
