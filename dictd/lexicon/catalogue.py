"""Which generations are live: one small file, replaced whole.

``lexicon/catalogue.json`` names, in the order of the dictionaries, the file of
each live generation with its size and checksum. The publisher writes it last;
readers look at its modification each second and never see half of it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from dictd.errors import LexiconDamaged
from dictd.lexicon import records

NAME = "catalogue.json"
#: Version of the catalogue's own form.
FORMAT = 1
_NUMBERS = ("generation", "size", "headwords")


@frozen
class Listing:
    """One live generation.

    :ivar file: name of its file in ``lexicon/``.
    :ivar size: bytes; compared whenever the file is opened.
    :ivar checksum: BLAKE2b of the file in hex; compared by the publisher only.
    :ivar told: fingerprint of what is told of the dictionary (title, info, ...).
    """

    name: str
    generation: int
    file: str
    size: int
    checksum: str
    headwords: int
    told: str

    @property
    def current(self) -> bool:
        """Whether the file is of the format this program reads."""
        return self.file == file_name(self.name, self.generation, self.told)


def file_name(name: str, generation: int, told: str) -> str:
    """``NAME-GENERATION-FORMAT.lmdb``; ``told`` keeps a new title from reusing the file."""
    return f"{name}-{generation}-{told[:8]}-{records.FORMAT}.lmdb"


@frozen
class Catalogue:
    """All live generations, in the order in which dictionaries are asked."""

    listings: tuple[Listing, ...] = ()

    def listing(self, name: str) -> Listing | None:
        """The listing of a dictionary, if it has one."""
        return next((listing for listing in self.listings if listing.name == name), None)


def read(directory: Path) -> Catalogue:
    """Read the catalogue.

    :raises FileNotFoundError: nothing was published yet.
    :raises LexiconDamaged: the file is not a catalogue of this format.
    """
    path = directory / NAME
    try:
        tree: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if tree["format"] != FORMAT:
            raise LexiconDamaged(f"{path} has format {tree['format']}, this program reads {FORMAT}")
        listings = tuple(Listing(**listing) for listing in tree["dictionaries"])
        for listing in listings:
            for key, value in asdict(listing).items():
                if type(value) is not (int if key in _NUMBERS else str):
                    raise ValueError(f"{key} cannot be {value!r}")
            if "/" in listing.file:
                raise ValueError(f"{listing.file} is outside")
        return Catalogue(listings)
    except (ValueError, KeyError, TypeError) as error:
        raise LexiconDamaged(f"{path} is damaged: {error}") from None


def write(directory: Path, catalogue: Catalogue) -> None:
    """Replace the catalogue: whole or not at all, also when the power fails.

    :raises OSError: the disk is full; it names the path, and nothing is left behind.
    """
    tree = {"format": FORMAT, "dictionaries": [asdict(listing) for listing in catalogue.listings]}
    temporary = directory / f".{NAME}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(tree, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(directory / NAME)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(temporary)) from None
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make renames in a directory survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
