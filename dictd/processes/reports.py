"""What a server tells of itself, as people read it: for dictctl and for the prompt alike.

Facts come as JSON, perhaps from a program of before an upgrade.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from dictd.config import Settings
from dictd.processes.logs import escaped
from dictd.processes.whom import Whom
from dictd.recent import Row, merged
from dictd.tables import Table, count, span

_MIB = 1 << 20
Facts = Mapping[str, Any]


@frozen(repr=False)
class Report:
    """Some lines; a prompt shows them, and a program goes on with the facts: ``status()["pid"]``."""

    text: str
    facts: Any = None

    def __repr__(self) -> str:
        return self.text

    def __getitem__(self, key: Any) -> Any:
        return self.facts[key]


def status(found: Facts) -> Report:
    """How the server is, see :meth:`dictd.processes.steering.Steering.overview`."""
    lines = [
        f"dictd {found['version']}, process {found['pid']}, up {span(found['seconds'])}",
        f"listening on {', '.join(found['listening'])}",
    ]
    if found["metrics"]:
        lines.append(f"metrics {found['metrics']}")
    if opened := found.get("shell"):
        lines.append(
            f"shell {opened['where']}; dictctl shell opens it" if opened["where"] else f"no shell: {opened['trouble']}"
        )
    if found.get("database"):
        lines.append(f"store {found['database']}")
    lines += workers(found["workers"]).lines()
    if found["waiting"]:
        lines.append(f"ended, and not started again yet: {', '.join(found['waiting'])}; the log says why")
    if any(worker["state"] == "serving" for worker in found["workers"]):
        shown = [f"{name} ({headwords:,})" for name, _, headwords in found["dictionaries"]]
        none = "none here; those of the store come in a moment, dictctl import FILE brings one in"
        lines.append(f"dictionaries: {', '.join(shown) or none}")
    elif found["workers"] and not found["waiting"] and not found["restarts"]:
        lines.append("starting: no worker serves yet")
    else:
        lines.append("no worker serves, so nobody is answered")
    if not found["store"]:
        lines.append("the account store does not answer; look-ups go on")
    if spooled := found.get("spooled"):
        lines.append(f"{count(spooled, 'row')} of the history in the spool, until the store is back")
    if found["restarts"]:
        was = "was" if found["restarts"] == 1 else "were"
        lines.append(f"{count(found['restarts'], 'worker')} ended and {was} started again")
    if found["reloading"]:
        lines.append("a reload is under way")
    if found["bans"]:
        lines.append(f"{count(found['bans'], 'ban')}; dictctl ban --list shows them")
    return Report("\n".join(lines), found)


def workers(found: Sequence[Facts]) -> Table:
    """The processes that serve."""
    return Table(
        ("", "process", "state", "up", "connections", "commands", "memory"),
        [
            (
                worker["name"],
                str(worker["pid"]),
                worker["state"],
                span(worker["seconds"]),
                worker["connections"] or 0,
                worker["commands"] or 0,
                f"{(worker['memory'] or 0) / _MIB:.0f} MiB",
            )
            for worker in found
        ],
        none="No worker is there; the log says why.",
    )


def sessions(found: Sequence[Facts]) -> Table:
    """Who is connected."""
    return Table(
        ("id", "address", "user", "connected", "idle", "commands", "last", "", "process"),
        [
            (
                row.get("id", ""),
                row["peer"],
                (row["user"] or "-") + (f" (key {row['key']})" if row["key"] else ""),
                span(row["seconds"]),
                span(row.get("idle", 0)),
                row.get("commands", 0),
                row.get("last"),
                "TLS" if row["secure"] else "",
                row["process"],
            )
            for row in found
        ],
        note=count(len(found), "connection"),
    )


def kicked(whom: str, ended: int) -> Report:
    """How many connections were ended."""
    if Whom.of(whom).connection:
        return Report(f"Connection {whom} was ended." if ended else f"No connection has the id {whom}.", ended)
    return Report(f"{count(ended, 'connection')} of {whom} ended.", ended)


def banned(done: Facts, minutes: float | None, lift: str) -> Report:
    """A network is kept out.

    :param lift: how the ban is lifted.
    """
    until = f"until {lift}" if minutes is None else f"for {span(minutes * 60)}"
    return Report(f"{done['network']} is kept out {until}; {count(done['ended'], 'connection')} ended.", done)


def lifted(done: Facts) -> Report:
    """A network may come in again."""
    return Report(f"{done['network']} may come in again.", done)


def bans(found: Sequence[Facts]) -> Table:
    """Who is kept out."""
    rows = [(one["network"], "until lifted" if one["seconds"] is None else span(one["seconds"])) for one in found]
    return Table(("network", "still"), rows, none="Nobody is kept out.")


def counts(found: Facts) -> Table:
    """What was counted since the start, see :mod:`dictd.tally`: what was asked most first."""
    codes: dict[str, dict[str, int]] = {}
    microseconds: dict[str, int] = {}
    for protocol, verbs in found.get("commands", {}).items():
        for verb, answers in verbs.items():
            own = codes.setdefault(verb, {})
            for code, times in answers.items():
                own[code] = own.get(code, 0) + times
            taken = found["durations"][protocol][verb]["microseconds"]
            microseconds[verb] = microseconds.get(verb, 0) + taken
    rows = [
        (
            verb,
            sum(answers.values()),
            f"{microseconds[verb] / max(1, sum(answers.values())) / 1000:.2f} ms",
            "  ".join(f"{code}: {times:,}" for code, times in sorted(answers.items(), key=lambda one: -one[1])),
        )
        for verb, answers in codes.items()
    ]
    looked = found.get("lookups", {})
    notes = [f"look-ups: {looked.get('hit', 0):,} found, {looked.get('miss', 0) + looked.get('suggest', 0):,} not"]
    if logins := found.get("logins"):
        notes.append("logins: " + ", ".join(f"{times:,} {how}" for how, times in logins.items()))
    limited: dict[str, int] = {}
    for limits in found.get("limited", {}).values():
        for limit, times in limits.items():
            limited[limit] = limited.get(limit, 0) + times
    if limited:
        notes.append("refused: " + ", ".join(f"{times:,} {limit}" for limit, times in limited.items()))
    return Table(
        ("command", "answers", "mean", "by code"),
        sorted(rows, key=lambda row: -row[1]),
        none="Nobody has asked anything yet.",
        note="\n".join(notes) if rows else "",
    )


def top(processes: Sequence[tuple[str, Facts]], most: int) -> Report:
    """What is looked up now.

    :param processes: the name of each, and what it has told: see :class:`dictd.processes.questions.Top`.
    :param most: so many words.
    """
    found: list[Row] = merged([[tuple(row) for row in one["rows"]] for _, one in processes], most)
    seconds = max((one["seconds"] for _, one in processes), default=0.0)
    words = Table(
        ("word", "asked", "times", "not found", "longest"),
        [(word, how, times, missed or "", _ms(longest)) for word, how, times, missed, longest in found],
        none="Nothing was looked up in the last minute.",
        note=f"in the last {span(max(1.0, seconds))}" if found else "",
    )
    searches = [
        (word, how, _ms(taken), name)
        for name, one in processes
        for word, how, taken in sorted(one["searches"], key=lambda search: -search[2])
    ]
    lines = words.lines()
    if searches:
        lines += ["", *Table(("under way", "asked", "for", "process"), searches).lines()]
    return Report("\n".join(lines), {"words": found, "seconds": seconds, "searches": searches})


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds else ""


def dictionaries(found: Sequence[Sequence[Any]], settings: Settings) -> Table:
    """What is served, and who sees it."""

    def seen(name: str) -> str:
        one = settings.dictionaries.get(name)
        if one is None:
            return "everybody"
        users = ", ".join(one.users) or "everybody"
        return f"{users}, through groups alone" if one.hidden else users

    return Table(
        ("name", "title", "headwords", "seen by"),
        [(name, title, headwords, seen(name)) for name, title, headwords in found],
        none="No dictionary is served; those of the store come in a moment, dictctl import FILE brings one in.",
    )


def traced(process: str, row: Facts) -> str:
    """One line of a trace."""
    when = time.strftime("%H:%M:%S", time.localtime(row["time"])) + f".{int(row['time'] * 1000) % 1000:03d}"
    who = row["user"] or row["peer"]
    parts = [when, process, row["id"], who, escaped(row["said"])]
    if row["told"]:
        parts.append(f"-> {escaped(row['told'])}")
    if row["seconds"] is not None:
        parts.append(f"{row['seconds'] * 1000:.1f} ms")
    return "  ".join(parts)
