"""What the soak has found, and whether that is good. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from benchmarks.lives import CLIENT, STORE, Life, slope

#: Growth that is allowed, bytes in so many seconds.
GROWTH, TIME = 1_000_000, 600.0
#: How old a process is, before its memory is judged, seconds; half of its life where that is shorter.
WARM = 300.0
_MB = 1e6
#: What nobody should have to read in a log.
_UNHANDLED = re.compile(r"Traceback|Unhandled|Error:|critical|Warning:|went wrong|trouble [0-9a-f]{8}")


@frozen
class Goal:
    """Something that has to be."""

    about: str
    met: bool
    told: str


@frozen
class Found:
    """All that there is to judge.

    :ivar lives: every process that was watched.
    :ivar ended: the processes that did not live to the end.
    :ivar before: open files by kind, by role; ``after`` the same when all clients are gone.
    :ivar clients: see :meth:`benchmarks.mixed.Mixed.told`.
    :ivar killed: address and port of clients whose worker was killed.
    :ivar verbs: all there are.
    :ivar log: lines.
    """

    lives: Sequence[Life]
    before: Mapping[str, Counter[str]]
    after: Mapping[str, Counter[str]]
    clients: Mapping[str, Any]
    killed: Collection[tuple[str, int]]
    verbs: Collection[str]
    log: Sequence[str]
    ended: Collection[int] = field(factory=frozenset)
    done: Mapping[str, int] = field(factory=dict)

    def errors(self) -> list[Mapping[str, Any]]:
        """What clients did not expect, without those whose connection was cut with the worker it was of."""
        return [one for one in self.clients["troubles"] if not (one["cut"] and self._of_killed(one))]

    def _of_killed(self, trouble: Mapping[str, Any]) -> bool:
        return (trouble["address"], trouble["port"]) in self.killed

    def unhandled(self) -> list[str]:
        """Lines of the log that nobody should have to read."""
        return [line for line in self.log if _UNHANDLED.search(line)]

    def survivors(self) -> list[Life]:
        """Those who lived to the end, the longest life of each role."""
        last: dict[str, Life] = {}
        for life in self.lives:
            if life.pid not in self.ended and life.seconds > last.get(life.role, Life("", 0)).seconds:
                last[life.role] = life
        return list(last.values())

    def goals(self) -> Iterator[Goal]:
        """Everything that has to be."""
        for life in self.survivors():
            if life.seconds >= _WATCHED:
                yield grown(life)
        for role, before in self.before.items():
            yield _open(role, before, self.after.get(role))
        unhandled = self.unhandled()
        yield Goal("log", not unhandled, f"{len(unhandled)} unhandled errors" + _first(unhandled))
        errors = [f"{one['scene']}, {one['verb']}: {one['what']}" for one in self.errors()]
        excused = len(self.clients["troubles"]) - len(errors)
        told = f"{len(errors)} errors of clients, and {excused} connections cut with a killed worker" + _first(errors)
        yield Goal("clients", not errors, told)
        missing = sorted(set(self.verbs) - set(self.clients["asked"]))
        named = f", never: {', '.join(missing)}" if missing else ""
        yield Goal("verbs", not missing, f"{len(self.verbs) - len(missing)} of {len(self.verbs)} were asked{named}")


#: A process that was watched for less tells nothing of its growth, seconds.
_WATCHED = 60.0


def grown(life: Life) -> Goal:
    """Whether the memory of a process stays as it is."""
    samples = life.since(min(WARM, life.seconds / 2))
    seconds = samples[-1][0] - samples[0][0]
    rate = slope(samples)
    of_all = f"{rate * TIME / _MB:+.2f} MB/10 min over its last {seconds:.0f} s"
    told = f"{samples[0][1] / _MB:.1f} to {samples[-1][1] / _MB:.1f} MB, {of_all}"
    if seconds >= TIME:
        return Goal(f"memory of {life.role}", rate * TIME < GROWTH, told)
    # A short time makes a slope of every step: as much as is allowed in ten minutes is allowed in less.
    return Goal(f"memory of {life.role}", rate * seconds < GROWTH, f"{told} (judged by {rate * seconds / _MB:+.2f} MB)")


def _open(role: str, before: Counter[str], after: Counter[str] | None) -> Goal:
    """Whether a role has open what it had. Connections to the store are opened when they are wanted, and stay."""
    about = f"open files of {role}"
    if after is None:
        return Goal(about, False, "it has gone")
    clients = after.get(CLIENT, 0)
    was, now = (Counter({kind: count for kind, count in one.items() if kind != STORE}) for one in (before, after))
    changed = [f"{kind}: {was[kind]} to {now[kind]}" for kind in sorted(was | now) if was[kind] != now[kind]]
    told = f"{now.total()} as before" if not changed else f"{was.total()} to {now.total()}; {', '.join(changed)}"
    store = f", and {after[STORE]} of the store" if after[STORE] else ""
    return Goal(about, not changed and not clients, told + store)


def in_use(middle: Mapping[str, Any], end: Mapping[str, Any]) -> Iterator[str]:
    """What processes that lived on have in use, their garbage collected; the kernel counts what is free, too."""
    for role, was in middle.items():
        now = end.get(role, {})
        if now.get("pid") == was["pid"]:
            blocks = f"{was['blocks']:,} to {now['blocks']:,} blocks of Python"
            heap = [one["memory"].get("used", 0) / _MB for one in (was, now)]
            of_c = f"{heap[0]:.1f} to {heap[1]:.1f} MB of the C library"
            yield f"{role}, in use from the middle to the end: {blocks}, {of_c}"


def _first(lines: Sequence[str]) -> str:
    return f"; the first: {lines[0][:300]}" if lines else ""


def lines(found: Found) -> Iterator[str]:
    """All of it, for people; the last line is the verdict."""
    clients, asked = found.clients, sum(found.clients["asked"].values())
    visits = ", ".join(f"{count:,} {kind}" for kind, count in sorted(clients["visits"].items()))
    yield f"{asked:,} right answers in {visits} visits; {clients['unconfirmed']:,} not confirmed"
    yield ", ".join(f"{what}: {count:,}" for what, count in found.done.items())
    for name, part in zip(("first", "last"), clients["parts"], strict=True):
        if part:
            waits = ", ".join(f"{which} {part[which] * 1e3:.1f} ms" for which in ("p50", "p99", "longest"))
            yield f"{name} fifth: {part['answers']:,} answers, {waits}"
    yield from _of_the_killed(found)
    goals = list(found.goals())
    for goal in goals:
        yield f"  {'ok' if goal.met else 'MISSED':<7} {goal.about:<28} {goal.told}"
    missed = [goal.about for goal in goals if not goal.met]
    yield (
        f"soak: {len(missed)} goals missed: {', '.join(missed)}" if missed else f"soak: all {len(goals)} goals are met"
    )


def _of_the_killed(found: Found) -> Iterator[str]:
    """What processes held at the same age that took each other's place: it must not become more."""
    by_role: dict[str, list[Life]] = {}
    for life in found.lives:
        by_role.setdefault(life.role, []).append(life)
    for role, lives in by_role.items():
        held = [held for life in lives if (held := life.at(_AGE)) is not None]
        if len(held) > 1:
            yield f"{role}, at {_AGE:.0f} s of each life, MB: {', '.join(f'{one / _MB:.1f}' for one in held)}"


#: At which lives are compared, seconds.
_AGE = 45.0
