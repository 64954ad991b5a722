"""Words and articles to one finished file, put in place by rename."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import lmdb
from attrs import asdict

from dictd.lexicon import catalogue
from dictd.lexicon.building import ArticleRow, Building
from dictd.lexicon.indexing import WordRow
from dictd.model import Dictionary

_TEMPORARY = ".publishing-"


def told(dictionary: Dictionary, imported: int = 0) -> str:
    """A fingerprint of what a file tells of its dictionary.

    :param imported: when it was, milliseconds since 1970: another store may have a generation of the same number.
    """
    told = asdict(dictionary) | ({"imported": imported} if imported else {})
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()


def publish(
    directory: Path,
    dictionary: Dictionary,
    generation: int,
    articles: Iterable[ArticleRow],
    words: Iterable[WordRow],
    imported: int = 0,
) -> catalogue.Listing:
    """Build the file of one generation and rename it into place.

    The catalogue is not touched: the caller writes it once all files are there.

    :param directory: the ``lexicon/`` of the state directory.
    :param imported: see :func:`told`.
    :raises OSError: the disk is full or not writable; nothing is left behind.
    """
    mark = told(dictionary, imported)
    temporary = directory / f"{_TEMPORARY}{os.getpid()}-{dictionary.name}"
    try:
        headwords = Building(temporary).build(dictionary, generation, articles, words)
        with open(temporary, "rb") as file:
            checksum = _checksum(file)
            os.fsync(file.fileno())
        temporary.chmod(0o400)  # nobody may change a file that is mapped
        final = directory / catalogue.file_name(dictionary.name, generation, mark)
        temporary.replace(final)
        catalogue.sync_directory(directory)
    except lmdb.Error as error:
        raise OSError(f"{temporary}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return catalogue.Listing(
        name=dictionary.name,
        generation=generation,
        file=final.name,
        size=final.stat().st_size,
        checksum=checksum,
        headwords=headwords,
        told=mark,
    )


def whole(directory: Path, listing: catalogue.Listing, thorough: bool) -> str:
    """Why the file of a listing must be built again, or an empty string.

    :param thorough: also read the file and compare its checksum.
    """
    path = directory / listing.file
    if not listing.current:
        return "has another format"
    try:
        if path.stat().st_size != listing.size:
            return "has not the size it should have"
        if thorough:
            with open(path, "rb") as file:
                return "" if _checksum(file) == listing.checksum else "is damaged"
    except FileNotFoundError:
        return "is missing"
    return ""


def sweep(directory: Path, live: catalogue.Catalogue) -> list[str]:
    """Delete files that no catalogue names any more; the caller holds the publisher's lock.

    A process that has one open goes on reading it.
    """
    kept = {listing.file for listing in live.listings}
    gone = [path for path in directory.iterdir() if path.suffix == ".lmdb" or path.name.startswith(_TEMPORARY)]
    deleted = [path for path in gone if path.name not in kept]
    for path in deleted:
        path.unlink(missing_ok=True)
    return [path.name for path in deleted]


def _checksum(file: Any) -> str:
    digest = blake2b(digest_size=16)
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()
