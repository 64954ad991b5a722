"""Where dictd shall not answer as C dictd does, and why."""

from __future__ import annotations

from attrs import frozen


@frozen
class Difference:
    """A dialogue that goes another way than on C dictd.

    :ivar why: the reason.
    :ivar theirs: the final statuses of C dictd, ``ours`` are ours; empty where they are the same.
    :ivar lines: all lines that differ, ``-`` theirs, ``+`` ours; empty where the texts have little in common.
    """

    why: str
    theirs: tuple[int, ...] = ()
    ours: tuple[int, ...] = ()
    lines: tuple[str, ...] = ()


#: Whole lines that say the same in other words: ours -> theirs.
WORDS: dict[str, str] = {
    "500 unknown command, HELP lists those there are": "500 unknown command",
    "531 access denied, wrong name or password": "531 auth denied",
    "551 invalid strategy, use SHOW STRAT for list": "551 invalid strategy, use SHOW STRAT for a list",
}

_TEXT = "what a server says of itself is its own"
_EXTRA = "an argument too many is an error: it may be a command that was cut wrongly"
_CASE = "names of databases are matched without case"
_OFFERED = "a verb of RFC 2229 that is not offered is 502"
_SHORT = "H is HISTORY here, which needs a login; S is nothing"
_SPELLED = "headwords are shown as the articles spell them, not in the lower case of the index"
_EMPTY_LINE = "empty lines at the end of a text are left out"
_ALONE = "only ! and * alone mean the first and all"
_BLANKS = "blanks around and between words do not matter"
_LOOSE = "where no headword has these signs they do not matter"
_PAIR = "a quoted-pair in quotes is the character itself (RFC 2229 2.2)"
_PAIR_LOOSE = "a quoted-pair in quotes is the character itself (RFC 2229 2.2), and then signs do not matter"
_MIME = "RFC 2229 3.10.1 asks for the header block, C dictd has it empty"
_CONTROL = "control characters are an error, never cut off or searched for"
_UTF8 = "what is no UTF-8 is an error, never cut off or searched for"
_LONG = "no headword is longer than 512 characters"

_MIME_LINES = ("+Content-type: text/plain; charset=utf-8", "+Content-transfer-encoding: 8bit")

WANTED: dict[str, Difference] = {
    "status": Difference(_TEXT),
    "status x": Difference(_EXTRA, (210,), (501,)),
    "help": Difference(_TEXT),
    "help x": Difference("HELP takes the beginning of a verb", (250,), (501,)),
    "show strat": Difference(_TEXT),
    "show strategies": Difference(_TEXT),
    "show info": Difference(_TEXT),
    "show info, wrong case": Difference(_CASE, (550,), (250,)),
    "show server": Difference(_TEXT),
    "show server x": Difference(_EXTRA, (250,), (501,)),
    "get first": Difference("a browser shall not be able to say anything", (500, 250), (500,)),
    "starttls": Difference(_OFFERED, (500,), (502,)),
    "saslauth": Difference("SASL without a mechanism is 532", (500,), (532,)),
    "option foo": Difference("what an option is not is 503, with what there is", (501,), (503,)),
    "saslresp": Difference(_OFFERED, (500,), (502,)),
    "h": Difference(_SHORT, (250,), (530,)),
    "s": Difference(_SHORT, (210,), (500,)),
    "define a name": Difference(
        _SPELLED,
        lines=('-151 "paris" wn "WordNet (r) 3.0 (2006)"', '+151 "Paris" wn "WordNet (r) 3.0 (2006)"'),
    ),
    "define *": Difference(_EMPTY_LINE, lines=("-",)),
    "define ! in the second": Difference(_EMPTY_LINE, lines=("-",)),
    "define *, only the second": Difference(_EMPTY_LINE, lines=("-",)),
    "define, several headwords": Difference(_EMPTY_LINE, lines=("-",)),
    "define, wrong case of the database": Difference(_CASE, (550,), (250,)),
    "define, !x": Difference(_ALONE, (250,), (550,)),
    "define, *x": Difference(_ALONE, (250,), (550,)),
    "define, blanks in the word": Difference(_BLANKS, (552,), (250,)),
    "define, dots": Difference("a dot in front is doubled (RFC 2229 2.4.3)", lines=("-.22", "+..22")),
    "define, signs": Difference(_LOOSE, (552,), (250,)),
    "define, hyphen for a blank": Difference(_LOOSE, (552,), (250,)),
    "define, a word of the index": Difference("what is told of a dictionary is no headword", (250,), (552,)),
    "match, capitals": Difference(_SPELLED, lines=('-wn "paris"', '+wn "Paris"')),
    "match * prefix": Difference(_SPELLED, lines=('-jargon "hackers (the movie)"', '+jargon "Hackers (the movie)"')),
    "match, wrong case of the database": Difference(_CASE, (550,), (250,)),
    "match prefix, empty word": Difference("that there are more is said; spelling as above"),
    "match prefix, too many": Difference("that there are more is said; spelling as above"),
    "backslash in quotes": Difference(_PAIR, (552,), (250,)),
    "quoted quote": Difference(_PAIR_LOOSE, (552,), (250,)),
    "quoted backslash": Difference(_PAIR_LOOSE, (552,), (250,)),
    "as dict(1) writes": Difference(
        _SPELLED, lines=('-151 "abc" wn "WordNet (r) 3.0 (2006)"', '+151 "ABC" wn "WordNet (r) 3.0 (2006)"')
    ),
    "option mime x": Difference(_EXTRA, (250,), (501,)),
    "mime, define": Difference(_MIME, lines=_MIME_LINES),
    "mime, show strat": Difference(_TEXT),
    "mime, show info": Difference(_TEXT),
    "mime, show server": Difference(_TEXT),
    "mime, help": Difference(_TEXT),
    "CR CR LF": Difference(_CONTROL, (250,), (501,)),
    "CR in front": Difference(_CONTROL, (250,), (500,)),
    "empty lines": Difference("every line has a status (RFC 2229 2.4)", (250,), (500, 500, 250)),
    "no line end at the end": Difference("a line that was cut off is not run", (250, 250), (250,)),
    "NUL in a word": Difference(_CONTROL, (250,), (501,)),
    "NUL after the verb": Difference("the verb is another one", (501,), (500,)),
    "control character": Difference(_CONTROL, (552,), (501,)),
    "DEL": Difference(_CONTROL, (552,), (501,)),
    "not UTF-8": Difference(_UTF8, (552,), (501,)),
    "Latin-1": Difference(_UTF8, (250,), (501,)),
    "1024 octets": Difference(_LONG, (552,), (501,)),
    "1025 octets": Difference(_LONG, (552,), (501,)),
}
