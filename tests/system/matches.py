"""What MATCH finds on dictd and on C dictd: sets of headwords, whatever their order and their case."""

from __future__ import annotations

#: Strategies that are not built yet: they must differ, and are taken out of here when they are there.
NOT_YET: frozenset[str] = frozenset()
#: strategy -> words. Each has fewer matches in WordNet than either server sends at most.
MATCHES: dict[str, tuple[str, ...]] = {
    "exact": ("penguin", "PENGUIN", "computer program", "crow's nest", ".22", "'hood", "zzzqq"),
    "prefix": ("peng", "PENG", "computer ", "ice cr", "penguin", ".2", "zzzqq"),
    "nprefix": ("peng", "0#5#peng", "2#3#penn", "0#0#penguin", "5#1#peng", "1#100#zzzqq"),
    "substring": ("engui", "ice cream", "zz", "'s n", "ENGUI", "zzzqq"),
    "suffix": ("guin", "phobia", "ice cream", "'s nest", "zzzqq"),
    "re": ("^peng", "guin$", "^a.*ology$", "^(foo|ba)r", "^.{25}$", "^[0-9]{3}$", "^x+$", "^colou?r$", "["),
    "regexp": ("^peng", "guin$", "^a.*ology$", "\\(cou\\)s\\1s", "^x.y", "^[0-9]\\{3\\}$", "\\("),
    "soundex": ("penguin", "robert", "rupert", "smith", "tymczak", "zzzqq"),
    "lev": ("penguin", "pengiun", "pnguin", "ppenguin", "penguim", "colr", "ab", "ice craem", "zzzqqzzz"),
    "word": ("penguin", "nest", "cream", "program", "s", "PENGUIN", "zzzqq"),
    "first": ("ice", "penguin", "crow's", "computer", "ICE", "zzzqq"),
    "last": ("nest", "cream", "penguin", "program", "zzzqq"),
    ".": ("penguin", "pengiun", "peng"),
}
_FIRST_BYTE = "C dictd looks among headwords that begin with what follows ^, whatever that means"
_TOLD = "what is wrong with a pattern is told, not taken for a miss"
_ITSELF = "the word itself is found too, C dictd lists only what differs from it"

#: (strategy, word) -> why the sets shall differ.
WANTED: dict[tuple[str, str], str] = {
    ("re", "^.{25}$"): _FIRST_BYTE,
    ("re", "^[0-9]{3}$"): _FIRST_BYTE,
    ("re", "["): _TOLD,
    ("regexp", "^[0-9]\\{3\\}$"): _FIRST_BYTE,
    ("regexp", "\\("): _TOLD,
    ("regexp", "\\(cou\\)s\\1s"): "back-references can take for ever",
    ("soundex", "tymczak"): "h and w do not part letters of one sound, and digits have none",
    ("lev", "penguin"): _ITSELF,
    ("lev", "ab"): "the word itself is found too, and signs do not matter",
    (".", "penguin"): _ITSELF,
}
