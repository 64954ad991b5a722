"""The dictionary that all servers serve, and what is asked of it."""

from __future__ import annotations

import random
from pathlib import Path

from attrs import frozen

from dictd.ctl.imports import find_wordnet
from dictd.importers import formats
from tests.support.debian import fetch

#: Its name on all servers.
NAME = "wn"
_SEED = 2229
_PREFIX = 3
_DICTORG = "dictorg"


@frozen
class WordNet:
    """WordNet 3.0.

    :ivar source: what dictd imports.
    :ivar format: in this format.
    :ivar headwords: all of them.
    """

    source: Path
    format: str
    headwords: tuple[str, ...]

    @classmethod
    def found(cls) -> WordNet:
        """Debian's, where it can be had and imported: the very articles of C dictd. Else Princeton's files.

        :raises OSError: neither can be had.
        """
        princeton = find_wordnet()
        try:
            index = fetch(f"dict-{NAME}") / "usr/share/dictd" / f"{NAME}.index"
            headwords = from_index(index.read_text("utf-8"))
        except OSError:
            if princeton is None:
                raise
            return cls(princeton, "wordnet", from_princeton(princeton))
        if _DICTORG in formats.BY_NAME:
            return cls(index, _DICTORG, headwords)
        if princeton is None:
            raise OSError("WordNet is not installed; make test installs it")
        return cls(princeton, "wordnet", headwords)

    def definitions(self, count: int) -> list[bytes]:
        """Lines that ask for words, each word as likely as any other, the same in every run."""
        words = random.Random(_SEED).choices(self.headwords, k=count)  # noqa: S311 - a draw, no secret
        return [f'DEFINE {NAME} "{word}"\r\n'.encode() for word in words]

    def prefixes(self, count: int) -> list[bytes]:
        """Lines that ask for the words that begin as some word does."""
        starts = [word[:_PREFIX] for word in self.headwords if word[:_PREFIX].isalpha() and len(word) > _PREFIX]
        chosen = random.Random(_SEED).choices(starts, k=count)  # noqa: S311 - a draw, no secret
        return [f'MATCH {NAME} prefix "{start}"\r\n'.encode() for start in chosen]


def from_index(text: str) -> tuple[str, ...]:
    """Headwords in a dict.org index, those about the database itself left out."""
    words = {line.partition("\t")[0] for line in text.splitlines()}
    return tuple(sorted(word for word in words if word and not word.startswith("00") and _askable(word)))


def from_princeton(directory: Path) -> tuple[str, ...]:
    """Headwords in the index files of WordNet."""
    words = {
        line.partition(" ")[0].replace("_", " ")
        for name in ("noun", "verb", "adj", "adv")
        for line in (directory / f"index.{name}").read_text("utf-8").splitlines()
        if not line.startswith(" ")
    }
    return tuple(sorted(filter(_askable, words)))


def _askable(word: str) -> bool:
    return '"' not in word and "\\" not in word
