"""The running server: status, sessions, kick, ban, reload, stop."""

from __future__ import annotations

import time

import click

from dictd.ctl.root import Shared, main
from dictd.errors import DictError
from dictd.processes import asking, reports
from dictd.processes.state import Lock

#: How long a stop may take, seconds; the server kills what hangs before.
_STOP = 20.0
_MOMENT = 0.1


@main.command()
@click.pass_obj
def status(shared: Shared) -> None:
    """Tell how the server is."""
    found = asking.ask(shared.state.directory, "status")
    shared.tell(found, reports.status(found).text)


@main.command()
@click.pass_obj
def sessions(shared: Shared) -> None:
    """List who is connected."""
    found = asking.ask(shared.state.directory, "sessions")
    shared.tell(found, repr(reports.sessions(found)))


@main.command()
@click.argument("whom")
@click.pass_obj
def kick(shared: Shared, whom: str) -> None:
    """End all connections of a user or an address, or the one that has an id in dictctl sessions."""
    ended = asking.ask(shared.state.directory, "kick", name=whom)
    shared.tell({"ended": ended}, reports.kicked(whom, ended).text)


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
        shared.tell(bans, repr(reports.bans(bans)))
    elif lift:
        lifted = asking.ask(directory, "lift", network=address)
        shared.tell(lifted, reports.lifted(lifted).text)
    else:
        done = asking.ask(directory, "ban", network=address, seconds=None if minutes is None else minutes * 60)
        shared.tell(done, reports.banned(done, minutes, "dictctl ban --lift").text)


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
