"""CPU time and memory of a process with all it has started, as ``/proc`` tells them.

``/proc/PID/stat`` counts ticks of 10 ms, rounded down, which hides a process
that answers 20 look-ups and sleeps (C dictd is 64 of them); where the kernel
has ``schedstat``, it counts nanoseconds.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import define, field, frozen

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_PSS = re.compile(r"^(Rss|Pss): +(\d+) kB$", re.MULTILINE)


@frozen
class Process:
    """One line of ``/proc/PID/stat``.

    :ivar own: seconds of user and system time of all its threads.
    :ivar gone: the same of its children that are gone.
    """

    pid: int
    parent: int
    own: float
    gone: float


@frozen
class Memory:
    """Memory of processes, KiB: resident, and with shared pages divided among those who share them.

    :ivar holders: how many processes hold it; one that has ended holds none, even if nobody has waited for it.
    """

    rss: int
    pss: int
    holders: int


def parse(line: str) -> Process:
    """Read such a line; the program's name in it may hold blanks and brackets."""
    pid, _, rest = line.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    own, own_system, gone, gone_system = map(int, fields[11:15])
    return Process(int(pid), int(fields[1]), (own + own_system) * _TICK, (gone + gone_system) * _TICK)


def family(root: int, processes: Mapping[int, Process]) -> set[int]:
    """A process and all its descendants."""
    found = {root}
    while more := {pid for pid, process in processes.items() if process.parent in found} - found:
        found |= more
    return found


def cpu(root: int) -> float:
    """Seconds of CPU that a process and its descendants have used, those that are gone included."""
    processes = _processes()
    members = [processes[pid] for pid in family(root, processes) if pid in processes]
    # Nanoseconds leave out threads that have ended, ticks do not: the more is the truth.
    return sum(max(member.own, _nanoseconds(member.pid) / 1e9) + member.gone for member in members)


def machine(stat: str) -> float:
    """Seconds of CPU that everybody on this machine has used.

    :param stat: the text of ``/proc/stat``; stolen time counts, for somebody else had it.
    """
    user, nice, system, _, _, _, _, stolen = map(int, stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + stolen) * _TICK


@define
class Others:
    """How much of this machine other jobs take from now on."""

    _began: float = field(factory=time.monotonic)
    _before: float = field(init=False)

    @_before.default
    def _used(self) -> float:
        return machine((_PROC / "stat").read_text()) - cpu(os.getpid())

    def share(self) -> float:
        """As a share of all cores; ours is what this process and its descendants use."""
        capacity = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return round(max(self._used() - self._before, 0.0) / capacity, 2)


def memory(root: int) -> Memory:
    """Memory of a process and its descendants."""
    return total(_rollup(pid) for pid in family(root, _processes()))


def total(rollups: Iterable[str]) -> Memory:
    """The sum over texts of ``/proc/PID/smaps_rollup``."""
    sums = {"Rss": 0, "Pss": 0}
    holders = 0
    for text in rollups:
        holders += bool(text)
        for name, kib in _PSS.findall(text):
            sums[name] += int(kib)
    return Memory(sums["Rss"], sums["Pss"], holders)


def _nanoseconds(pid: int) -> int:
    spent = 0
    try:
        for thread in (_PROC / str(pid) / "task").iterdir():
            spent += int((thread / "schedstat").read_text().partition(" ")[0])
    except OSError:
        pass  # gone meanwhile, or a kernel without
    return spent


def _rollup(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return ""  # gone meanwhile


def _processes() -> dict[int, Process]:
    found = {}
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            try:
                line = (_PROC / entry / "stat").read_text(errors="replace")
            except OSError:
                continue  # gone meanwhile
            found[int(entry)] = parse(line)
    return found
