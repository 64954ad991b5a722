"""What can be typed at the prompt, and what it does; the prompt itself is :mod:`dictc.prompt`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from dictc import accounts
from dictc.answers import Answers
from dictc.connection import Connection
from dictc.grammar import command
from dictc.layout import Layout
from dictc.lookups import Given, Question, wanted
from dictc.passwords import Passwords
from dictc.terminal import Output
from dictc.troubles import ConnectionTrouble, Refused, Trouble

Run: TypeAlias = "Callable[[Dialogue, str], None]"


@dataclass(frozen=True, slots=True)
class Command:
    """A line that begins with a colon.

    :ivar kept: in the history of the prompt; not when a password may have been typed, or what is to be forgotten.
    """

    name: str
    arguments: str
    about: str
    run: Run
    kept: bool = True


class Leave(Exception):
    """The user wants out."""


@dataclass(slots=True)
class Dialogue:
    """The state of a prompt.

    :ivar connect: makes a connection.
    :ivar layout: how answers look.
    :ivar pages: the command of the pager.
    :ivar passwords: where passwords come from.
    :ivar forgotten: called with each word that is taken out of the history.
    :ivar database: where words are looked up.
    :ivar user: who is logged in; empty for nobody.
    """

    connect: Callable[[], Connection]
    layout: Layout
    pages: list[str] = field(default_factory=list)
    passwords: Passwords = field(default_factory=Passwords)
    forgotten: Callable[[str], None] = lambda word: None
    database: str = "*"
    user: str = ""
    suggestions: bool = True
    output: Output = field(default_factory=Output)
    _connection: Connection | None = None

    def take(self, line: str) -> None:
        """Do what a line says; trouble is told, and the prompt goes on.

        :raises Leave: to the shell.
        """
        line = line.strip()
        self.output = Output(self.pages)
        try:
            if line in ("##", ":q"):
                raise Leave
            if line.startswith(":"):
                self._command(line)
            elif line:
                question = Question(self.database, suggestions=self.suggestions)
                self._again(lambda: self._look_up(line, question))
        except Trouble as trouble:
            self.output.complain(f"dictc: {trouble.text}\n")
            if isinstance(trouble, ConnectionTrouble) or (isinstance(trouble, Refused) and trouble.code in (420, 421)):
                self.drop()
        except KeyboardInterrupt:  # answers that are under way would be taken for those to the next line
            self.output.complain("dictc: interrupted\n")
            self.drop()
        finally:
            self.output.close()

    @property
    def connection(self) -> Connection:
        """The connection; a new one if the server closed the last.

        :raises ConnectionTrouble: there is none.
        """
        if self._connection is not None and self._connection.gone:
            self.drop()
        if self._connection is None:
            self._connection = self.connect()
        return self._connection

    def drop(self) -> None:
        """Hang up. The password is not kept, so whoever was logged in has to do it again, and is told so."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self.user:
            self.output.complain(f"dictc: connected anew, you are no longer logged in; :login {self.user}\n")
            self.user = ""

    def log_in(self, name: str) -> None:
        """Ask for the password and log in."""
        accounts.needed(self.connection)
        said = accounts.log_in(self.connection, name, self.passwords.known(name))
        self.user = name
        self.output.complain(f"{said}\n")

    def _answers(self) -> Answers:
        return Answers(self.connection, self.layout, self.output)

    def _look_up(self, word: str, question: Question) -> None:
        self._answers().look_up(Given([word]), question, matching=question.strategy != ".")

    def _again(self, ask: Callable[[], None]) -> None:
        """Ask, and ask once more on a new connection if the old one turns out to be dead."""
        fresh = self._connection is None
        try:
            ask()
        except ConnectionTrouble:
            if fresh:
                raise
            self.drop()
            ask()

    def _command(self, line: str) -> None:
        name, _, rest = line[1:].partition(" ")
        for known in COMMANDS:
            if known.name == name:
                return known.run(self, rest.strip())
        raise Trouble(f"there is no :{name}; :help lists what there is")

    def _said(self, text: str) -> None:
        self.output.complain(f"{text}\n")

    def _help(self, _: str) -> None:
        self.output.write("a word                look it up\n")
        for known in COMMANDS:
            usage = f":{known.name} {known.arguments}".strip()
            self.output.write(f"{usage:<21} {known.about}\n")

    def _database(self, name: str) -> None:
        if name not in ("", "*", "!"):
            wanted(self.connection.ask(command("SHOW INFO", name)), 250, Question(database=name))
        if name:
            self.database = name
        else:
            self._answers().databases()
        self._said(f"words are looked up in {'all databases' if self.database == '*' else self.database}")

    def _match(self, rest: str) -> None:
        strategy, _, word = rest.partition(" ")
        if not word:
            raise Trouble(":match needs a strategy and a word; :strategies lists them")
        question = Question(self.database, strategy)
        self._again(lambda: self._look_up(word.strip(), question))

    def _login(self, name: str) -> None:
        self.log_in(_only_a_name("login", name))

    def _register(self, name: str) -> None:
        name, _, code = name.partition(" ")
        name, code = _only_a_name("register", name), code.strip()
        if len(code.split()) > 1:
            raise Trouble(":register takes a name, and a code where you need one; the password is asked for")
        accounts.needed(self.connection)
        said = accounts.register(self.connection, name, self.passwords.new(name), code)
        self.user = name
        self._said(said)

    def _passwd(self, _: str) -> None:
        if not self.user:
            raise Trouble("log in first: :login NAME")
        old = Passwords().known(self.user)
        self._said(accounts.change_password(self.connection, old, Passwords().new(self.user)))

    def _logout(self, _: str) -> None:
        said = accounts.log_out(self.connection)
        self.user = ""
        self._said(said)

    def _history(self, rest: str) -> None:
        count, _, word = rest.partition(" ")
        if count and not count.isdecimal():
            count, word = "", rest
        self._answers().history(int(count or accounts.ROWS), word.strip())

    def _forget(self, word: str) -> None:
        if not word:
            raise Trouble(":forget needs a word; :forget * takes everything out of the history")
        said = accounts.forget_all(self.connection) if word == "*" else accounts.forget(self.connection, word)
        self.forgotten(word)
        self._said(said)

    def _info(self, name: str) -> None:
        self._answers().info(name or self.database)

    def _leave(self, _: str) -> None:
        raise Leave


COMMANDS: tuple[Command, ...] = (
    Command("match", "STRATEGY WORD", "list headwords", Dialogue._match),
    Command("db", "[NAME]", "list the databases, or look words up in one; * is all", Dialogue._database),
    Command("strategies", "", "list the strategies", lambda it, _: it._answers().strategies()),
    Command("info", "NAME", "where a database comes from", Dialogue._info),
    Command("server", "", "what the server is", lambda it, _: it._answers().server()),
    Command("login", "NAME", "log in; what you look up is kept for you", Dialogue._login, kept=False),
    Command(
        "register",
        "NAME [CODE]",
        "make an account, by an invite where it takes one",
        Dialogue._register,
        kept=False,
    ),
    Command("passwd", "", "change your password", Dialogue._passwd, kept=False),
    Command("whoami", "", "who you are here", lambda it, _: it._said(accounts.who(it.connection))),
    Command("history", "[N [WORD]]", "what you looked up, newest first", Dialogue._history),
    Command(
        "forget",
        "WORD",
        "take a word out of your history, and out of the prompt's; * for all",
        Dialogue._forget,
        kept=False,
    ),
    Command("logout", "", "log out", Dialogue._logout),
    Command("help", "", "this list", Dialogue._help),
    Command("quit", "", "leave; so do Ctrl-D and ##", Dialogue._leave),
)


def is_kept(line: str) -> bool:
    """Whether a line goes into the history of the prompt; see :attr:`Command.kept`."""
    first = line.split(None, 1)[:1]
    return all(known.kept or first != [f":{known.name}"] for known in COMMANDS)


def _only_a_name(verb: str, rest: str) -> str:
    if not rest or len(rest.split()) > 1:
        raise Trouble(f":{verb} takes a name and nothing else; the password is asked for")
    return rest
