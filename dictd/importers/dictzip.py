"""The bodies of a dict.org dictionary, read forward once.

``.dict`` is plain; ``.dict.dz`` is gzip with an index of its chunks in an extra
field (dictzip(1)), which nobody needs who reads in order.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from attrs import define, field

from dictd.errors import ImportRefused

_PIECE = 1 << 18
#: A file that unpacks to more than this many times its size is no dictionary; small ones may.
_MOST_RATIO, _SMALL = 200, 1 << 20


@define
class Bodies:
    """A ``.dict`` or ``.dict.dz`` from its beginning to its end.

    :ivar unpacked: bytes there were so far.
    """

    path: Path
    unpacked: int = field(default=0, init=False)
    _raw: IO[bytes] = field(init=False)
    _file: IO[bytes] = field(init=False)
    _size: int = field(init=False)
    _window: bytes = field(default=b"", init=False)
    _start: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._raw = open(self.path, "rb")  # noqa: SIM115 - closed by __exit__
        self._size = self.path.stat().st_size
        packed = self.path.suffix in (".dz", ".gz")
        self._file = cast(IO[bytes], gzip.GzipFile(fileobj=self._raw)) if packed else self._raw

    def __enter__(self) -> Bodies:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        self._raw.close()

    def read(self) -> int:
        """How many bytes of the file itself were read."""
        return self._raw.tell()

    def body(self, offset: int, size: int) -> bytes:
        """A body; offsets never fall.

        :raises ImportRefused: the file ends before, or is damaged.
        """
        end = offset + size
        if end > self._start + len(self._window):
            self._forward(offset, end)
        return self._window[offset - self._start : end - self._start]

    def starts_line(self, offset: int) -> bool:
        """Whether a line begins at an offset of the body that was read last, as far as can be told."""
        at = offset - self._start - 1
        return at < 0 or self._window[at : at + 1] == b"\n"

    def rest(self) -> None:
        """Read on to the end, so that the checksum is compared.

        :raises ImportRefused: the file is damaged.
        """
        self._window = b""
        while self._piece():
            pass

    def _forward(self, offset: int, end: int) -> None:
        """Move the window; one byte before the offset stays in it."""
        pieces = [self._window]
        have = self._start + len(self._window)
        while have < end:
            piece = self._piece()
            if not piece:
                raise ImportRefused(
                    f"{self.path} is cut off: it ends at {have:,} bytes, and its index leads to {end:,};"
                    " or they do not belong together"
                )
            if have < offset:  # what nobody asks for is not kept
                pieces = pieces[-1:]
            pieces.append(piece)
            have += len(piece)
        window = b"".join(pieces)
        start = have - len(window)
        kept = max(0, offset - 1 - start)
        self._window, self._start = window[kept:], start + kept

    def _piece(self) -> bytes:
        try:
            piece = self._file.read(_PIECE)
        except EOFError:
            raise ImportRefused(f"{self.path} is cut off: the compressed data has no end") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ImportRefused(f"{self.path} is damaged: {error}") from None
        self.unpacked += len(piece)
        if self.unpacked > max(_SMALL, _MOST_RATIO * self._size):
            raise ImportRefused(f"{self.path} unpacks to more than {_MOST_RATIO} times its size; this is no dictionary")
        return piece
