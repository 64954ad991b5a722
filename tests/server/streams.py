"""Strategies for what clients may say: right, nearly right, and anything."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.conversations import LIBRARY, NAMES, NOTHING, SIGNS, SLOW, TURNS
from tests.support.references import in_double_quotes, in_pairs, in_single_quotes

STRATEGIES = (
    *("exact", "prefix", "nprefix", "substring", "substr", "suffix", "re", "regexp", "pcre", "soundex", "metaphone"),
    *("lev", "dlev", "word", "first", "last", "all", ".", "nosuch", "EXACT"),
)
PATTERNS = (
    *("^pen", "guin$", "p.n", ".*", "(pen|foo)", "p[a-m]n", "[[:alpha:]]*", "a{1,3}", "a{1,9999}", "x{2}{3}{4}"),
    *(
        "[",
        "[^",
        "(",
        ")",
        "\\(",
        "\\(p\\)\\1",
        "*",
        "+",
        "?",
        "a**",
        "(a+)+$",
        "(?i)PEN",
        "\\",
        "\\q",
        "[z-a]",
        "[[:no:]]",
    ),
    *("((((((((((", "|||", "^*", "$^", "\\x{110000}", "\\pL", "(?P<x", "[[.a.]]", "[[=a=]]", "{", "}", "a{2,1}"),
)
HEADWORDS = tuple(word for _, entries in LIBRARY.values() for word, _ in entries)
# The few that make things happen come often: one account, its password, another's.
PEOPLE = ("alice", "alice", "alice", "Alice", "bob", "a", "x" * 33, "álice", "al ice")
PASSWORDS = ("correct-horse", "correct-horse", "correct-horse", "battery staple", "short", "x" * 513)
NUMBERS = ("0", "1", "2", "20", "1000", "1001", "-1", "99999999999999999999", "1.5", "٣")
DATABASES = ("wn", "jargon", "odd", "*", "!", "WN", "nosuch", "")

MARKS = "\u202a\u202b\u202d\u202e\u2066\u2067\u2028\u2029\u200f\ufeff\u00ad"
ANY_TEXT = st.one_of(
    st.text(max_size=12),
    st.text("\"'\\ \tab.*!", max_size=10),
    st.text("a" + MARKS, max_size=6),
    st.sampled_from(
        ["ſ", "ı", "ﬁ", "\u0345", "a\u0308", "\x00", "\x7f", "\x85", "ﷺ" * 40, '"' * 510, "\\" * 505, "\\" * 600]
    ),
    st.integers(500, 530).map(lambda length: "ä" * length),
)
WORDS = st.one_of(
    st.sampled_from(HEADWORDS),
    st.sampled_from(HEADWORDS + STRATEGIES + PATTERNS + PEOPLE + PASSWORDS + NUMBERS + DATABASES),
    ANY_TEXT,
)


def bare(value: str) -> str:
    """A string as people type it."""
    return value


def open_quote(value: str) -> str:
    """A string whose quote is not closed."""
    return '"' + value


def in_pieces(value: str) -> str:
    """A string in pieces of each kind that stand together."""
    return in_double_quotes(value[:1]) + in_pairs(value[1:3]) + in_single_quotes(value[3:])


#: Every way to write a string, an empty one apart, so that it is read as that string.
SPELLINGS = (in_double_quotes, in_single_quotes, in_pairs, in_pieces)
ANY_SPELLING = st.sampled_from((bare, bare, *SPELLINGS, open_quote))
BLANKS = st.sampled_from([" ", " ", " ", " ", "  ", "\t", " \t "])


def _written(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda spelling, word: spelling(word), ANY_SPELLING, words)


def _line(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda blank, words: blank.join(words), BLANKS, st.tuples(*parts))


def _verb(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*names, *(name.lower() for name in names)])


#: What works, for those who have an account.
GOOD = (
    *(
        "Q penguin",
        "D * penguin",
        "DEFINE ! peng",
        "D odd long",
        "D odd 'Straße'",
        "D odd שלום",
        "D odd '250 ok'",
        "D odd .",
        "M * . p",
        "MATCH odd prefix x",
    ),
    *(
        "SHOW DB",
        "SHOW STRAT",
        "SHOW SERVER",
        "SHOW INFO wn",
        "SHOW INFO odd",
        "OPTION MIME",
        "HELP",
        "HELP H",
        "CLIENT x",
    ),
    *("HISTORY", "H 1", "H 5 penguin", "FORGET penguin", "FORGET *", "WHOAMI", "LOGOUT", "L alice correct-horse"),
    *(
        "R bob 'battery staple'",
        "PASSWD correct-horse correct-horse",
        "UNREGISTER correct-horse",
        "KEY NEW x",
        "KEY LIST",
    ),
)
#: The strings of commands that have an answer for any words.
STRINGS = st.one_of(
    st.tuples(st.just("DEFINE"), st.just("*"), st.sampled_from(SIGNS)),
    st.tuples(
        st.just("DEFINE"), st.sampled_from(["odd", "wn", "*", "!"]), st.sampled_from([*HEADWORDS, "no such word"])
    ),
    st.tuples(
        st.just("MATCH"),
        st.sampled_from(["odd", "*"]),
        st.sampled_from(STRATEGIES),
        st.sampled_from(HEADWORDS + PATTERNS),
    ),
)
DATABASE, PERSON, PASSWORD = (_written(st.sampled_from(words)) for words in (DATABASES, PEOPLE, PASSWORDS))
#: Verbs with what they ask for, and any verb of the table with anything.
COMMANDS = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(GOOD),
    st.sampled_from(GOOD),
    _line(_verb(*NAMES)),
    _line(_verb("DEFINE", "D"), DATABASE, _written(WORDS)),
    _line(_verb("QUERY", "Q"), WORDS),
    _line(
        _verb("MATCH", "M"),
        DATABASE,
        st.sampled_from(STRATEGIES),
        _written(st.one_of(st.sampled_from(PATTERNS), WORDS)),
    ),
    _line(_verb("REGISTER", "LOGIN", "R", "L", "AUTH"), PERSON, PASSWORD),
    _line(_verb("PASSWD", "UNREGISTER", "KEY NEW", "KEY DROP", "KEY LIST"), PASSWORD, PASSWORD),
    _line(_verb("HISTORY", "H"), st.sampled_from(NUMBERS), WORDS),
    _line(_verb("FORGET", "SHOW INFO"), WORDS),
    st.builds(lambda verb, words: " ".join([verb, *words]), _verb(*NAMES), st.lists(_written(WORDS), max_size=4)),
).map(lambda line: line.encode("utf-8", "replace").replace(b"\n", b" "))


def _mutated(line: bytes, place: int, drop: int, junk: bytes) -> bytes:
    place %= len(line) + 1
    return line[:place] + junk + line[place + drop :]


MUTATED = st.builds(
    _mutated,
    COMMANDS,
    st.integers(0, 60),
    st.integers(0, 3),
    st.one_of(st.binary(max_size=3), st.just(b'"'), st.just(b"\\")),
)
#: Lines about as long as a line may be, and much longer.
LONG = st.one_of(
    st.integers(6138, 6148).map(lambda length: b"Q " + b"x" * (length - 2)),
    st.integers(6138, 6148).map(lambda length: b"CLIENT " + b"\\" * (length - 7)),
    st.sampled_from([b"x" * 20_000, b"\xff" * 70_000, b"STATUS " * 2000]),
)
RAW = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            *(b"", b" ", b"\t", b"\0", b"\r", b"\rSTATUS", b"SHOW DB\rSTATUS", b"SHOW\0 DB", b'"', b"\\", b'"" wn'),
            *(b"\xff\xf4\xff\xfd\x06", b"\xff\xfb\x1fSTATUS", b"\xff\xf4\xff\xfdDEFINE wn penguin"),
            *(b"DEFINE wn M\xe4dchen", b"DEFINE wn a\xc3", b"Q \xed\xa0\x80", b"\xed\xa0\x80", b"Q \xf0\x9f\x90"),
            *(b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"Host: localhost", b"\x16\x03\x01\x02\x00\x01\x00"),
            *("ſtatus".encode(), "quıt".encode(), "ſhow db".encode(), "ſ".encode(), "deﬁne wn x".encode()),
            *(b"QUIT now", b"E", b"QUIT \xff", b"STATUS", b"DEFINE odd .", b"MATCH odd prefix x", b"HELP H"),
        ]
    ),
    LONG,
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\n", b"\r\r\n", b"\r", b"", b"\n\n", b" \r\n"])
LINES = st.tuples(st.one_of(COMMANDS, COMMANDS, COMMANDS, MUTATED, RAW), ENDS).map(b"".join)
MEMBER = st.sampled_from([b"", b"REGISTER alice correct-horse\r\n", b"R alice correct-horse\nQ penguin\n"])
#: Streams whose last line is STATUS, behind whatever there was, and perhaps a line without an end.
STREAMS = st.builds(
    lambda first, lines, rest: b"".join([first, *lines, b"\r\nSTATUS\r\n", rest]),
    st.one_of(MEMBER, MEMBER, RAW.map(lambda line: line + b"\r\n")),
    st.lists(LINES, max_size=12),
    st.sampled_from([b"", b"", b"QUIT", b"\r", b"x" * 7000]),
)
BYTES = st.lists(
    st.one_of(st.binary(max_size=80), st.sampled_from([b"\n", b"\r\n", b"STATUS\n"]), LONG), max_size=10
).map(lambda pieces: b"".join([*pieces, b"\r\nSTATUS\r\n"]))
#: Where streams are cut: near their beginning, anywhere, in pieces of a few bytes, in those of networks.
CUTS = st.one_of(
    st.lists(st.integers(0, 400), max_size=12),
    st.lists(st.integers(0, 25_000), max_size=6),
    st.integers(1, 9).map(lambda size: list(range(0, 400, size))),
    st.sampled_from([1000, 1460, 4096, 6143, 6144, 6145]).map(lambda size: list(range(size, 100_000, size))),
)
MOMENTS = st.lists(st.sampled_from([TURNS, NOTHING, NOTHING, SLOW]), max_size=12)
