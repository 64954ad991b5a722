"""``dictctl doctor``: is everything as it should be? Looks, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import click
from attrs import asdict, frozen

from dictd.ctl import spooled
from dictd.ctl.findings import Finding
from dictd.ctl.looks import clocks, modes, orphans, place, programs, running, sealed, served, settings, shell
from dictd.ctl.looks.bounded import bounded
from dictd.ctl.looks.examination import Examination
from dictd.ctl.mysqlserver import MySQLServer
from dictd.ctl.root import Shared, main
from dictd.storeurl import StoreURL
from dictd.tables import count


@main.command()
@click.option("--thorough", is_flag=True, help="Take all the time it needs: every row, every key, every checksum.")
@click.pass_context
def doctor(context: click.Context, thorough: bool) -> None:
    """Look whether everything is as it should be; exit code 1 if something is not.

    Nothing is changed. It ends within seconds: what takes longer, or hangs, is told, and --thorough takes the time.
    """
    shared: Shared = context.obj
    findings = list(examined(Examination(shared, context.find_root().params["config_path"], thorough)))
    lines = [f"{finding.state:<5} {finding.about:<10} {finding.text}" for finding in findings]
    faults = [finding for finding in findings if finding.state == "fault"]
    lines.append(f"{count(len(faults), 'fault')} found." if faults else "All is well.")
    shared.tell([asdict(finding) for finding in findings], "\n".join(lines))
    if faults:
        raise click.exceptions.Exit(1)


@frozen
class _Look:
    """One of the looks.

    :ivar asks: whether it is of no use where the database does not answer.
    :ivar here: whether it needs a state directory.
    :ivar stored: whether a database elsewhere is all that it needs.
    """

    about: str
    at: Callable[[Examination], Iterator[Finding]]
    asks: bool = False
    here: bool = True
    stored: bool = False


def examined(examination: Examination) -> Iterator[Finding]:
    """Everything that is looked at, in order; one look that fails or hangs does not end the others."""
    state, url = examination.shared.state, examination.shared.settings.store.url
    there = state.directory.is_dir()
    yield Finding("settings", "ok", f"they are understood; the state directory is {state.directory}")
    left_out = []
    for look in _LOOKS:
        if look.here and not there and not (look.stored and StoreURL.parse(url).kind == "mysql"):
            continue
        if look.asks and examination.away:
            left_out.append(look.about)
            continue
        if look.at is _store:
            yield from bounded(look.about, partial(look.at, examination), _patience_for_hosts(examination))
        else:
            yield from bounded(look.about, partial(look.at, examination), examination.bounds.look)
    if not there:
        yield Finding("state", "note", f"{state.directory} does not exist yet; the first start or import makes it")
    if left_out:
        yield Finding("store", "note", f"not looked at, as the database does not answer: {', '.join(left_out)}")


def _store(examination: Examination) -> Iterator[Finding]:
    """The database server, where there is one."""
    kept = examination.kept
    try:
        yield from kept.server()
    finally:
        if isinstance(kept, MySQLServer) and kept.away:
            examination.away.append(kept.shown(""))


def _patience_for_hosts(examination: Examination) -> float:
    """Each host may take as long as a look."""
    return examination.bounds.look * max(len(StoreURL.parse(examination.shared.settings.store.url).hosts), 1)


def _schema(examination: Examination) -> Iterator[Finding]:
    yield from examination.kept.schema(examination.bounds.query)


def _spool(examination: Examination) -> Iterator[Finding]:
    directory = examination.shared.state.spool
    if any(directory.rglob("*.rows")):
        yield from spooled.looked_at(directory, spooled.store_of(examination))


def _tls(examination: Examination) -> Iterator[Finding]:
    chosen = examination.shared.settings
    if chosen.tls.certificate or chosen.store.ca:
        from dictd.ctl.looks import certificates  # and with it cryptography, which takes its time

        if chosen.tls.certificate:
            yield from certificates.ours(chosen)
        if chosen.store.ca:
            yield from certificates.of_the_database(chosen)


_LOOKS = (
    _Look("programs", lambda _: programs.programs(), here=False),
    _Look("settings", settings.settings, here=False),
    _Look("modes", modes.modes),
    _Look("room", place.place),
    _Look("server", running.running),
    _Look("manhole", shell.shell),
    _Look("tls", _tls, here=False),
    _Look("store", _store, stored=True),
    _Look("schema", _schema, asks=True, stored=True),
    _Look("orphans", orphans.orphans, asks=True, stored=True),
    _Look("keys", sealed.sealed),
    _Look("clock", clocks.clocks, stored=True),
    _Look("spool", _spool),
    _Look("imports", served.imports),
    _Look("lexicon", served.lexicon),
    _Look("words", served.words),
)
