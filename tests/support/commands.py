"""Commands that people are told to type, held against the options that there really are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import click
from twisted.python import usage
from twisted.scripts._twistd_unix import ServerOptions

from dictd import tap
from dictd.ctl import main

#: A command of ours, wherever it is installed, up to where a shell or prose ends it.
_COMMAND = r"(?:[\w./-]*/)?((?:twistd|dictctl) [^|;`#\n]*?)(?=\s*(?:[|;`#\n]| (?:&|[12]?>|\.\.\.)|\s{3,}|$))"
#: Where a line of a block begins with one: in a page, behind a prompt, in a comment, in a unit.
_LINE = re.compile(rf"^(?:[#>]? +(?:\$ |sudo -u \S+ |podman exec \S+ )?|Exec\w+=){_COMMAND}", re.MULTILINE)
_LITERAL = re.compile(rf"``{_COMMAND}``")
#: In quotes, for a shell.
_NESTED = re.compile(r"-c 'exec (?:[\w./-]*/)?(dictctl [^']*)'")


def typed(text: str) -> Iterator[str]:
    """Every command of ours in a page or another file: on lines of their own, and between backquotes.

    ``[--name NAME]`` may be left out, and ``...`` is more of the same.
    """
    text = text.replace("\\\n", " ")
    for pattern in (_LINE, _LITERAL, _NESTED):
        for found in pattern.finditer(text):
            yield re.sub(r"\s+\[.*|\.\.\.", "", found[1]).rstrip()


def wrong_with(command: str) -> str:
    """Why a command would be refused before it does anything; empty: it would not.

    What it needs besides may be missing, as it is where one speaks of ``dictctl role``.
    """
    program, *words = shlex.split(command)
    try:
        (_twistd if program == "twistd" else _dictctl)(words)
    except click.MissingParameter:
        return ""
    except (usage.UsageError, click.UsageError) as error:
        return f"{command}: {error}"
    return ""


def _twistd(words: Sequence[str]) -> None:
    words = [word for word in words if word not in ("--help", "--version")]
    if "dictd" in words:
        place = words.index("dictd")
        tap.Options().parseOptions(words[place + 1 :])
        words = words[:place]
    usage.Options.parseOptions(ServerOptions(), words)


def _dictctl(words: Sequence[str]) -> None:
    command: click.Command = main
    context = click.Context(main, info_name="dictctl")
    while isinstance(command, click.Group):
        words = command.make_parser(context).parse_args(list(words))[1]
        if not words:
            return  # ``dictctl`` with its own options, or a group that is spoken of
        name, found, words = command.resolve_command(context, list(words))
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    if "--help" not in words:
        command.parse_args(context, list(words))
