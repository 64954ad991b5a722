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
from dictd.model import Dictionary, LookUp, User
from dictd.store.invites import StoredInvite
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


def server(host: str, uptime: str, contact: str, shown: Sequence[tuple[Dictionary, int]], invited_only: bool) -> str:
    """What SHOW SERVER says.

    :param invited_only: a code is needed to register.
    :param shown: dictionaries, each with its number of headwords.
    """
    lines = [f"dictd {__version__}, a dictionary server with accounts", f"on {host}, {uptime}"]
    if contact:
        lines.append(contact)
    if invited_only:
        lines.append("To REGISTER you need a code, which somebody who is here already gives you.")
    if shown:
        width = max(len("Database"), *(len(dictionary.name) for dictionary, _ in shown))
        lines += ["", f"{'Database':<{width}} {'Headwords':>10}  Title"]
        lines += [f"{one.name:<{width}} {headwords:>10}  {one.title}" for one, headwords in shown]
    return "\n".join([*lines, "", "HELP lists what you can say."])


def look_up(row: LookUp) -> str:
    """A line of HISTORY."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.time / 1000))
    return f"{when} {row.dictionary} {replies.in_quotes(row.word)} {row.found}"


def on_their_way(here: int, elsewhere: int) -> str:
    """What the first line of HISTORY says of look-ups that are not in the store yet.

    :param here: of this user, in this process; ``elsewhere``: of any user, in others.
    """
    if here:
        return f" ({here} more {'is on its' if here == 1 else 'are on their'} way)"
    return " (some may still be on their way)" if elsewhere else ""


def named(user: User) -> str:
    """Who somebody is."""
    return f"you are {user.name}" + ("" if user.role == "user" else f", {user.role}")


def keeping(user: User, days: int | None) -> str:
    """What is kept of what a user looks up.

    :param days: for so long; ``None`` for ever.
    """
    if not user.keeps:
        return "what you look up is not kept, HISTORY ON changes that"
    return "what you look up is kept" + (f" for {_days(days)}" if days else "")


def kept_for(user: User, days: int | None) -> str:
    """What HISTORY KEEP says; see :func:`keeping`."""
    kept = f"look-ups are kept for {_days(days)}, older ones are deleted" if days else "look-ups are kept for ever"
    return kept if user.keeps else f"{kept}; nothing new is kept before HISTORY ON"


def _days(days: int) -> str:
    return f"{days} day" if days == 1 else f"{days} days"


def invited(code: str, invite: StoredInvite) -> str:
    """A code that was made, and how to use it."""
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(invite.expires / 1000))
    uses = "one may" if invite.uses == 1 else f"{invite.uses} may"
    return f"{code}; until {until} {uses} say: REGISTER name password {code}"
