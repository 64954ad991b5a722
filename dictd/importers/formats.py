"""The one table of formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from dictd.errors import ImportRefused
from dictd.importers import tabbed, wordbook, wordnet
from dictd.importers.reading import Reading
from dictd.model import Entry


@frozen
class Format:
    """A format that dictctl can import.

    :ivar recognises: whether a file looks like it; asked in the order of the table.
    """

    name: str
    about: str
    recognises: Callable[[Reading], bool]
    entries: Callable[[Reading], Iterator[Entry]]
    directory: bool = False


FORMATS: tuple[Format, ...] = (
    Format("wordnet", "the dict directory of WordNet 3.0 or 3.1", wordnet.recognises, wordnet.entries, directory=True),
    Format("tabbed", "text, word<TAB>meaning on each line", tabbed.recognises, tabbed.entries),
    Format("wordbook", "text, word and meaning divided by blanks", wordbook.recognises, wordbook.entries),
)

BY_NAME = {format.name: format for format in FORMATS}


def recognise(reading: Reading) -> Format:
    """The format of a file.

    :raises ImportRefused: it is none of them.
    """
    is_directory = reading.path.is_dir()
    for candidate in FORMATS:
        if candidate.directory == is_directory and candidate.recognises(reading):
            return candidate
    known = "; ".join(f"{format.name}: {format.about}" for format in FORMATS)
    raise ImportRefused(f"{reading.path} is in no format that dictctl knows ({known})")
