"""The prompt."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Callable

from dictc.connection import Connection
from dictc.dialogue import Dialogue, Leave
from dictc.exits import Exit
from dictc.layout import Layout
from dictc.passwords import Passwords
from dictc.troubles import Trouble

try:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import ColorDepth

    from dictc.completion import Headwords
    from dictc.recent import Recent, place
except ImportError as missing:
    raise Trouble(f"the prompt needs {missing.name}: pip install 'dictd[client]'") from None


def converse(options: Namespace, connect: Callable[[], Connection], layout: Layout, pages: list[str]) -> Exit:
    """Ask for words until the user leaves.

    :param options: the command line.
    :param connect: makes a connection.
    :param pages: the command of the pager.
    :returns: :attr:`Exit.OK`, whatever was found or not.
    :raises Trouble: there is no server, or the user of ``--user`` cannot be logged in.
    """
    recent = Recent(place(os.environ))
    dialogue = Dialogue(
        connect,
        layout,
        pages,
        Passwords(program=options.password_command),
        recent.forget,
        options.database,
        suggestions=not options.nocorrect,
    )
    dialogue.connection.greet()
    completer = Headwords(layout.server, lambda: dialogue.database, options.ca)
    session: PromptSession[str] = PromptSession(
        history=recent,
        completer=completer,
        complete_while_typing=True,
        color_depth=None if layout.colour else ColorDepth.DEPTH_1_BIT,
    )
    if options.user:
        dialogue.log_in(options.user)
    print(f"{layout.server}; a word looks it up, :help lists the rest, Ctrl-D leaves")
    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                typed = loop.run_until_complete(session.prompt_async(f"{dialogue.user or 'dictc'}> "))
            except KeyboardInterrupt:
                continue
            for line in typed.splitlines():  # several, when they were pasted
                dialogue.take(line)
    except (EOFError, Leave):
        return Exit.OK
    finally:
        dialogue.user = ""
        dialogue.drop()
        loop.run_until_complete(_closed(completer))
        loop.close()
        sys.stdout.flush()


async def _closed(completer: Headwords) -> None:
    completer.close()
    await asyncio.sleep(0)
