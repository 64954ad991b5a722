"""The one table of formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from dictd.errors import ImportRefused
from dictd.importers import dictorg, tabbed, wordbook, wordnet
from dictd.importers.reading import Reading, open_reading
from dictd.model import Entry


@frozen
class Format:
    """A format that dictctl can import.

    :ivar recognises: whether a file looks like it, by its name or by what is in it;
        names are asked first, both in the order of the table.
    :ivar opens: path and encoding to a reading.
    """

    name: str
    about: str
    entries: Callable[[Reading], Iterator[Entry]]
    recognises_name: Callable[[Path], bool] = lambda _: False
    recognises: Callable[[Reading], bool] = lambda _: False
    opens: Callable[[Path, str], Reading] = open_reading


FORMATS: tuple[Format, ...] = (
    Format(
        "dictorg",
        "a dictionary of dict.org, an .index beside a .dict.dz or .dict",
        dictorg.entries,
        recognises_name=dictorg.recognises,
        opens=dictorg.open_index,
    ),
    Format("wordnet", "the dict directory of WordNet 3.0 or 3.1", wordnet.entries, recognises_name=wordnet.recognises),
    Format("tabbed", "text, word<TAB>meaning on each line", tabbed.entries, recognises=tabbed.recognises),
    Format("wordbook", "text, word and meaning divided by blanks", wordbook.entries, recognises=wordbook.recognises),
)

BY_NAME = {format.name: format for format in FORMATS}


def opened(path: Path, encoding: str = "", format_name: str = "") -> tuple[Reading, Format]:
    """Open a file and settle its format.

    :param encoding: empty finds it out, see :func:`~dictd.importers.reading.open_reading`.
    :param format_name: empty finds it out.
    :raises ImportRefused: there is no such file, or it is in none of the formats.
    """
    named = BY_NAME[format_name] if format_name else None
    if named is None and path.exists():
        named = next((format for format in FORMATS if format.recognises_name(path)), None)
    if named is not None:
        return named.opens(path, encoding), named
    reading = open_reading(path, encoding)
    if path.is_file():
        for candidate in FORMATS:
            if candidate.recognises(reading):
                return reading, candidate
    known = "; ".join(f"{format.name}: {format.about}" for format in FORMATS)
    raise ImportRefused(f"{reading.path} is in no format that dictctl knows ({known})")
