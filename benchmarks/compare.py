"""Two runs beside each other: what a change did.

``python -m benchmarks.compare OLD NEW`` prints every figure of both. The
machine is not as fast today as it was yesterday, so ours is taken relative to
the floor of the same run, which does the same system calls and never changes.
Where other jobs took part of the machine, only CPU and memory are judged: who
waits for a core waits for them.
Exit code 1: something of ours got worse, by more than the rounds differ among
themselves; 2: the files cannot be compared.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.figures import MEASURES, Figure, Measure, Run
from benchmarks.numbers import number
from benchmarks.servers import FLOOR, OURS

_ROW = "  {:<9} {:<13} {:>11} {:>11} {:>9} {:>9} {:>8}  {}"
#: Settings without which figures are not of the same thing.
_RUN_ALIKE = ("rounds", "seconds", "idle")
#: Facts of the machine that should not differ.
_SAME = ("cores", "processor", "kernel", "python")


@frozen
class Change:
    """A figure, old and new.

    :ivar raw: by what share it changed.
    :ivar share: the same with the speed of the machine taken out.
    :ivar noise: by what share the rounds differ, those of the floors included.
    :ivar verdict: ``worse``, ``better`` or nothing.
    """

    old: Figure
    new: Figure
    raw: float
    share: float
    noise: float
    verdict: str


def changes(old: Run, new: Run) -> Iterator[Change]:
    """Every figure that both runs have."""
    for figure in new.figures:
        before = old.find(*figure.key)
        if before is not None and before.median:
            yield _change(before, figure, old, new)


def _change(before: Figure, after: Figure, old: Run, new: Run) -> Change:
    measure = MEASURES[after.measure]
    pace, floors = (1.0, 0.0)
    if after.server == OURS and measure.floor:
        pace, floors = _pace(after.case, measure, old, new)
    ratio = after.median / before.median
    share = ratio / pace - 1
    noise = max(measure.margin, math.hypot(before.spread, after.spread, floors))
    verdict = ""
    blurred = measure.waits and (old.disturbed or new.disturbed)
    alike = all(old.settings.get(name) == new.settings.get(name) for name in _RUN_ALIKE)
    if alike and not blurred and after.server == OURS and measure.less is not None and abs(share) > noise:
        verdict = "worse" if (share > 0) == measure.less else "better"
    return Change(before, after, ratio - 1, share, noise, verdict)


def _pace(case: str, measure: Measure, old: Run, new: Run) -> tuple[float, float]:
    """By what factor the floor changed, and its spread in both runs."""
    own = _floors(case, measure.floor, old, new)
    if own:
        return own[1].median / own[0].median, math.hypot(own[0].spread, own[1].spread)
    # No floor in this case: the mean of those with one. That is of times; what
    # is counted a second goes the other way.
    cases = dict.fromkeys(figure.case for figure in new.figures)
    found = [pair for name in cases if (pair := _floors(name, "cpu", old, new))]
    if not found:
        return 1.0, 0.0
    pace = statistics.geometric_mean(after.median / before.median for before, after in found)
    spread = statistics.fmean(math.hypot(before.spread, after.spread) for before, after in found)
    return (1 / pace if measure.unit == "/s" else pace), spread


def _floors(case: str, measure: str, old: Run, new: Run) -> tuple[Figure, Figure] | None:
    before, after = old.find(case, FLOOR, measure), new.find(case, FLOOR, measure)
    return (before, after) if before and after and before.median and after.median else None


def rendered(old: Run, new: Run, found: Sequence[Change]) -> str:
    """All changes as a table."""
    lines = [f"{name}: dictd at {run.machine['revision']}, {run.machine['when']}" for name, run in _named(old, new)]
    for name, run in _named(old, new):
        lines += [f"! {name}: {remark}" for remark in run.remarks]
    if old.disturbed or new.disturbed:
        shares = " and ".join(f"{run.machine['others']:.0%}" for run in (old, new))
        lines.append(f"! other jobs took {shares} of the machine: only CPU and memory are judged")
    if old.settings != new.settings:
        both = (f"{name} {old.settings.get(name)} and {new.settings.get(name)}" for name in new.settings)
        lines.append("! old and new: " + "; ".join(both))
    if any(old.settings.get(name) != new.settings.get(name) for name in _RUN_ALIKE):
        lines.append("! run differently, so nothing is judged")
    unlike = [key for key in _SAME if old.machine.get(key) != new.machine.get(key)]
    if unlike:
        lines.append(f"! not the same {', '.join(unlike)}")
    lines += ["", _ROW.format("", "", "old", "new", "change", "to floor", "noise", "").rstrip()]
    case = ""
    for change in found:
        figure = change.new
        if figure.case != case:
            case = figure.case
            lines.append(case)
        told = (number(change.old.median), number(figure.median), f"{change.raw:+.1%}")
        ours = (f"{change.share:+.1%}", f"{change.noise:.1%}") if figure.server == OURS else ("", "")
        what = f"{figure.measure}, {MEASURES[figure.measure].unit}"
        lines.append(_ROW.format(figure.server, what, *told, *ours, change.verdict.upper()).rstrip())
    worse = sum(change.verdict == "worse" for change in found)
    better = sum(change.verdict == "better" for change in found)
    lines += ["", f"{better} better, {worse} worse beyond the noise, of {len(found)} figures"]
    return "\n".join(lines) + "\n"


def _named(old: Run, new: Run) -> tuple[tuple[str, Run], ...]:
    return ("old", old), ("new", new)


def _read(path: Path) -> Run:
    try:
        return Run.read(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def main(arguments: Sequence[str]) -> int:
    """Compare two files."""
    if len(arguments) != 2:
        print("usage: python -m benchmarks.compare OLD.json NEW.json", file=sys.stderr)
        return 2
    try:
        old, new = (_read(Path(argument)) for argument in arguments)
    except (OSError, ValueError) as error:
        print(f"bench-compare: {error}", file=sys.stderr)
        return 2
    found = list(changes(old, new))
    print(rendered(old, new, found), end="")
    return int(any(change.verdict == "worse" for change in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
