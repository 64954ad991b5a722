"""Text of the course's tables: which octets it was, and what to do where it was stored as if it were Latin-1."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterable

from attrs import define, field

from dictd.errors import ImportRefused
from dictd.importers.reading import check_encoding

#: Character sets of MySQL by the names that Python has for them; wider ones where they hold all of the narrower.
_CODECS = {
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "binary": "utf-8",
    "ascii": "utf-8",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
    "latin1": "latin-1",
    "koi8r": "koi8-r",
    "ujis": "euc-jp",
    "sjis": "cp932",
    "euckr": "euc-kr",
}
# MySQL's latin1 is cp1252, whose five empty places stand for themselves.
_PLACES = bytes(range(0x80, 0xA0))
_LATIN1 = {place: bytes((place,)).decode("cp1252", "ignore") or chr(place) for place in _PLACES}
_OCTETS = {ord(character): place for place, character in _LATIN1.items()}


def codec_of(charset: str) -> str:
    """Python's name for a character set of MySQL.

    :raises ImportRefused: it knows none.
    """
    codec = _CODECS.get(charset.lower(), charset)
    check_encoding(codec)
    return codec


def fits(pieces: Iterable[bytes], codec: str) -> bool:
    """Whether octets are text of this kind."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for piece in pieces:
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def mended(text: str) -> str:
    """What a text was before its UTF-8 was taken for Latin-1; any other text as it is.

    >>> mended("ä¸\\xadæ–‡"), mended("café")
    ('中文', 'café')
    """
    if text.isascii():
        return text
    try:
        octets = bytes(_OCTETS.get(code := ord(character), code) for character in text)
        return octets.decode("utf-8")
    except ValueError:
        return text


@define
class Texts:
    """Makes text of values, and counts what was wrong with it.

    :param codec: of octets.
    :param exact: the codec was said: what it makes of them is taken as it is.
    :ivar mended: values whose UTF-8 had been taken for Latin-1; ``broken``: those of which characters are lost.
    """

    codec: str
    exact: bool = False
    mended: int = field(default=0, init=False)
    broken: int = field(default=0, init=False)

    def of(self, value: str | bytes | None) -> str | None:
        """The text of a value, in the form in which all text is kept."""
        if value is None:
            return None
        if isinstance(value, str) and value.isascii():
            return value
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            value = value.encode(self.codec, "surrogateescape")
        if isinstance(value, bytes):
            value = self._decoded(value)
        if self.codec == "latin-1":
            value = value.translate(_LATIN1)
        if not self.exact and (whole := mended(value)) != value:
            self.mended += 1
            value = whole
        return unicodedata.normalize("NFC", value)

    def _decoded(self, octets: bytes) -> str:
        for codec in (self.codec,) if self.exact else (self.codec, "utf-8", "gb18030"):
            try:
                return octets.decode(codec)
            except UnicodeError:
                continue
        self.broken += 1
        return octets.decode(self.codec, "replace")


def check_charset(charset: str) -> None:
    """Whether a character set can be read.

    :raises ImportRefused: it cannot, or no client of MySQL may speak it.
    """
    if codecs.lookup(codec_of(charset)).name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"):
        raise ImportRefused(f"{charset} is not a character set of a dump; leave --charset out")
