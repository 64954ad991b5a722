"""The running server: status, sessions, kick, ban, reload, stop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from dictd.ctl.root import Shared, count, main
from dictd.errors import DictError
from dictd.processes import asking
from dictd.processes.state import Lock

#: How long a stop may take, seconds; the server kills what hangs before.
_STOP = 20.0
_MOMENT = 0.1
_MIB = 1 << 20


@main.command()
@click.pass_obj
def status(shared: Shared) -> None:
    """Tell how the server is."""
    found = asking.ask(shared.state.directory, "status")
    lines = [
        f"dictd {found['version']}, process {found['pid']}, up {_span(found['seconds'])}",
        f"listening on {', '.join(found['listening'])}",
    ]
    if found["metrics"]:
        lines.append(f"metrics {found['metrics']}")
    lines += _table(
        ("", "process", "state", "up", "connections", "commands", "memory"),
        [
            (
                worker["name"],
                str(worker["pid"]),
                worker["state"],
                _span(worker["seconds"]),
                f"{worker['connections'] or 0:,}",
                f"{worker['commands'] or 0:,}",
                f"{(worker['memory'] or 0) / _MIB:.0f} MiB",
            )
            for worker in found["workers"]
        ],
    )
    if found["waiting"]:
        lines.append(f"ended, and not started again yet: {', '.join(found['waiting'])}; the log says why")
    if any(worker["state"] == "serving" for worker in found["workers"]):
        dictionaries = [f"{name} ({headwords:,})" for name, _, headwords in found["dictionaries"]]
        none = "none here; those of the store come in a moment, dictctl import FILE brings one in"
        lines.append(f"dictionaries: {', '.join(dictionaries) or none}")
    else:
        lines.append("no worker serves, so nobody is answered")
    if not found["store"]:
        lines.append("the account store does not answer; look-ups go on")
    if spooled := found.get("spooled"):  # a supervisor that began before an upgrade does not tell
        lines.append(f"{count(spooled, 'row')} of the history in the spool, until the store is back")
    if found["restarts"]:
        was = "was" if found["restarts"] == 1 else "were"
        lines.append(f"{count(found['restarts'], 'worker')} ended and {was} started again")
    if found["reloading"]:
        lines.append("a reload is under way")
    if found["bans"]:
        lines.append(f"{count(found['bans'], 'ban')}; dictctl ban --list shows them")
    shared.tell(found, "\n".join(lines))


@main.command()
@click.pass_obj
def sessions(shared: Shared) -> None:
    """List who is connected."""
    found = asking.ask(shared.state.directory, "sessions")
    rows = [
        (
            row["peer"],
            (row["user"] or "-") + (f" (key {row['key']})" if row["key"] else ""),
            _span(row["seconds"]),
            "TLS" if row["secure"] else "",
            row["process"],
        )
        for row in found
    ]
    lines = _table(("address", "user", "connected", "", ""), rows) if rows else []
    shared.tell(found, "\n".join([*lines, count(len(rows), "connection")]))


@main.command()
@click.argument("name")
@click.pass_obj
def kick(shared: Shared, name: str) -> None:
    """End all connections of a user."""
    ended = asking.ask(shared.state.directory, "kick", name=name)
    shared.tell({"ended": ended}, f"{count(ended, 'connection')} of {name} ended.")


@main.command()
@click.argument("address", required=False)
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long; without it, until --lift.")
@click.option("--lift", is_flag=True, help="Let the address in again.")
@click.option("--list", "listed", is_flag=True, help="List who is kept out.")
@click.pass_obj
def ban(shared: Shared, address: str | None, minutes: float | None, lift: bool, listed: bool) -> None:
    """Keep an address or a network such as 203.0.113.0/24 out, also after a restart; end its connections."""
    directory = shared.state.directory
    if listed or address is None:
        if not listed:
            raise click.UsageError("say an address, or --list")
        bans = asking.ask(directory, "bans")
        rows = [(one["network"], "until lifted" if one["seconds"] is None else _span(one["seconds"])) for one in bans]
        shared.tell(bans, "\n".join(_table(("network", "still"), rows) if rows else ["Nobody is kept out."]))
    elif lift:
        lifted = asking.ask(directory, "lift", network=address)
        shared.tell(lifted, f"{lifted['network']} may come in again.")
    else:
        done = asking.ask(directory, "ban", network=address, seconds=None if minutes is None else minutes * 60)
        until = "until dictctl ban --lift" if minutes is None else f"for {_span(minutes * 60)}"
        shared.tell(done, f"{done['network']} is kept out {until}; {count(done['ended'], 'connection')} ended.")


@main.command()
@click.pass_obj
def reload(shared: Shared) -> None:
    """Take new settings, certificates and programs: new workers first, then the old ones finish."""
    done = asking.ask(shared.state.directory, "reload")
    shared.tell({"reloaded": done}, f"Done: {done}.")


@main.command()
@click.pass_obj
def stop(shared: Shared) -> None:
    """Stop the server, and wait until it has ended."""
    asking.ask(shared.state.directory, "stop")
    lock, end = Lock(shared.state.directory / "lock"), time.monotonic() + _STOP
    while lock.held():
        if time.monotonic() > end:
            raise DictError(f"the server has not ended in {_STOP:.0f} s (process {lock.holder()})")
        time.sleep(_MOMENT)
    shared.tell({"stopped": True}, "The server has ended.")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side; numbers to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    shown = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if cell[:1].isdigit() and ":" not in cell and "." not in cell else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        shown.append("  ".join(cells).rstrip())
    return shown


def _span(seconds: Any) -> str:
    """``3 s``, ``5 min``, ``2 h 05 min``, ``3 days 4 h``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if not hours:
        return f"{minutes} min"
    if not days:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{count(days, 'day')} {hours % 24} h"
