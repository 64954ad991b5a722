"""A run as a table of plain text, 100 columns at most. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import faults, guessing, keeping, matching, polite
from benchmarks import workers as several
from benchmarks.figures import MEASURES, Run
from benchmarks.goals import GOALS
from benchmarks.keeping import kept, noticed
from benchmarks.numbers import number, spread
from benchmarks.sections import crowds, guesses, strategies, troubles, workers
from benchmarks.servers import FLOOR, OURS

#: Below this share of its core a server could have answered more, %.
_BUSY = 90
_LOAD = ("cpu", "rate", "p50", "p99", "busy")
#: Cases that have sections of their own.
_TABLED = {
    *(one.name for one in polite.SITUATIONS),
    *(one.name for one in several.SHARED),
    *map(several.balance, several.BALANCED),
    *faults.CASES,
    *guessing.CASES,
    *keeping.CASES,
}
_ROW = "  {:<8} {:>22} {:>8} {:>26} {:>8} {:>8} {:>8}"


def rendered(run: Run) -> str:
    """The whole table."""
    parts = (
        _head(run),
        _loads(run),
        strategies(run),
        crowds(run),
        workers(run),
        troubles(run),
        guesses(run),
        kept(run),
        noticed(run),
        _others(run),
        _goals(run),
    )
    return "\n\n".join("\n".join(lines) for part in parts if (lines := [*part])) + "\n"


def _head(run: Run) -> Iterator[str]:
    machine = run.machine
    yield f"dictd {machine['version']} at {machine['revision'] or 'no commit'}, {machine['when']}"
    yield f"{machine['cores']} cores, {machine['processor']}, {machine['kernel']}, {machine['python']}"
    told = "; ".join(f"{name} {value}" for name, value in run.settings.items())
    yield f"load average before: {machine['load']}, other jobs: {machine['others']:.0%} of the machine"
    yield told
    if run.disturbed:
        yield f"! other jobs took {machine['others']:.0%} of the machine: look-ups/s, p50 and p99 are theirs too"
    for remark in run.remarks:
        yield f"! {remark}"


def _loads(run: Run) -> Iterator[str]:
    measured = dict.fromkeys(figure.case for figure in run.figures if figure.measure == "rate")
    found = [case for case in measured if case not in _TABLED]
    if not found:
        return
    yield _ROW.format("", "CPU a look-up, us", "x floor", "look-ups/s", "p50 ms", "p99 ms", "busy")
    lazy = False
    for case in found:
        yield case
        floor = run.find(case, FLOOR, "cpu")
        for server in run.servers(case):
            cpu, rate, p50, p99, busy = (run.find(case, server, measure) for measure in _LOAD)
            share = f"{busy.median:.0f} %" if busy else "-"
            if busy and server == OURS and busy.median < _BUSY:
                share, lazy = share + "*", True
            times = number(cpu.median / floor.median) if cpu and floor and server != FLOOR else ""
            waits = (number(wait.median) if wait else "-" for wait in (p50, p99))
            yield _ROW.format(server, spread(cpu), times, spread(rate), *waits, share).rstrip()
    yield "median of the rounds (least-most); CPU is user + system, of all processes of a server;"
    yield "p50 and p99 of 16 pipelined are of the 16 together"
    if lazy:
        yield "* not busy all the time: the look-ups/s are not the most it can do, its CPU a look-up stands"


def _others(run: Run) -> Iterator[str]:
    tabled = _TABLED | {figure.case for figure in run.figures if matching.strategy(figure.case)}
    for figure in run.figures:
        if figure.measure not in _LOAD and figure.case not in tabled:
            measure = MEASURES[figure.measure]
            what = f"{figure.case}, {figure.server}: {measure.about}"
            yield f"  {what:<66} {spread(figure)} {measure.unit}"


def _goals(run: Run) -> Iterator[str]:
    yield f"{'goals':<52} {'wanted':>18} {'measured':>14}"
    for goal in GOALS:
        value = goal.reached(run)
        wanted = f"{'<=' if goal.most else '>='} {goal.limit:,g} {goal.unit}"
        told = "not measured" if value is None else f"{number(value):>14}  {'met' if goal.met(value) else 'missed'}"
        yield f"  {goal.about:<50} {wanted:>18} {told:>14}"
