"""The command itself: its options, and what its subcommands share."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from dictd import __version__, config
from dictd.config import Settings
from dictd.ctl.fast import fast_connection
from dictd.errors import DictError, SettingsRefused, StoreUnavailable
from dictd.lexicon.strategies import STRATEGIES
from dictd.processes.state import State
from dictd.store import databases
from dictd.store.databases import Database
from dictd.store.dialect import Connection
from dictd.store.dictionaries import DictionaryQueries
from dictd.store.faults import ERRORS, told
from dictd.store.mysql import MySQL
from dictd.store.schema import SUBJECTS

#: Trouble that is told in one line.
TROUBLE = (DictError, OSError, *ERRORS)


@frozen(slots=False)
class Shared:
    """What every command needs."""

    settings: Settings
    state: State
    as_json: bool

    @cached_property
    def database(self) -> Database:
        """The database that keeps the store."""
        return databases.database(self.settings.store, self.state.store)

    @property
    def dictionaries(self) -> DictionaryQueries:
        """Queries on dictionaries."""
        return DictionaryQueries(self.database.dialect)

    @contextmanager
    def store(self, subject: str = "dictionaries", fast: bool = False) -> Iterator[Connection]:
        """A subject of the store.

        :param fast: by a connection for LOAD DATA LOCAL; see :mod:`dictd.ctl.fast`.
        :raises SettingsRefused: files that root makes there would be out of the server's reach.
        :raises StoreUnavailable: it cannot be opened.
        """
        self.prepare()
        opened = fast_connection(self.database) if fast else self.database.connect(subject)
        with closing(opened) as connection:
            yield connection

    def prepare(self) -> None:
        """Make what is missing of the state directory.

        :raises SettingsRefused: files that root makes there would be out of the server's reach.
        """
        self._not_for_root()
        self.state.prepare()

    def as_it_is(self, subject: str) -> Connection:
        """A subject of the store in whatever schema it has; nothing is made or migrated.

        :raises SettingsRefused: files that root makes there would be out of the server's reach.
        :raises StoreUnavailable: it cannot be opened, or there is none.
        """
        self._not_for_root()
        database = self.database
        if isinstance(database, MySQL):
            return database.patient()
        if not any(Path(database.shown(each)).exists() for each in SUBJECTS):
            raise StoreUnavailable(f"there is no store yet: {database.shown(subject)}")
        if not Path(database.shown(subject)).exists():  # of two one is made when it is wanted first
            return database.connect(subject)
        return database.open(subject, lambda _: None)

    def _not_for_root(self) -> None:
        directory = self.state.directory
        owner = directory.stat().st_uid if directory.exists() else 0
        if owner and not os.geteuid():
            try:
                name = pwd.getpwuid(owner).pw_name
            except KeyError:
                name = f"#{owner}"
            raise SettingsRefused(f"{directory} belongs to {name}; type: sudo -u {name} dictctl ...")

    def tell(self, value: Any, text: str) -> None:
        """The outcome: JSON where it was asked for, else text."""
        click.echo(json.dumps(value, ensure_ascii=False) if self.as_json else text)

    def aside(self, text: str) -> None:
        """What goes with the outcome; not part of it."""
        click.echo(text, err=True)


def tell_trouble(trouble: Exception) -> None:
    """Why something was not done, in one line."""
    click.echo(f"dictctl: {trouble.text if isinstance(trouble, DictError) else told(trouble)}", err=True)


class _Commands(click.Group):
    """A group whose expected trouble is one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TROUBLE as trouble:
            tell_trouble(trouble)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dictctl")
@click.option("-c", "--config", "config_path", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--state-dir", type=click.Path(), help="Where the server keeps its state.")
@click.option("--store", help="Where accounts and words are kept: sqlite, or mysql://user@host/database.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def main(ctx: click.Context, config_path: Path | None, state_dir: str | None, store: str | None, as_json: bool) -> None:
    """Bring dictionaries into a dictd server and look after them."""
    overrides: dict[str, dict[str, Any]] = {}
    if state_dir is not None:
        overrides["state"] = {"directory": state_dir}
    if store is not None:
        overrides["store"] = {"url": store}
    if ctx.invoked_subcommand == "init" and config_path is not None and not config_path.exists():
        config_path = None  # which it writes
    settings = config.load(config_path, os.environ, overrides, [strategy.name for strategy in STRATEGIES])
    ctx.obj = Shared(settings, State(config.state_directory(settings)), as_json)
