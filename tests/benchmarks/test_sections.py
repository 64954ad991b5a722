"""Tests of the sections of the table about workers, troubles and wrong passwords."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import faults, guessing, scraping, secure, workers
from benchmarks.figures import MEASURES, Figure
from benchmarks.servers import OURS
from benchmarks.table import rendered
from tests.benchmarks.runs import run


def _of(case: str, **told: float) -> list[Figure]:
    return [Figure(case, OURS, measure, (value,)) for measure, value in told.items()]


class Sections(SynchronousTestCase):
    """What there are figures of is told once."""

    def lines(self, *figures: Figure) -> list[str]:
        """A table, with what holds for each."""
        lines = rendered(run(*figures)).splitlines()
        self.assertLessEqual(max(map(len, lines)), 100)
        for figure in figures:
            self.assertIn(figure.measure, MEASURES)
        return lines

    @staticmethod
    def row(lines: list[str], name: str) -> list[str]:
        """The columns of a row."""
        (found,) = [line for line in lines if line.startswith(f"  {name} ")]
        return found.removeprefix(f"  {name}").split()

    def test_workers(self) -> None:
        """What the cores allow for both, and what the workers would if the load were elsewhere."""
        one, two = (shared for shared in workers.SHARED if shared.depth == 1)
        lines = self.lines(
            *_of(one.name, cpu=20.0, asking=10.0, rate=40000, p50=1.5, p99=3.0, busy=80),
            *_of(two.name, cpu=20.0, asking=20.0, rate=45000, p50=1.0, p99=2.0, busy=95),
            *_of(workers.balance(2), fewest=480, most=520),
        )
        # One worker is one core; two have to share two cores with the load.
        self.assertEqual(self.row(lines, one.name), ["20.0", "10.0", "40,000", "50,000", "50,000", "1.50", "3.00"])
        self.assertEqual(self.row(lines, two.name), ["20.0", "20.0", "45,000", "50,000", "100,000", "1.00", "2.00"])
        self.assertEqual(self.row(lines, workers.balance(2)), ["480", "to", "520", "each,", "even:", "500"])
        self.assertNotIn("CPU a look-up, us  x floor", "\n".join(lines))  # no loads of one process
        self.assertFalse([line for line in lines if "dictd:" in line])

    def test_troubles(self) -> None:
        """Connections, errors and waits; what is no error is not told as one."""
        waits = {"p50": 1.0, "p99": 2.0, "longest": 300.0}
        lines = self.lines(
            *_of(faults.DURING, made=9000, errors=0, **waits, reload=2.5),
            *_of(faults.GOING, made=3000, errors=2, own=8, **waits, again=0.9, killed=3),
            *_of(faults.STOPPED, made=1000, errors=0, **waits, late=150, again=4.2),
        )
        self.assertEqual(self.row(lines, faults.DURING), ["9,000", "0", "-", "1.00", "2.00", "300"])
        self.assertEqual(self.row(lines, faults.GOING), ["3,000", "2", "8", "1.00", "2.00", "300"])
        text = "\n".join(lines)
        for told in ("the reload took 2.50 s", "150 waited over 250 ms", "served after 0.900 s", "served after 4.20 s"):
            self.assertIn(told, text)
        goals = {line[2:52].strip(): line.split()[-2:] for line in lines}
        self.assertEqual(goals["errors of 1,000 clients during a reload"], ["0", "met"])
        self.assertEqual(goals["errors of others when a worker is killed"], ["2.00", "missed"])
        self.assertEqual(goals["the same, of clients that stay connected"], ["not", "measured"])
        self.assertEqual(goals["slowest of 1,000 beside a stopped worker"], ["300", "met"])

    def test_guesses(self) -> None:
        """What became of the guesses, and that they go on beside a client."""
        told = dict.fromkeys(guessing.COUNTS, 0.0) | {"guesses": 500.0, "verified": 400, "verified_most": 9}
        lines = self.lines(
            *_of(guessing.BEFORE, p50=0.3, p99=2.0, longest=5.0),
            *_of(guessing.DURING, p50=0.4, p99=6.0, longest=9.0, **told | {"grown": 30.0}),
        )
        self.assertEqual(self.row(lines, guessing.DURING), ["0.400", "6.00", "9.00"])
        text = "\n".join(lines)
        self.assertIn("500 guesses/s: 400 hashed, 9 of one source at the most; answered 481: 0, 480: 0", text)
        goals = {line[2:52].strip(): line.split()[-2:] for line in lines}
        self.assertEqual(goals["p99 beside wrong passwords : before"], ["3.00", "missed"])
        self.assertEqual(goals["wrong passwords of one source hashed"], ["9.00", "met"])

    def test_others(self) -> None:
        """TLS and metrics are told line by line, and have goals."""
        lines = self.lines(
            *_of(secure.HANDSHAKES, handshakes=500, handshake=1200, errors=0),
            *_of(secure.IDLE, held=3000, idle=17.8),
            *_of(scraping.SCRAPED, dearer=2.0, counting=0.2, share=3.5),
            *_of(scraping.SCRAPE, scrape=1.3, errors=0),
        )
        text = "\n".join(lines)
        self.assertIn("banner; 8 at a time, dictd: CPU of each", text)
        goals = {line[2:52].strip(): line.split()[-1] for line in lines if line}
        self.assertEqual(goals["memory of an idle connection, TLS"], "met")
        self.assertEqual(goals["metrics, of a look-up's CPU"], "missed")

    def test_nothing(self) -> None:
        """What was not measured has no section."""
        text = "\n".join(self.lines())
        for head in ("workers, on all", "connections and look-ups", "time to think"):
            self.assertNotIn(head, text)
