"""What a server tells of itself, in words; how status and sessions look is in tests.test_ctl_server."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import reports


class Told(SynchronousTestCase):
    """Rows of several processes."""

    def test_top(self) -> None:
        """Words of all, and searches under way, the longest of each process first."""
        one: dict[str, Any] = {
            "rows": [["pen", "define", 2, 1, 0.0]], "seconds": 40.2,
            "searches": [["x", "match re", 0.5], ["y", "nearest", 1.25]],
        }  # fmt: skip
        other: dict[str, Any] = {"rows": [["pen", "define", 1, 0, 0.0], ["ink", "match .", 1, 0, 0.3]], "seconds": 2.0}
        found = reports.top([("worker 1", one), ("worker 2", {**other, "searches": []})], 5)
        self.assertEqual(
            repr(found).splitlines(),
            [
                "word  asked    times  not found  longest",
                "pen   define       3  1",
                "ink   match .      1             300 ms",
                "in the last 40 s",
                "",
                "under way  asked     for       process",
                "y          nearest   1,250 ms  worker 1",
                "x          match re  500 ms    worker 1",
            ],
        )
        self.assertEqual(found.facts["words"][0], ("pen", "define", 3, 1, 0.0))

    def test_counts(self) -> None:
        """Protocols together; refusals and logins in a line below."""
        answers = {"DEFINE": {"250": 3, "552": 1}}
        took = {"DEFINE": {"buckets": [4], "microseconds": 2000}}
        found = reports.counts(
            {
                "commands": {"dict": answers, "dicts": answers, "http": {}},
                "durations": {"dict": took, "dicts": took},
                "lookups": {"hit": 6, "miss": 1, "suggest": 1},
                "logins": {"ok": 2, "wrong": 1},
                "limited": {"dict": {"banned": 1}, "dicts": {"banned": 2}},
            }
        )
        self.assertEqual(found[0], ("DEFINE", 8, "0.50 ms", "250: 6  552: 2"))
        self.assertEqual(found.note, "look-ups: 6 found, 2 not\nlogins: 2 ok, 1 wrong\nrefused: 3 banned")
