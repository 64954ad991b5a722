"""Words and articles to one finished file, put in place by rename."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import lmdb
from attrs import asdict, define, field

from dictd.lexicon import catalogue, folding, records
from dictd.model import Dictionary

#: An upper bound of one file; address space, not disk.
_MAP_SIZE = 1 << 36
_RUN = 200_000
_WORDS_A_COMMIT = 50_000
_TEMPORARY = ".publishing-"

#: number of the article, text, HTML, senses as JSON; numbers rise from 0 without gaps.
ArticleRow = tuple[int, str, str, str]
#: exact key, headword, loose key, number of its article; sorted by key.
WordRow = tuple[bytes, str, bytes, int]


def told(dictionary: Dictionary) -> str:
    """A fingerprint of what a file tells of its dictionary."""
    return blake2b(json.dumps(asdict(dictionary), sort_keys=True).encode(), digest_size=8).hexdigest()


def publish(
    directory: Path,
    dictionary: Dictionary,
    generation: int,
    articles: Iterable[ArticleRow],
    words: Iterable[WordRow],
) -> catalogue.Listing:
    """Build the file of one generation and rename it into place.

    The catalogue is not touched: the caller writes it once all files are there.

    :param directory: the ``lexicon/`` of the state directory.
    :raises OSError: the disk is full or not writable; nothing is left behind.
    """
    mark = told(dictionary)
    temporary = directory / f"{_TEMPORARY}{os.getpid()}-{dictionary.name}"
    try:
        headwords = _Building(temporary).build(dictionary, generation, articles, words)
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


@define
class _Building:
    """A file on its way; committed in pieces so that memory stays small."""

    path: Path
    _places: list[tuple[int, int, int, int]] = field(factory=list)

    def build(
        self, dictionary: Dictionary, generation: int, articles: Iterable[ArticleRow], words: Iterable[WordRow]
    ) -> int:
        self.path.unlink(missing_ok=True)
        env = lmdb.open(
            str(self.path), subdir=False, lock=False, sync=False, metasync=False, max_dbs=8, map_size=_MAP_SIZE
        )
        try:
            tables = {name: env.open_db(name, dupsort=name in (b"loose", b"compact")) for name in records.TABLES}
            self._write_articles(env, tables[b"texts"], articles)
            headwords = self._write_words(env, tables, words)
            meta = {
                "format": records.FORMAT,
                "generation": generation,
                "headwords": headwords,
                "articles": len(self._places),
                "dictionary": asdict(dictionary),
            }
            with env.begin(write=True, db=env.open_db(b"meta")) as txn:
                txn.put(b"meta", json.dumps(meta, ensure_ascii=False).encode())
            env.sync(True)
        finally:
            env.close()
        return headwords

    def _write_articles(self, env: lmdb.Environment, table: Any, articles: Iterable[ArticleRow]) -> None:
        chunk: list[bytes] = []
        number = offset = 0

        def finish() -> None:
            with env.begin(write=True, db=table) as txn:
                txn.put(records.CHUNK_NUMBER.pack(number), b"".join(chunk), append=True)

        for no, text, html, structure in articles:
            if no != len(self._places):
                raise ValueError(f"article {no} of {self.path.name} is out of order")
            article = records.Article.of(text, html, structure)
            if chunk and offset + len(article.stored) > records.CHUNK:
                finish()
                chunk.clear()
                number, offset = number + 1, 0
            self._places.append((number, offset, article.length, article.flags))
            chunk.append(article.stored)
            offset += len(article.stored)
        if chunk:
            finish()

    def _write_words(self, env: lmdb.Environment, tables: dict[bytes, Any], words: Iterable[WordRow]) -> int:
        headwords = 0
        others: dict[bytes, list[tuple[bytes, bytes]]] = {b"loose": [], b"compact": []}

        def rows() -> Iterator[tuple[bytes, bytes]]:
            nonlocal headwords
            for k, group in groupby(words, itemgetter(0)):
                value: list[bytes] = []
                spellings = set()
                for _, word, k2, no in group:
                    spellings.add(word)
                    value.append(records.pack_posting(*self._places[no], word.encode("utf-8")))
                    if k2 != k:
                        others[b"loose"].append((k2, k))
                    k3 = folding.compact_key(k2, word)
                    if k3 != k2:
                        others[b"compact"].append((k3, k))
                headwords += len(spellings)
                yield k, b"".join(value)

        for batch in _batches(rows(), _WORDS_A_COMMIT):
            with env.begin(write=True, db=tables[b"words"]) as txn, txn.cursor() as cursor:
                cursor.putmulti(batch, append=True)
            for name, pairs in others.items():
                if len(pairs) > _RUN:
                    _write_sorted(env, tables[name], pairs)
        for name, pairs in others.items():
            _write_sorted(env, tables[name], pairs)
        return headwords


def _write_sorted(env: lmdb.Environment, table: Any, pairs: list[tuple[bytes, bytes]]) -> None:
    """Put pairs into a table of duplicates, in order, which is far cheaper than out of it."""
    pairs.sort()
    with env.begin(write=True, db=table) as txn, txn.cursor() as cursor:
        cursor.putmulti(pairs, dupdata=False)
    pairs.clear()


def _batches(rows: Iterator[tuple[bytes, bytes]], size: int) -> Iterator[list[tuple[bytes, bytes]]]:
    batch: list[tuple[bytes, bytes]] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
