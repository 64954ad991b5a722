"""The spool: rows that wait on the disk, whatever happens to the disk and to processes."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.spool import SUFFIX, Spool, SpoolFull
from dictd.accounts.spoolfile import FORMAT, HEADER, SpoolFile, _line, line_of
from dictd.model import LookUp

rows = st.builds(
    LookUp,
    user_id=st.integers(1, 5) | st.integers(1, 1 << 40),
    rid=st.integers(0, (1 << 63) - 1),
    time=st.integers(0, 1 << 42),
    word=st.text(max_size=40) | st.sampled_from(('a"b\\n', "\n\r\n", "\0", "")),
    k=st.binary(max_size=30),
    dictionary=st.text(max_size=10),
    found=st.integers(0, 1000),
)


def row(number: int, user_id: int = 1) -> LookUp:
    """Some row."""
    return LookUp(user_id, number, 1000 + number, f"word {number}", b"word\xff", "wordnet", number)


class Spooling(SynchronousTestCase):
    """A directory, and spools in it as processes would have them."""

    most = 1 << 20

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute() / "spool"
        self.spool = self.made()
        self.fresh = (self.directory.parent / str(number) for number in count())

    def made(self, most: int | None = None, directory: Path | None = None) -> Spool:
        """The spool of another process."""
        spool = Spool(directory or self.directory, most or self.most)
        self.addCleanup(spool.close)
        return spool

    def files(self) -> list[Path]:
        """What lies in the directory."""
        return sorted(self.directory.iterdir())

    def replayed(self, spool: Spool, size: int = 3) -> list[LookUp]:
        """All that a spool has, taken out."""
        found = []
        for file in spool.sealed():
            for batch in spool.batches(file, size):
                self.assertLessEqual(len(batch), size)
                found += batch
            spool.done(file)
        return found


class Rows(Spooling):
    """What goes in comes out."""

    def test_round_trip(self) -> None:
        """Rows come back as they were, in order, in batches as large as was asked, and are gone then."""
        asked = [row(number) for number in range(8)]
        self.spool.append(asked[:5])
        self.spool.append(asked[5:])
        (file,) = self.spool.sealed()
        self.assertEqual(
            [[row.rid for row in batch] for batch in self.spool.batches(file, 3)], [[0, 1, 2], [3, 4, 5], [6, 7]]
        )
        self.assertEqual([row for batch in self.spool.batches(file, 100) for row in batch], asked)
        self.spool.done(file)
        self.assertEqual((self.spool.sealed(), self.files(), self.spool.damaged), ([], [], 0))

    @given(groups=st.lists(st.lists(rows, max_size=6), max_size=5), size=st.integers(1, 7))
    @settings(deadline=None, max_examples=60)
    def test_any_rows(self, groups: list[list[LookUp]], size: int) -> None:
        """Whatever words are made of, every row comes back, also by way of another process."""
        directory = next(self.fresh)
        spool, heir = Spool(directory, self.most), Spool(directory, self.most)
        for group in groups:
            spool.append(group)
        self.assertEqual(heir.sealed(), [])
        spool.close()
        self.assertEqual(self.replayed(heir, size), [row for group in groups for row in group])
        self.assertEqual((heir.damaged, heir.waiting), (0, 0))
        heir.close()

    def test_order_of_files(self) -> None:
        """What was written first is replayed first, over several files, also when the wall clock goes back."""
        clock = iter((5000, 3000, 4000, 9000))
        self.patch(sys.modules["dictd.accounts.spool"].time, "time_ns", lambda: next(clock))
        for number in range(4):
            self.spool.append([row(number)])
            self.assertEqual(len(self.spool.sealed()), number + 1)
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [0, 1, 2, 3])

    def test_counts(self) -> None:
        """It is known how many rows wait, and whose, until their file is done."""
        self.spool.append([row(1), row(2, 2), row(3)])
        (first,) = self.spool.sealed()
        self.spool.append([row(4)])
        self.assertEqual((self.spool.waiting, self.spool.waiting_of(1), self.spool.waiting_of(2)), (4, 3, 1))
        self.assertEqual(first.rows, 3)
        self.spool.done(first)
        self.assertEqual((self.spool.waiting, self.spool.waiting_of(1), self.spool.waiting_of(2)), (1, 1, 0))
        self.replayed(self.spool)
        self.assertEqual((self.spool.waiting, self.spool.waiting_of(1)), (0, 0))
        self.spool.done(first)
        self.assertEqual(self.spool.waiting, 0)

    def test_only_for_its_owner(self) -> None:
        """What people looked up is nobody else's to read, also where the directory was there before."""
        self.spool.append([row(1)])
        (file,) = self.files()
        self.assertEqual(stat.S_IMODE(self.directory.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.directory.chmod(0o755)
        self.spool.sealed()
        self.spool.append([row(2)])
        self.assertEqual(stat.S_IMODE(self.directory.stat().st_mode), 0o700)

    def test_nothing_is_made_before_it_is_needed(self) -> None:
        """A spool that was never used leaves no trace."""
        self.assertEqual(self.spool.sealed(), [])
        self.assertFalse(self.directory.exists())

    def test_closed(self) -> None:
        """A spool that is closed takes nothing more, gives nothing out, and reads no stranger's descriptor."""
        self.spool.append([row(number) for number in range(3)])
        (file,) = self.spool.sealed()
        batches = self.spool.batches(file, 1)
        self.spool.close()
        self.assertEqual(list(batches), [[]][:0])
        self.assertRaises(SpoolFull, self.spool.append, [row(1)])
        self.assertEqual(self.spool.sealed(), [])


class Damage(Spooling):
    """Files that are not as they were written."""

    groups = [[row(0), row(1)], [row(2)], [row(3), row(4)]]

    def octets(self) -> bytes:
        """A file of five rows."""
        return HEADER + b"".join(line_of(row) for group in self.groups for row in group)

    def found_in(self, octets: bytes) -> tuple[list[int], int]:
        """The rows that a file of these octets has, and how many lines of it are damaged."""
        directory = next(self.fresh)
        directory.mkdir(parents=True)
        (directory / f"1{SUFFIX}").write_bytes(octets)
        spool = Spool(directory, self.most)
        (file,) = spool.sealed()
        waiting = spool.waiting
        found = self.replayed(spool, 2)
        self.assertEqual(waiting, len(found))
        for found_row in found:
            self.assertEqual(found_row, row(found_row.rid))
        return [row.rid for row in found], spool.damaged

    def test_every_cut(self) -> None:
        """Wherever a file is cut, every whole row before the cut is there."""
        octets = self.octets()
        ends = [position + 1 for position, octet in enumerate(octets) if octet == 0x0A]
        for cut in range(len(octets) + 1):
            # A line without its end alone is whole as well.
            whole = sum(end - 1 <= cut for end in ends)
            found, damaged = self.found_in(octets[:cut])
            self.assertEqual(found, list(range(max(0, whole - 1))), cut)
            self.assertLessEqual(damaged, 1)

    def test_every_octet_flipped(self) -> None:
        """A spoiled octet takes its line away, one between two lines those two, and no other."""
        octets = self.octets()
        for place in range(len(octets)):
            for flip in (0x01, 0x80, 0xFF):
                spoiled = bytearray(octets)
                spoiled[place] ^= flip
                line = octets[:place].count(b"\n")  # 0 is the header
                lost = {line - 1, line} if octets[place] == 0x0A else {line - 1}
                found, damaged = self.found_in(bytes(spoiled))
                self.assertGreaterEqual(set(found), {0, 1, 2, 3, 4} - lost, (place, flip))
                self.assertEqual(found, sorted(set(found)))
                self.assertTrue(damaged)

    def test_rubbish(self) -> None:
        """Files of anything at all raise nothing and give no row; what is behind an endless line is found again."""
        good = line_of(row(0))
        for octets in (b"", b"\n", b"\0" * 300_000, b"\xff" * 70_000 + b"\n", os.urandom(1000), b"x\n" * 9, b"\n" * 50):
            self.assertEqual(self.found_in(octets)[0], [], octets[:20])
            self.assertEqual(self.found_in(HEADER + octets + b"\n" + good)[0], [0], octets[:20])

    def test_lines_with_the_right_sum_and_the_wrong_content(self) -> None:
        """A line that is whole but is no row is skipped like one that is not."""
        for content in ([], {}, 7, None, "x", [1], ["x"] * 7, [1, 2, 3, "w", "no hex", "d", 1], {"history": 1}):
            directory = next(self.fresh)
            directory.mkdir(parents=True)
            (directory / f"1{SUFFIX}").write_bytes(HEADER + _line(content) + line_of(row(0)))
            spool = Spool(directory, self.most)
            self.assertEqual(([row.rid for row in self.replayed(spool)], spool.damaged), ([0], 1))
            self.assertEqual((spool.waiting, spool.waiting_of(1)), (0, 0))

    def test_newer_format(self) -> None:
        """A file that a newer program wrote is left as it is, and the log is told once."""
        self.directory.mkdir(parents=True)
        newer = self.directory / f"1{SUFFIX}"
        newer.write_bytes(_line({"history": FORMAT + 1}) + line_of(row(1)))
        for _ in range(3):
            self.assertEqual((self.spool.sealed(), self.spool.waiting), ([], 0))
        self.assertEqual(self.spool.remarks(), [f"rows of the history are left in {newer}: a newer dictd wrote it"])
        self.assertEqual(self.spool.remarks(), [])
        self.assertTrue(newer.exists())
        other = self.made()
        other.sealed()
        self.assertEqual(len(other.remarks()), 1, "it is locked still")

    def test_strange_things_in_the_directory(self) -> None:
        """Links, pipes, folders and files of other names are not touched, and hang nobody."""
        self.directory.mkdir(parents=True)
        elsewhere = self.directory.parent / "elsewhere"
        elsewhere.write_bytes(HEADER + line_of(row(1)))
        (self.directory / f"1{SUFFIX}").symlink_to(elsewhere)
        os.mkfifo(self.directory / f"2{SUFFIX}")
        (self.directory / f"3{SUFFIX}").mkdir()
        (self.directory / "notes").write_bytes(elsewhere.read_bytes())
        before = self.files()
        self.assertEqual(self.spool.sealed(), [])
        self.assertEqual(self.files(), before)
        self.assertEqual(len(self.spool.remarks()), 1)
        self.assertEqual(self.spool.sealed(), [])
        self.assertEqual(self.spool.remarks(), [])


class Trouble(Spooling):
    """No room, a disk that is full, a disk that fails."""

    def test_bound(self) -> None:
        """All files together have no more octets than may be, and there is room again when one is done."""
        size = len(line_of(row(1)))
        self.spool = self.made(len(HEADER) + 3 * size)
        self.spool.append([row(1)])
        self.assertRaises(SpoolFull, self.spool.append, [row(2), row(3), row(4)])
        self.spool.append([row(2), row(3)])
        (file,) = self.spool.sealed()
        self.assertRaises(SpoolFull, self.spool.append, [row(4)])
        self.assertEqual(file.path.stat().st_size, self.spool.most)
        self.spool.done(file)
        self.spool.append([row(4)])
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [4])

    def test_header_counts(self) -> None:
        """A first row for which there is no room makes no file."""
        self.spool = self.made(len(HEADER) + len(line_of(row(1))) - 1)
        self.assertRaises(SpoolFull, self.spool.append, [row(1)])
        self.assertFalse(self.directory.exists())

    def spoil(self, name: str, *outcomes: Callable[..., Any] | None) -> None:
        """Let the next calls of a function of os end so; None and all later ones are real."""
        real, left = getattr(os, name), list(outcomes)

        def called(*args: Any) -> Any:
            outcome = left.pop(0) if left else None
            return outcome(real, *args) if outcome else real(*args)

        self.patch(os, name, called)

    @staticmethod
    def full(real: Callable[..., Any], *args: Any) -> Any:
        """The disk is full."""
        raise OSError(errno.ENOSPC, "No space left on device")

    @staticmethod
    def part(real: Callable[..., Any], descriptor: int, octets: Any) -> Any:
        """There was room for a part."""
        return real(descriptor, octets[: len(octets) // 2])

    def test_full_disk(self) -> None:
        """Of a group that was written in part nothing is left; the next goes to the same file."""
        self.spool.append([row(1)])
        (path,) = self.files()
        before = path.read_bytes()
        self.spoil("write", self.part, self.full)
        self.assertRaises(OSError, self.spool.append, [row(2), row(3)])
        self.assertEqual((path.read_bytes(), self.spool.waiting), (before, 1))
        self.spool.append([row(4)])
        self.assertEqual(self.files(), [path])
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 4])
        self.assertEqual(self.spool.damaged, 0)

    def test_write_in_pieces(self) -> None:
        """A system that takes a part of what it is given is given the rest."""
        self.spoil("write", None, self.part, self.part)
        self.spool.append([row(1), row(2)])
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 2])

    def test_full_disk_that_cannot_be_cleaned(self) -> None:
        """Nothing is written behind a torn line: there is another file for that."""
        self.spool.append([row(1)])
        self.spoil("write", self.part, self.full)
        self.spoil("ftruncate", self.full)
        self.assertRaises(OSError, self.spool.append, [row(2), row(3), row(4)])
        self.assertEqual(self.spool.waiting, 1)
        self.spool.append([row(5)])
        self.assertEqual(len(self.files()), 2)
        # Row 2 was whole, though nobody was told that it is kept.
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 2, 5])
        self.assertEqual((self.spool.damaged, self.spool.waiting), (1, 0))

    def test_sync_that_fails(self) -> None:
        """What may not be on the disk does not count, and the file that it was in is not trusted again."""
        self.spool.append([row(1)])
        self.spoil("fdatasync", self.full)
        self.assertRaises(OSError, self.spool.append, [row(2)])
        self.spool.append([row(3)])
        self.assertEqual(len(self.files()), 2)
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 3])

    def test_first_file_that_cannot_be_made(self) -> None:
        """Trouble with a new file leaves none behind, counts nothing, and is over when it is over."""
        for name, outcomes in (
            ("open", (self.full,)),
            ("write", (self.full,)),
            ("write", (self.part, self.full)),
            ("fdatasync", (self.full,)),
            ("fsync", (None, self.full)),
            ("fdatasync", (None, self.full)),
        ):
            with self.subTest(name):
                spool = self.made(directory=next(self.fresh))
                spool.directory.parent.mkdir(parents=True, exist_ok=True)
                self.spoil(name, *outcomes)
                self.assertRaises(OSError, spool.append, [row(1)])
                self.assertEqual(spool.waiting, 0)
                self.assertEqual([path for path in spool.directory.glob("*") if path.stat().st_size > len(HEADER)], [])
                spool.append([row(2)])
                self.assertEqual([row.rid for row in self.replayed(spool)], [2])
                self.assertEqual((list(spool.directory.iterdir()), spool._octets, spool.damaged), ([], 0, 0))

    def test_synced_before_it_is_said(self) -> None:
        """When an append returns the rows, the file's name and the directory's name were synced, in that order."""
        synced: list[str] = []
        for name in ("fsync", "fdatasync"):
            real: Callable[[int], None] = getattr(os, name)

            def noted(descriptor: int, real: Callable[[int], None] = real) -> None:
                path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
                size = path.stat().st_size if path.is_file() else 0
                synced.append(f"{path.suffix or path.name} {'rows' if size > len(HEADER) else ''}".strip())
                real(descriptor)

            self.patch(os, name, noted)
        self.directory.parent.mkdir(parents=True)
        self.spool.append([row(1)])
        self.assertEqual(synced, [self.directory.parent.name, SUFFIX, "spool", f"{SUFFIX} rows"])
        self.spool.append([row(1)])
        self.assertEqual(synced[4:], [f"{SUFFIX} rows"])
        self.replayed(self.spool)
        self.assertEqual(synced[5:], ["spool"])

    def test_deleted_spool(self) -> None:
        """When somebody deletes the spool all that was said to be kept is on the disk again with the next group."""
        self.spool.append([row(1), row(2, 2)])
        self.spool.sealed()
        self.spool.append([row(3)])
        shutil.rmtree(self.directory.parent)
        self.spool.append([row(4)])
        self.assertEqual(stat.S_IMODE(self.directory.parent.stat().st_mode), 0o700)
        self.assertEqual((self.spool.waiting, self.spool.waiting_of(1), self.spool.waiting_of(2)), (4, 3, 1))
        self.spool.append([row(5)])
        (path,) = self.files()
        copy = next(self.fresh)
        copy.mkdir()
        shutil.copy(path, copy / path.name)
        self.assertEqual([row.rid for row in self.replayed(self.made(directory=copy))], [1, 2, 3, 4, 5])
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 2, 3, 4, 5])
        self.assertEqual((self.spool.waiting, self.spool._octets, self.files()), (0, 0, []))
        self.assertEqual(self.spool.waiting_of(1), 0)
        self.assertEqual([name for name in self.descriptors() if "deleted" in name], [])

    def descriptors(self) -> list[str]:
        """Files of this test that this process has open."""
        names = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        return [name for name in names if name.startswith(str(self.directory.parent))]

    def test_deleted_spool_that_cannot_be_made_again(self) -> None:
        """Rows of deleted files are replayed from there; those that found no place do not count."""
        self.spool.append([row(1)])
        shutil.rmtree(self.directory)
        self.directory.write_bytes(b"in the way")
        self.assertRaises(OSError, self.spool.append, [row(2)])
        self.assertEqual(self.spool.waiting, 1)
        (file,) = self.spool.sealed()
        self.assertEqual([[row.rid for row in batch] for batch in self.spool.batches(file, 1)], [[1]])
        self.directory.unlink()
        self.assertEqual([row.rid for _ in range(2) for row in self.replayed(self.spool)], [1])
        self.assertEqual((self.spool.waiting, self.spool._octets, self.spool.damaged), (0, 0, 0))

    def test_deleted_while_it_is_written(self) -> None:
        """A group whose file is deleted before it is on the disk goes into a new one."""
        self.spool.append([row(1)])
        self.spoil("fdatasync", lambda real, descriptor: shutil.rmtree(self.directory))
        self.spool.append([row(2)])
        (path,) = self.files()
        self.assertEqual([line for line in (b"word 1", b"word 2") if line in path.read_bytes()], [b"word 1", b"word 2"])
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 2])

    def test_deleted_and_nothing_follows(self) -> None:
        """A deleted file is moved by the next try to replay it, and by the next group though that has its own file."""
        for follows in (False, True):
            self.spool = self.made(directory=next(self.fresh))
            self.spool.append([row(1), row(2)])
            (file,) = self.spool.sealed()
            shutil.rmtree(self.spool.directory)
            if follows:
                self.spool.append([row(3)])
            self.assertEqual(list(self.spool.batches(file, 1)), [])
            (path,) = self.spool.directory.iterdir()
            self.assertIn(b"word 2", path.read_bytes())
            self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 2, 3] if follows else [1, 2])
            self.assertEqual((self.spool.waiting, self.spool._octets), (0, 0))

    def test_deleted_while_it_is_replayed(self) -> None:
        """A file that is being replayed is moved too, and both end."""
        self.spool.append([row(1), row(2)])
        (file,) = self.spool.sealed()
        batches = self.spool.batches(file, 1)
        self.assertEqual([row.rid for row in next(batches)], [1])
        shutil.rmtree(self.directory)
        self.spool.append([row(3)])
        self.assertEqual(list(batches), [])
        self.spool.done(file)
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 2, 3])
        self.assertEqual((self.spool.waiting, self.files()), (0, []))

    def test_directories_are_synced(self) -> None:
        """Each directory that is made is for its owner alone, and its name is on the disk."""
        self.addCleanup(os.umask, os.umask(0))
        synced: list[str] = []
        real = os.fsync

        def noted(descriptor: int) -> None:
            synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
            real(descriptor)

        self.patch(os, "fsync", noted)
        state = next(self.fresh)
        state.mkdir(parents=True)
        self.made(directory=state / "spool" / "store").append([row(1)])
        self.assertEqual(synced, [state.name, "spool", "store"])
        self.assertEqual(stat.S_IMODE((state / "spool").stat().st_mode), 0o700)

    def test_file_that_cannot_be_removed(self) -> None:
        """It says so, and may be left; then it is not replayed again and again."""
        self.spool.append([row(1)])
        (file,) = self.spool.sealed()
        self.patch(Path, "unlink", self.full)
        self.assertRaises(OSError, self.spool.done, file)
        self.spool.leave(file)
        self.assertEqual((self.spool.sealed(), self.spool.waiting), ([], 0))
        self.assertEqual([file.path.name for file in self.made().sealed()], [file.path.name])

    def test_directory_that_cannot_be_read(self) -> None:
        """Own rows are replayed all the same, and the log is told once."""
        self.spool.append([row(1)])
        self.spoil("listdir", self.full, self.full)
        self.assertEqual(len(self.spool.sealed()), 1)
        self.assertEqual(len(self.spool.sealed()), 1)
        self.assertEqual(len(self.spool.remarks()), 1)


class Heirs(Spooling):
    """Several processes in one directory."""

    def test_files_of_the_living_are_left_alone(self) -> None:
        """Neither the present nor a sealed file of another process is touched."""
        self.spool.append([row(1)])
        self.spool.sealed()
        self.spool.append([row(2)])
        other = self.made()
        self.assertEqual(other.sealed(), [])
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1, 2])

    def test_one_heir(self) -> None:
        """What a process left is taken over by one other, counted, and comes before what that wrote itself."""
        self.spool.append([row(1), row(2, 2)])
        other, late = self.made(), self.made()
        other.append([row(3)])
        self.spool.close()
        self.assertEqual(len(other.sealed()), 2)
        self.assertEqual(late.sealed(), [])
        self.assertEqual((other.waiting, other.waiting_of(1), other.waiting_of(2)), (3, 2, 1))
        self.assertEqual([row.rid for row in self.replayed(other)], [1, 2, 3])
        self.assertEqual((other.waiting, other.waiting_of(1), other.waiting_of(2)), (0, 0, 0))

    def test_inheritance_has_a_bound(self) -> None:
        """No more is taken over than there is room for; the rest is for others, or for later; one file always."""
        for number in range(3):
            dead = self.made()
            dead.append([row(number)])
            dead.close()
        self.spool = self.made(len(HEADER) + len(line_of(row(1))) - 1)
        for number in range(3):
            (file,) = self.spool.sealed()
            self.assertEqual([row.rid for batch in self.spool.batches(file, 9) for row in batch], [number])
            self.assertRaises(SpoolFull, self.spool.append, [row(9)])
            self.spool.done(file)
        self.assertEqual(self.spool.sealed(), [])

    def test_new_file_that_somebody_takes(self) -> None:
        """A file that another process finds between its making and its lock is left to that, unharmed."""
        heirs: list[SpoolFile | None] = []
        made: list[Path] = []
        real = SpoolFile._locked

        def locked(file: SpoolFile) -> bool:
            if file.path not in made:
                made.append(file.path)
                if len(made) == 1:
                    heirs.append(SpoolFile.taken(file.path))
                elif len(made) == 2:
                    file.path.unlink()  # taken and done with, while we were not looking
            return real(file)

        self.patch(SpoolFile, "_locked", locked)
        self.spool.append([row(1)])
        (first,) = heirs
        assert first is not None
        self.assertEqual(first.path.read_bytes(), b"")
        self.assertEqual(len(self.files()), 2)
        self.assertEqual([row.rid for row in self.replayed(self.spool)], [1])
        first.close()

    def test_killed_process(self) -> None:
        """What a process answered for is another's the moment it is killed, and not before."""
        script = (
            "import sys, pathlib; from dictd.accounts.spool import Spool; from tests.accounts.test_spool import row;"
            "spool = Spool(pathlib.Path(sys.argv[1]), 1 << 20); spool.append([row(n) for n in range(100)]);"
            "print('kept', flush=True); sys.stdin.read()"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(self.directory)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdout is not None
            self.assertEqual(child.stdout.readline(), "kept\n")
            self.assertEqual(self.spool.sealed(), [])
            child.kill()
            child.wait()
        self.assertEqual(self.replayed(self.spool, 30), [row(number) for number in range(100)])

    def test_limit_of_the_system(self) -> None:
        """A file that the system lets grow no further loses the group that did not fit, and nothing else."""
        script = (
            "import sys, pathlib, resource, signal; from dictd.accounts.spool import Spool;"
            "from tests.accounts.test_spool import row;"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
            "spool = Spool(pathlib.Path(sys.argv[1]), 1 << 20); n = 0\n"
            "try:\n"
            "    while True: spool.append([row(n), row(n)]); n += 1\n"
            "except OSError: print(n)"
        )
        said = subprocess.run(
            [sys.executable, "-c", script, str(self.directory)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        kept = int(said.stdout)
        self.assertGreater(kept, 2)
        found = [row.rid for row in self.replayed(self.spool)]
        self.assertEqual(found, [number for number in range(kept) for _ in range(2)])
        self.assertEqual(self.spool.damaged, 0)
