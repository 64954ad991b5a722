"""What we want to reach, and whether a run did. Pure."""

from __future__ import annotations

from attrs import frozen

from benchmarks import cases, durable, faults, guessing, outage, polite, recovery, scraping, secure
from benchmarks.figures import Run
from benchmarks.servers import FLOOR, OURS
from benchmarks.stores import MARIADB, SQLITE


@frozen
class Goal:
    """A figure of ours, or how many times another it is, that is to stay on one side of a limit.

    :ivar against: case and server of the other; ``None``: the figure itself.
    :ivar most: whether the limit is the most that is wanted, not the least.
    """

    about: str
    case: str
    measure: str
    limit: float
    against: tuple[str, str] | None = None
    most: bool = True
    unit: str = ""

    def reached(self, run: Run) -> float | None:
        """What the run measured; ``None`` if a part of it is missing."""
        figure = run.find(self.case, OURS, self.measure)
        if figure is None:
            return None
        if self.against is None:
            return figure.median
        other = run.find(*self.against, self.measure)
        return figure.median / other.median if other and other.median else None

    def met(self, value: float) -> bool:
        """Whether that is good enough."""
        return value <= self.limit if self.most else value >= self.limit


def _floor(about: str, case: cases.Case, measure: str, limit: float) -> Goal:
    return Goal(about, case.name, measure, limit, (case.name, FLOOR), unit="x floor")


def _together(about: str, store: str, slow: bool, limit: float) -> Goal:
    """How many times as many look-ups are kept in groups as with a commit each."""
    group, each = (durable.Keeping(store, each, slow).name for each in (False, True))
    return Goal(about, group, "rate", limit, (each, OURS), most=False, unit="x")


def _kept(store: str) -> Goal:
    return Goal(f"p99, 64 logged in, {store}", durable.Keeping(store, False).name, "p99", 15, unit="ms")


#: CPU of a MATCH on WordNet, ms.
BUDGETS = {
    "prefix": 0.03,
    "substring": 0.3,
    "suffix": 0.3,
    "re": 1.0,
    "soundex": 0.1,
    "lev": 0.3,
    "word": 1.0,
}
#: 99 of 100 MATCH on a million headwords are answered within this, ms.
MILLION_P99 = 50.0

GOALS = (
    _floor("p50, 1 client", cases.ONE, "p50", 1.5),
    _floor("CPU, 64 clients", cases.MANY, "cpu", 2.5),
    _floor("CPU, 64 clients, 16 pipelined", cases.PIPELINED, "cpu", 6),
    _floor("CPU; connect, ask, QUIT", cases.VISITS, "cpu", 2),
    Goal("CPU, MATCH prefix", cases.PREFIX.name, "cpu", 30, unit="us"),
    Goal(
        "look-ups/s logged in, together : a commit each",
        cases.LOGGED_IN.name,
        "rate",
        4,
        (cases.ONE_EACH.name, OURS),
        most=False,
        unit="x",
    ),
    Goal("p99 of a polite client, the worst patterns", polite.WORST_PATTERNS.name, "p99", 20, unit="ms"),
    Goal("p99 of a polite client, DEFINE without pause", polite.DEFINITIONS.name, "p99", 20, unit="ms"),
    Goal("import of WordNet", cases.IMPORT_WORDNET, "rows", 100_000, most=False, unit="rows/s"),
    Goal("import of WordNet, memory", cases.IMPORT_WORDNET, "memory", 200, unit="MB"),
    Goal("import of tabbed lines", cases.IMPORT_TABBED, "rows", 100_000, most=False, unit="rows/s"),
    Goal("import of tabbed lines, memory", cases.IMPORT_TABBED, "memory", 200, unit="MB"),
    Goal("memory of an idle connection", cases.IDLE, "idle", 3, unit="KiB"),
    Goal("memory of an idle connection, TLS", secure.IDLE, "idle", 30, unit="KiB"),
    Goal("errors of 1,000 clients during a reload", faults.DURING, "errors", 0),
    Goal("errors of others when a worker is killed", faults.GOING, "errors", 0),
    Goal("the same, of clients that stay connected", faults.STAYING, "errors", 0),
    Goal("until another serves for one that was killed", faults.GOING, "again", 1, unit="s"),
    Goal("slowest of 1,000 beside a stopped worker", faults.STOPPED, "longest", 1500, unit="ms"),
    Goal("errors of 1,000 beside a stopped worker", faults.STOPPED, "errors", 0),
    Goal("until another serves for a stopped one", faults.STOPPED, "again", 12, unit="s"),
    Goal("metrics, of a look-up's CPU", scraping.SCRAPED, "share", 3, unit="%"),
    Goal("p99 beside wrong passwords : before", guessing.DURING, "p99", 2, (guessing.BEFORE, OURS), unit="x"),
    Goal("wrong passwords of one source hashed", guessing.DURING, "verified_most", 10),
    Goal("memory grown by wrong passwords", guessing.DURING, "grown", 40, unit="MiB"),
    _together("look-ups/s kept on SQLite, together : each", SQLITE, False, 4),
    _together("look-ups/s kept on MariaDB, together : each", MARIADB, False, 4),
    _together("the same on SQLite, 5 ms more a sync", SQLITE, True, 20),
    _kept(SQLITE),
    _kept(MARIADB),
    *(Goal(f"answers without a sync, {store}", durable.witnessed(store), "unsynced", 0) for store in (SQLITE, MARIADB)),
    Goal("p99 while MariaDB is stopped : before", outage.DURING, "p99", 2, (outage.BEFORE, OURS), unit="x"),
    Goal("slowest of who is logged in meanwhile", outage.KEPT, "longest", 2200, unit="ms"),
    Goal("answers that promise no row meanwhile", outage.KEPT, "unconfirmed", 0),
    Goal("memory grown meanwhile", outage.DURING, "grown", 20, unit="MB"),
    Goal("LOGIN refused meanwhile, p99", outage.LOGIN, "p99", 10, unit="ms"),
    *(
        Goal(f"login and history, {about}", case, "login", 2, unit="s")
        for about, case in (
            ("MariaDB goes on", outage.BACK),
            ("MariaDB was killed", recovery.AGAIN),
            ("another host", recovery.ELSEWHERE),
        )
    ),
    *(
        Goal(f"rows {measure}, MariaDB {about}", case, measure, 0)
        for about, case in (("was stopped", outage.BACK), ("was killed", recovery.AGAIN))
        for measure in ("missing", "twice")
    ),
)
