"""The sections of the table about the store: what keeping a row costs, and what others notice of the store. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from benchmarks import durable, entering, outage, publishing, recovery
from benchmarks.figures import Figure, Run
from benchmarks.numbers import number
from benchmarks.servers import OURS
from benchmarks.stores import MARIADB, SQLITE

_DURABLE = "{:<42}{:>10}{:>8}{:>8}{:>13}{:>8}{:>8}"
_CLIENT = "{:<64}{:>8}{:>9}{:>9}"
_CLIENTS = (
    *entering.CASES,
    *publishing.CASES,
    *(case for case in outage.CASES if case != outage.BACK),
)
#: Cases that have these sections.
CASES = (
    *durable.CASES,
    *map(durable.witnessed, (SQLITE, MARIADB)),
    *_CLIENTS,
    outage.BACK,
    *recovery.CASES,
)


def kept(run: Run) -> Iterator[str]:
    """Look-ups that are answered when their row is on the disk: a commit each, and in groups."""
    pairs = [pair for pair in durable.PAIRS if any(run.find(one.name, OURS, "rate") for one in pair)]
    if pairs:
        few, many = (f"{count}: /s" for count in (durable.FEW, durable.MANY))
        yield _DURABLE.format("look-ups of users, kept when answered", few, "p50 ms", "p99", many, "p50 ms", "p99")
    for pair in pairs:
        rates: list[list[float]] = []
        for one in pair:
            cases = [evolve(one, connections=count).name for count in (durable.FEW, durable.MANY)]
            found = [[run.find(case, OURS, name) for name in ("rate", "p50", "p99")] for case in cases]
            yield _DURABLE.format(f"  {one.how}", *(_told(figure) for figures in found for figure in figures))
            rates.append([figures[0].median if figures[0] else 0.0 for figures in found])
        each, together = rates
        times = [f"x {number(b / a)}" if a and b else "-" for a, b in zip(each, together, strict=True)]
        yield _DURABLE.format("", times[0], "", "", times[1], "", "").rstrip()
    if pairs:
        yield "x: what group commit gives; a commit each: one at a time on SQLite, two on MariaDB"
    for store in (SQLITE, MARIADB):
        case = durable.witnessed(store)
        unsynced, syncs, quickest = (run.find(case, OURS, name) for name in ("unsynced", "syncs", "quickest"))
        if unsynced and syncs and quickest:
            told = f"{number(unsynced.median)} answers without a sync since the question"
            yield f"  {case}: {number(syncs.median)} syncs for an answer, the quickest {number(quickest.median)} ms;"
            yield f"    {told}"


def noticed(run: Run) -> Iterator[str]:
    """Clients beside logins, beside an import, and while the database is away."""
    found = [case for case in _CLIENTS if run.find(case, OURS, "p50")]
    if found:
        yield _CLIENT.format("clients, and what the store has to do", "p50 ms", "p99 ms", "longest")
    for case in found:
        yield _CLIENT.format(f"  {case}", *(_told(run.find(case, OURS, name)) for name in ("p50", "p99", "longest")))
        yield from _besides(run, case)
    for case in (outage.BACK, *recovery.CASES):
        login = run.find(case, OURS, "login")
        if login:
            yield f"  {case}"
            yield f"    somebody can log in and read the history after {number(login.high)} s at the most"
            yield from _besides(run, case)


def _besides(run: Run, case: str) -> Iterator[str]:
    """What there is to say of a case besides its waits."""

    def find(measure: str) -> Figure | None:
        return run.find(case, OURS, measure)

    logins, took = find("logins"), find("login_p50")
    if logins and took:
        yield f"    {number(logins.median)} logins/s, each {number(took.median)} ms"
    if rows := find("rows"):
        yield f"    {number(rows.median)} rows/s are imported meanwhile"
    if grown := find("grown"):
        yield f"    memory grew by {number(grown.median)} MiB (RSS of all processes)"
    if first := find("first"):
        yield f"    until the breakers are open {number(first.high)} ms at the most"
    if home := find("home"):
        yield f"    all that was promised is in the history after {number(home.high)} s"
    told = [
        f"{text}: {figure.high:,.0f}"
        for text, measure in (
            ("promised rows", "promised"),
            ("missing", "missing"),
            ("twice", "twice"),
            ("answers that promise no row", "unconfirmed"),
        )
        if (figure := find(measure))
    ]
    if told:
        yield f"    {'; '.join(told)}"


def _told(figure: Figure | None) -> str:
    return number(figure.median) if figure else "-"
