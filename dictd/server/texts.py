"""What look-ups, lists and the server itself say."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dictd import __version__
from dictd.errors import NoMatch
from dictd.lexicon.definition import Definition
from dictd.lexicon.nearest import Nearest
from dictd.lexicon.search import Matches
from dictd.lexicon.views import Group
from dictd.model import Dictionary, LookUp
from dictd.wire import replies
from dictd.wire.replies import Reply

#: Characters of all suggestions: a line has at most 1,024 (RFC 2229 2.3).
_MOST_SUGGESTED = 990

NO_MATCH = replies.error(NoMatch())


def definitions(found: Sequence[Definition], mime: bool, html: bool) -> Reply:
    """150: what DEFINE has found.

    :param html: articles that have HTML come as that; each has its own header then.
    """
    if html:
        return replies.definitions([definition.as_html() for definition in found])
    return replies.definitions([definition.on_the_wire() for definition in found], mime)


def matched(matches: Matches, seconds: float, mime: bool) -> Reply:
    """152, or 552; the last line says when there was more.

    :param seconds: how long a search may take.
    """
    trouble = ""
    if matches.stopped:
        trouble = f", stopped after {seconds:g} s of search"
    elif matches.more:
        trouble = f", the first {matches.count} of more"
    if not matches.count:
        return replies.status(552, f"no match{trouble}")
    return replies.matches(matches.count, matches.lines, mime, replies.status(250, f"ok{trouble}"))


def suggesting(nearest: Nearest) -> Reply:
    """552 with what could have been meant."""
    words = ""
    for headword in nearest.headwords:
        longer = f"{words} {replies.in_quotes(headword)}"
        if len(longer) <= _MOST_SUGGESTED:
            words = longer
    return replies.status(552, f"no match, perhaps:{words}") if words else NO_MATCH


def told(group: Group | None, dictionaries: Sequence[Dictionary]) -> str:
    """What SHOW INFO says of a dictionary, or of a group and its members."""
    heading = [f"{group.title}\nthese together:"] if group else []
    return "\n\n".join([*heading, *map(_of_one, dictionaries)])


def _of_one(dictionary: Dictionary) -> str:
    facts = [
        dictionary.title,
        f"Licence: {dictionary.licence}" if dictionary.licence else "",
        f"Source: {dictionary.source}" if dictionary.source else "",
    ]
    return "\n".join(fact for fact in facts if fact) + (f"\n\n{dictionary.info}" if dictionary.info else "")


def server(host: str, uptime: str, contact: str, shown: Sequence[tuple[Dictionary, int]]) -> str:
    """What SHOW SERVER says.

    :param shown: dictionaries, each with its number of headwords.
    """
    lines = [f"dictd {__version__}, a dictionary server with accounts", f"on {host}, {uptime}"]
    if contact:
        lines.append(contact)
    if shown:
        width = max(len("Database"), *(len(dictionary.name) for dictionary, _ in shown))
        lines += ["", f"{'Database':<{width}} {'Headwords':>10}  Title"]
        lines += [f"{one.name:<{width}} {headwords:>10}  {one.title}" for one, headwords in shown]
    return "\n".join([*lines, "", "HELP lists what you can say."])


def look_up(row: LookUp) -> str:
    """A line of HISTORY."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.time / 1000))
    return f"{when} {row.dictionary} {replies.in_quotes(row.word)} {row.found}"
