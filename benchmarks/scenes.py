"""What the clients of the soak say, and how it is to be answered. Pure.

Together the scenes have every verb of :data:`dictd.server.commands.VERBS`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import md5

from attrs import define, frozen

from benchmarks.importing import made_up

#: Dictionaries: one that stays as it is, and one that is imported again and again.
STAYS, MOVING = "wn", "moving"
#: Rows of the second, which are sometimes more; the words of these are always there.
ROWS, MORE_ROWS = 20_000, 30_000
#: A password, and the next one.
SECRET, NEXT = "correct-horse", "battery-staple"
#: Words that nobody has.
_MISSED = 5_000
_LABEL = "laptop"


@frozen
class Said:
    """A line, and its answers that are right.

    :ivar verb: as the table of verbs has it; empty: none of these.
    :ivar line: with fields of :meth:`Person.fields`.
    :ivar codes: the final status; blanks between them where there may be several.
    :ivar learns: a pattern; its group is kept as ``of`` of the person.
    """

    verb: str
    line: str
    codes: str = "250"
    learns: str = ""
    of: str = ""

    def right(self, ending: str) -> bool:
        """Whether an answer is one of the right ones."""
        return ending in self.codes.split()


@frozen
class Scene:
    """A conversation, from the banner on; QUIT is said behind it.

    :ivar share: how often it is played, beside the others.
    :ivar changing: it leaves accounts in a state that nobody knows where it is cut off.
    """

    name: str
    share: float
    said: tuple[Said, ...]
    changing: bool = False


@define
class Person:
    """Who plays it.

    :ivar key: for AUTH; ``code``: by which others may register.
    """

    name: str
    address: str
    key: str = ""
    code: str = ""

    def fields(self, draw: random.Random, banner: str) -> Mapping[str, str]:
        """For the lines of one conversation.

        :param banner: the first line; its last word is the challenge of AUTH.
        """
        word = made_up(draw.randrange(ROWS))
        challenge = banner.rpartition(" ")[2]
        return {
            "name": self.name,
            "code": self.code,
            "secret": SECRET,
            "next": NEXT,
            "label": _LABEL,
            "word": word,
            "prefix": word[:2],
            "initial": word[:1],
            "missed": f"nowhere{draw.randrange(_MISSED)}",
            "md5": md5((challenge + self.key).encode()).hexdigest(),  # noqa: S324 - RFC 2229 3.11
        }


QUIT = Said("QUIT", "QUIT", "221")
STARTTLS = Said("STARTTLS", "STARTTLS", "382")

GUEST = Scene(
    "guest",
    10,
    (
        Said("CLIENT", "CLIENT soak"),
        Said("QUERY", "Q {word}"),
        Said("QUERY", "QUERY penguinn", "552"),
        Said("DEFINE", f"DEFINE {MOVING} {{word}}"),
        Said("DEFINE", "D ! penguin"),
        Said("DEFINE", "DEFINE * {missed}", "552"),
        Said("MATCH", f"MATCH {MOVING} prefix {{prefix}}"),
        Said("MATCH", "M * . {word}"),
        Said("MATCH", "MATCH * lev {word}"),
        Said("MATCH", "MATCH * suffix {prefix}", "250 552"),
        Said("MATCH", f"MATCH {MOVING} re ^{{prefix}}.*a$", "250 552"),
        Said("MATCH", "MATCH * soundex {word}"),
        Said("DEFINE", f"DEFINE {STAYS} crow"),
    ),
)
CURIOUS = Scene(
    "curious",
    4,
    (
        Said("SHOW DB", "SHOW DB"),
        Said("SHOW STRAT", "SHOW STRAT"),
        Said("SHOW INFO", f"SHOW INFO {MOVING}"),
        Said("SHOW SERVER", "SHOW SERVER"),
        Said("STATUS", "STATUS", "210"),
        Said("HELP", "HELP"),
        Said("HELP", "HELP SHOW DB"),
        Said("OPTION MIME", "OPTION MIME"),
        Said("DEFINE", "D * penguin"),
        Said("OPTION HTML", "OPTION HTML"),
        Said("DEFINE", f"D {MOVING} {{word}}"),
        Said("WHOAMI", "WHOAMI", "285"),
        Said("LOGOUT", "LOGOUT", "285"),
    ),
)
CLUMSY = Scene(
    "clumsy",
    2,
    (
        Said("DEFINE", "DEFINE nowhere penguin", "550"),
        Said("MATCH", "MATCH * nosuch penguin", "551"),
        Said("MATCH", "MATCH * re (((", "501"),
        Said("DEFINE", "DEFINE penguin", "501"),
        Said("QUERY", "Q penguin"),
        Said("HISTORY", "HISTORY", "530"),
        Said("PASSWD", "PASSWD {secret} {next}", "530"),
        Said("SASLAUTH", "SASLAUTH PLAIN", "532"),
        Said("SASLRESP", "SASLRESP x", "502"),
        Said("", "OPTION NOSUCH", "503"),
        Said("", "GET / SOAK", "500"),
        Said("", "\udcff\udcfe", "500"),
        Said("QUERY", "Q crow"),
    ),
)
#: From addresses of their own: whoever shares one with them waits, too.
GUESSER = Scene(
    "guesser",
    1,
    (
        Said("LOGIN", "LOGIN nobody {next}", "531 481"),
        Said("LOGIN", "LOGIN victim {next}", "531 481"),
        Said("AUTH", "AUTH victim {md5}", "531 420"),
        Said("REGISTER", "REGISTER {name}x {secret} AAAA-AAAA-AAAA-AAAA", "588 481"),
        Said("QUERY", "Q penguin"),
    ),
)
NEWCOMER = Scene(
    "newcomer",
    3,
    (
        Said("REGISTER", "REGISTER {name} {secret} {code}", "280"),
        Said("WHOAMI", "WHOAMI", "285"),
        Said("QUERY", "Q {word}"),
        Said("QUERY", "Q {missed}", "552"),
        Said("DEFINE", "D * penguin"),
        Said("HISTORY", "HISTORY 2"),
        Said("HISTORY OFF", "HISTORY OFF", "287"),
        Said("QUERY", "Q {missed}", "552"),
        Said("HISTORY ON", "HISTORY ON", "287"),
        Said("HISTORY KEEP", "HISTORY KEEP 30", "287"),
        Said("HISTORY KEEP", "HISTORY KEEP ALL", "287"),
        Said("FORGET", "FORGET {word}", "283"),
        Said("KEY NEW", "KEY NEW {label}"),
        Said("KEY NEW", "KEY NEW {label}", "580"),
        Said("KEY LIST", "KEY LIST"),
        Said("KEY DROP", "KEY DROP {label}", "284"),
        Said("INVITE", "INVITE", "530"),
        Said("FORGET", "FORGET *", "283"),
        Said("PASSWD", "PASSWD {secret} {next}", "282"),
        Said("LOGOUT", "LOGOUT", "285"),
        Said("LOGIN", "LOGIN {name} {next}", "230"),
        Said("UNREGISTER", "UNREGISTER {next}", "286"),
    ),
    changing=True,
)
RESIDENT = Scene(
    "resident",
    4,
    (
        Said("LOGIN", "LOGIN {name} {secret}", "230"),
        Said("QUERY", "Q {word}"),
        Said("DEFINE", f"DEFINE {MOVING} {{word}}"),
        Said("DEFINE", "D ! {missed}", "552"),
        Said("HISTORY", "H 20"),
        Said("HISTORY", "H 20 {word}"),
        Said("KEY LIST", "KEY LIST"),
        Said("FORGET", "FORGET {word}", "283"),
        Said("LOGOUT", "LOGOUT", "285"),
        Said("QUERY", "Q penguin"),
    ),
)
DEVICE = Scene(
    "device",
    2,
    (
        Said("AUTH", "AUTH {name} {md5}", "230"),
        Said("QUERY", "Q {word}"),
        Said("HISTORY", "HISTORY"),
        Said("PASSWD", "PASSWD {secret} {next}", "530"),
        Said("WHOAMI", "WHOAMI", "285"),
    ),
)
ADMIN = Scene(
    "admin",
    0.5,
    (
        Said("LOGIN", "LOGIN {name} {secret}", "230"),
        Said("INVITE", "INVITE 1000", "288", learns=r"288 (\S+);", of="code"),
        Said("STATUS", "STATUS", "210"),
    ),
)
#: One client that takes its answers slowly, all asked at once.
SLOW = Scene("slow reader", 0, (Said("MATCH", f"MATCH {MOVING} prefix {{initial}}"),) * 40)
#: All that are played by their share.
SCENES = (GUEST, CURIOUS, CLUMSY, GUESSER, NEWCOMER, RESIDENT, DEVICE, ADMIN)
#: Who they are made, before all else.
MOVING_IN = Scene(
    "moving in",
    0,
    (
        Said("REGISTER", "REGISTER {name} {secret} {code}", "280"),
        Said("KEY NEW", "KEY NEW {label}", learns=r"\n([0-9a-f]{32})\r", of="key"),
    ),
)
