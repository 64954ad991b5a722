"""Tests of :mod:`benchmarks.kills`: what is counted in the end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.kills import Trial
from benchmarks.stores import MARIADB, Kept
from tests.benchmarks.test_outage import _Table, _Told


class _Server:
    def hear(self) -> bool:
        """Nothing."""
        return True


class Counts(SynchronousTestCase):
    """Two witnesses and a table."""

    def test_compared(self) -> None:
        """Promised by anybody, and missing; there twice; not promised, and there all the same."""
        server: Any = _Server()
        table: Any = _Table(["a", "b", "b", "x"])
        process: Any = None
        kept = Kept(MARIADB, Path(self.mktemp()), "mysql://u@h/db", table)
        one = _Told(process, frozenset("ab"), frozenset("xy"), Counter({"420": 3}), 5)
        other = _Told(process, frozenset("c"), frozenset(), Counter({"420": 1}), 2)
        trial = Trial(kept, server, [one, other], done=Counter({"workers killed": 2}))
        self.assertEqual(
            dict(trial.compared()),
            {
                "workers killed": 2,
                "promised": 3,
                "missing": 1,
                "twice": 1,
                "not confirmed": 2,
                "  of them there all the same": 1,
                "connections cut": 7,
                "answered 420": 4,
            },
        )
