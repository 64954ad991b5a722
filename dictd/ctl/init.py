"""``dictctl init``: from nothing to a server that can be started, by three questions."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from dictd import checks, config
from dictd.config import Settings
from dictd.ctl import firstbooks, firststore, questions, settingsfile
from dictd.ctl.imports import find_wordnet
from dictd.ctl.newadmin import make_admin, there_is_one
from dictd.ctl.root import Shared, main
from dictd.ctl.typed import beside, shown, typed
from dictd.errors import DictError, SettingsRefused
from dictd.lexicon.strategies import STRATEGIES
from dictd.processes.state import State
from dictd.storeurl import StoreURL

_OF_ROOT, _STATE_OF_ROOT = Path("/etc/dictd.toml"), Path("/var/lib/dictd")
_NOT_ROOT = "A server should not be root: give it a user of its own, docs/operations.rst says how."
_STOPPED = "stopped; what is done stays, and dictctl init goes on from there"


@main.command()
@click.option("--data", help="Where the data is: sqlite, or mysql://user@host/database.")
@click.option("--register", type=click.Choice(tuple(questions.REGISTER)), help="Who may register.")
@click.option(
    "--dictionaries",
    "wanted",
    multiple=True,
    help="wordnet, starter, debian (those of /usr/share/dictd), none, or the path of a file or directory.",
)
@click.option("--admin", metavar="NAME", help="Make an administrator's account; its password is shown once.")
@click.option("--password-stdin", is_flag=True, help="Read the password of the database from standard input.")
@click.option("--force", is_flag=True, help="Write a new settings file over one that is there, which is kept as .old.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what the options say, and for the rest what Enter takes.")
@click.pass_context
def init(
    context: click.Context,
    data: str | None,
    register: str | None,
    wanted: tuple[str, ...],
    admin: str | None,
    password_stdin: bool,
    force: bool,
    yes: bool,
) -> None:
    """Set a server up: its settings file, its database, an administrator, its dictionaries.

    The settings are ./dictd.toml, /etc/dictd.toml for root, or the file of dictctl --config. What is there
    already is kept, so it can be run again, also after it was stopped half-way.
    """
    shared: Shared = context.obj
    asks = not (yes or shared.as_json)
    if asks and not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask: say --yes, and by options what is not to be as usual")
    path: Path = context.find_root().params["config_path"] or (_OF_ROOT if not os.geteuid() else Path("dictd.toml"))
    given = context.find_root().params
    overrides = {"state": {"directory": given["state_dir"]}, "store": {"url": given["store"]}}
    setting_up = SettingUp(shared, path.absolute(), asks, force, overrides)
    try:
        setting_up.run(data, register, list(wanted), admin, password_stdin)
    except (click.Abort, KeyboardInterrupt):
        raise DictError(_STOPPED) from None


@define
class SettingUp:
    """One run.

    :ivar path: of the settings file.
    :ivar asks: whether somebody is there to be asked.
    :ivar overrides: what the command line says of settings, ``None`` where nothing.
    :ivar told: the outcome, as JSON.
    """

    shared: Shared
    path: Path
    asks: bool
    force: bool
    overrides: Mapping[str, Mapping[str, str | None]]
    told: dict[str, Any] = field(factory=dict)

    def run(
        self, data: str | None, register: str | None, wanted: list[str], admin: str | None, password_stdin: bool
    ) -> None:
        """Ask, write, make, import.

        :raises DictError: something is in the way; the text says what to do.
        """
        kept = self.path.exists() and not self.force
        if kept and (data or register):
            raise SettingsRefused(
                f"{self.path} is there already, and stays: change it there and type dictctl reload,"
                " or say --force, which keeps it as .old"
            )
        for word in wanted:
            if trouble := firstbooks.missing(word):
                raise SettingsRefused(f"--dictionaries {trouble}")
        if self.asks:
            click.echo("" if kept else self._beginning())
        directory = self._directory()
        secret = ""
        if kept:
            self._say(f"The settings in {self.path} stay as they are.")
        else:
            data, secret = self._data(data, directory, password_stdin)
            register = register or (questions.who() if self.asks else "invite")
        if not wanted:
            there = firstbooks.served(State(config.state_directory(self._settings())) if kept else State(directory))
            wanted = questions.which(there) if self.asks else self._usual(there)
        if not kept:
            self._write(str(data), questions.REGISTER[str(register)], directory, secret)
        settings = self._settings()
        self.shared = Shared(settings, State(config.state_directory(settings)).prepare(), self.shared.as_json)
        self.told |= {
            "settings": str(self.path),
            "state": str(self.shared.state.directory),
            "store": settings.store.url,
            "registration": settings.accounts.registration,
        }
        agrees = (lambda text: click.confirm(text, default=True)) if self.asks else (lambda _: True)
        self._say(firststore.ready(self.shared, agrees, typed("dictctl", self.path)))
        self._admin(admin)
        there, failed = firstbooks.bring(self.shared, wanted, self._say)
        self.told["dictionaries"] = there
        self._end()
        if failed:
            raise DictError(f"{', '.join(failed)} could not be imported; all else is done")

    def _beginning(self) -> str:
        """Where it goes, before anything is asked."""
        lines = [f"The settings will be in {self.path}; dictctl --config FILE init puts them elsewhere."]
        if not os.geteuid():
            lines.append(_NOT_ROOT)
        return "\n".join([*lines, "Three questions; Enter alone takes what stands in brackets.", ""])

    # What is asked ------------------------------------------------------------------------

    def _directory(self) -> Path:
        """Where the state is to be: as somebody said, else beside the settings."""
        if self.shared.settings.state.directory:
            return config.state_directory(self.shared.settings)
        return _STATE_OF_ROOT if self.path.parent == _OF_ROOT.parent else self.path.parent / "var"

    def _data(self, data: str | None, directory: Path, password_stdin: bool) -> tuple[str, str]:
        """Where the data is, and the password for it."""
        if data and (trouble := checks.store(data)):
            raise SettingsRefused(f"--data {trouble}")
        data = data or self.overrides["store"]["url"] or (questions.where(directory) if self.asks else "sqlite")
        url, secret = StoreURL.parse(data), ""
        if url.kind == "mysql":
            if password_stdin:
                secret = sys.stdin.readline().rstrip("\r\n")
            elif self.asks and not self.shared.settings.store.password and not self._password_file().exists():
                secret = questions.password(url.user)
                click.echo()
        return data, secret

    def _usual(self, there: Sequence[str]) -> list[str]:
        """The dictionaries where nobody was asked."""
        if there:
            return [firstbooks.NONE]
        return [firstbooks.WORDNET if find_wordnet() else firstbooks.STARTER]

    # What is made -----------------------------------------------------------------------

    def _password_file(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.password")

    def _settings(self) -> Settings:
        """As any command would have them now."""
        said = {
            section: {key: value for key, value in values.items() if value is not None}
            for section, values in self.overrides.items()
        }
        return config.load(self.path, os.environ, said, [strategy.name for strategy in STRATEGIES])

    def _write(self, data: str, registration: str, directory: Path, secret: str) -> None:
        """The settings, and the password of the database in a file of its own."""
        store: dict[str, Any] = {} if data == "sqlite" else {"url": data}
        keeps = self._password_file()
        try:
            if secret:
                settingsfile.write(keeps, f"{secret}\n", 0o600, anew=True)
            if store and keeps.exists() and not self.shared.settings.store.password:
                store["password_file"] = str(keeps)
            chosen = {
                "state": {"directory": str(directory)},
                "store": store,
                "accounts": {"registration": registration},
            }
            settingsfile.write(self.path, settingsfile.text(chosen), 0o644, anew=self.force)
        except OSError as error:
            raise SettingsRefused(
                f"{self.path} cannot be written: {error.strerror}; choose another with dictctl --config FILE init"
            ) from None
        self._say(f"The settings are in {self.path}" + (f", the password in {keeps}." if secret else "."))

    def _admin(self, name: str | None) -> None:
        """An administrator's account, where one is wanted."""
        with self.shared.store("accounts") as connection:
            if name is None:
                if not self.asks or there_is_one(self.shared, connection):
                    return
                if not click.confirm("Make an account admin, who may invite others?", default=True):
                    return
                name = "admin"
            password = make_admin(self.shared, connection, name)
        if password is None:
            self.told["admin"] = {"name": name, "password": None}
            self._say(
                f"There is an account {name} already; it stays as it is. dictctl users role {name} admin makes it one."
            )
        else:
            self.told["admin"] = {"name": name, "password": password}
            self._say(f"The account {name} is made. Its password, shown this once:\n\n      {password}\n")

    # What is told ------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        if not self.shared.as_json:
            click.echo(text)

    def _end(self) -> None:
        """What to type next."""
        rows = [
            (
                typed("twistd") + f" -n dictd --config {shown(self.path)}",
                "start it in this terminal; without -n it goes on behind",
            ),
            (f"{typed('dictctl', self.path)} doctor", "is everything as it should be?"),
        ]
        if self.shared.settings.accounts.registration == "invite":
            rows.append((f"{typed('dictctl', self.path)} invite", "a code for somebody who may register"))
        if shutil.which("dictc") or beside("dictc").exists():
            rows.append((f"{typed('dictc')} penguin", "look a word up"))
        self.told["next"] = [command for command, _ in rows]
        width = max(len(command) for command, _ in rows)
        lines = ["", "Now type:", *(f"    {command:<{width}}  {what}" for command, what in rows)]
        if not os.geteuid():
            lines.append(f"    {_NOT_ROOT}")
        self.shared.tell(self.told, "\n".join(lines))
