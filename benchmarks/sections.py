"""The sections of the table that have columns of their own: strategies, and a client among others. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import matching, polite
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


def _cpu(figure: Figure | None) -> str:
    return number(figure.median / 1e3) if figure else "-"


def _told(figure: Figure | None) -> str:
    return number(figure.median) if figure else "-"
