"""Dictionaries: what imports have left behind, what is served against the store, and whether all of it is found."""

from __future__ import annotations

import time
from collections.abc import Iterator

from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination, held, ran_out
from dictd.ctl.sqlitefiles import SQLiteFiles
from dictd.errors import DictError
from dictd.importers import lease
from dictd.lexicon import catalogue, publisher
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.store import schema
from dictd.store.dictionaries import Leased
from dictd.store.faults import ERRORS, told
from dictd.tables import count

#: Headwords of each dictionary that are looked up.
_SAMPLE = 500
_MOST_MATCHES = 1000


def imports(examination: Examination) -> Iterator[Finding]:
    """What imports have left behind."""
    leases: list[Leased] = []
    states: dict[str, int] = {}
    if examination.away:
        examination.unread.extend(examination.away)
        return
    if isinstance(examination.kept, SQLiteFiles) and "dictionaries" in examination.kept.damaged:
        examination.unread.append(examination.kept.shown("dictionaries"))
        return
    try:
        with examination.reading("dictionaries") as connection:
            if connection is None:
                return
            queries, cursor = examination.shared.dictionaries, connection.cursor()
            examination.live.extend(queries.live(cursor))
            if schema.version(cursor, "dictionaries", queries.dialect) >= 2:  # leases came with 2
                leases = queries.leases(cursor)
                states = queries.states(cursor)
    except (DictError, *ERRORS) as trouble:
        where = examination.kept.shown("dictionaries")
        examination.unread.append(where)
        if ran_out(trouble) or held(trouble):
            raise
        yield Finding(
            "imports", "fault", trouble.text if isinstance(trouble, DictError) else f"{where}: {told(trouble)}"
        )
        return
    for leased in leases:
        if lease.Holder.parse(leased.holder).gone(leased.heartbeat, examination.now()):
            text = f"an import of {leased.name} was cut off; the next import cleans up after it"
            yield Finding("imports", "note", text)
        else:
            yield Finding("imports", "ok", lease.told(leased))
    if states.get("dead"):
        text = f"{count(states['dead'], 'old generation')} wait to be deleted; the next import does it"
        yield Finding("imports", "note", text)


def lexicon(examination: Examination) -> Iterator[Finding]:
    """The files that are served, against the store."""
    if examination.unread:
        yield Finding("lexicon", "note", "not compared with the store, which cannot be read")
        return
    shared, live = examination.shared, examination.live
    directory = shared.state.lexicon
    try:
        published = catalogue.read(directory)
    except FileNotFoundError:
        published = catalogue.Catalogue()
    wrong: list[str] = []
    compared, end = 0, time.monotonic() + examination.bounds.work
    for one in live:
        name = one.dictionary.name
        listing = published.listing(name)
        if listing is None:
            wrong.append(f"{name} is not published")
            continue
        if listing.generation != one.generation or listing.told != publisher.told(one.dictionary, one.imported):
            wrong.append(f"{name} is published in an old edition")
            continue
        in_time = time.monotonic() < end
        compared += in_time
        if fault := publisher.whole(directory, listing, thorough=in_time):
            wrong.append(f"{listing.file} {fault}")
    names = {one.dictionary.name for one in live}
    for name in sorted(arrangement(shared.settings).named - names):
        yield Finding("lexicon", "note", f"the settings name the dictionary {name}, which is not there")
    for name in sorted(names & set(shared.settings.groups)):
        yield Finding("lexicon", "note", f"{name} is a dictionary, so the group of that name is not served")
    wrong += [
        f"{one.name} is served, and no longer in the store" for one in published.listings if one.name not in names
    ]
    hint = "a server that runs puts it right in two seconds; else start one"
    yield from (Finding("lexicon", "fault", f"{text}; {hint}") for text in wrong)
    if not wrong:
        served = f"{count(len(published.listings), 'dictionary')} in step with the store"
        if compared == len(live):
            yield Finding("lexicon", "ok", f"{served}, checksums compared")
        else:
            text = f"{served}, checksums of {compared} compared; dictctl doctor --thorough compares all"
            yield Finding("lexicon", "note", text)


def words(examination: Examination) -> Iterator[Finding]:
    """What MATCH lists DEFINE must find: a sample of each dictionary."""
    complaints: list[str] = []
    lexicon = Lexicon(examination.shared.state.lexicon, complaints.append)
    lexicon.refresh()
    end = time.monotonic() + examination.bounds.work
    try:
        dictionaries = lexicon.dictionaries()
        for number, (dictionary, _) in enumerate(dictionaries):
            if time.monotonic() > end:
                text = f"{count(len(dictionaries) - number, 'dictionary')} not asked, it takes too long;"
                yield Finding("words", "note", f"{text} dictctl doctor --thorough takes the time")
                break
            sample = lexicon.sample(dictionary.name, _SAMPLE)
            missing = _undefined(lexicon, dictionary.name, sample)
            asked = f"{dictionary.name}: {count(len(sample), 'headword')} asked"
            if missing:
                shown = ", ".join(map(repr, missing[:3]))
                text = f"{asked}, {len(missing)} not defined as MATCH lists them, such as {shown}"
                yield Finding("words", "fault", f"{text}; import {dictionary.name} again")
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
