"""Why dictd and C dictd find other headwords for the same word: one rule a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import groupby

from attrs import frozen

from tests.system.drawn import Headwords, Question, unsigned

#: The most that either server sends, unless told otherwise.
LIMIT = 2000
#: What stands for a whole answer, where not a headword but the order differs.
ORDER = ""

_HOLDS: dict[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "substring": str.__contains__,
    "suffix": str.endswith,
}
_PATTERNS = ("re", "regexp")
_PARTS = {"word": ("", ""), "first": ("^", ""), "last": ("", "$")}
_NO_LETTER = re.compile("[^a-z]")


@frozen
class Case:
    """A headword that only one of the two finds.

    :ivar headword: in lower case; :data:`ORDER` where both find the same, in another order.
    :ivar ours: whether it is dictd that finds it; of an order, whether ours is that of spelling.
    :ivar cut: whether the other one's answer has as many as are sent at most.
    :ivar theirs: how many C dictd finds.
    """

    headwords: Headwords
    strategy: str
    word: str
    headword: str
    ours: bool
    cut: bool = False
    theirs: int = 0

    @property
    def theirs_alone(self) -> bool:
        """Whether C dictd finds it."""
        return not self.ours and self.headword != ORDER


@frozen
class Reason:
    """One row of the table.

    :ivar examples: what is always asked, and differs for this reason.
    :param rule: whether it is why a case differs.
    :param of_order: whether it is about the order.
    """

    name: str
    examples: tuple[Question, ...]
    _rule: Callable[[Case], bool]
    _of_order: bool = False

    def explains(self, case: Case) -> bool:
        """Whether it is why a case differs."""
        return (case.headword == ORDER) == self._of_order and self._rule(case)


def _told(case: Case) -> bool:
    return case.theirs_alone and case.headword.startswith("00-database-")


def _spelled(case: Case) -> bool:
    """It fits when its accents and signs are left out; those of the word only if they find nothing."""
    headword = unsigned(case.headword)
    if not case.ours or _fits(case, case.word, case.headword):
        return False
    if _fits(case, case.word, headword):
        return True
    without = unsigned(case.word)
    return not case.theirs and (_fits(case, without, headword) or _fits(case, without, case.headword))


def _exact(case: Case) -> bool:
    same = unsigned(case.word).replace(" ", "") == unsigned(case.headword).replace(" ", "")
    return case.strategy == "exact" and case.ours and not case.theirs and same


def _signs(case: Case) -> bool:
    return (case.strategy in _HOLDS or case.strategy in _PARTS) and _spelled(case)


def _last(case: Case) -> bool:
    """It is the last word, with signs behind it."""
    return case.strategy == "last" and case.ours and case.word == re.findall("[a-z0-9]+", case.headword)[-1]


def _pattern_signs(case: Case) -> bool:
    if case.strategy not in _PATTERNS or not case.ours or _narrowed(case):
        return False
    without = _fits(case, case.word, unsigned(case.headword))
    return not case.theirs and not _fits(case, case.word, case.headword) and without


def _limit(case: Case) -> bool:
    return case.cut and any(_fits(case, case.word, form) for form in (case.headword, unsigned(case.headword)))


def _window(case: Case) -> bool:
    """It is, or is not, among those that count of all that our prefix finds."""
    if case.strategy != "nprefix":
        return False
    skip, count, word = case.word.split("#", 2)
    window = case.headwords.beginning(word)[int(skip) :][: int(count)]
    return (case.headword in window) == case.ours


def _narrowed(case: Case) -> bool:
    """C dictd looks among what begins with the second byte of the pattern, unless there is ``|`` in it."""
    word = case.word
    if case.strategy not in _PATTERNS or not case.ours or word[0] != "^" or "|" in word:
        return False
    fits = any(_fits(case, word, form) for form in (case.headword, unsigned(case.headword)))
    return fits and word[1:2] != case.headword[0]


def _itself(case: Case) -> bool:
    return case.strategy == "lev" and case.ours and case.headword == case.word


def _no_letter(case: Case) -> bool:
    """The letter that the word lacks, or has wrong, is no letter."""
    lacking = "".join(Counter(case.headword) - Counter(case.word))
    slip = case.strategy == "lev" and case.ours and one_slip(case.word, case.headword)
    return slip and lacking != "" and not lacking.isalpha()


def _lev_signs(case: Case) -> bool:
    if case.strategy != "lev" or not case.ours or one_slip(case.word, case.headword):
        return False
    form, without = unsigned(case.headword), unsigned(case.word)
    if one_slip(case.word, form):
        return True
    return not case.theirs and (one_slip(without, form) or one_slip(without, case.headword))


def _lev_order(case: Case) -> bool:
    """Of no word it is known here how often it is used."""
    return case.strategy == "lev" and case.ours


def _first_byte(case: Case) -> bool:
    sounds = _american(case.word) == _american(case.headword)
    return case.strategy == "soundex" and case.ours and sounds and case.word[0] != case.headword[0]


def _digits(case: Case) -> bool:
    return case.strategy == "soundex" and case.theirs_alone and case.headword[0].isdigit()


def _h_and_w(case: Case) -> bool:
    """Equal by the rule of the one who finds it, not equal by the other's."""
    if case.strategy != "soundex":
        return False
    american = _american(case.word) == _american(case.headword)
    knuth = _knuth(case.word) == _knuth(case.headword)
    return (american, knuth) == (case.ours, not case.ours)


_UNSIGNED = "found without accents and signs"


def _asked(**words: str) -> tuple[Question, ...]:
    return tuple(Question(strategy, word) for strategy, word in words.items())


#: The first that explains a case is its reason.
REASONS: tuple[Reason, ...] = (
    Reason(
        "any: C dictd finds what a dictionary tells of itself",
        _asked(exact="00-database-url", prefix="00-d", word="short", re="^00"),
        _told,
    ),
    Reason("any: there are more than 2,000, and other ones are listed", _asked(suffix="ness"), _limit),
    Reason("exact: found without accents, signs and blanks", _asked(exact="bookjacket"), _exact),
    Reason(
        f"prefix, substring, suffix, word, first, last: {_UNSIGNED}",
        _asked(prefix="us se", substring="oca", suffix="eimers", word="alzheimers", first="us", last="alz-heimers"),
        _signs,
    ),
    Reason("last: signs behind the last word do not matter", _asked(last="k"), _last),
    Reason("nprefix: counts what our prefix finds, with signs or without", _asked(nprefix="1#9#us se"), _window),
    Reason(
        "re, regexp: C dictd takes what follows ^ for a first letter",
        _asked(re="^.enguin", regexp="^[gx]p$"),
        _narrowed,
    ),
    Reason(f"re, regexp: {_UNSIGNED}", _asked(re="^breasthigh$", regexp="^oneill$"), _pattern_signs),
    Reason("soundex: what begins with a digit has no sound", _asked(soundex="1900s"), _digits),
    Reason("soundex: h and w do not part letters of one sound", _asked(soundex="ashcraft"), _h_and_w),
    Reason("soundex: C dictd wants the same first character", _asked(soundex="hood"), _first_byte),
    Reason("lev: C dictd leaves out the word itself", _asked(lev="penguin"), _itself),
    Reason("lev: C dictd tries letters only, no digits, blanks and signs", _asked(lev="bookjacket"), _no_letter),
    Reason(f"lev: {_UNSIGNED}", _asked(lev="oneil"), _lev_signs),
    Reason("lev: in order of use, on C dictd of the kind of mistake", _asked(lev="curry"), _lev_order, of_order=True),
)


def one_slip(word: str, other: str) -> bool:
    """Whether there is at most one letter too many, too few, wrong, or one pair in the wrong order."""
    at = next((at for at, (one, two) in enumerate(zip(word, other, strict=False)) if one != two), None)
    if at is None:
        return abs(len(word) - len(other)) <= 1
    one, two = word[at:], other[at:]
    swapped = one[1:2] + one[:1] + one[2:] == two
    return swapped or one[1:] == two[1:] or one[1:] == two or one == two[1:]


def _fits(case: Case, word: str, form: str) -> bool:
    """Whether a form of a headword is what a strategy looks for, by what the strategies are said to be."""
    if holds := _HOLDS.get(case.strategy):
        return holds(form, word)
    if edges := _PARTS.get(case.strategy):
        before, after = edges
        return re.search(rf"{before}(?<![^\W_]){re.escape(word)}(?![^\W_]){after}", form) is not None
    if case.strategy in _PATTERNS:
        pattern = word if case.strategy == "re" else re.sub(r"\\([()|?+])", r"\1", word)
        return re.search(pattern, form) is not None
    return False


def _american(word: str) -> str:
    letters = _NO_LETTER.sub("", unsigned(word))
    return _sound(letters[:1] + re.sub("[hw]", "", letters[1:]))


def _knuth(word: str) -> str:
    return _sound(_NO_LETTER.sub("", word))


def _sound(letters: str) -> str:
    digits = letters.translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "01230120022455012623010202"))
    runs = "".join(digit for digit, _ in groupby(digits))
    return (letters[:1] + runs[1:].replace("0", ""))[:4]
