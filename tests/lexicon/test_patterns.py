"""Patterns of MATCH against grep, against a search line by line, and what they refuse."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import BadArguments
from dictd.lexicon import folding, patterns

# Headwords as they are folded; one that is empty, and all that means something in a pattern.
WORDS = (
    *("", "a", "b", "ab", "abc", "aab", "aaa", "aaaa", "abab", "ba", "cab", "a b", "b a c", "a-b", "c", "cc", "bb c"),
    *("*", "*a", "a*", "+", "+a", "a+b", "?", "?b", "^", "^a", "a^b", "$", "a$", "a$b", "^*a", "$*", "\\", "a\\b", "/"),
    *("{", "{1}a", "a{", "a{1", "a{1}", "a{1,2", "a{x}", "}", "(", "(a)", ")", "a)", "|", "a|b", "[", "]", "[a]", "-"),
    *(
        ".",
        "a.b",
        "<",
        ">",
        "'",
        "`",
        "_a",
        "a_b",
        "1",
        "a1",
        "22",
        "1a2",
        "é",
        "café",
        "cafés",
        "è",
        "ä",
        "я",
        "яблоко",
    ),
    *("σίσυφοσ", "strasse", "ss", "中文", "が", "penguin", "penguin suit", "king penguin", "pengo"),
)
BLOB = "".join(f"{word}\n" for word in WORDS).encode()
# RE2 knows the boundaries of words of ASCII alone.
ASCII_WORDS = tuple(word for word in WORDS if word.isascii())


def grep(strategy: str, pattern: str, words: tuple[str, ...] = WORDS) -> list[str] | None:
    """The words that grep finds, or ``None`` where it refuses the pattern."""
    run = subprocess.run(
        ["grep", "-E" if strategy == "re" else "-G", "-i", "-n", "-e", pattern],
        input="".join(f"{word}\n" for word in words).encode(),
        capture_output=True,
        env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
        timeout=30,
    )
    if run.returncode > 1:
        return None
    return [words[int(line.partition(b":")[0]) - 1] for line in run.stdout.splitlines()]


def found(strategy: str, pattern: str, words: tuple[str, ...] = WORDS) -> list[str] | None:
    """The words that a pattern of ours finds, or ``None`` where it is refused."""
    blob = "".join(f"{word}\n" for word in words).encode()
    try:
        compiled = patterns.compile(strategy, pattern)
    except BadArguments:
        return None
    return [blob[begin:end].decode() for begin, end in compiled.spans(blob, 0, len(blob))]


# A grammar of patterns, each with nothing in it that POSIX leaves open; no anchor is in
# a group that is repeated: there GNU's matcher does not find all that it should.
ATOMS = st.sampled_from(
    [
        *("a", "b", "c", "A", "1", "é", "É", "я", " ", "-", ".", "_", "/", "<", "'"),
        *(r"\.", r"\*", r"\[", r"\\", r"\^", r"\$", "]", r"\w", r"\W", r"\s", r"\S"),
        *(
            "[ab]",
            "[^ab]",
            "[a-c]",
            "[^a-c]",
            "[B-c]",
            "[--a]",
            "[]a]",
            "[^]a]",
            "[a\\]",
            "[a-]",
            "[-a]",
            "[*.$^|(]",
            "[A-C]",
            "[aé]",
        ),
        *("[[:alpha:]]", "[^[:alpha:]]", "[[:digit:]b]", "[[:punct:]]", "[[:space:]]", "[[:upper:]]", "[[:lower:]]"),
        *("[[:alnum:]_]", "[[.a.]b]", "[[=b=]]", "[[:xdigit:]]", "[^[:space:]a-b]", "[[:print:]]", "[[:graph:]]"),
    ]
)


def expressions(extended: bool) -> st.SearchStrategy[str]:
    """Valid patterns."""
    slash = "" if extended else "\\"
    repeats = st.sampled_from(
        ["*", f"{slash}+", f"{slash}?", f"{slash}{{2{slash}}}", f"{slash}{{1,{slash}}}", f"{slash}{{,2{slash}}}"]
        + [f"{slash}{{0{slash}}}", f"{slash}{{1,3{slash}}}", "**"]
    )
    odd = ["(", ")", "{", "}", "|", "+", "?"]
    own = st.sampled_from([f"\\{sign}" for sign in odd] if extended else [*odd, "a^b", "a$b", "$a", "a^*b"])
    atoms = ATOMS | own

    def more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        grouped = inner.map(lambda text: f"{slash}({text}{slash})")
        repeated = st.tuples(atoms | grouped, repeats).map("".join)
        either = st.tuples(inner, inner).map(f"{slash}|".join)
        return grouped | repeated | either | st.lists(inner | repeated, min_size=1, max_size=4).map("".join)

    inside = st.recursive(atoms, more, max_leaves=8)
    ends = st.sampled_from([("", ""), ("^", ""), ("", "$"), ("^", "$"), (f"{slash}(^", f"{slash})")])
    return st.tuples(ends, inside).map(lambda pair: f"{pair[0][0]}{pair[1]}{pair[0][1]}")


class Compared(SynchronousTestCase):
    """What grep finds is found."""

    def compare(self, strategy: str, pattern: str, words: tuple[str, ...] = WORDS) -> None:
        """Both refuse, or both find the same."""
        self.assertEqual(found(strategy, pattern, words), grep(strategy, pattern, words), (strategy, pattern))

    def test_extended(self) -> None:
        """Operators where nothing is to be repeated, braces that are none, anchors anywhere."""
        for pattern in (
            *("", "^", "$", "^$", "*a", "+a", "?a", "^*b", "^+b", "a|*b", "(*b)", "a**", "a+?", "a{,2}$", "^a{$"),
            *("a{1,2$", "a{x}", "{1}a", "{a", "a{1}{2}", "^()$", "a||b", "(|a)$", "^a|$", ")", "a)", "(", "[", "[]"),
            *("[^]", "[a", "\\", "a{2,1}", "[b-a]", "[[:foo:]]", "[[.a.]]", "[[.ab.]]", "[[=a=]]", "[[.-.]]", "a{"),
            *("[:alpha:]", r"\n", r"\d", r"a\{1\}", "$a", "a$b", "a^b", "a$*", "a^*b", "(a*)+$", r"\*a", r"[\]", "a\\"),
            *(
                "[]a]",
                "[^]a]*$",
                "[a-]",
                "[--a]",
                "[a-c-e]",
                "(^b)",
                r"x\1",
                "a|",
                "^*",
                "a{1a}",
                "a{-",
                "}",
                "]",
                "a{}",
            ),
            *("[[:alpha:]-z]", "[a-[:alpha:]]", "a{,}$", "[[:alpha:", "[[.a", r"\w{2}", "{1}", "({1}a)", "a{0}$"),
            *(
                "[é-a]",
                "[É]",
                r"a\|b",
                r"\/",
                "a{1}*",
                "a*{2}",
                "(a|b)*c",
                "a{40000}",
                "^(a|ab)(c|bcd)?$",
                "[a-z]+ [a-z]+",
            ),
        ):
            self.compare("re", pattern)

    def test_basic(self) -> None:
        """Operators that are themselves at the start, anchors that are themselves in the middle."""
        for pattern in (
            *(
                "",
                "*a",
                r"\(*a\)",
                "^*a",
                r"a\|*b",
                "a^b",
                "a$b",
                r"\(^b\)",
                r"\(a$\)",
                r"a\{1",
                r"\{1\}a",
                r"a\{,2\}$",
            ),
            *(
                r"\+a",
                r"\?a",
                r"\(",
                r"\)",
                r"a*\{2\}",
                "a**",
                r"x\(^a\)",
                r"a\|^b",
                r"a$\|x",
                "^^a",
                "a$$",
                r"a\{2,1\}",
            ),
            *(r"a\{x\}", r"a\{1a\}", r"a\{1}", r"\(\)x", r"a\|", r"\|a", r"a\|\|b", r"\(+a\)", r"\(\+a\)", r"^\+a"),
            *(r"^\{1\}a", r"a\{1\}\{2\}", "a{1}", "a+", "a|b", "(a", r"\1", "a$*", "$*a", r"\($\)", r"a\^b", r"\$a"),
            *("^*", r"\(^*a\)", "x*^b", r"a\(^b\)", r"\(a$\)b", r"a\n", "$a", "^$a", r"a\{", r"a\{1,", r"a\{,\}$"),
            *(
                r"\<*a",
                r"\(\{1\}a\)",
                r"a\|\{1\}b",
                "a^*b",
                r"a\{0\}$",
                r"a\+b",
                r"ab\?c",
                "[a",
                "[]",
                "(",
                ")",
                "{",
                "\\",
            ),
        ):
            self.compare("regexp", pattern)

    def test_boundaries(self) -> None:
        """Of words of ASCII: RE2 knows no others."""
        for pattern in (
            *(
                r"\bpen",
                r"guin\b",
                r"\<a",
                r"a\>",
                r"\bsuit\b",
                r"\Bguin",
                r"pen\B",
                r"\`a",
                r"a\'",
                r"\<king\>",
                r"a\bb",
            ),
            *(r"\<pengu*in\>", r"\w\W\w", r"n\s\S", r"\b1"),
        ):
            for strategy in ("re", "regexp"):
                self.compare(strategy, pattern, ASCII_WORDS)

    @settings(deadline=None, max_examples=300)
    @given(expressions(extended=True))
    @example("(^a|b$)+")
    def test_any_extended(self, pattern: str) -> None:
        """Any pattern of the grammar finds what grep -E finds."""
        self.compare("re", pattern)

    @settings(deadline=None, max_examples=300)
    @given(expressions(extended=False))
    @example(r"\(^*a\)\{2\}")
    def test_any_basic(self, pattern: str) -> None:
        """Any pattern of the grammar finds what grep finds."""
        self.compare("regexp", pattern)


class Folded(SynchronousTestCase):
    """A pattern is folded as the headwords are."""

    def test_pairs(self) -> None:
        """What is typed finds what is stored, in every syntax."""
        for typed, headword in (
            ("^straße$", "Strasse"),
            ("^STRAẞE$", "Straße"),
            ("^STRASSE$", "straße"),
            ("^Ma\u0308dchen$", "Mädchen"),
            ("^MÄDCHEN$", "Ma\u0308dchen"),
            ("^[ä]$", "Ä"),
            ("^[Ä]$", "a\u0308"),
            ("^[a\u0308]$", "Ä"),
            ("^ΣΊΣΥΦΟΣ$", "Σίσυφος"),
            ("^[ς]$", "Σ"),
            ("^ﬁsh$", "fish"),
            ("^ｈａｌｆ$", "half"),
            ("^（$", "("),
            ("^＊＋$", "*+"),
            ("^[＾]$", "^"),
            ("^İ$", "İ"),
            ("^か\u3099$", "が"),
            ("^ice\u00a0cream$", "ice cream"),
            ("^[À-Ý]$", "é"),
            ("^[а-я]$", "Щ"),
        ):
            for strategy in ("re", "regexp", "pcre"):
                self.assertEqual(found(strategy, typed, (folding.exact(headword),)), [folding.exact(headword)], typed)

    def test_repeated(self) -> None:
        """What is two letters when folded is repeated as one."""
        for strategy, pattern in (("re", "^ß+$"), ("regexp", r"^ß\+$"), ("pcre", "^ß+$")):
            self.assertEqual(found(strategy, pattern, ("s", "ss", "sss", "ssss")), ["ss", "ssss"], strategy)
        self.assertEqual(found("re", "^a\u0308+$", ("ä", "ää", "a", "\u0308")), ["ä", "ää"])
        self.assertEqual(found("re", "^a[ß]$", ("a", "as", "ass")), ["ass"])
        self.assertEqual(found("re", "^a[ßx]$", ("ax", "as", "ass")), ["ax", "ass"])

    def test_signs_of_other_widths(self) -> None:
        """A fullwidth sign is a sign of the text, never of the pattern."""
        for strategy in ("re", "regexp", "pcre"):
            self.assertEqual(found(strategy, "a＊b", ("b", "ab", "a*b")), ["a*b"])
            self.assertEqual(found(strategy, "^（a", ("a", "(a")), ["(a"])

    def test_other_letters(self) -> None:
        """A class of letters holds those of every script, and no signs."""
        for word in ("é", "я", "σ", "中", "が", "한", "ह", "א", "ع", "ł", "ﬂ"):
            for strategy in ("re", "regexp"):
                self.assertEqual(found(strategy, r"^[[:alpha:]]", (word,)), [word])
                self.assertEqual(found(strategy, r"^\w", (word,)), [word])
        for sign in ("«", "—", "×", "、", "😀", "€", "’"):
            self.assertEqual(found("re", r"^[[:alpha:]\w]$", (sign,)), [])
            self.assertEqual(found("re", r"^[[:punct:]]$", (sign,)), [sign])


class Own(SynchronousTestCase):
    """RE2's own syntax, under the name pcre."""

    def test_syntax(self) -> None:
        """Classes, lazy repetition, names, quoted text."""
        words = ("a", "ab", "aab", "a.b", "a*b", "é", "я1", "x y")
        for pattern, expected in (
            (r"^a+?b$", ["ab", "aab"]),
            (r"\d", ["я1"]),
            (r"^\pL$", ["a", "é"]),
            (r"^\p{Cyrillic}", ["я1"]),
            (r"(?P<first>x)\s", ["x y"]),
            (r"^\Qa.b\E$", ["a.b"]),
            (r"^\Qa*", ["a*b"]),
            (r"^[\x{e9}]$", ["é"]),
            (r"^[^a-z\PL]$", ["é"]),
            (r"^[]a]$", ["a"]),
            (r"^[[:alpha:]]$", ["a"]),
            (r"^A\.B$", ["a.b"]),
        ):
            self.assertEqual(found("pcre", pattern, words), expected, pattern)

    def test_no_flag_looks_beyond_a_line(self) -> None:
        """Flags and anchors of a whole text are those of a line, so that slices do not show."""
        for pattern in (r"\Ab", "(?-m)^b", "(?-m:^b)", "(?s)^b", "(?i)^B", "(?-i)^B", "(?-i:^B)", "(?ims-U:^b)"):
            self.assertEqual(found("pcre", pattern, ("a", "b", "c")), ["b"], pattern)
        for pattern in (r"b\z", "(?-m)b$", "(?-m:b$)"):
            self.assertEqual(found("pcre", pattern, ("a", "b", "c")), ["b"], pattern)


class Refused(SynchronousTestCase):
    """501, with a reason."""

    def refusal(self, strategy: str, pattern: str) -> str:
        """Why it is refused."""
        return str(self.assertRaises(BadArguments, patterns.compile, strategy, pattern).text)

    def test_reasons(self) -> None:
        """A person is told what is wrong."""
        for strategies, pattern, reason in (
            ("re regexp pcre", r"(a)\1", "back-references are not supported"),
            ("re regexp pcre", "a\\", "a backslash at its end"),
            ("re pcre", "(a", "a parenthesis is not closed"),
            ("regexp", r"\(a", "a parenthesis is not closed"),
            ("regexp", r"a\)", "a parenthesis is closed that was not opened"),
            ("pcre", "a)", "a parenthesis is closed that was not opened"),
            ("re regexp pcre", "[a", "a bracket is not closed"),
            ("re regexp", "[[:foo:]]", "there is no class [:foo:]"),
            ("re regexp", "[[.ch.]]", "there is no character named ch"),
            ("re regexp", "[:alpha:]", "a class is written with two brackets, as in [[:alpha:]]"),
            ("re regexp", "[b-a]", "a range ends before it begins"),
            ("re regexp", "[a-c-e]", "a range begins where another ends"),
            ("re regexp", "[[:alpha:]-z]", "a range begins with a class"),
            ("re regexp", "[a-[:alpha:]]", "a range ends with a class"),
            ("re", "a{2,1}", "a repetition ends before it begins"),
            ("regexp", r"a\{1", "a brace is not closed, or no number is in it"),
            ("re", "a{1001}", "more than 1000 repetitions"),
            ("re pcre", "((a{100}){100}){100}", "too many repetitions"),
            ("re regexp pcre", "a" * 513, "more than 512 characters"),
            ("pcre", "a**", "a repetition of a repetition"),
            ("pcre", "*a", "a repetition of nothing"),
            ("pcre", "(?=a)", "look-around and conditions are not supported"),
            ("pcre", r"(?<!a)b", "look-around and conditions are not supported"),
            ("pcre", r"a\Cb", r"\C is not supported"),
            ("re pcre", "(.{1,40}){1,20}", "it is too big, repeat less"),
        ):
            for strategy in strategies.split():
                self.assertEqual(self.refusal(strategy, pattern), f"bad pattern: {reason}", (strategy, pattern))

    def test_bombs_are_cheap(self) -> None:
        """What would be a giant is refused before it costs the time of an answer."""
        for pattern in (
            "((a{100}){100}){100}",
            r"(\pL{1,1000}){1,1000}",
            r"(\pL{1,30}){1,30}",
            r"\pL" * 170,
            "[^a]{1000}",
            "(" * 250 + "a" + ")" * 250,
            "(?:" * 120 + "a" + ")*" * 120,
            "(" * 100 + "a" + "{2})" * 80 + ")" * 20,
            "(((a{10}){10}){10})" * 20,
        ):
            begun = time.process_time()
            for strategy in ("pcre", "re"):
                try:
                    compiled = patterns.compile(strategy, pattern)
                except BadArguments:
                    continue
                self.assertGreaterEqual(compiled.slice_bytes, 64)
            self.assertLess(time.process_time() - begun, 0.5, pattern)

    @settings(deadline=None, max_examples=300)
    @given(
        st.text(
            st.one_of(st.sampled_from(r"ab\()[]{}*+?|^$.,-:=12wQEéß😀（"), st.characters(exclude_categories=["Cs"])),
            max_size=30,
        )
    )
    @example("[ß")
    @example("[[.")
    @example(r"\Q")
    @example(r"[\]")
    def test_anything(self, pattern: str) -> None:
        """Any text is a pattern or is refused, and finds lines of the blob alone."""
        lines = set(WORDS)
        for strategy in ("re", "regexp", "pcre"):
            self.assertLessEqual(set(found(strategy, pattern) or ()), lines)


def starts() -> Iterator[int]:
    """Where the lines of the blob begin, and its end."""
    at = 0
    while at < len(BLOB):
        yield at
        at = BLOB.index(b"\n", at) + 1
    yield len(BLOB)


STARTS = tuple(starts())
LINES = (
    *(
        "a",
        "^a",
        "a$",
        "^$",
        "$",
        "^",
        "",
        ".",
        "[^a]",
        r"\s",
        r"\W",
        r"\S",
        r"\D",
        "[[:space:]]",
        "[^[:alpha:]]",
        "b$|^c",
    ),
    *(
        "é",
        "^.$",
        "a.*b",
        "x*",
        r"\bpen",
        "nothing at all",
        r"[^b]*$",
        r"a(?s).b",
        "[^x]{3,}",
        r"(?:.|\s|\W)+",
        "a\nb",
        r"a\nb",
    ),
)


class Spans(SynchronousTestCase):
    """Lines, each once, in order, and never two."""

    def test_as_line_by_line(self) -> None:
        """The whole blob gives what each line gives alone, as bytes and as memory."""
        for pattern in LINES:
            compiled = patterns.compile("pcre", pattern)
            alone = []
            for begin, after in zip(STARTS, STARTS[1:], strict=False):
                line = BLOB[begin:after]
                alone += [(begin, after - 1)] if list(compiled.spans(line, 0, len(line))) else []
            for blob in (BLOB, memoryview(BLOB)):
                self.assertEqual(list(compiled.spans(blob, 0, len(BLOB))), alone, pattern)

    @settings(deadline=None, max_examples=200)
    @given(st.sampled_from(LINES), st.lists(st.sampled_from(STARTS), max_size=6))
    def test_slices_do_not_show(self, pattern: str, cuts: list[int]) -> None:
        """Cut anywhere between lines, the blob gives the same lines."""
        compiled = patterns.compile("pcre", pattern)
        places = sorted({0, len(BLOB), *cuts})
        pieces = [span for pair in zip(places, places[1:], strict=False) for span in compiled.spans(BLOB, *pair)]
        self.assertEqual(pieces, list(compiled.spans(BLOB, 0, len(BLOB))))
        for begin, end in pieces:
            self.assertIn(begin, STARTS)
            self.assertIn(end + 1, STARTS)
            self.assertNotIn(b"\n", BLOB[begin:end])

    def test_last_line_without_its_end(self) -> None:
        """LF behind the last line is none, or is there."""
        compiled = patterns.compile("re", "b$")
        self.assertEqual(list(compiled.spans(b"ab\nb", 0, 4)), [(0, 2), (3, 4)])
        self.assertEqual(list(compiled.spans(b"ab\nb\n", 0, 5)), [(0, 2), (3, 4)])
        self.assertEqual(list(compiled.spans(b"ab\nb\n", 3, 5)), [(3, 4)])

    def test_nothing(self) -> None:
        """An empty piece has no line, and an empty line is one."""
        compiled = patterns.compile("re", "")
        self.assertEqual(list(compiled.spans(b"", 0, 0)), [])
        self.assertEqual(list(compiled.spans(b"a\n", 2, 2)), [])
        self.assertEqual(list(compiled.spans(b"\n\n", 0, 2)), [(0, 0), (1, 1)])

    def test_slices(self) -> None:
        """The larger a program, the smaller its slices."""
        sizes = [patterns.compile("re", pattern).slice_bytes for pattern in ("a", ".{10}", ".{100}", ".{200}")]
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertEqual(sizes[0], 20_000)
        self.assertGreaterEqual(sizes[-1], 64)
        self.assertLess(sizes[-1], 512)
