"""``dictctl doctor``: is everything as it should be? Looks, and changes nothing."""

from __future__ import annotations

import datetime
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from attrs import asdict, field, frozen

from dictd.ctl import spooled
from dictd.ctl.findings import Finding
from dictd.ctl.mysqlserver import MySQLServer
from dictd.ctl.root import Shared, count, main
from dictd.ctl.sqlitefiles import SQLiteFiles
from dictd.errors import DictError
from dictd.importers import lease
from dictd.lexicon import catalogue, publisher
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.processes import asking
from dictd.processes.asking import NoServer
from dictd.processes.state import Lock
from dictd.store import schema
from dictd.store.dictionaries import Leased, Live
from dictd.store.faults import ERRORS, told
from dictd.store.mysql import MySQL

#: Headwords of each dictionary that are looked up.
_SAMPLE = 500
#: Less room than this on the disk is worth a word, bytes.
_LITTLE_ROOM = 500_000_000
_MOST_MATCHES = 1000
#: A certificate that ends so soon should have been renewed.
_SOON = datetime.timedelta(days=30)


@main.command()
@click.pass_obj
def doctor(shared: Shared) -> None:
    """Look whether everything is as it should be; exit code 1 if something is not."""
    findings = list(examined(shared))
    lines = [f"{finding.state:<5} {finding.about:<10} {finding.text}" for finding in findings]
    faults = [finding for finding in findings if finding.state == "fault"]
    lines.append(f"{count(len(faults), 'fault')} found." if faults else "All is well.")
    shared.tell([asdict(finding) for finding in findings], "\n".join(lines))
    if faults:
        raise click.exceptions.Exit(1)


def examined(shared: Shared) -> Iterator[Finding]:
    """Everything that is looked at, in order; one look that fails does not end the others."""
    examination = _Examination(shared)
    yield Finding("settings", "ok", f"they are understood; the state directory is {shared.state.directory}")
    if not shared.state.directory.is_dir():
        yield Finding("state", "note", "it does not exist yet; the first start or import makes it")
        return
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("modes", examination.modes),
        ("room", examination.room),
        ("server", examination.server),
        ("tls", examination.tls),
        ("store", examination.store),
        ("schema", examination.schema),
        ("spool", examination.spool),
        ("imports", examination.imports),
        ("lexicon", examination.lexicon),
        ("words", examination.words),
    )
    for about, look in looks:
        try:
            yield from look()
        except (DictError, OSError, *ERRORS) as trouble:
            yield Finding(about, "fault", trouble.text if isinstance(trouble, DictError) else told(trouble))


@frozen
class _Examination:
    shared: Shared
    live: list[Live] = field(factory=list)
    unread: list[str] = field(factory=list)

    def modes(self) -> Iterator[Finding]:
        """Nobody else may read or write what the server keeps."""
        state = self.shared.state
        wrong = []
        for path in (
            state.directory,
            state.store,
            state.lexicon,
            state.temporary,
            state.server_key,
            state.spool,
            *_files(state.store),
            *sorted(state.spool.rglob("*")),
        ):
            if path.exists():
                found = path.stat()
                if stat.S_IMODE(found.st_mode) & 0o077:
                    wrong.append(f"{path} can be reached by others: chmod go= {path}")
                elif found.st_uid != os.geteuid():
                    wrong.append(f"{path} belongs to user {found.st_uid}, this is user {os.geteuid()}")
        yield from (Finding("modes", "fault", text) for text in wrong)
        if not wrong:
            yield Finding("modes", "ok", "nobody else can read what the server keeps")

    def room(self) -> Iterator[Finding]:
        """A full disk stops imports and the history."""
        free = shutil.disk_usage(self.shared.state.directory).free
        text = f"{free / 1e9:,.1f} GB are free on the disk"
        yield Finding("room", "note" if free < _LITTLE_ROOM else "ok", text)

    def server(self) -> Iterator[Finding]:
        """Whether one runs here."""
        lock = Lock(self.shared.state.directory / "lock")
        if lock.held():
            yield self._running(lock.holder())
        else:
            yield Finding("server", "note", "none runs on this state directory; twistd dictd starts it")

    def _running(self, holder: str) -> Finding:
        """How a server is that runs."""
        try:
            status = asking.ask(self.shared.state.directory, "status")
        except NoServer:
            return Finding("server", "note", f"it is beginning or ending, process {holder}")
        except DictError as trouble:
            return Finding("server", "fault", f"it runs, process {holder}, but {trouble.text}")
        serving = sum(worker["state"] == "serving" for worker in status["workers"])
        if not serving:
            return Finding("server", "fault", f"it runs, process {holder}, but no worker serves; its log says why")
        if status["waiting"]:
            text = f"it runs, process {holder}, without {', '.join(status['waiting'])}; its log says why"
            return Finding("server", "fault", text)
        if status["metrics"].startswith("not served"):
            return Finding("server", "note", f"it runs, process {holder}; its metrics are {status['metrics']}")
        return Finding("server", "ok", f"it runs, process {holder}")

    def tls(self) -> Iterator[Finding]:
        """The certificate as the server would read it, and how long it is good."""
        if not self.shared.settings.tls.certificate:
            return
        now = datetime.datetime.now(datetime.UTC)
        from dictd.server import certificates  # and with it cryptography, which takes its time

        pair = certificates.read(self.shared.settings)
        if trouble := pair.trouble(now):
            yield Finding("tls", "fault", trouble)
        else:
            text = f"the certificate is good until {pair.until:%Y-%m-%d}"
            soon = pair.until - now < _SOON
            yield Finding("tls", "note" if soon else "ok", f"{text}; renew it" if soon else text)

    def store(self) -> Iterator[Finding]:
        """The database server, where there is one."""
        yield from self.kept().server()

    def schema(self) -> Iterator[Finding]:
        """The versions of the databases."""
        yield from self.kept().schema()

    def spool(self) -> Iterator[Finding]:
        """History on its way."""
        directory = self.shared.state.spool
        if any(directory.rglob("*.rows")):
            yield from spooled.looked_at(directory, spooled.store_of(self.kept()))

    def kept(self) -> SQLiteFiles | MySQLServer:
        """What keeps the store.

        :raises SettingsRefused: the password or the certificates cannot be read.
        """
        database = self.shared.database
        if isinstance(database, MySQL):
            settings = self.shared.settings
            return MySQLServer(database, settings, max(settings.listen.processes, 1))
        return SQLiteFiles(self.shared.state.store)

    def imports(self) -> Iterator[Finding]:
        """What imports have left behind."""
        leases: list[Leased] = []
        states: dict[str, int] = {}
        kept = None
        try:
            kept = self.kept()
            with kept.dictionaries() as connection:
                if connection is None:
                    return
                queries, cursor = self.shared.dictionaries, connection.cursor()
                self.live.extend(queries.live(cursor))
                if schema.version(cursor, "dictionaries", queries.dialect) >= 2:  # leases came with 2
                    leases = queries.leases(cursor)
                    states = queries.states(cursor)
        except (DictError, *ERRORS) as trouble:
            where = kept.shown("dictionaries") if kept else "store"
            self.unread.append(where)
            text = trouble.text if isinstance(trouble, DictError) else f"{where}: {told(trouble)}"
            yield Finding("imports", "fault", text)
            return
        for leased in leases:
            if lease.Holder.parse(leased.holder).gone(leased.heartbeat, int(time.time() * 1000)):
                text = f"an import of {leased.name} was cut off; the next import cleans up after it"
                yield Finding("imports", "note", text)
            else:
                yield Finding("imports", "ok", lease.told(leased))
        if states.get("dead"):
            text = f"{count(states['dead'], 'old generation')} wait to be deleted; the next import does it"
            yield Finding("imports", "note", text)

    def lexicon(self) -> Iterator[Finding]:
        """The files that are served, against the store."""
        if self.unread:
            yield Finding("lexicon", "note", "not compared with the store, which cannot be read")
            return
        directory = self.shared.state.lexicon
        try:
            published = catalogue.read(directory)
        except FileNotFoundError:
            published = catalogue.Catalogue()
        wrong: list[str] = []
        for live in self.live:
            name = live.dictionary.name
            listing = published.listing(name)
            if listing is None:
                wrong.append(f"{name} is not published")
            elif listing.generation != live.generation or listing.told != publisher.told(
                live.dictionary, live.imported
            ):
                wrong.append(f"{name} is published in an old edition")
            elif fault := publisher.whole(directory, listing, thorough=True):
                wrong.append(f"{listing.file} {fault}")
        names = {live.dictionary.name for live in self.live}
        settings = self.shared.settings
        for name in sorted(arrangement(settings).named - names):
            yield Finding("lexicon", "note", f"the settings name the dictionary {name}, which is not there")
        for name in sorted(names & set(settings.groups)):
            yield Finding("lexicon", "note", f"{name} is a dictionary, so the group of that name is not served")
        gone = [one.name for one in published.listings if one.name not in names]
        wrong += [f"{name} is served, and no longer in the store" for name in gone]
        hint = "a server that runs puts it right in two seconds; else start one"
        yield from (Finding("lexicon", "fault", f"{text}; {hint}") for text in wrong)
        if not wrong:
            served = count(len(published.listings), "dictionary").replace("dictionarys", "dictionaries")
            yield Finding("lexicon", "ok", f"{served} in step with the store, checksums compared")

    def words(self) -> Iterator[Finding]:
        """What MATCH lists DEFINE must find: a sample of each dictionary."""
        complaints: list[str] = []
        lexicon = Lexicon(self.shared.state.lexicon, complaints.append)
        lexicon.refresh()
        try:
            for dictionary, _ in lexicon.dictionaries():
                words = lexicon.sample(dictionary.name, _SAMPLE)
                missing = _undefined(lexicon, dictionary.name, words)
                asked = f"{dictionary.name}: {count(len(words), 'headword')} asked"
                if missing:
                    shown = ", ".join(map(repr, missing[:3]))
                    text = f"{asked}, {len(missing)} not defined as MATCH lists them, such as {shown}"
                    yield Finding("words", "fault", text)
                else:
                    yield Finding("words", "ok", f"{asked}, all defined")
        finally:
            lexicon.close()
        yield from (Finding("words", "fault", text) for text in complaints)


def _undefined(lexicon: Lexicon, name: str, words: list[str]) -> list[str]:
    """Which of the headwords MATCH does not list, or DEFINE does not find as it lists them."""
    missing = []
    for word in words:
        listed = {found for _, found in lexicon.match(name, "exact", word, _MOST_MATCHES).whole().found}
        defined = {one.headword for one in lexicon.define(name, word) if one.text}
        if word not in listed or not listed <= defined:
            missing.append(word)
    return missing


def _files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []
