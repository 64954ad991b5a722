"""One generation's words and articles to the tables of its file, see :mod:`dictd.lexicon.records`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lmdb
from attrs import asdict, define, field

from dictd.lexicon import records
from dictd.lexicon.indexing import WordRow, Words
from dictd.model import Dictionary

#: An upper bound of one file; address space, not disk.
_MAP_SIZE = 1 << 36

#: number of the article, text, HTML, senses as JSON; numbers rise from 0 without gaps.
ArticleRow = tuple[int, str, str, str]


@define
class Building:
    """A file on its way; committed in pieces so that memory stays small.

    :param path: where the file is made; whatever is there is replaced.
    """

    path: Path
    _places: bytearray = field(factory=bytearray)
    _articles: int = 0

    def build(
        self, dictionary: Dictionary, generation: int, articles: Iterable[ArticleRow], words: Iterable[WordRow]
    ) -> int:
        """Write the file and flush it.

        :returns: how many distinct headwords there are.
        :raises lmdb.Error: the disk is full or not writable.
        """
        self.path.unlink(missing_ok=True)
        env = lmdb.open(
            str(self.path), subdir=False, lock=False, sync=False, metasync=False, max_dbs=16, map_size=_MAP_SIZE
        )
        try:
            tables = records.open_tables(env, create=True)
            self._write_articles(env, tables[b"texts"], articles)
            written = Words(env, tables, dictionary.name, self._places)
            written.write(words)
            meta = {
                "format": records.FORMAT,
                "byte_order": records.BYTE_ORDER,
                "generation": generation,
                "headwords": written.headwords,
                "articles": self._articles,
                "lines": written.lines.length,
                "forms": [written.exact_forms, written.forms.length],
                "dictionary": asdict(dictionary),
            }
            with env.begin(write=True, db=tables[b"meta"]) as txn:
                txn.put(b"meta", json.dumps(meta, ensure_ascii=False).encode())
                txn.put(b"blocks", written.blocks.tobytes())
            env.sync(True)
        finally:
            env.close()
        return written.headwords

    def _write_articles(self, env: lmdb.Environment, table: Any, articles: Iterable[ArticleRow]) -> None:
        chunk: list[bytes] = []
        number = offset = 0

        def finish() -> None:
            with env.begin(write=True, db=table) as txn:
                txn.put(records.CHUNK_NUMBER.pack(number), b"".join(chunk), append=True)

        for no, text, html, structure in articles:
            if no != self._articles:
                raise ValueError(f"article {no} of {self.path.name} is out of order")
            article = records.Article.of(text, html, structure)
            if chunk and offset + len(article.stored) > records.CHUNK:
                finish()
                chunk.clear()
                number, offset = number + 1, 0
            self._places += records.PLACE.pack(number, offset, article.length, article.flags)
            self._articles += 1
            chunk.append(article.stored)
            offset += len(article.stored)
        if chunk:
            finish()
