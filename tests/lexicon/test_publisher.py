"""The publisher: the live generations of a real store into ``lexicon/``."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import StoreUnavailable
from dictd.lexicon import building, catalogue, records
from dictd.lexicon.catalogue import Catalogue, Listing
from dictd.model import Entry
from dictd.processes import publish
from dictd.processes.publish import Publisher
from dictd.processes.state import Lock
from dictd.store.sqlite import DICTIONARIES_FILE
from tests.lexicon.publishing import Library, entries, entry, found
from tests.store.databases import is_mariadb, on_both


@on_both
class Publishing(SynchronousTestCase):
    """One look after another."""

    def setUp(self) -> None:
        """A store with two dictionaries, nothing published."""
        self.library = Library.fresh(self)
        self.library.bring("wn", entries("run", "walk", "Run"), title="WordNet")
        self.library.bring("jargon", entries("foo"))

    def look(self, publisher: Publisher | None = None) -> tuple[bool, list[str]]:
        """Whether a look changed anything, and what was said."""
        self.library.said.clear()
        changed = (publisher or self.library.publisher).look()
        return changed, list(self.library.said)

    def again(self) -> Publisher:
        """A publisher that has just been started."""
        return Publisher(self.library.state, self.library.said.append, self.library.database)

    def listing(self, name: str) -> Listing:
        """What the catalogue says of a dictionary."""
        listing = catalogue.read(self.library.state.lexicon).listing(name)
        assert listing is not None
        return listing

    def path(self, name: str) -> Path:
        """The file of a dictionary."""
        return self.library.state.lexicon / self.listing(name).file

    def served(self, word: str) -> list[tuple[str, str]]:
        """Database and text of each definition that a server would give now."""
        lexicon = self.library.lexicon(self)
        answers = [(database, text) for database, _, text in found(lexicon.define("*", word))]
        lexicon.close()
        return answers

    def assertTidy(self) -> None:
        """The directory has the catalogue, the files it lists and nothing else."""
        listed = {listing.file for listing in catalogue.read(self.library.state.lexicon).listings}
        self.assertEqual(self.library.files(), listed | {catalogue.NAME})

    def test_first_look(self) -> None:
        """What is live is built, listed in order and served; one line is said of each dictionary."""
        changed, said = self.look()
        self.assertTrue(changed)
        self.assertEqual(
            [line.split(",")[0] for line in said],
            [
                "wn is published: 3 headwords",
                "jargon is published: 1 headwords",
            ],
        )
        self.assertEqual(self.library.published(), ["wn", "jargon"])
        self.assertEqual(self.served("walk"), [("wn", "about walk")])
        self.assertTidy()

    def test_what_a_listing_says(self) -> None:
        """Generation, headwords, size and title are those of the store and the file."""
        self.look()
        listing, live = self.listing("wn"), self.library.live()[0]
        self.assertEqual((listing.generation, listing.headwords), (live.generation, 3))
        self.assertEqual(self.path("wn").stat().st_size, listing.size)
        lexicon = self.library.lexicon(self)
        self.assertEqual(lexicon.dictionaries()[0], (live.dictionary, 3))

    def test_nothing_to_publish(self) -> None:
        """A store without dictionaries changes nothing and writes no catalogue."""
        library = Library.fresh(self)
        self.assertFalse(library.publisher.look())
        self.assertEqual((library.files(), library.said), (set(), []))

    def test_second_look(self) -> None:
        """A second look changes nothing, says nothing and touches no file; nor does a new publisher's first."""
        self.look()
        before = {name: (self.library.state.lexicon / name).stat() for name in self.library.files()}
        for publisher in (self.library.publisher, self.library.publisher, self.again()):
            self.assertEqual(self.look(publisher), (False, []))
        after = {name: (self.library.state.lexicon / name).stat() for name in self.library.files()}
        self.assertEqual(
            {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in after.items()},
            {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in before.items()},
        )

    def mended(self, name: str, fault: str, publisher: Publisher) -> None:
        """A look finds a fault, says it, builds that one file again, and the next look is content."""
        file, inode = self.listing(name).file, self.path("jargon").stat().st_ino
        changed, said = self.look(publisher)
        self.assertTrue(changed)
        self.assertEqual(said[0], f"{file} {fault}: it is built again")
        self.assertIn(f"{name} is published", said[1])
        self.assertEqual(len(said), 2)
        self.assertEqual(self.served("run"), [("wn", "about run"), ("wn", "about Run")])
        self.assertEqual(self.path("jargon").stat().st_ino, inode)
        self.assertEqual(self.look(publisher), (False, []))
        self.assertEqual(self.look(self.again()), (False, []))
        self.assertTidy()

    def test_file_missing(self) -> None:
        """A file that is gone is built again, at any look."""
        self.look()
        for publisher in (self.library.publisher, self.again()):
            self.path("wn").unlink()
            self.mended("wn", "is missing", publisher)

    def test_file_truncated(self) -> None:
        """A file that is too short is built again, at any look."""
        self.look()
        for publisher in (self.library.publisher, self.again()):
            content = self.path("wn").read_bytes()
            self.path("wn").write_bytes(content[:-1])
            self.mended("wn", "has not the size it should have", publisher)

    def test_file_of_garbage(self) -> None:
        """A file of the right size whose bytes are wrong is built again by a publisher that starts."""
        self.look()
        size = self.listing("wn").size
        self.path("wn").write_bytes(os.urandom(size))
        self.mended("wn", "is damaged", self.again())

    def test_one_bit(self) -> None:
        """One bit that fell over is found by a publisher that starts."""
        self.look()
        content = bytearray(self.path("wn").read_bytes())
        content[len(content) // 2] ^= 1
        self.path("wn").write_bytes(content)
        self.mended("wn", "is damaged", self.again())

    def test_file_of_another_format(self) -> None:
        """A file that an older program built is built again, and the old one is swept."""
        self.look()
        old = self.listing("wn")
        older = evolve(old, file=old.file.replace(f"-{records.FORMAT}.lmdb", f"-{records.FORMAT - 1}.lmdb"))
        self.path("wn").rename(self.library.state.lexicon / older.file)
        catalogue.write(self.library.state.lexicon, Catalogue((older, self.listing("jargon"))))
        self.mended("wn", "has another format", self.library.publisher)
        self.assertEqual(self.listing("wn").file, old.file)

    def test_server_follows_what_is_built_again(self) -> None:
        """The catalogue is written again also where the listing is the same, so that servers look."""
        self.look()
        lexicon = self.library.lexicon(self)
        inode = self.path("wn").stat().st_ino
        self.path("wn").unlink()
        self.look()
        self.assertTrue(lexicon.refresh())
        self.assertEqual(lexicon.define("wn", "run")[0].generation.identity[1], self.path("wn").stat().st_ino)
        self.assertNotEqual(self.path("wn").stat().st_ino, inode)

    def test_removed(self) -> None:
        """A removed dictionary leaves the catalogue and the directory; one line is said."""
        self.look()
        file = self.listing("wn").file
        self.library.remove("wn")
        self.assertEqual(self.look(), (True, ["wn is no longer served"]))
        self.assertEqual(self.library.published(), ["jargon"])
        self.assertNotIn(file, self.library.files())
        self.assertEqual(self.served("run"), [])
        self.assertTidy()

    def test_last_one_removed(self) -> None:
        """With the last dictionary gone the catalogue is empty, not missing."""
        self.look()
        self.library.remove("wn")
        self.library.remove("jargon")
        self.look()
        self.assertEqual((self.library.published(), self.library.files()), ([], {catalogue.NAME}))

    def test_new_generation(self) -> None:
        """A dictionary imported again is built anew, its old file swept, its neighbour not built."""
        self.look()
        old = self.listing("wn").file
        self.library.bring("wn", [entry("run", text="new")], title="WordNet")
        changed, said = self.look()
        self.assertTrue(changed)
        self.assertEqual(len(said), 1)
        self.assertNotIn(old, self.library.files())
        self.assertEqual(self.library.published(), ["wn", "jargon"])
        self.assertEqual(self.served("run"), [("wn", "new")])
        self.assertTidy()

    def test_loading_generation_is_not_published(self) -> None:
        """While an import runs, the old generation is what is published."""
        self.look()

        seen: list[tuple[bool, list[str]]] = []

        def rows() -> Iterator[Entry]:
            yield entry("run", text="new")
            seen.append(self.look())
            yield entry("walk", text="new")

        self.library.bring("wn", rows())
        self.assertEqual(seen, [(False, [])])

    def test_changed_title(self) -> None:
        """A title that was changed in the store is published, the words with it."""
        self.look()
        self.library.execute("UPDATE dictionary SET title = 'Word, net' WHERE name = 'wn'")
        changed, said = self.look()
        self.assertTrue(changed)
        self.assertEqual(len(said), 1)
        lexicon = self.library.lexicon(self)
        self.assertEqual(lexicon.dictionary("wn").title, "Word, net")
        self.assertEqual(len(lexicon.define("wn", "walk")), 1)
        self.assertTidy()

    def test_changed_order(self) -> None:
        """Another order in the store is another order of the catalogue; no file is built for it."""
        self.look()
        self.library.execute("UPDATE dictionary SET position = 9 WHERE name = 'wn'")
        self.assertEqual(self.look(), (True, []))
        self.assertEqual(self.library.published(), ["jargon", "wn"])

    def test_leftovers(self) -> None:
        """Remains of a publisher that was killed, and files of nobody, go with the next change."""
        self.look()
        for name in (".publishing-1-wn", ".publishing-99999-oed", "stray.lmdb", "wn-0-00000000-1.lmdb"):
            (self.library.state.lexicon / name).write_bytes(b"x" * 100)
        self.library.bring("oed", entries("run"))
        self.look()
        self.assertTidy()

    def test_killed_in_the_middle(self) -> None:
        """What a killed publisher left under the very name of the next one does not harm it."""
        (self.library.state.lexicon / f".publishing-{os.getpid()}-wn").write_bytes(b"x" * 100)
        self.look()
        self.assertEqual(self.served("walk"), [("wn", "about walk")])
        self.assertTidy()

    def test_damaged_catalogue(self) -> None:
        """A damaged catalogue is made again, with a line said."""
        self.look()
        (self.library.state.lexicon / catalogue.NAME).write_text("{", "utf-8")
        changed, said = self.look(self.again())
        self.assertTrue(changed)
        self.assertTrue(said[0].endswith("; it is made again"), said[0])
        self.assertEqual(self.library.published(), ["wn", "jargon"])
        self.assertEqual(self.served("walk"), [("wn", "about walk")])

    def test_lock_is_given_back(self) -> None:
        """After a look, and after one that failed, somebody else may publish."""
        lock = Lock(self.library.state.lexicon / ".lock")
        self.look()
        self.assertTrue(lock.take())
        lock.release()
        if is_mariadb(self):
            self.library.execute("INSERT INTO schema_version VALUES ('dictionaries', 99, 0)")
        else:
            self.library.connection.close()
            for path in self.library.state.store.iterdir():
                path.unlink()
            (self.library.state.store / DICTIONARIES_FILE).write_bytes(b"no database" * 1000)
        self.assertRaises(StoreUnavailable, self.library.publisher.look)
        self.assertTrue(lock.take())
        lock.release()

    def test_full_disk(self) -> None:
        """Where a file cannot be built it is an OSError; the catalogue and its files stay, and all goes on later."""
        self.look()
        before = catalogue.read(self.library.state.lexicon)
        self.library.bring("wn", [entry(f"new {no}", text="x" * 1000) for no in range(300)])
        whole = building._MAP_SIZE
        self.patch(building, "_MAP_SIZE", 64 << 10)
        self.assertRaises(OSError, self.library.publisher.look)
        self.assertEqual(catalogue.read(self.library.state.lexicon), before)
        self.assertEqual(self.served("walk"), [("wn", "about walk")])
        self.assertTidy()
        self.patch(building, "_MAP_SIZE", whole)
        self.assertTrue(self.look()[0])
        self.assertEqual(len(self.served("new 299")), 1)
        self.assertTidy()

    def test_failure_of_one(self) -> None:
        """One dictionary that cannot be built stays as it was; the others are published all the same."""
        self.look()
        old = self.listing("wn")
        self.library.bring("wn", entries("new"))
        self.library.execute("UPDATE means SET no = 7 WHERE gen = (SELECT live_gen FROM dictionary WHERE name = 'wn')")
        self.library.bring("jargon", [entry("foo", text="new")])
        self.library.bring("oed", entries("word"))
        for _ in range(2):
            self.assertRaises(ValueError, self.look)
            self.assertEqual(self.library.published(), ["wn", "jargon", "oed"])
            self.assertEqual(self.listing("wn"), old)
            self.assertEqual(self.served("foo"), [("jargon", "new")])
            self.assertTidy()

    def test_distrust(self) -> None:
        """When somebody met a damaged file, the next look reads all of them, and only that one."""
        self.look()
        self.path("wn").chmod(0o600)
        content = bytearray(self.path("wn").read_bytes())
        content[-1] ^= 1
        self.path("wn").write_bytes(content)
        self.assertEqual(self.look(), (False, []))
        self.library.publisher.distrust()
        self.mended("wn", "is damaged", self.library.publisher)

    def test_failure_is_quiet(self) -> None:
        """When a look failed, what it was reading is closed without a word about that on standard error."""
        noise: list[Any] = []
        self.patch(sys, "unraisablehook", noise.append)
        self.library.bring("wn", [entry(f"new {no}", text="x" * 1000) for no in range(300)])
        self.patch(building, "_MAP_SIZE", 64 << 10)
        self.patch(records, "CHUNK", 1000)
        self.assertRaises(OSError, self.library.publisher.look)
        gc.collect()
        self.assertEqual([one.exc_value for one in noise], [])

    def test_from_the_command_line(self) -> None:
        """``python -m dictd.processes.publish`` looks once, says its lines on standard output and ends with 0."""
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "dictd.processes.publish",
                "--state-dir",
                str(self.library.state.directory),
                "--told",
            ],
            input=json.dumps({"store": {"url": self.library.settings.url}}) + "\n",
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
            check=False,
        )
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertEqual(len(ran.stdout.splitlines()), 2)
        self.assertEqual(self.library.published(), ["wn", "jargon"])
        self.assertEqual(self.look(), (False, []))

    def test_look_once(self) -> None:
        """What dictctl calls is one look of a publisher of its own."""
        said: list[str] = []
        self.assertTrue(publish.look_once(self.library.state, self.library.database, said.append))
        self.assertFalse(publish.look_once(self.library.state, self.library.database, said.append))
        self.assertEqual(len(said), 2)
