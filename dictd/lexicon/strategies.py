"""How a word is matched against headwords; one function a strategy, one table.

Every strategy yields spans of one dictionary's lines (:mod:`dictd.lexicon.records`),
and ``None`` now and then while it works without finding anything, so that
nobody has to wait for it. Whoever reads them drops what comes twice.

One rule holds for all: what is asked without accents and signs is looked for in
both kinds of keys, exact and loose; what is asked with them is looked for as it
stands, and without them only where that gave nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable

from attrs import frozen

from dictd.lexicon import edits, folding, records, sounds
from dictd.lexicon.query import Query, Tables

Spans = Iterable[int | None]
#: How many steps without a result a strategy makes between two looks at the clock.
_STEPS = 256
_SKIP_AND_COUNT = re.compile(r"(\d{0,9})#(\d{0,9})#(.*)", re.DOTALL)


def forgiving(tables: Tables, query: Query) -> list[bytes]:
    """What :func:`exact` falls back on: first what differs in accents and signs, then in blanks."""
    k2, k3 = query.k2, query.k3
    found = [k2] if k2 != query.k and tables.has(k2) else []
    found += tables.others(b"loose", k2)
    if found:
        return found
    if k3 != k2:
        found = [k3] if tables.has(k3) else []
        found += tables.others(b"loose", k3)
    return found + tables.others(b"compact", k3)


def _both(
    search: Callable[[Tables, str], Spans], before: bool = False, behind: bool = False
) -> Callable[[Tables, Query], Spans]:
    """A strategy that follows the rule above, from a search for one form of the word.

    :param before: a blank before the word is looked for too; ``behind``: one behind it.
    """

    def strategy(tables: Tables, query: Query) -> Spans:
        found = False
        front = " " if before and query.form and query.word[:1].isspace() else ""
        back = " " if behind and query.form and query.word[-1:].isspace() else ""
        for span in search(tables, front + query.form + back):
            found = found or span is not None
            yield span
        if not found and query.loose_form != query.form:
            yield from search(tables, front + query.loose_form + back)

    return strategy


def exact(tables: Tables, query: Query) -> Spans:
    """The word itself; where no headword has its exact key, its loose, then its compact key."""
    if query.k:
        span, _ = tables.head(query.k)
        yield from (span,) if span else (tables.head(k)[0] for k in forgiving(tables, query))


def prefix(tables: Tables, query: Query) -> Spans:
    """Headwords that begin with the word."""
    return _both(_beginning, behind=True)(tables, query)


def _beginning(tables: Tables, form: str) -> Spans:
    start = folding.key(form)
    yield from tables.lines_from(start)
    if start:
        for step, k in enumerate(tables.others_from(b"loose", start)):
            if not k.startswith(start):
                yield tables.head(k)[0]
            elif step % _STEPS == 0:
                yield None


def everything(tables: Tables, query: Query) -> Spans:
    """All headwords, whatever the word is."""
    yield from tables.lines_from(b"")


def _ending(tables: Tables, end: str) -> Spans:
    if not end:
        return everything(tables, Query.of(""))
    return tables.spans_from(b"mirror", folding.key(end[::-1]))


def _holding(tables: Tables, asked: str) -> Spans:
    if not asked:
        yield from everything(tables, Query.of(""))
        return
    needle = asked.encode("utf-8")
    for loose in (False, True):
        for line in tables.forms.with_needle(needle, loose):
            if line is None:
                yield None
            else:
                yield from _spans_of_line(tables, line[1], loose)


def _spans_of_line(tables: Tables, line: bytes, loose: bool) -> list[int]:
    key = line if len(line) <= folding.MAX_KEY else folding.key(line.decode("utf-8"))
    keys = tables.others(b"loose", key) if loose else [key]
    return [tables.head(k)[0] for k in keys]


def _part(wanted: int) -> Callable[[Tables, str], Spans]:
    """Headwords in which the words asked stand together, as their first or last if so wanted."""

    def search(tables: Tables, asked: str) -> Spans:
        if [asked] == folding.words(asked):
            for step, span in enumerate(tables.spans(b"parts", folding.key(asked))):
                if span & wanted == wanted:
                    yield span & ~(records.FIRST | records.LAST)
                elif step % _STEPS == 0:
                    yield None
        elif asked:
            yield from _phrase(tables, asked, wanted)

    return search


def _phrase(tables: Tables, asked: str, wanted: int) -> Spans:
    """As :func:`_part` for what is more than one word, or has signs in it."""
    needle, words = asked.encode("utf-8"), folding.words

    def stands(form: str) -> bool:
        at = form.find(asked)
        while at >= 0:
            before, after = form[:at], form[at + len(asked) :]
            if not (
                words(before if wanted & records.FIRST else before[-1:])
                or words(after if wanted & records.LAST else after[:1])
            ):
                return True
            at = form.find(asked, at + 1)
        return False

    for loose in (False, True):
        for step, line in enumerate(tables.forms.with_needle(needle, loose)):
            if line is not None and stands(line[1].decode("utf-8")):
                yield from _spans_of_line(tables, line[1], loose)
            elif line is None or step % _STEPS == 0:
                yield None


def by_sound(table: bytes, sound: Callable[[str], bytes]) -> Callable[[Tables, Query], Spans]:
    """Headwords that sound like the word."""

    def strategy(tables: Tables, query: Query) -> Spans:
        letters = sounds.letters(folding.loose(query.word))
        key = sound(letters) if letters else b""
        return tables.spans(table, key) if key else ()

    return strategy


def near(tables: Tables, query: Query) -> Generator[tuple[int, int] | None, None, None]:
    """Headwords one slip away from the word, or it itself: span, and how often it is used."""
    found = False
    for asked in dict.fromkeys((query.k, query.k2)):
        if found or not asked or len(asked) > folding.MAX_KEY:
            continue
        for form in edits.one_slip(tables, asked.decode("utf-8")):
            if form is None:
                yield None
                continue
            for k in (form, *tables.others(b"loose", form)):
                span, used = tables.head(k)
                if span:
                    found = True
                    yield span, used


def lev(tables: Tables, query: Query) -> Spans:
    """The word itself, then headwords one slip away, those used most first.

    A slip is a letter too many, too few, wrong, or two in the wrong order.
    """
    found: dict[int, int] = {}
    for one in near(tables, query):
        if one is None:
            yield None
        else:
            found[one[0]] = one[1]
    itself = tables.head(query.k)[0] if query.k else 0
    yield from sorted(found, key=lambda span: (span != itself, -found[span], span))


def by_pattern(tables: Tables, query: Query) -> Spans:
    """Headwords that a pattern matches as they stand; where there are none, without accents and signs."""
    pattern, forms, found = query.pattern, tables.forms, False
    if pattern is None:
        return
    for loose in (False, True):
        if found:
            return
        for begin, end in forms.stretches(pattern.needle, loose):
            text = forms.piece(begin, end)
            at = 0
            while at < len(text):
                # A big pattern takes its time: whole lines, as many as it may have at once.
                upto = text.find(b"\n", min(at + pattern.slice_bytes, len(text) - 1)) + 1
                for line_begin, line_end in pattern.spans(text, at, upto):
                    found = True
                    yield from _spans_of_line(tables, text[line_begin:line_end], loose)
                yield None
                at = upto


@frozen
class Strategy:
    """One row of ``SHOW STRAT``.

    :ivar in_order: what it yields comes in the order of the keys, or in one of its own.
    :ivar aliases: names that peers have for the same.
    :ivar counted: the word is skip#count#word, as C dictd's ``nprefix`` has it.
    """

    name: str
    about: str
    spans: Callable[[Tables, Query], Spans]
    in_order: bool = True
    aliases: tuple[str, ...] = ()
    is_pattern: bool = False
    counted: bool = False


STRATEGIES: tuple[Strategy, ...] = (
    Strategy("exact", "The word itself", exact),
    Strategy("prefix", "Words that begin with it", prefix),
    Strategy("nprefix", "Words that begin with it, given as skip#count#prefix", prefix, counted=True),
    Strategy("substring", "Words in which it stands", _both(_holding, before=True, behind=True), aliases=("substr",)),
    Strategy("suffix", "Words that end with it", _both(_ending, before=True), in_order=False),
    Strategy("re", "POSIX extended regular expression", by_pattern, is_pattern=True),
    Strategy("regexp", "POSIX basic regular expression", by_pattern, is_pattern=True),
    Strategy("pcre", "Perl's regular expressions, without back-references", by_pattern, is_pattern=True),
    Strategy("soundex", "Words that sound like it (English)", by_sound(b"soundex", sounds.soundex)),
    Strategy(
        "metaphone", "Words that sound like it, more strictly (English)", by_sound(b"metaphone", sounds.metaphone)
    ),
    Strategy("lev", "Words one typing mistake away (Levenshtein; a swap is one)", lev),
    Strategy("dlev", "The same, by the name it has elsewhere (Damerau-Levenshtein)", lev),
    Strategy("word", "Headwords in which it stands as a word", _both(_part(0))),
    Strategy("first", "Headwords whose first word it is", _both(_part(records.FIRST))),
    Strategy("last", "Headwords whose last word it is", _both(_part(records.LAST))),
    Strategy("all", "All headwords, whatever the word is", everything),
)

#: What "." means where a dictionary has no strategy of its own (RFC 2229 3.3: the server's choice).
DEFAULT = "lev"

BY_NAME: dict[str, Strategy] = {
    name: strategy for strategy in STRATEGIES for name in (strategy.name, *strategy.aliases)
}


def skip_and_count(word: str) -> tuple[int, int | None, str]:
    """What a word of ``nprefix`` says: how many to skip, how many to list, the prefix.

    >>> skip_and_count("20#10#pen"), skip_and_count("pen")
    ((20, 10, 'pen'), (0, None, 'pen'))
    """
    match = _SKIP_AND_COUNT.fullmatch(word)
    if match is None:
        return 0, None, word
    return int(match[1] or 0), int(match[2]) if match[2] else None, match[3]
