"""The command line."""

from __future__ import annotations

import argparse
import functools
import math
import sys
from collections.abc import Sequence

from dictc import __version__
from dictc.accounts import ROWS
from dictc.connection import TIMEOUT

_EPILOGUE = """\
environment: DICTD_SERVER (as --server), DICTD_CA (as --ca), DICTD_PAGER, PAGER, NO_COLOR, CLICOLOR_FORCE.
exit codes: those of dict(1): 0 found, 20 not found, 21 not found but there are suggestions, 39 no such
database, 40 no such strategy, 41 no connection; 2 wrong usage, 130 interrupted.
"""


def parser() -> argparse.ArgumentParser:
    """The options; short ones mean what they mean to dict(1), so ``-h`` is the host."""
    made = argparse.ArgumentParser(
        prog="dictc",
        usage="dictc [OPTION...] WORD...\n       dictc [OPTION...]          a prompt\n"
        "       dictc [OPTION...] -        words from standard input, one a line",
        description="Look words up in a DICT server (RFC 2229).",
        epilog=_EPILOGUE,
        # A width of our own: argparse loads shutil to find one, for every option.
        formatter_class=functools.partial(argparse.RawDescriptionHelpFormatter, width=110),
        add_help=False,
        allow_abbrev=False,
    )
    made.add_argument("words", nargs="*", metavar="WORD", help=argparse.SUPPRESS)

    where = made.add_argument_group("where")
    where.add_argument(
        "--server",
        metavar="dict://HOST:PORT",
        help="the server; dict://localhost:2628 is the usual one, dicts://HOST has TLS",
    )
    where.add_argument(
        "--ca", metavar="FILE", help="with dicts://, trust the certificates in this file and not the system's"
    )
    where.add_argument("-h", "--host", metavar="HOST", help="its host alone")
    where.add_argument("-p", "--port", metavar="PORT", help="its port alone")
    where.add_argument(
        "-d", "--database", metavar="DB", default="*", help="a database; * is all, ! the first that has it"
    )
    family = where.add_mutually_exclusive_group()
    family.add_argument("-4", dest="family", action="store_const", const=4, help="IPv4 addresses only")
    family.add_argument("-6", dest="family", action="store_const", const=6, help="IPv6 addresses only")
    where.add_argument("--timeout", type=_seconds, default=TIMEOUT, metavar="SECONDS", help="patience, %(default)g s")

    what = made.add_argument_group("what")
    what.add_argument("--match", metavar="STRATEGY", help="list the headwords that match; the same as -m -s STRATEGY")
    what.add_argument("-m", dest="matching", action="store_true", help="list the headwords that match")
    what.add_argument(
        "-s", "--strategy", metavar="STRATEGY", default=".", help="how to match; alone: define what matches"
    )
    what.add_argument("-C", "--nocorrect", action="store_true", help="suggest nothing for words that are not there")
    what.add_argument("-D", "--dbs", action="store_true", help="list the databases")
    what.add_argument("-S", "--strats", action="store_true", help="list the strategies")
    what.add_argument("-i", "--info", metavar="DB", help="where a database comes from")
    what.add_argument("-I", "--serverinfo", action="store_true", help="what the server is")
    what.add_argument("-H", "--serverhelp", action="store_true", help="what the server understands")

    how = made.add_argument_group("how it is shown")
    how.add_argument("--json", action="store_true", help="one JSON object a line")
    how.add_argument("-f", "--formatted", action="store_true", help="columns divided by tabs, as dict -f")
    how.add_argument(
        "--color", "--colour", choices=("auto", "always", "never"), default="auto", help="auto: on a terminal"
    )
    how.add_argument("-P", "--pager", metavar="COMMAND", help="for what is longer than the screen; - for none")

    who = made.add_argument_group("accounts (of dictd servers)")
    who.add_argument("-u", "--user", "--login", metavar="NAME", help="log in first; what you look up is kept for you")
    who.add_argument("--register", metavar="NAME", help="make an account")
    who.add_argument("--code", metavar="CODE", default="", help="with --register, the invite that a server wants")
    who.add_argument("--passwd", action="store_true", help="change the password of --user")
    who.add_argument(
        "--history", metavar="N", nargs="?", const=str(ROWS), help=f"what you looked up, newest first, {ROWS} or N"
    )
    who.add_argument("--forget", metavar="WORD", action="append", default=[], help="take a word out of your history")
    who.add_argument("--forget-all", action="store_true", help="take everything out of your history")
    source = who.add_mutually_exclusive_group()
    source.add_argument(
        "--password-stdin", action="store_true", help="the first line of standard input is the password"
    )
    source.add_argument("--password-command", metavar="COMMAND", default="", help="a command that prints the password")

    rest = made.add_argument_group("else")
    rest.add_argument("-V", "--version", action="version", version=f"dictc {__version__}")
    rest.add_argument("--help", action="help", help="this")
    return made


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; wrong usage ends the program with 2.

    :returns: besides what :func:`parser` has: ``stream``, words come from standard input.
    """
    made = parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    # By hand: argparse takes options after words only if it may take words for options.
    end = given.index("--") if "--" in given else len(given)
    options = made.parse_intermixed_args(given[:end])
    options.stream = "-" in options.words
    options.words += given[end + 1 :]
    if options.match is not None:
        options.matching, options.strategy = True, options.match
    if options.history is not None and not options.history.isdecimal():
        # "--history penguin": the option has taken the word for its number.
        options.words.insert(0, options.history)
        options.history = str(ROWS)
    if options.stream and len(options.words) > 1:
        made.error("- reads words from standard input and stands alone")
    member = options.history is not None or options.forget or options.forget_all or options.passwd
    if options.register and (options.user or options.passwd):
        made.error("--register makes the account and logs in; it goes without --user and --passwd")
    if options.code and not options.register:
        made.error("--code goes with --register")
    if member and not (options.user or options.register):
        made.error("whose? say --user NAME")
    if (options.password_stdin or options.password_command) and not (options.user or options.register):
        made.error("whose password? say --user NAME or --register NAME")
    if options.passwd and options.password_command:
        made.error("--password-command knows one password; --passwd needs two")
    return options


def _seconds(text: str) -> float:
    value = float(text)
    if not (0 < value < math.inf):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value
