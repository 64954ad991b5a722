"""What a process counts: plain sums, which those of many processes can be added to.

Nothing here is named by a client: a verb is one of the table of verbs or
:data:`UNKNOWN`, a protocol one of :data:`PROTOCOLS`, so a snapshot has an upper
size whatever people type. Times are seconds, given by the caller.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

#: How a client came in, see :data:`dictd.processes.sockets.KINDS`; ``http`` is the page.
PROTOCOLS = DICT, DICTS, HTTP = "dict", "dicts", "http"
#: A line whose verb is none.
UNKNOWN = "unknown"
#: Upper bounds of the histogram of durations, seconds; a look-up takes 0.00002.
BOUNDS = (0.000025, 0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)
#: How a try to log in ends.
OK, WRONG, DELAYED, UNAVAILABLE = "ok", "wrong", "delayed", "unavailable"
#: What a limit refuses.
CONNECTIONS, NETWORK, NEW, BANNED = "connections", "network_connections", "new_connections", "banned"
LOGINS, REGISTRATIONS, FAULTS = "logins", "registrations", "bad_commands"
LIMITS = (CONNECTIONS, NETWORK, NEW, BANNED, LOGINS, REGISTRATIONS, FAULTS)

_PLAIN, _QUICK = b"250 ok\r\n", BOUNDS[0]
_LOOK_UPS = ("DEFINE", "QUERY")
_FOUND, _NOT_FOUND = b"250", b"552"
#: What is true of now, and of nothing any more once a process has ended.
GAUGES = ("connections", "pool_in_use", "waiting_rows", "spooled_rows", "store_fails")


@define(eq=False)
class Cell:
    """One verb of one protocol.

    :ivar ok: how many answers ended in plain ``250 ok``, as most do.
    :ivar codes: all others by the code of their last line.
    :ivar quick: how many took no longer than the first of :data:`BOUNDS`, as most do.
    :ivar buckets: all others by duration: up to each of the bounds, and beyond.
    :ivar seconds: all durations together.
    """

    ok: int = 0
    quick: int = 0
    codes: dict[bytes, int] = field(factory=dict)
    buckets: list[int] = field(factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    def of_code(self, code: bytes) -> int:
        """How many answers ended so."""
        return self.codes.get(code, 0) + (self.ok if code == _FOUND else 0)


@define(eq=False)
class Counts:
    """What is counted of one protocol.

    :ivar inside: connections now; ``connected``: in all.
    :ivar limited: refusals by what was too much.
    """

    inside: int = 0
    connected: int = 0
    limited: dict[str, int] = field(factory=dict)
    cells: dict[str, Cell] = field(factory=dict)

    def come(self) -> None:
        """A client was let in."""
        self.inside += 1
        self.connected += 1

    def gone(self) -> None:
        """A client that was let in is gone."""
        self.inside -= 1

    def refused(self, what: str) -> None:
        """A limit refused something: :data:`CONNECTIONS` and so on, never a text of the client's."""
        self.limited[what] = self.limited.get(what, 0) + 1

    def answered(self, verb: str, last: bytes, seconds: float) -> None:
        """A line was answered.

        :param verb: from the table of verbs, or :data:`UNKNOWN`.
        :param last: the last line of the answer; it begins with the code.
        """
        try:
            cell = self.cells[verb]
        except KeyError:
            cell = self.cells[verb] = Cell()
        if last == _PLAIN:
            cell.ok += 1
        else:
            code = last[:3]
            cell.codes[code] = cell.codes.get(code, 0) + 1
        if seconds <= _QUICK:
            cell.quick += 1
        else:
            cell.buckets[bisect_left(BOUNDS, seconds)] += 1
        cell.seconds += seconds


@define(eq=False)
class Tally:
    """The counts of one process.

    :ivar started: when the server started, seconds of a steady clock.
    :ivar definitions: how many were sent; ``matches``: the same.
    :ivar suggested: look-ups that found nothing and had something to suggest.
    :ivar logins: tries to log in by how they ended.
    :ivar elsewhere: what :func:`shown` gives of all other processes; empty where there is none.
    """

    started: float
    definitions: int = 0
    matches: int = 0
    suggested: int = 0
    logins: dict[str, int] = field(factory=dict)
    elsewhere: Mapping[str, int] = field(factory=dict)
    _counts: dict[str, Counts] = field(factory=lambda: {name: Counts() for name in PROTOCOLS})

    def of(self, protocol: str) -> Counts:
        """The counts of one of :data:`PROTOCOLS`."""
        return self._counts[protocol]

    def tried(self, result: str) -> None:
        """A try to log in has ended: :data:`OK` and so on."""
        self.logins[result] = self.logins.get(result, 0) + 1

    def snapshot(self) -> dict[str, Any]:
        """Everything counted since the start, as JSON can carry it; durations in whole microseconds."""
        counted = {name: counts for name, counts in self._counts.items() if counts.connected or counts.limited}
        return {
            "connections": {name: counts.inside for name, counts in counted.items()},
            "connected": {name: counts.connected for name, counts in counted.items()},
            "limited": {name: dict(counts.limited) for name, counts in counted.items()},
            "commands": {name: _codes(counts) for name, counts in counted.items()},
            "durations": {name: _durations(counts) for name, counts in counted.items()},
            "lookups": self._look_ups(),
            "logins": dict(self.logins),
            "definitions": self.definitions,
            "matches": self.matches,
        }

    def _look_ups(self) -> dict[str, int]:
        cells = [counts.cells[verb] for counts in self._counts.values() for verb in _LOOK_UPS if verb in counts.cells]
        missed = sum(cell.of_code(_NOT_FOUND) for cell in cells)
        return {
            "hit": sum(cell.of_code(_FOUND) for cell in cells),
            "miss": max(0, missed - self.suggested),
            "suggest": self.suggested,
        }

    def commands(self) -> int:
        """How many lines were answered here."""
        return _sum({name: _codes(counts) for name, counts in self._counts.items()})

    def everywhere(self) -> dict[str, int]:
        """Sums over all processes: ``connections`` now, ``connected``, ``commands``, ``definitions``, ``matches``."""
        counts = self._counts.values()
        cells = [cell for one in counts for cell in one.cells.values()]
        here = {
            "connections": sum(one.inside for one in counts),
            "connected": sum(one.connected for one in counts),
            "commands": sum(cell.ok + sum(cell.codes.values()) for cell in cells),
            "definitions": self.definitions,
            "matches": self.matches,
        }
        return {key: count + self.elsewhere.get(key, 0) for key, count in here.items()}


_SHOWN = ("connections", "connected", "commands", "definitions", "matches", "spooled_rows")


def _codes(counts: Counts) -> dict[str, dict[str, int]]:
    return {
        verb: {code.decode("ascii"): cell.of_code(code) for code in {*cell.codes, *([_FOUND] if cell.ok else [])}}
        for verb, cell in counts.cells.items()
    }


def _durations(counts: Counts) -> dict[str, dict[str, Any]]:
    # Whole numbers, so that sums are the same in whatever order they are made.
    return {
        verb: {"buckets": [cell.quick, *cell.buckets[1:]], "microseconds": round(cell.seconds * 1e6)}
        for verb, cell in counts.cells.items()
    }


def _sum(counted: Any) -> int:
    if isinstance(counted, Mapping):
        return sum(map(_sum, counted.values()))
    return int(counted)


def shown(snapshot: Mapping[str, Any]) -> dict[str, int]:
    """Of a snapshot the sums that STATUS shows, see :meth:`Tally.everywhere`."""
    return {key: _sum(snapshot.get(key, 0)) for key in _SHOWN}


def merged(snapshots: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums of snapshots, in whatever order they come; ``{}`` of none.

    :param snapshots: of processes that run, and those of :func:`ended` ones.
    """
    total: dict[str, Any] = {}
    for snapshot in snapshots:
        _add(total, snapshot)
    return total


def _add(total: dict[str, Any], snapshot: Mapping[str, Any]) -> None:
    for key, value in snapshot.items():
        if isinstance(value, Mapping):
            _add(total.setdefault(key, {}), value)
        elif isinstance(value, list):
            before = total.get(key, [0] * len(value))
            total[key] = [one + other for one, other in zip(before, value, strict=True)]
        else:
            total[key] = total.get(key, 0) + value


def ended(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of the last snapshot of a process that has ended: all but what was true of its moment."""
    return {key: value for key, value in snapshot.items() if key not in GAUGES}
