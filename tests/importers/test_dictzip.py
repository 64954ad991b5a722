"""Bodies read forward once: every way they are packed, every way they are spoiled."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused
from dictd.importers import dictzip
from dictd.importers.dictzip import Bodies
from tests.importers.bookbinding import dictzipped, in_members

#: Text that is not the same anywhere.
DATA = b"".join(b"line %d\n" % number for number in range(300))
TINY = b"penguin\n  a bird that swims\n"


class Files(SynchronousTestCase):
    """Files of a test's own."""

    def file(self, content: bytes, name: str = "x.dict.dz") -> Path:
        """A file of bodies."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        path = directory / name
        path.write_bytes(content)
        return path

    def whole(self, content: bytes, size: int, name: str = "x.dict.dz") -> bytes:
        """Read so many bytes as one body, then to the end."""
        with Bodies(self.file(content, name)) as bodies:
            body = bodies.body(0, size)
            bodies.rest()
            return body

    def refused(self, content: bytes, size: int = len(DATA), name: str = "x.dict.dz") -> str:
        """Why a file is refused; the line names it."""
        with self.assertRaises(ImportRefused) as caught:
            self.whole(content, size, name)
        self.assertIn(name, caught.exception.text)
        return caught.exception.text


class Reading(Files):
    """Whole files."""

    def test_each_packing(self) -> None:
        """Plain, gzip, dictzip and several members are read alike."""
        for content, name in (
            (DATA, "x.dict"),
            (gzip.compress(DATA), "x.dict.dz"),
            (gzip.compress(DATA), "x.dict.gz"),
            (dictzipped(DATA), "x.dict.dz"),
            (dictzipped(DATA, 57), "x.dict.dz"),
            (in_members(DATA), "x.dict.dz"),
            (dictzipped(DATA) + b"\0" * 512, "x.dict.dz"),  # padding, as tapes have it
        ):
            self.assertEqual(self.whole(content, len(DATA), name), DATA)

    def test_bodies_in_order(self) -> None:
        """Bodies that touch, overlap, leave gaps, repeat or are empty, across the pieces that are read."""
        self.patch(dictzip, "_PIECE", 16)
        places = [(0, 7), (0, 9), (7, 0), (7, 9), (8, 200), (9, 1), (100, 5), (900, 40), (900, 40), (2000, 300)]
        with Bodies(self.file(dictzipped(DATA))) as bodies:
            for offset, size in places:
                self.assertEqual(bodies.body(offset, size), DATA[offset : offset + size], (offset, size))
                self.assertEqual(bodies.starts_line(offset), offset == 0 or DATA[offset - 1] == 10, offset)
            bodies.rest()
            self.assertEqual(bodies.unpacked, len(DATA))

    @settings(max_examples=60, deadline=None)
    @given(
        places=st.lists(st.tuples(st.integers(0, len(DATA)), st.integers(0, 120)), max_size=30),
        piece=st.integers(1, 400),
    )
    def test_any_bodies(self, places: list[tuple[int, int]], piece: int) -> None:
        """Whatever is asked in order is what lies there."""
        path = self.file(DATA, "x.dict")
        before, dictzip._PIECE = dictzip._PIECE, piece
        try:
            with Bodies(path) as bodies:
                for offset, size in sorted(places):
                    size = min(size, len(DATA) - offset)
                    self.assertEqual(bodies.body(offset, size), DATA[offset : offset + size])
        finally:
            dictzip._PIECE = before

    def test_little_is_kept(self) -> None:
        """What nobody asks for is not kept in memory: neither what lies between, nor what was read."""
        self.patch(dictzip, "_PIECE", 64)
        with Bodies(self.file(DATA, "x.dict")) as bodies:
            for offset in (0, 1500, 2400):
                bodies.body(offset, 10)
                self.assertLessEqual(len(bodies._window), 3 * 64)

    def test_little_is_kept_meanwhile(self) -> None:
        """Nor is it kept while the body is looked for."""
        path = self.file(bytes(30_000_000), "x.dict")
        with Bodies(path) as bodies:
            tracemalloc.start()
            bodies.body(29_000_000, 10)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        self.assertLess(peak, 5_000_000)

    def test_how_far(self) -> None:
        """How much of the packed file was read is told, for the progress."""
        packed = dictzipped(DATA)
        with Bodies(self.file(packed)) as bodies:
            self.assertEqual(bodies.read(), 0)
            bodies.body(0, 5)
            bodies.rest()
            self.assertEqual(bodies.read(), len(packed))

    def test_closed(self) -> None:
        """Both files are closed."""
        with Bodies(self.file(dictzipped(DATA))) as bodies:
            bodies.body(0, 5)
        self.assertTrue(bodies._raw.closed)


class Spoiled(Files):
    """Files that are not whole."""

    def test_cut_off_anywhere(self) -> None:
        """Wherever a packed file is cut off, it is refused as cut off or damaged."""
        for packed in (dictzipped(TINY), dictzipped(TINY, 5), gzip.compress(TINY), in_members(TINY, 10)):
            for length in range(len(packed)):
                self.assertRegex(self.refused(packed[:length], len(TINY)), "is cut off|is damaged: Not a gzipped file")
            self.assertIn("the compressed data has no end", self.refused(packed[:-1], len(TINY)))

    def test_plain_cut_off(self) -> None:
        """A plain file that ends before its last body says where it ends and where the index leads."""
        text = self.refused(DATA[:-1], name="x.dict")
        self.assertIn(f"ends at {len(DATA) - 1:,} bytes", text)
        self.assertIn(f"leads to {len(DATA):,}", text)

    def test_each_bit_flipped(self) -> None:
        """A flipped bit is noticed, or means nothing: the text that is read is the text that was packed."""
        packed = dictzipped(TINY, 10)
        noticed = 0
        for at in range(len(packed)):
            for bit in range(8):
                spoiled = bytearray(packed)
                spoiled[at] ^= 1 << bit
                try:
                    read = self.whole(bytes(spoiled), len(TINY))
                except ImportRefused:
                    noticed += 1
                else:
                    self.assertEqual(read, TINY, (at, bit))
        self.assertGreater(noticed, 8 * len(TINY))

    def test_checksum_is_compared(self) -> None:
        """A wrong checksum, or a wrong size, is refused although the text could be read."""
        packed = dictzipped(DATA)
        for at in (-8, -1):
            spoiled = bytearray(packed)
            spoiled[at] ^= 1
            self.assertIn("is damaged", self.refused(bytes(spoiled)))

    def test_checksum_behind_the_last_body(self) -> None:
        """Also where the index leads to the first bytes only."""
        spoiled = bytearray(gzip.compress(DATA * 2000))
        spoiled[-6] ^= 1
        self.assertIn("is damaged", self.refused(bytes(spoiled), 5))

    def test_garbage_behind(self) -> None:
        """Whatever follows the end, zeros apart, is damage."""
        self.assertIn("is damaged", self.refused(dictzipped(DATA) + b"garbage"))

    def test_plain_text_called_packed(self) -> None:
        """A plain text under the name of a packed one is refused."""
        self.assertIn("is damaged", self.refused(DATA))

    def test_empty(self) -> None:
        """An empty file is cut off, packed or plain."""
        for name in ("x.dict", "x.dict.dz"):
            self.assertIn("cut off", self.refused(b"", 1, name))

    def test_bomb(self) -> None:
        """More than 200 times its size is no dictionary: refused long before all of it is unpacked."""
        packed = gzip.compress(bytes(100_000_000), 6)
        path = self.file(packed)
        with Bodies(path) as bodies:
            caught = self.assertRaises(ImportRefused, bodies.rest)
            self.assertIn("200 times", caught.text)
            self.assertLess(bodies.unpacked, 201 * len(packed) + dictzip._PIECE)
        with Bodies(path) as bodies:
            self.assertRaises(ImportRefused, bodies.body, 0, 90_000_000)

    def test_small_ones_may(self) -> None:
        """Up to a megabyte may be pressed to nothing."""
        data = bytes(1 << 20)
        self.assertEqual(self.whole(gzip.compress(data), len(data)), data)
        self.refused(gzip.compress(data + b"x"), len(data))

    @settings(max_examples=200, deadline=None)
    @given(content=st.binary(max_size=200), size=st.integers(0, 100), gzipped=st.booleans())
    def test_any_garbage(self, content: bytes, size: int, gzipped: bool) -> None:
        """Any bytes are read or refused."""
        try:
            self.whole((gzip.compress(TINY)[:10] if gzipped else b"") + content, size)
        except ImportRefused as error:
            self.assertIn("x.dict.dz", error.text)
