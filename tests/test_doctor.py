"""``dictctl doctor`` finds each fault, and changes nothing."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from unittest import SkipTest

from dictd.accounts.keys import ServerKey
from dictd.ctl.looks import clocks, place
from dictd.importers import lease
from dictd.importers.lease import Holder
from dictd.lexicon import catalogue
from dictd.lexicon.reader import Lexicon
from dictd.processes.state import Lock
from dictd.store.sqlite import ACCOUNTS_FILE, DICTIONARIES_FILE, connect
from tests.support.certificates import made
from tests.test_ctl import BIRDS, Commands

#: What is looked at where all is well and no server was here yet, in order.
LOOKS = "settings programs modes room server store schema orphans keys clock lexicon words".split()  # noqa: SIM905


class Doctor(Commands):
    """A state directory with two dictionaries and accounts, all of it well."""

    def setUp(self) -> None:
        super().setUp()
        self.done("import", self.file("birds.tsv", BIRDS))
        self.done("import", self.file("trees.tsv", "oak\ta tree\n"))
        self.accounts, self.store = (self.state / "store" / name for name in (ACCOUNTS_FILE, DICTIONARIES_FILE))
        connect(self.accounts, "accounts").close()
        self.patch(clocks, "synchronised", lambda: True)

    def snapshot(self) -> dict[str, tuple[int, int, int, bytes]]:
        """Everything there is, with modes, times and contents; SQLite's shared memory apart, which readers write."""
        found = {}
        for path in sorted(self.state.rglob("*")):
            if path.name.endswith("-shm"):
                continue
            told = path.stat()
            found[str(path)] = (
                told.st_mode,
                told.st_mtime_ns,
                told.st_ino,
                b"" if path.is_dir() else path.read_bytes(),
            )
        return found

    def look(self, code: int = 0) -> dict[str, list[tuple[str, str]]]:
        """What the doctor found, by what it looked at; nothing changes by looking."""
        before = self.snapshot()
        result = self.ctl("--json", "doctor")
        self.assertEqual(result.exit_code, code, result.output)
        after = self.snapshot()
        self.assertEqual([path for path in {**before, **after} if before.get(path) != after.get(path)], [])
        found: dict[str, list[tuple[str, str]]] = {}
        for finding in json.loads(result.stdout):
            self.assertEqual(set(finding), {"about", "state", "text"})
            self.assertNotIn("\n", finding["text"])
            found.setdefault(finding["about"], []).append((finding["state"], finding["text"]))
        faults = [state for about in found.values() for state, _ in about if state == "fault"]
        self.assertEqual(bool(faults), bool(code), found)
        return found

    def fault(self, about: str, *words: str, others: bool = False) -> str:
        """The one fault there is; its text has these words. Where ``others`` is true, other looks may find some too."""
        found = self.look(1)
        faults = [(where, text) for where, told in found.items() for state, text in told if state == "fault"]
        mine = [text for where, text in faults if where == about]
        self.assertEqual(len(mine), 1, faults)
        if not others:
            self.assertEqual(len(faults), 1, faults)
        for word in words:
            self.assertIn(word, mine[0])
        return mine[0]

    def execute(self, statement: str, path: Path | None = None) -> None:
        """Change a database behind everybody's back."""
        with closing(sqlite3.connect(path or self.store)) as connection:
            connection.execute(statement)
            connection.commit()

    def listed(self, name: str) -> Path:
        """The file of a published dictionary."""
        listing = catalogue.read(self.state / "lexicon").listing(name)
        assert listing is not None
        return self.state / "lexicon" / listing.file


class Well(Doctor):
    """Nothing to complain of."""

    def test_well(self) -> None:
        """Every look is told of, in order, and the last line says that all is well."""
        found = self.look()
        self.assertEqual(list(found), LOOKS)
        self.assertEqual(len(found["schema"]), 2)
        self.assertEqual(
            [text for _, text in found["words"]],
            ["birds: 3 headwords asked, all defined", "trees: 1 headword asked, all defined"],
        )
        self.assertIn("2 dictionaries in step", found["lexicon"][0][1])
        self.assertEqual(found["server"][0][0], "note")
        out = self.done("doctor")
        self.assertTrue(out.endswith("\nAll is well.\n"), out)
        self.assertRegex(out, r"(?m)^ok    modes      nobody else")
        self.assertRegex(out, r"(?m)^ok    programs   dictd [\d.]+, Python 3\.\d+\.\d+, Twisted 2\d\.\d+\.\d+")
        self.assertEqual(found["store"][0][0], "ok")
        self.assertIn("synchronous = FULL", found["store"][0][1])
        self.assertEqual(found["orphans"], [("ok", "every row in the store belongs to somebody")])

    def test_no_state_directory(self) -> None:
        """Before the first start there is nothing to look at, and nothing is made."""
        self.state = self.state.with_name("elsewhere")
        result = self.ctl("--json", "doctor")
        self.assertEqual(
            (result.exit_code, [one["about"] for one in json.loads(result.stdout)]),
            (0, ["settings", "programs", "state"]),
        )
        self.assertFalse(self.state.exists())

    def test_empty_state_directory(self) -> None:
        """Nor where it is empty."""
        self.state = self.state.with_name("empty")
        self.state.mkdir(mode=0o700)
        found = self.look()
        self.assertEqual([state for state, _ in found["schema"]], ["note", "note"])
        self.assertEqual(list(self.state.iterdir()), [])

    def test_settings(self) -> None:
        """Settings that are not understood end it before anything else, in one line."""
        config = self.file("wrong.toml", "[state]\ndirectry = 1\n")
        self.assertIn("directry", self.refused("-c", config, "doctor"))

    def test_certificate(self) -> None:
        """How long it is good; soon over is worth a word, over is a fault, and so are bad files."""

        def found(days: float, code: int = 0) -> tuple[str, str]:
            certificate, key = made(self.files, days=days)
            config = self.file("tls.toml", f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
            result = self.ctl("-c", config, "--json", "doctor")
            self.assertEqual(result.exit_code, code, result.output)
            (one,) = [one for one in json.loads(result.stdout) if one["about"] == "tls"]
            return one["state"], one["text"]

        self.assertRegex(" ".join(found(31)), r"^ok the certificate is good until \d{4}-\d\d-\d\d$")
        self.assertRegex(" ".join(found(29)), r"^note the certificate is good until .*; renew it$")
        self.assertRegex(" ".join(found(-1, 1)), "^fault the certificate has expired on ")
        os.chmod(self.files / "one.key", 0o640)
        self.assertRegex(" ".join(found(31, 1)), "^fault .*; type: chmod 600 ")

    def test_server(self) -> None:
        """While somebody holds the server's lock, he is named; the lock stays his."""
        lock = Lock(self.state / "lock")
        lock.take()
        self.addCleanup(lock.release)
        self.assertEqual(self.look()["server"], [("note", f"it is beginning or ending, process {os.getpid()}")])
        self.assertTrue(lock.held())

    def test_little_room(self) -> None:
        """Little room on the disk is worth a word, no fault."""
        self.patch(place, "LITTLE_ROOM", 1 << 62)
        self.assertEqual(self.look()["room"][0][0], "note")

    def test_while_others_write(self) -> None:
        """A transaction of somebody else does not make it wait or fail, and what it wrote is not seen yet."""
        with closing(connect(self.store, "dictionaries")) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM dictionary")
            self.look()
            other.rollback()

    def test_what_others_have_written(self) -> None:
        """What somebody has committed who still has the database open is seen."""
        with closing(connect(self.store, "dictionaries")) as other:
            other.execute("DELETE FROM dictionary WHERE name = 'birds'")
            self.assertIn("birds is served, and no longer in the store", self.look(1)["lexicon"][0][1])


class Faults(Doctor):
    """Each fault by itself."""

    def test_modes(self) -> None:
        """What others can reach, wherever it is: the path and how it is put right."""
        key = self.state / "server.key"
        key.touch(0o600)
        key.write_bytes(ServerKey.made().line())
        for path in (self.state, self.state / "store", self.state / "lexicon", self.state / "tmp", self.store, key):
            mode = path.stat().st_mode & 0o777
            path.chmod(0o777 if path.is_dir() else 0o640)
            typed = f"chmod {'700' if path.is_dir() else '600'} {path}"
            self.assertTrue(self.fault("modes", f"{path} can be reached by others").endswith(f"; type: {typed}"))
            path.chmod(mode)
        self.look()

    def test_open_directories(self) -> None:
        """Directories as mkdir makes them are worth a word: what is in them is nobody else's all the same."""
        self.state.chmod(0o755)
        notes = [text for state, text in self.look()["modes"] if state == "note"]
        self.assertEqual(len(notes), 1)
        self.assertTrue(notes[0].endswith(f"chmod 700 {self.state}"), notes)

    def test_many_modes(self) -> None:
        """Many files are one finding, with one command."""
        spool = self.state / "spool"
        for number in range(7):
            path = spool / f"{number}.rows"
            path.touch(0o600)
            path.chmod(0o644)
        self.fault("modes", f"7 files can be reached by others; type: chmod -R go= {spool}")

    def test_owner(self) -> None:
        """What belongs to another user."""
        real = os.geteuid
        self.patch(os, "geteuid", lambda: 4711)
        owner = pwd.getpwuid(real()).pw_name
        self.fault("modes", f"{self.state} belongs to {owner}; type: sudo -u {owner} dictctl doctor")

    def test_strangers(self) -> None:
        """What root has made in the directory of another user: told once, with the command."""
        if os.geteuid():
            raise SkipTest("only root can give files away")
        for path in (self.state, *self.state.rglob("*")):
            os.chown(path, 4711, 4711)
        self.look()
        os.chown(self.store, 0, 0)
        os.chown(self.accounts, 0, 0)
        self.fault(
            "modes", "and 1 more belongs to root, the state directory to #4711", f"type: chown -R #4711 {self.state}"
        )

    def test_missing_file(self) -> None:
        """A file of the lexicon that is gone; what is there is asked all the same."""
        path = self.listed("birds")
        path.unlink()
        text = self.fault("lexicon", path.name, "is missing", "two seconds", others=True)
        self.assertIn("trees: 1 headword asked, all defined", str(self.look(1)["words"]), text)

    def test_damaged_file(self) -> None:
        """A file with one byte flipped, of its size; and one that is shorter."""
        path = self.listed("birds")
        content = path.read_bytes()
        for spoiled, why in (
            (content[:-1] + bytes([content[-1] ^ 1]), "is damaged"),
            (content[:-4096], "has not the size it should have"),
        ):
            path.unlink()
            path.write_bytes(spoiled)
            path.chmod(0o400)
            self.fault("lexicon", path.name, why, others=True)

    def test_old_edition(self) -> None:
        """A lexicon that is behind the store: another generation, or another title."""
        self.execute("UPDATE dictionary SET title = 'New' WHERE name = 'birds'")
        self.fault("lexicon", "birds is published in an old edition")
        self.done("import", self.file("birds.tsv", BIRDS))
        listings = catalogue.read(self.state / "lexicon").listings
        self.done("import", self.file("birds.tsv", BIRDS))
        content = (self.state / "lexicon" / catalogue.NAME).read_bytes()
        catalogue.write(self.state / "lexicon", catalogue.Catalogue(listings))
        self.fault("lexicon", "birds is published in an old edition", others=True)
        (self.state / "lexicon" / catalogue.NAME).write_bytes(content)
        self.look()

    def test_not_published(self) -> None:
        """A dictionary of the store that is not in the catalogue; and no catalogue at all."""
        listings = catalogue.read(self.state / "lexicon").listings
        catalogue.write(self.state / "lexicon", catalogue.Catalogue(listings[1:]))
        self.fault("lexicon", "birds is not published")
        (self.state / "lexicon" / catalogue.NAME).unlink()
        found = self.look(1)
        self.assertEqual(
            [text.split(";")[0] for _, text in found["lexicon"]], ["birds is not published", "trees is not published"]
        )

    def test_gone_from_the_store(self) -> None:
        """A dictionary of the catalogue that is gone from the store."""
        self.execute("DELETE FROM dictionary WHERE name = 'trees'")
        self.fault("lexicon", "trees is served, and no longer in the store")

    def test_damaged_catalogue(self) -> None:
        """A catalogue that is none."""
        (self.state / "lexicon" / catalogue.NAME).write_bytes(b"{")
        self.fault("lexicon", catalogue.NAME, "damaged", others=True)

    def test_newer_schema(self) -> None:
        """A database of a newer program, either of them; the other is looked at."""
        for path, subject in ((self.accounts, "accounts"), (self.store, "dictionaries")):
            self.execute(f"INSERT INTO schema_version VALUES ('{subject}', 99, 0)", path)  # noqa: S608
            self.fault("schema", str(path), "has schema 99")
            self.assertEqual(len(self.look(1)["schema"]), 2)
            self.execute("DELETE FROM schema_version WHERE version = 99", path)

    def test_names_of_nothing(self) -> None:
        """Dictionaries that the settings name and that are not there, and a group that cannot be served, are told."""
        config = Path(self.mktemp()).absolute()
        config.write_text('[dictionary.nosuch]\norder = 1\n[group.birds]\nmembers = ["neither"]\n')
        result = self.ctl("--config", str(config), "--json", "doctor")
        self.assertEqual(result.exit_code, 0, result.output)
        notes = [
            one["text"] for one in json.loads(result.stdout) if (one["about"], one["state"]) == ("lexicon", "note")
        ]
        self.assertEqual(
            notes,
            [
                "the settings name the dictionary neither, which is not there",
                "the settings name the dictionary nosuch, which is not there",
                "birds is a dictionary, so the group of that name is not served",
            ],
        )

    def test_older_schema(self) -> None:
        """A database of an older program is brought up at the next start; what is served is in step with it."""
        self.execute("DELETE FROM schema_version WHERE subject = 'dictionaries' AND version >= 2")
        self.execute("DROP TABLE import_lease")
        self.execute("ALTER TABLE words DROP COLUMN frequency")
        found = self.look()
        self.assertEqual(found["schema"][1][0], "note")
        self.assertIn("has schema 1; the next start brings it to 3", found["schema"][1][1])
        self.assertEqual(found["lexicon"][0][0], "ok")

    def test_no_database(self) -> None:
        """A file that is no database: its path is told, the other is looked at, what is served is asked."""
        for path, other in ((self.accounts, self.store), (self.store, self.accounts)):
            content = path.read_bytes()
            path.write_bytes(b"no database " * 1000)
            self.fault("schema", str(path), "not a database", "backup")
            found = self.look(1)
            self.assertIn(f"{other} is sound", str(found["schema"]))
            self.assertEqual(len(found["words"]), 2)
            self.assertEqual(found["lexicon"][0][0], "note" if path == self.store else "ok")
            self.assertNotIn("no longer in the store", str(found))
            path.write_bytes(content)
        self.look()

    def test_corrupted_database(self) -> None:
        """Pages that are overwritten behind a good header."""
        content = bytearray(self.store.read_bytes())
        content[4096:] = os.urandom(len(content) - 4096)
        self.store.write_bytes(content)
        self.fault("schema", str(self.store))

    def test_database_with_a_fault(self) -> None:
        """A database that can be read, and in which SQLite finds a fault."""
        with closing(sqlite3.connect(self.accounts)) as connection:
            connection.execute("CREATE TABLE x (a)")
            connection.execute("INSERT INTO x VALUES (NULL)")
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE x (a NOT NULL)' WHERE name = 'x'")
            connection.commit()
        self.fault("schema", f"{self.accounts} is damaged: NULL value in x.a")

    def test_undefined(self) -> None:
        """A headword that MATCH lists and DEFINE does not find is told with its dictionary."""
        self.patch(Lexicon, "define", lambda *_: [])
        found = self.look(1)
        self.assertIn("birds: 3 headwords asked, 3 not defined as MATCH lists them, such as", found["words"][0][1])

    def test_not_listed(self) -> None:
        """And one that is defined and not listed."""
        match = Lexicon.match
        self.patch(
            Lexicon, "match", lambda lexicon, name, _, word, most: match(lexicon, name, "exact", word + "x", most)
        )
        self.assertEqual([state for state, _ in self.look(1)["words"]], ["fault", "fault"])

    def test_text(self) -> None:
        """Without JSON each fault is a line, and the last counts them."""
        self.state.chmod(0o777)
        result = self.ctl("doctor")
        self.assertEqual((result.exit_code, result.stderr), (1, ""))
        lines = result.stdout.splitlines()
        self.assertEqual(lines[-1], "1 fault found.")
        self.assertTrue(any(line.startswith("fault modes      ") for line in lines), lines)


class Left(Doctor):
    """What imports have left behind is worth a word, no fault."""

    def begin(self, holder: Holder, heard: int) -> None:
        """A lease, and its generation."""
        self.execute(
            "INSERT INTO generation (id, dictionary_name, state, source, format, started, heartbeat)"
            " VALUES (77, 'fish', 'loading', 'x', 'tabbed', 0, 0)"
        )
        self.execute(f"INSERT INTO import_lease VALUES ('fish', '{holder}', 77, {heard}, {heard})")  # noqa: S608

    def test_dead_lease(self) -> None:
        """An import whose process is gone."""
        ended = subprocess.Popen(["true"])
        ended.wait()
        self.begin(Holder(Holder.here().host, ended.pid, 1), int(time.time() * 1000))
        self.assertEqual(
            self.look()["imports"], [("note", "an import of fish was cut off; the next import cleans up after it")]
        )

    def test_of_another_host(self) -> None:
        """One of another host is cut off when it was silent for too long."""
        now = int(time.time() * 1000)
        self.begin(Holder("elsewhere.invalid", 1, 1), now - lease.STALE + 30_000)
        self.assertEqual(self.look()["imports"][0][0], "ok")
        self.execute(f"UPDATE import_lease SET heartbeat = {now - lease.STALE - 1000}")  # noqa: S608
        self.assertEqual(self.look()["imports"][0][0], "note")

    def test_living_lease(self) -> None:
        """An import that goes on is named with its process."""
        self.begin(Holder.here(), 0)
        ((state, text),) = self.look()["imports"]
        self.assertEqual(state, "ok")
        self.assertIn(f"fish is being imported by process {os.getpid()} on ", text)

    def test_dead_generations(self) -> None:
        """Generations that nobody reads wait to be deleted, one or more."""
        self.execute("INSERT INTO generation SELECT 78, 'a', 'dead', '', '', 0, 0, 0, 0, 0")
        self.assertEqual(
            self.look()["imports"], [("note", "1 old generation wait to be deleted; the next import does it")]
        )
        self.execute("INSERT INTO generation SELECT 79, 'a', 'dead', '', '', 0, 0, 0, 0, 0")
        self.assertIn("2 old generations", self.look()["imports"][0][1])
