"""The table of verbs: what runs, who may, and what HELP says, in one place."""

from __future__ import annotations

from attrs import field, frozen

from dictd.accounts.invites import MOST_USES
from dictd.accounts.keeping import MOST_DAYS
from dictd.errors import (
    BadArguments,
    DictError,
    LoginFailed,
    NotImplementedHere,
    ParameterNotImplemented,
    UnknownCommand,
    UnknownMechanism,
)
from dictd.tally import UNKNOWN
from dictd.wire.grammar import Command, upper


@frozen
class Verb:
    """One verb, or one sub-verb such as ``SHOW DB``.

    :ivar name: as HELP shows it.
    :ivar method: the method of the session that runs it.
    :ivar arguments: for HELP.
    :ivar about: one line for HELP; empty hides the verb.
    :ivar least: fewest arguments; ``most`` the most, ``None`` for any number.
    :ivar aliases: other names; a single letter is for people who type.
    :ivar secret: carries a password: a quote left open is an error, and 584 may apply.
    :ivar member: only for those who are logged in.
    :ivar owner: changes the account: only for those who came by their password, not by a key.
    :ivar looks_up: refused before login where the settings say so.
    :ivar hint: what 501 says in place of the usual.
    :ivar flawed: what arguments are that are not text: not UTF-8, or with control characters.
    :ivar refusal: a verb that is not offered, and how it is answered.
    """

    name: str
    arguments: str = ""
    about: str = ""
    least: int = 0
    most: int | None = 0
    aliases: tuple[str, ...] = ()
    secret: bool = False
    member: bool = False
    owner: bool = False
    looks_up: bool = False
    hint: str = ""
    flawed: type[DictError] = BadArguments
    refusal: type[DictError] | None = None

    method: str = field(init=False)

    @method.default
    def _method(self) -> str:
        return "do_" + self.name.lower().replace(" ", "_")


VERBS: tuple[Verb, ...] = (
    Verb(
        "QUERY",
        "word...",
        "look a word up in all dictionaries",
        most=None,
        aliases=("Q",),
        looks_up=True,
        hint="say QUERY and a word, as in: Q penguin",
    ),
    Verb(
        "DEFINE",
        "database word",
        "look a word up; * is all databases, ! the first that has it",
        least=2,
        most=2,
        aliases=("D",),
        looks_up=True,
    ),
    Verb(
        "MATCH",
        "database strategy word",
        "list headwords; . is the usual strategy",
        least=3,
        most=3,
        aliases=("M",),
        looks_up=True,
    ),
    Verb("SHOW DB", "", "list the databases", aliases=("SHOW DATABASES",)),
    Verb("SHOW STRAT", "", "list the strategies of MATCH", aliases=("SHOW STRATEGIES",)),
    Verb("SHOW INFO", "database", "where a database comes from", least=1, most=1, looks_up=True),
    Verb("SHOW SERVER", "", "what this server is"),
    Verb(
        "REGISTER",
        "name password [code]",
        "make an account; SHOW SERVER tells whether a code is needed",
        least=2,
        most=3,
        aliases=("R",),
        secret=True,
        hint="say REGISTER, a name and a password; one with blanks goes in quotes",
    ),
    Verb(
        "LOGIN",
        "name password",
        "log in: what you look up is kept for you",
        least=2,
        most=2,
        aliases=("L",),
        secret=True,
        hint="say LOGIN, your name and your password; one with blanks goes in quotes",
    ),
    Verb(
        "HISTORY",
        "[n [<older] [word]]",
        "what you looked up, newest first",
        most=None,
        aliases=("H",),
        member=True,
        hint="say HISTORY, how many, and a word if you like, as in: H 20 penguin",
    ),
    Verb("HISTORY OFF", "", "keep nothing that you look up from now on", aliases=("H OFF",), member=True, owner=True),
    Verb("HISTORY ON", "", "keep what you look up again", aliases=("H ON",), member=True, owner=True),
    Verb(
        "HISTORY KEEP",
        "days",
        "keep it for so many days; HISTORY KEEP ALL is for ever",
        least=1,
        most=1,
        aliases=("H KEEP",),
        member=True,
        owner=True,
        hint=f"say HISTORY KEEP and a number of days from 1 to {MOST_DAYS}, or HISTORY KEEP ALL",
    ),
    Verb(
        "FORGET",
        "word...",
        "take a word out of your history; FORGET * takes all",
        most=None,
        member=True,
        owner=True,
        hint="say FORGET and a word, or FORGET * for all",
    ),
    Verb("WHOAMI", "", "who you are here"),
    Verb("LOGOUT", "", "log out"),
    Verb("PASSWD", "old new", "change your password", least=2, most=2, secret=True, member=True, owner=True),
    Verb(
        "UNREGISTER",
        "password",
        "delete your account and its history",
        least=1,
        most=1,
        secret=True,
        member=True,
        owner=True,
    ),
    Verb(
        "KEY NEW",
        "label",
        "make a key for a program that knows AUTH",
        least=1,
        most=1,
        secret=True,
        member=True,
        owner=True,
        hint="say KEY NEW and what to call it, as in: KEY NEW laptop",
    ),
    Verb("KEY LIST", "", "list your keys", secret=True, member=True),
    Verb(
        "KEY DROP",
        "label",
        "end a key; who came by it is logged out",
        least=1,
        most=1,
        secret=True,
        member=True,
        owner=True,
    ),
    Verb(
        "INVITE",
        "[uses]",
        "make a code by which others may REGISTER; for admins",
        most=1,
        secret=True,
        member=True,
        owner=True,
        hint=f"say INVITE, and how many may register by the code, from 1 to {MOST_USES}",
    ),
    Verb("CLIENT", "text", "say what program you are", most=None),
    Verb("OPTION MIME", "", "put MIME headers before texts"),
    Verb("OPTION HTML", "", "the same, and articles as HTML where they have it"),
    # Answers 230, 531 or 420, and 501 only to a wrong number of words: on 531
    # dict(1) goes on without login, on others of our codes it gives up.
    Verb(
        "AUTH",
        "name md5",
        "log in by a key; for programs",
        least=2,
        most=2,
        flawed=LoginFailed,
        hint="say AUTH, your name, and the MD5 of the banner's message id and your key",
    ),
    # The session answers it, 502 where it is not there, whatever stands behind it.
    Verb("STARTTLS", "", "go on with TLS", most=None),
    Verb("STATUS", "", "how the server is"),
    Verb("HELP", "[verb]", "this list, or one verb of it", most=2),
    Verb("QUIT", "", "good bye", most=None, aliases=("E",)),
    # Verbs of RFC 2229 and ours that are not offered.
    Verb("SASLAUTH", most=None, refusal=UnknownMechanism),
    Verb("SASLRESP", most=None, refusal=NotImplementedHere),
)

_BY_NAME: dict[str, Verb] = {name: verb for verb in VERBS for name in (verb.name, *verb.aliases)}
_OPTIONS = [name for name in _BY_NAME if name.startswith("OPTION ")]
_OF_TWO = [verb.name for verb in VERBS if " " in verb.name]
_FIRST_OF_TWO = {name.partition(" ")[0] for name in _BY_NAME if " " in name}


def find(command: Command) -> tuple[Verb, tuple[str, ...]]:
    """The verb of a command and the arguments that are left for it.

    :raises UnknownCommand: 500.
    :raises BadArguments: 501, when the verb exists and the arguments do not fit.
    """
    verb, words = _BY_NAME.get(command.verb), command.words
    if command.verb in _FIRST_OF_TWO:
        # HISTORY is a verb by itself, and HISTORY OFF another.
        second = upper(words[0]) if words else ""
        longer = _BY_NAME.get(f"{command.verb} {second}")
        if longer is not None:
            verb, words = longer, words[1:]
        elif verb is None and command.verb == "OPTION" and second:
            raise ParameterNotImplemented(f"no such option; there are {' and '.join(_OPTIONS)}")
        elif verb is None:
            raise BadArguments(_usage([name for name in _OF_TWO if name.startswith(f"{command.verb} ")]))
    if verb is None:
        raise UnknownCommand()
    if verb.refusal:
        raise verb.refusal()
    if command.flaw:
        raise verb.flawed(command.flaw if verb.flawed is BadArguments else "")
    count = len(words)
    if count < verb.least or (verb.most is not None and count > verb.most):
        raise BadArguments(verb.hint or _usage([f"{verb.name} {verb.arguments}".strip()], "word" in verb.arguments))
    if verb.secret and command.unterminated:
        raise BadArguments('a quote was not closed; a password with quotes or blanks goes in "quotes"')
    return verb, words


def name_of(command: Command) -> str:
    """The name of the verb of a command that :func:`find` has refused; :data:`UNKNOWN` where it has none."""
    second = upper(command.words[0]) if command.words else ""
    verb = _BY_NAME.get(f"{command.verb} {second}") or _BY_NAME.get(command.verb)
    return verb.name if verb else UNKNOWN


def _usage(forms: list[str], words: bool = False) -> str:
    """What 501 says where a verb has no hint of its own.

    :param words: one of its arguments may be several words.
    """
    several = ' (several words go in quotes: "ice cream")' if words else ""
    return f"syntax error, illegal parameters: say {' or '.join(forms)}{several}"


def help_text(name: str = "", starttls: bool = True) -> str:
    """What HELP says: all verbs, or those whose name begins with one.

    :param starttls: whether STARTTLS is there.
    :raises BadArguments: there is no such verb.
    """
    wanted = _BY_NAME[name.upper()].name if name.upper() in _BY_NAME else name.upper()
    shown = [verb for verb in VERBS if verb.about and verb.name.startswith(wanted)]
    if not starttls:
        shown = [verb for verb in shown if verb.name != "STARTTLS"]
    if not shown:
        raise BadArguments("no such verb, HELP lists those there are")
    lines = []
    for verb in shown:
        usage = f"{verb.name} {verb.arguments}".strip()
        short = ", ".join(alias for alias in verb.aliases if len(alias) == 1)
        lines.append(f"{usage:<32} {short:<2} {verb.about}")
    return "\n".join(lines)
