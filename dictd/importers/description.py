"""What a new dictionary is called, and what is told of it."""

from __future__ import annotations

import re
from pathlib import Path

from dictd.errors import ImportRefused
from dictd.importers.formats import Format
from dictd.importers.reading import Reading
from dictd.model import LONGEST_TITLE, NAME_RULE, Dictionary, dictionary_name
from dictd.wire.replies import one_line

#: A text of which more than this share of lines is malformed is not what it was taken for.
_MOST_MALFORMED = 0.5


def check_name(name: str) -> str:
    """A database name: an atom (RFC 2229 2.2), kept in lower case.

    :raises ImportRefused: it cannot be one.
    """
    kept = dictionary_name(name)
    if not kept:
        raise ImportRefused(f"{name!r} cannot be the name of a dictionary: {NAME_RULE}")
    return kept


def stem_for(path: Path) -> str:
    """What of a file's name can stand in a dictionary's; perhaps nothing."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]


def name_for(path: Path, format: Format) -> str:
    """A name made of a file's, for those who give none.

    :raises ImportRefused: nothing of it is left.
    """
    if format.name == "wordnet":
        return "wordnet"
    stem = stem_for(path)
    if not stem:
        raise ImportRefused(f"{path.name} makes no name for a dictionary; say one with --name")
    return check_name(stem)


def check(reading: Reading, format: Format, articles: int) -> None:
    """Whether what was read is what it was taken for.

    :raises ImportRefused: it has no entries, or most of its lines are malformed.
    """
    if not articles or reading.malformed > (articles + reading.malformed) * _MOST_MALFORMED:
        first = f"; line {reading.complaints[0].line}: {reading.complaints[0].why}" if reading.malformed else ""
        raise ImportRefused(
            f"{reading.path} is not {format.about}: {reading.malformed} of"
            f" {articles + reading.malformed} lines are not{first}"
        )


def described(reading: Reading, name: str, title: str) -> Dictionary:
    """What is told of a dictionary.

    :param title: empty takes the file's own, or the name.
    """
    return Dictionary(
        name=name,
        title=one_line(title or reading.title or name)[:LONGEST_TITLE],
        info="\n".join(map(one_line, reading.info.split("\n"))),
        licence=one_line(reading.licence),
        source=one_line(reading.source or reading.path.name),
    )
