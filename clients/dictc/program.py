"""What the program does, from its options to its exit code."""

from __future__ import annotations

import os
import socket
import sys
from argparse import Namespace
from collections.abc import Mapping

from dictc import accounts
from dictc.address import Address, address
from dictc.answers import Answers
from dictc.connection import Connection
from dictc.exits import Exit
from dictc.layout import Layout
from dictc.lookups import Given, Question
from dictc.options import parsed
from dictc.passwords import Passwords
from dictc.source import Source
from dictc.terminal import Output, coloured, pager
from dictc.troubles import Trouble


def run(arguments: list[str] | None = None) -> Exit:
    """Do what a command line asks for.

    :param arguments: without the program's name; those of the process if ``None``.
    :raises Trouble: it cannot be done.
    """
    options = parsed(arguments)
    server = server_of(options, os.environ)
    options.ca = authorities(options, os.environ, server)
    at_terminal, from_terminal = sys.stdout.isatty(), sys.stdin is not None and sys.stdin.isatty()
    if options.password_stdin and from_terminal:
        raise Trouble("standard input is a terminal; without --password-stdin the password is asked for", Exit.USAGE)
    layout = Layout(server, coloured(options.color, at_terminal, os.environ) and not options.json, options.formatted)
    pages = pager(options.pager, os.environ) if at_terminal else []
    if not (options.words or listing(options) or account_verb(options)):
        if at_terminal and from_terminal and not options.json:
            from dictc.prompt import converse  # prompt_toolkit is neither needed nor loaded for anything else

            return converse(options, lambda: opened(options, server), layout, pages)
        options.stream = True
    source = Source()
    passwords = Passwords(source if options.password_stdin else None, options.password_command)
    output = Output([] if options.stream else pages)
    # Whoever is logged in is not asked for the password in the middle.
    again = None if options.user or options.register else lambda: opened(options, server)
    answers = Answers(opened(options, server), layout, output, options.json, again)
    try:
        log_in(answers.connection, options, output, passwords)
        ask(answers, options)
        status = Exit.OK
        if options.stream or (options.words and options.history is None):
            question = Question(options.database, options.strategy, not options.nocorrect)
            status = answers.look_up(source if options.stream else Given(options.words), question, options.matching)
    finally:
        answers.connection.close()
        output.close()
    return status


def server_of(options: Namespace, environment: Mapping[str, str]) -> Address:
    """The server: ``--server``, or ``DICTD_SERVER``, or this machine's; ``-h`` and ``-p`` change its parts.

    :raises Trouble: an address that is none.
    """
    server = address(options.server or environment.get("DICTD_SERVER") or "")
    return Address(options.host or server.host, options.port or server.port, server.secure)


def authorities(options: Namespace, environment: Mapping[str, str], server: Address) -> str:
    """The file of certificates that are trusted: ``--ca``, or ``DICTD_CA``; empty for those the system trusts.

    :raises Trouble: ``--ca`` for a server without TLS, which nobody would say who knew.
    """
    if options.ca is not None and not server.secure:
        raise Trouble(f"--ca is for TLS, say --server dicts://{server.host}", Exit.USAGE)
    return str(environment.get("DICTD_CA", "") if options.ca is None else options.ca)


def opened(options: Namespace, server: Address) -> Connection:
    """A connection as the options want it.

    :raises ConnectionTrouble: there is none.
    :raises Trouble: there is no certificate where ``--ca`` says.
    """
    family = {4: socket.AF_INET, 6: socket.AF_INET6, None: socket.AF_UNSPEC}[options.family]
    return Connection.opened(server, options.timeout, family, options.ca)


def log_in(connection: Connection, options: Namespace, output: Output, passwords: Passwords) -> None:
    """Register, log in, change the password: what the options want of it.

    :raises Refused: the server does not let us.
    :raises Trouble: the server keeps no accounts, or there is no password.
    """
    name = options.register or options.user
    if not name:
        return
    accounts.needed(connection)
    if options.register:
        output.complain(f"{accounts.register(connection, name, passwords.new(name), options.code)}\n")
        return
    password = passwords.known(name)
    accounts.log_in(connection, name, password)
    if options.passwd:
        output.complain(f"{accounts.change_password(connection, password, passwords.new(name))}\n")


def ask(answers: Answers, options: Namespace) -> None:
    """Lists and texts, in the order of dict(1), then what is forgotten, then the history.

    :raises Refused: the server does not have them.
    """
    if options.info is not None:
        answers.info(options.info)
    for asked, show in (
        (options.serverinfo, answers.server),
        (options.dbs, answers.databases),
        (options.strats, answers.strategies),
        (options.serverhelp, answers.verbs),
    ):
        if asked:
            show()
    for word in options.forget:
        answers.output.complain(f"{accounts.forget(answers.connection, word)}\n")
    if options.forget_all:
        answers.output.complain(f"{accounts.forget_all(answers.connection)}\n")
    if options.history is not None:
        answers.history(int(options.history), " ".join(options.words))


def listing(options: Namespace) -> bool:
    """Whether a list or a text of the server is asked for."""
    return bool(options.info is not None or options.serverinfo or options.dbs or options.strats or options.serverhelp)


def account_verb(options: Namespace) -> bool:
    """Whether something is to be done with an account, and not only for its user."""
    return bool(
        options.register or options.passwd or options.history is not None or options.forget or options.forget_all
    )


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    try:
        if sys.stdout is None:  # ">&-"
            raise Trouble("standard output is closed")
        return run(arguments)
    except Trouble as trouble:
        print(f"dictc: {trouble.text}", file=sys.stderr)
        return trouble.exit
    except OSError as error:  # of standard output: those of sockets, programs and files are troubles
        # Nothing may be left for Python to write at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):  # "dictc penguin | head -1": whoever read has had enough
            return 128 + 13
        print(f"dictc: cannot write: {error.strerror}", file=sys.stderr)
        return Exit.REFUSED
