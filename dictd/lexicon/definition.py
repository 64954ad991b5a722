"""One article that a look-up has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from dictd.lexicon import records
from dictd.model import Dictionary
from dictd.wire.replies import MIME_HTML, MIME_TEXT, text_block

if TYPE_CHECKING:
    from dictd.lexicon.generation import Generation


@define(eq=False)
class Definition:
    """One article found. Read it before the turn of the reactor ends: the file may be replaced.

    :ivar spelling: the stored headword, UTF-8.
    :ivar alias: the name of the group under which it is shown, where it is not the dictionary's own;
        ``source`` what then follows the headword in a 151 line.
    """

    generation: Generation
    chunk: int
    offset: int
    length: int
    flags: int
    spelling: bytes
    alias: str = ""
    source: bytes = b""

    @property
    def dictionary(self) -> Dictionary:
        """Where it stands."""
        return self.generation.dictionary

    @property
    def headword(self) -> str:
        """The stored headword."""
        return self.spelling.decode("utf-8")

    @property
    def shown_in(self) -> str:
        """The name under which it is shown: the dictionary's, or that of a group it stands behind."""
        return self.alias or self.generation.dictionary.name

    def on_the_wire(self) -> tuple[bytes, bytes, bytes]:
        """Headword, rest of the 151 line and text, see :func:`dictd.wire.replies.definitions`."""
        block = self.generation.stored(self.chunk, self.offset, self.offset + self.length)
        if not self.flags & records.AS_IT_LEAVES:
            block = records.leaving_text(block, self.flags)
        return self.spelling, self.source or self.generation.source, block

    def as_html(self) -> tuple[bytes, bytes, bytes]:
        """The same with its MIME header in front, and as HTML where the article has it."""
        headword, source, block = self.on_the_wire()
        html = self.html
        return headword, source, MIME_HTML + text_block(html) if html else MIME_TEXT + block

    @property
    def text(self) -> str:
        """The article as plain text."""
        end = self.offset + self.length
        return records.plain_text(self.generation.stored(self.chunk, self.offset, end), self.flags)

    @property
    def html(self) -> str:
        """The article as HTML, or empty."""
        return self.generation.extras(self.chunk, self.offset + self.length, self.flags)[0]

    @property
    def structure(self) -> str:
        """The senses as JSON, or empty."""
        return self.generation.extras(self.chunk, self.offset + self.length, self.flags)[1]
