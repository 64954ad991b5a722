"""Emacs with dictionary.el, which keeps one connection for as long as it runs."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.emacs import Seen, emacs, lisp
from tests.system.shelf import PENS, ours, peer

_MISS = "Word not found, maybe you are looking for one of these words\n\n"
_NO_MATCH = 'No match for "{}" with strategy "{}" in dictionary "{}".'


def search(word: str, database: str = "") -> str:
    """``M-x dictionary-search``."""
    return f"(dictionary-search {lisp(word)} {lisp(database) if database else 'nil'})"


def match(word: str, strategy: str = ".", database: str = "*") -> str:
    """``M-x dictionary-match-words``, with other defaults than Emacs comes with."""
    return (
        f"(progn (setq-default dictionary-default-strategy {lisp(strategy)} "
        f"dictionary-default-dictionary {lisp(database)}) (when (dictionary-mode-p) "
        f"(setq dictionary-default-strategy {lisp(strategy)} dictionary-default-dictionary {lisp(database)})) "
        f"(dictionary-match-words {lisp(word)}))"
    )


def matched(**found: tuple[str, ...]) -> str:
    """The buffer after a match, one argument a database."""
    count = sum(map(len, found.values()))
    words = "\n\n".join(f"Matches from {name}:\n  " + "\n  ".join(words) for name, words in found.items())
    return f"{count} matching word{'' if count == 1 else 's'} found\n\n{words}"


def defined(*texts: str) -> str:
    """The buffer after a search."""
    titles = {"quotes": "Words that need quoting [quotes]", "wn": "WordNet (r) 3.0 (2006) [wn]"}
    count = f"{len(texts)} definition{'' if len(texts) == 1 else 's'} found"
    parts = [text.partition(": ") for text in texts]
    return "\n\n".join([count, *(f"From {titles[name]}:\n\n{text}" for name, _, text in parts)])


_PENGUIN = (
    "wn: penguin\n    n 1: short-legged flightless birds of cold southern especially\n    Antarctic regions",
    "quotes: penguin\n    a word of two dictionaries",
)
#: The same on both servers.
SAME: tuple[tuple[str, Seen], ...] = (
    (search("penguin"), Seen(defined(*_PENGUIN))),
    (search("penguin", "!"), Seen(defined(_PENGUIN[0]))),
    (search("PENGUIN", "quotes"), Seen(defined(_PENGUIN[1]))),
    (search("penguin", "nosuch"), Seen(error='Dictionary "nosuch" is unknown, please select an existing one')),
    (search("crow's nest"), Seen(defined("quotes: crow's nest\n    n 1: a platform on a mast"))),
    (search('a"b\\c'), Seen(defined("quotes: abc\n    what is left of it without"))),  # it escapes nothing
    (search("C++"), Seen(defined("quotes: C++\n    a language"))),
    (search("你好"), Seen(defined("quotes: 你好\n    hello"))),
    (search("back\\slash"), Seen(defined("quotes: back\\slash\n    with one"))),
    (search("Mädchen"), Seen(defined("wn: Mädchen\n    n 1: girl"))),
    (search("ice cream"), Seen(defined("wn: ice cream\n    n 1: frozen dessert containing cream and sugar"))),
    (search("pengui"), Seen(_MISS + matched(wn=("penguin",), quotes=("penguin",)))),
    (search("pengui", "!"), Seen(_MISS + matched(wn=("penguin",)))),
    (search("pengui", "quotes"), Seen(_MISS + matched(quotes=("penguin",)))),
    (search("zzzqq"), Seen(error=_NO_MATCH.format("zzzqq", ".", "*"))),
    (match("pengui"), Seen(matched(wn=("penguin",), quotes=("penguin",)))),
    (match("pengui", database="!"), Seen(matched(wn=("penguin",)))),
    (match("pen", "prefix"), Seen(matched(wn=(*PENS, "penguin"), quotes=("penguin",)))),
    (match("你", "prefix", "quotes"), Seen(matched(quotes=("你好",)))),
    (match("penguin", "exact", "!"), Seen(matched(wn=("penguin",)))),
    (match("penguin", "exact", "nosuch"), Seen(error='Dictionary "nosuch" is invalid')),
    (match("penguin", "nosuch"), Seen(error='Strategy "nosuch" is invalid')),
    (match("zzzqq", "prefix"), Seen(error=_NO_MATCH.format("zzzqq", "prefix", "*"))),
    (
        "(dictionary-select-dictionary)",
        Seen(
            "Please select your default dictionary:\n\n*: All dictionaries\n!: The first matching dictionary\n"
            "wn: WordNet (r) 3.0 (2006) (Details)\nquotes: Words that need quoting (Details)"
        ),
    ),
    ('(dictionary-display-more-info (cons "nosuch" "x"))', Seen(error='Dictionary "nosuch" does not exist')),
)
#: Another thing on C dictd.
DIFFERENT: tuple[tuple[str, Seen], ...] = (
    # Nothing is near to nothing; C dictd suggests words of one letter.
    (search(""), Seen(error=_NO_MATCH.format("", ".", "*"))),
    # Emacs does not take the second dot away; a server must put it there all the same (RFC 2229 2.4.3).
    (search(".22"), Seen(defined("wn: ..22\n    n 1: a firearm\n..\n... two dots"))),
    (search("100 grams"), Seen(defined("wn:  100 grams\n    250 ok, says the weight\n 552 no match"))),
    (
        '(dictionary-display-more-info (cons "wn" "WordNet"))',
        Seen("Information on dictionary: WordNet\n\nWordNet (r) 3.0 (2006)\nSource: wn.index\n\nThe book of wn."),
    ),
)


class Emacs(SynchronousTestCase):
    """Commands of dictionary.el, one after the other on one connection."""

    def test_ours(self) -> None:
        """Each shows what it should, whatever was asked before it: the connection stays in step."""
        asked = [*SAME, *DIFFERENT, *reversed(SAME)]
        seen = emacs(ours().port, [form for form, _ in asked])
        for (form, wanted), shown in zip(asked, seen, strict=True):
            self.assertEqual(shown, wanted, form)

    def test_as_on_c_dictd(self) -> None:
        """C dictd makes Emacs show the same, but for what is listed."""
        seen = emacs(peer().port, [form for form, _ in (*SAME, *DIFFERENT)])
        for (form, wanted), shown in zip(SAME, seen, strict=False):
            self.assertEqual(shown, wanted, form)
        for (form, unwanted), shown in zip(DIFFERENT, seen[len(SAME) :], strict=True):
            self.assertNotEqual(shown, unwanted, form)

    def test_strategies(self) -> None:
        """Those of SHOW STRAT are offered by what they say of themselves."""
        (shown,) = emacs(ours().port, ["(dictionary-select-strategy)"])
        self.assertTrue(shown.text.startswith("Please select your default search strategy:\n\nThe servers default\n"))
        caller = ours().connect()
        self.addCleanup(caller.close)
        offered = [line.split('"')[1] for line in caller.ask("SHOW STRAT")[1:-2]]
        self.assertEqual(shown.text.splitlines()[3:], offered)
