"""What every importer has in its hands: the file, its encoding, a place for complaints."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field, frozen

from dictd.errors import ImportRefused
from dictd.lexicon import folding
from dictd.model import LONGEST_WORD
from dictd.wire.replies import one_line

#: Complaints that are kept with their line; the rest are counted.
SHOWN = 10
LONGEST_LINE = 1 << 20
_SNIFFED = 1 << 20
_ENCODINGS = ("utf-8", "gb18030", "cp1252")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@frozen
class Complaint:
    """A line that was left out, and why."""

    line: int
    text: str
    why: str


@define
class Reading:
    """A file while it is read.

    :ivar encoding: Python's name of the encoding; for a directory it does not count.
    :ivar done: bytes read so far; ``size`` of how many.
    :ivar exact: the encoding was said, not found out.
    :ivar title, info, licence, source: what the file tells of itself, if it does.
    """

    path: Path
    encoding: str
    size: int
    done: int = 0
    exact: bool = False
    title: str = ""
    info: str = ""
    licence: str = ""
    source: str = ""
    malformed: int = 0
    complaints: list[Complaint] = field(factory=list)

    def complain(self, line: int, text: str, why: str) -> None:
        """Leave a line out."""
        self.malformed += 1
        if len(self.complaints) < SHOWN:
            self.complaints.append(Complaint(line, text if len(text) <= 60 else text[:57] + "...", why))

    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines of a text file with their numbers, from 1.

        :raises ImportRefused: a byte does not fit the encoding.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)()
        number, rest = 0, ""
        with open(self.path, "rb") as file:
            while True:
                piece = file.read(1 << 18)
                try:
                    text = rest + decoder.decode(piece, final=not piece)
                    text.encode("utf-8")  # UTF-7 and UTF-16 can carry what no text may have
                except UnicodeError as error:
                    why = one_line(str(getattr(error, "reason", error)))  # some decoders quote what they stumble on
                    raise ImportRefused(
                        f"{self.path}: line {number + 1} or a little later is not {self.encoding}"
                        f" ({why}); say which it is with --encoding"
                    ) from None
                self.done += len(piece)
                *lines, rest = text.split("\n")
                if not piece and rest:
                    lines, rest = [*lines, rest], ""
                if len(rest) > LONGEST_LINE:
                    raise ImportRefused(f"{self.path}: line {number + len(lines) + 1} has no end; this is no text file")
                for line in lines:
                    number += 1
                    yield number, line.rstrip("\r")
                if not piece:
                    return

    def headword(self, line: int, raw: str) -> str:
        """A headword as it may be stored, or an empty string after a complaint."""
        word = " ".join(unicodedata.normalize("NFC", raw).split())
        if not word:
            self.complain(line, raw, "no headword")
        elif not folding.fits(word):
            self.complain(line, raw, f"the headword is longer than {LONGEST_WORD} characters")
            return ""
        elif one_line(word) != word:
            self.complain(line, raw, "control characters in the headword")
            return ""
        return word


def open_reading(path: Path, encoding: str = "") -> Reading:
    """Look at a file and settle its encoding.

    :param encoding: Python's name of it; empty sniffs: a byte order mark, else
        UTF-8, GB18030 and cp1252, the first that fits the whole file.
    :raises ImportRefused: there is no such file, it is not text, or no encoding fits.
    """
    try:
        if path.is_dir():
            return Reading(path, "utf-8", sum(part.stat().st_size for part in path.iterdir() if part.is_file()))
        if path.exists() and not path.is_file():
            raise ImportRefused(f"{path} is neither a file nor a directory")
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(_SNIFFED)
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror}") from None
    if not head:
        raise ImportRefused(f"{path} is empty")
    if encoding:
        check_encoding(encoding)
        return Reading(path, encoding, size, exact=True)
    for mark, marked in _MARKS:
        if head.startswith(mark):
            return Reading(path, marked, size)
    if _NOT_TEXT.search(head):
        raise ImportRefused(f"{path} is not a text file, nor a dictionary in a format that dictctl knows")
    for candidate in _ENCODINGS:
        if _fits(path, candidate):
            return Reading(path, candidate, size)
    raise ImportRefused(f"{path}: no encoding fits ({', '.join(_ENCODINGS)}); say which it is with --encoding")


def check_encoding(encoding: str) -> None:
    """Whether Python knows an encoding, by its name.

    :raises ImportRefused: it does not, or it encodes no text, as base64.
    """
    try:
        b"x".decode(encoding)
    except UnicodeError:
        pass
    except (LookupError, ValueError):
        raise ImportRefused(f"{encoding} is not an encoding of text that Python knows") from None


def _fits(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def head(path: Path, encoding: str, count: int) -> list[str]:
    """The first lines of a text file, for those who must recognise it."""
    lines: list[str] = []
    for _, line in Reading(path, encoding, 0).lines():
        lines.append(line)
        if len(lines) >= count:
            break
    return lines
