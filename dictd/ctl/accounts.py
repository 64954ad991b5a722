"""Who may have an account: invite."""

from __future__ import annotations

import time
from typing import Any

import click

from dictd.accounts import invites
from dictd.ctl.root import Shared, main
from dictd.errors import DictError
from dictd.model import DAY
from dictd.store.invites import InviteQueries, StoredInvite
from dictd.tables import count


@main.command()
@click.option("--uses", type=click.IntRange(1, invites.MOST_USES), help="How many may register by it; 1.")
@click.option("--days", type=click.IntRange(1, invites.MOST_DAYS), help=f"How long it is good; {invites.DAYS}.")
@click.option("--list", "listed", is_flag=True, help="List those there are, by their labels.")
@click.option("--drop", metavar="LABEL", help="Let nobody more register by one.")
@click.pass_obj
def invite(shared: Shared, uses: int | None, days: int | None, listed: bool, drop: str | None) -> None:
    """Make a code by which somebody may register.

    It is shown this once; a label, its first characters, is how it is listed and dropped.
    """
    if (listed or drop is not None) and (uses or days or (listed and drop is not None)):
        raise click.UsageError("--list and --drop go alone")
    queries = InviteQueries(shared.database.dialect)
    with shared.store("accounts") as connection:
        txn, now = connection.cursor(), int(time.time() * 1000)
        if listed:
            kept = queries.listed(txn)
            shared.tell([_as_json(one, now) for one in kept], "\n".join(_lines(kept, now)))
            return
        if drop is not None:
            dropped = queries.drop(txn, drop.upper())
            connection.commit()
            if not dropped:
                raise DictError(f"there is no invite {drop}; dictctl invite --list shows those there are")
            shared.tell({"dropped": dropped}, f"{count(dropped, 'invite')} dropped; who has registered stays.")
            return
        code, made = invites.new(now, now + (days or invites.DAYS) * DAY, uses or invites.USES)
        queries.add(txn, made)
        connection.commit()
    if shared.settings.accounts.registration != "invite":
        shared.aside(
            f"accounts.registration is {shared.settings.accounts.registration}: codes are of use where it is invite"
        )
    shared.tell(
        {"code": code, **_as_json(made, now)},
        f"{code}\n\nUntil {_moment(made.expires)} {_may(made.uses)} say:\n    REGISTER name password {code}",
    )


def _lines(kept: list[StoredInvite], now: int) -> list[str]:
    if not kept:
        return ["No invite; dictctl invite makes one."]
    return ["label  until                    still good for"] + [
        f"{one.label:<6} {_moment(one.expires)}  {_left(one, now) or 'nobody'}" for one in kept
    ]


def _left(one: StoredInvite, now: int) -> int:
    """How many may still register by it."""
    return one.uses if one.expires > now else 0


def _may(uses: int) -> str:
    return "one person may" if uses == 1 else f"{uses:,} people may"


def _as_json(one: StoredInvite, now: int) -> dict[str, Any]:
    moments = {"made": one.made, "expires": one.expires}
    shown = {key: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment / 1000)) for key, moment in moments.items()}
    return {"label": one.label, **shown, "uses": _left(one, now)}


def _moment(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(milliseconds / 1000))
