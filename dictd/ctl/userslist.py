"""``dictctl users list``: who has an account."""

from __future__ import annotations

import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import click

from dictd.accounts import invites
from dictd.ctl.register import Register
from dictd.ctl.root import Shared
from dictd.ctl.users import users
from dictd.model import name_key
from dictd.store.census import Resident, Traces
from dictd.tables import Table, count

_NOTHING = Traces(None, 0, None)


@users.command(name="list")
@click.argument("pattern", required=False)
@click.option("--disabled", is_flag=True, help="Those who may not log in.")
@click.option("--admins", is_flag=True, help="Those who may INVITE.")
@click.option("--counts", is_flag=True, help="Count the look-ups that are kept; with many millions that takes a while.")
@click.pass_obj
def listed(shared: Shared, pattern: str | None, disabled: bool, admins: bool, counts: bool) -> None:
    """List accounts, by name.

    PATTERN is a part of the name, or the whole of it with * and ? for what may stand there.
    """
    fits = _fitting(pattern)
    with Register.opened(shared) as register:
        chosen = [
            one
            for one in register.run(register.census.residents)
            if fits(one.name_key) and (not disabled or one.disabled) and (not admins or one.role == invites.ADMIN)
        ]
        traces = register.run(register.census.traces, [one.id for one in chosen], counts)
    some = [(one, traces.get(one.id, _NOTHING)) for one in chosen]
    if shared.as_json:
        shared.tell([_as_json(one, left, counts) for one, left in some], "")
        return
    head = ["name", "role", "", "since", "last look-up", *(["look-ups"] if counts else []), "keys"]
    rows = [
        [
            one.name,
            one.role,
            _state(one),
            _day(one.created),
            _moment(left.last),
            *([left.rows or 0] if counts else []),
            left.keys,
        ]
        for one, left in some
    ]
    none = "Nobody." if pattern or disabled or admins else "Nobody has an account; dictctl users add NAME makes one."
    shared.tell(None, repr(Table(head, rows, none=none, note=count(len(rows), "account") if rows else "")))


def _fitting(pattern: str | None) -> Callable[[str], bool]:
    """Whether a folded name is meant."""
    if pattern is None:
        return lambda name: True
    folded = name_key(pattern)
    if "*" in folded or "?" in folded:
        return lambda name: fnmatchcase(name, folded.replace("[", "[[]"))
    return lambda name: folded in name


def _state(one: Resident) -> str:
    """What is not as usual."""
    kept = "" if one.keeps else "history off"
    if one.keeps and one.keep_days is not None:
        kept = f"history {count(one.keep_days, 'day')}"
    return ", ".join(filter(None, ("disabled" if one.disabled else "", kept)))


def _as_json(one: Resident, left: Traces, counts: bool) -> dict[str, Any]:
    return {
        "name": one.name,
        "role": one.role,
        "disabled": one.disabled,
        "created": _exactly(one.created),
        "last_lookup": None if left.last is None else _exactly(left.last),
        "keys": left.keys,
        "keeps": one.keeps,
        "keep_days": one.keep_days,
        **({"lookups": left.rows or 0} if counts else {}),
    }


def _day(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(milliseconds / 1000))


def _moment(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(milliseconds / 1000))


def _exactly(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
