"""The sections of the table that have columns of their own: strategies, and a client among others. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import faults, guessing, matching, polite
from benchmarks import workers as several
from benchmarks.figures import Figure, Run
from benchmarks.goals import BUDGETS, MILLION_P99
from benchmarks.numbers import number
from benchmarks.servers import DICO, OURS, PEER

_SERVERS = (OURS, PEER, DICO)
#: The same where there is less room.
_SHORT = ("dictd", "C", "dicod")
#: Answers that found nothing make a strategy look cheap from this share on, %; some misspellings are none's.
_EMPTY = 10
_ROW = "  {:<10}{:>7}" + "{:>8}" * 3 + "{:>7}" * 6 + "{:>7}{:>8}"
_SHARED = "{:<38}{:>8}{:>9}{:>11}{:>9}{:>10}{:>7}{:>7}"
_FAULT = "{:<49}{:>8}{:>7}{:>6}{:>9}{:>9}{:>10}"
_GUESS = "{:<54} {:>8} {:>8} {:>9}"
_CROWD = "  {:<57} {:>7} {:>7} {:>8} {:>7} {:>7}"


def strategies(run: Run) -> Iterator[str]:
    """Strategy by strategy: CPU and what is wanted of it, waits, and the same on a million headwords."""
    found = dict.fromkeys(name for figure in run.figures if (name := matching.strategy(figure.case)))
    if not found:
        return
    yield f"{'MATCH on WordNet, 1 client':<27}{'CPU, ms':>16}{'p50, ms':>21}{'p99, ms':>21}{'a million':>15}"
    yield _ROW.format("strategy", "wanted", *_SERVERS, *_SHORT, *_SHORT, "p50", "p99").rstrip()
    over = False
    for name in found:
        wordnet, million = (matching.case(name, where) for where in (matching.WORDNET, matching.MILLION))
        budget = BUDGETS.get(name)
        cpu = [_cpu(run.find(wordnet, server, "cpu")) for server in _SERVERS]
        waits = [_told(run.find(wordnet, server, measure)) for measure in ("p50", "p99") for server in _SERVERS]
        p50, p99 = (run.find(million, OURS, measure) for measure in ("p50", "p99"))
        ours, last = run.find(wordnet, OURS, "cpu"), _told(p99)
        if budget and ours and ours.median / 1e3 > budget:
            cpu[0], over = cpu[0] + "!", True
        if p99 and p99.median > MILLION_P99:
            last, over = last + "!", True
        yield _ROW.format(name, f"{budget:g}" if budget else "", *cpu, *waits, _told(p50), last).rstrip()
    for server in _SERVERS:
        empty = [(name, run.find(matching.case(name, matching.WORDNET), server, "nothing")) for name in found]
        told = [f"{name} {number(figure.median)} %" for name, figure in empty if figure and figure.median > _EMPTY]
        if told:
            yield f"{server} found nothing of {', '.join(told)}"
    yield f"of a million p99 < {MILLION_P99:g} ms is wanted" + ("; ! is over what is wanted" if over else "")


def crowds(run: Run) -> Iterator[str]:
    """One client among others."""
    situations = [one for one in polite.SITUATIONS if run.find(one.name, OURS, "p50")]
    if not situations:
        return
    yield _CROWD.format(
        "DEFINE with time to think, a million headwords", "p50 ms", "p99 ms", "longest", "MB/s", "after"
    )
    for one in situations:
        told = (_told(run.find(one.name, OURS, name)) for name in ("p50", "p99", "longest", "flood", "after"))
        yield _CROWD.format(one.name, *told).rstrip()
        before, worst = (run.find(one.name, OURS, name) for name in ("before", "worst"))
        if before and worst:
            memory = f"{number(before.median)} MB before, {number(worst.median)} at the worst"
            yield f"    memory of the server (RSS): {memory}"
    yield "MB/s: what the others read; after: % of a core that the server is busy when they have gone"


def workers(run: Run) -> Iterator[str]:
    """One worker and two; what the machine could give at most; how connections are shared out."""
    cores = int(run.machine["cores"])
    cases = [one for one in several.SHARED if run.find(one.name, OURS, "rate")]
    if cases:
        head = f"workers, on all {cores} cores with the load"
        yield _SHARED.format(head, "CPU, us", "load, us", "look-ups/s", "at most", "elsewhere", "p50", "p99")
    for one in cases:
        told = (run.find(one.name, OURS, name) for name in ("cpu", "asking", "rate", "p50", "p99"))
        cpu, asking, rate, p50, p99 = (figure.median if figure else 0.0 for figure in told)
        if cpu:
            elsewhere = one.workers * 1e6 / cpu
            most = min(elsewhere, cores * 1e6 / (cpu + asking))
            yield _SHARED.format(f"  {one.name}", *map(number, (cpu, asking, rate, most, elsewhere, p50, p99)))
    if cases:
        yield "CPU a look-up of all processes of the server, and of the load that asks: they share the cores, so"
        yield "there are no more look-ups/s than both allow (at most); elsewhere: what the workers' CPU allows when"
        yield "the load has cores of its own, which was not measured"
    for count in several.BALANCED:
        fewest, most_had = (run.find(several.balance(count), OURS, name) for name in ("fewest", "most"))
        if fewest and most_had:
            shares = f"{number(fewest.low)} to {number(most_had.high)} each, even: {several.CONNECTIONS / count:g}"
            yield f"  {several.balance(count):<36}{shares}"


def troubles(run: Run) -> Iterator[str]:
    """What clients notice of a reload, of a worker that is killed, and of one that stands still."""
    found = [case for case in faults.CASES if run.find(case, OURS, "made")]
    if not found:
        return
    head = f"{faults.WORKERS} workers, connections and look-ups"
    yield _FAULT.format(head, "made", "errors", "cut", "p50 ms", "p99 ms", "longest")
    for case in found:
        counts = (_counted(run.find(case, OURS, name)) for name in ("made", "errors", "own"))
        waits = (_told(run.find(case, OURS, name)) for name in ("p50", "p99", "longest"))
        yield _FAULT.format(f"  {case}", *counts, *waits)
        again, reload, late = (run.find(case, OURS, name) for name in ("again", "reload", "late"))
        if reload:
            yield f"    the reload took {number(reload.median)} s"
        if late:
            yield f"    {_counted(late)} waited over 250 ms"
        if again:
            yield f"    another worker served after {number(again.high)} s at the most"
    yield "made: new connections; errors: refused, cut, unanswered, wrong; cut: connections of the worker that"
    yield "was killed, which are not counted as errors"


def guesses(run: Run) -> Iterator[str]:
    """One client beside those who guess passwords, and what became of the guesses."""
    if not run.find(guessing.DURING, OURS, "p50"):
        return
    yield _GUESS.format(f"{guessing.WORKERS} workers, DEFINE with time to think", "p50 ms", "p99 ms", "longest")
    for case in guessing.CASES:
        yield _GUESS.format(f"  {case}", *(_told(run.find(case, OURS, name)) for name in ("p50", "p99", "longest")))
    told = {name: _counted(run.find(guessing.DURING, OURS, name)) for name in guessing.COUNTS}
    hashed = f"{told['verified']} hashed, {told['verified_most']} of one source at the most"
    yield f"    {told['guesses']} guesses/s: {hashed}; answered 481: {told['delayed']}, 480: {told['turned']}"
    rest = f"not answered by the end: {told['unanswered']}; errors: {told['errors']}"
    yield f"    {rest}; memory grew by {told['grown']} MiB (RSS of all processes)"


def _counted(figure: Figure | None) -> str:
    return f"{figure.median:,.0f}" if figure else "-"


def _cpu(figure: Figure | None) -> str:
    return number(figure.median / 1e3) if figure else "-"


def _told(figure: Figure | None) -> str:
    return number(figure.median) if figure else "-"
