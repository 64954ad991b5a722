"""What a process counts, and the sums of many."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd import tally
from dictd.server.commands import VERBS
from dictd.tally import BOUNDS, Tally, ended, merged

VERB_NAMES = [verb.name for verb in VERBS] + [tally.UNKNOWN]
#: As many codes as no verb has.
LASTS = [b"%d some words\r\n" % code for code in (210, 230, 420, 480, 481, 500, 501, 502, 530, 531, 552)]

ANSWERS = st.tuples(
    st.sampled_from(tally.PROTOCOLS),
    st.sampled_from(VERB_NAMES),
    st.sampled_from([b"250 ok\r\n", b"250 ok, the first 2 of more\r\n", *LASTS]),
    st.floats(0, 20),
)


def counted(answers: list[tuple[str, str, bytes, float]]) -> dict[str, Any]:
    """The snapshot of a process that gave these answers."""
    one = Tally(started=0.0)
    for protocol, verb, last, seconds in answers:
        one.of(protocol).come()
        one.of(protocol).answered(verb, last, seconds)
        one.tried(tally.OK if seconds < 1 else tally.WRONG)
        if seconds > 10:
            one.of(protocol).gone()
            one.of(protocol).refused(tally.LOGINS)
    one.definitions = len(answers)
    snapshot: dict[str, Any] = json.loads(json.dumps(one.snapshot()))
    return snapshot


SNAPSHOTS = st.lists(ANSWERS, max_size=20).map(counted)


#: Other tests run beside this one.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Counting(SynchronousTestCase):
    """One process."""

    def test_bounds(self) -> None:
        """A duration counts where its bound is not less; one beyond all counts behind them."""
        for at, bound in enumerate(BOUNDS):
            for seconds, expected in ((bound, at), (bound * 1.01, at + 1)):
                one = Tally(started=0.0)
                one.of(tally.DICT).come()
                one.of(tally.DICT).answered("DEFINE", b"250 ok\r\n", seconds)
                buckets = one.snapshot()["durations"]["dict"]["DEFINE"]["buckets"]
                self.assertEqual([sum(buckets), buckets[expected], len(buckets)], [1, 1, len(BOUNDS) + 1], seconds)

    def test_codes(self) -> None:
        """Answers count by verb and code; 250 with other words than ok is 250 too."""
        answers = [
            ("dict", "DEFINE", b"250 ok\r\n", 0.1),
            ("dict", "DEFINE", b"250 ok (history not confirmed)\r\n", 0.1),
            ("dict", "DEFINE", b"552 no match\r\n", 0.1),
            ("dicts", "QUIT", b"221 bye\r\n", 0.1),
        ]
        snapshot = counted(answers)
        self.assertEqual(
            snapshot["commands"], {"dict": {"DEFINE": {"250": 2, "552": 1}}, "dicts": {"QUIT": {"221": 1}}}
        )
        self.assertEqual(snapshot["durations"]["dict"]["DEFINE"]["microseconds"], 300_000)

    def test_look_ups(self) -> None:
        """DEFINE and QUERY hit or miss; a miss that had something to suggest is that; MATCH is no look-up."""
        one = Tally(started=0.0)
        for protocol, verb, last in (
            (tally.DICT, "DEFINE", b"250 ok\r\n"),
            (tally.DICTS, "QUERY", b"250 ok\r\n"),
            (tally.DICT, "QUERY", b"552 no match\r\n"),
            (tally.DICT, "QUERY", b"552 no match, perhaps: penguin\r\n"),
            (tally.DICT, "DEFINE", b"550 invalid database\r\n"),
            (tally.DICT, "MATCH", b"250 ok\r\n"),
        ):
            one.of(protocol).answered(verb, last, 0.0)
        one.suggested = 1
        self.assertEqual(one.snapshot()["lookups"], {"hit": 2, "miss": 1, "suggest": 1})

    def test_size(self) -> None:
        """The snapshot of a process that has seen everything for years fits into one message."""
        one = Tally(started=0.0)
        for protocol in tally.PROTOCOLS:
            counts = one.of(protocol)
            counts.inside, counts.connected = 10**5, 10**12
            for verb in VERB_NAMES:
                for last in LASTS:
                    counts.answered(verb, last, 1.0)
                cell = counts.cells[verb]
                cell.codes = dict.fromkeys(cell.codes, 10**10)
                cell.buckets = [10**10] * len(cell.buckets)
                cell.seconds = 1e9
        self.assertLess(len(json.dumps(one.snapshot())), 60_000)

    def test_nothing(self) -> None:
        """A process that has served nobody says little, and its sums are none."""
        one = Tally(started=0.0)
        self.assertLess(len(json.dumps(one.snapshot())), 300)
        self.assertEqual(set(one.everywhere().values()), {0})


class Sums(SynchronousTestCase):
    """Many processes."""

    @UNHURRIED
    @given(st.lists(ANSWERS, max_size=20), st.lists(ANSWERS, max_size=20))
    def test_sum_is_one(self, here: list[Any], there: list[Any]) -> None:
        """Two processes count together what one would have counted alone."""
        both, alone = merged([counted(here), counted(there)]), counted(here + there)
        self.assertEqual({**both, "durations": 0}, {**alone, "durations": 0})
        for protocol, cells in alone["durations"].items():
            for verb, cell in cells.items():
                sums = both["durations"][protocol][verb]
                self.assertEqual(sums["buckets"], cell["buckets"])
                self.assertLessEqual(abs(sums["microseconds"] - cell["microseconds"]), 2)

    @UNHURRIED
    @given(SNAPSHOTS, SNAPSHOTS, SNAPSHOTS)
    def test_any_order(self, one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
        """Sums are the same in whatever order, and of whatever sums, they are made; none adds nothing."""
        total = merged([one, two, three])
        self.assertEqual(total, merged([three, one, two]))
        self.assertEqual(total, merged([merged([one, two]), three]))
        self.assertEqual(total, merged([one, merged([two, three])]))
        self.assertEqual(total, merged([total, {}]))

    @UNHURRIED
    @given(SNAPSHOTS, SNAPSHOTS)
    def test_leaves_alone(self, one: dict[str, Any], two: dict[str, Any]) -> None:
        """What is added is not changed by it."""
        before = json.dumps([one, two])
        merged([one, two])
        self.assertEqual(json.dumps([one, two]), before)

    def test_ended(self) -> None:
        """Of a process that has ended the counters stay, and nobody is connected to it."""
        last = counted([("dict", "DEFINE", b"250 ok\r\n", 0.1)])
        self.assertEqual(last["connections"], {"dict": 1})
        total = merged([ended(last), counted([("dict", "DEFINE", b"250 ok\r\n", 0.1)])])
        self.assertEqual(total["connections"], {"dict": 1})
        self.assertEqual(total["connected"], {"dict": 2})
        self.assertEqual(total["commands"], {"dict": {"DEFINE": {"250": 2}}})

    def test_everywhere(self) -> None:
        """What STATUS shows is the sum of here and elsewhere."""
        one = Tally(started=0.0, matches=3)
        one.of(tally.DICT).come()
        one.of(tally.DICT).answered("MATCH", b"250 ok\r\n", 0.1)
        one.elsewhere = tally.shown(counted([("dicts", "QUERY", b"250 ok\r\n", 0.1)] * 2))
        self.assertEqual(
            one.everywhere(), {"connections": 3, "connected": 3, "commands": 3, "definitions": 2, "matches": 3}
        )
