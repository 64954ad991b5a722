"""What others may read or change, on a real disk; by modes alone, so that root sees the same."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from shutil import rmtree
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import SettingsRefused
from dictd.processes import exposure, preflight
from dictd.processes.preflight import Origin
from dictd.processes.state import State
from dictd.sections import TLS, Manhole, Settings, Store


class Exposure(SynchronousTestCase):
    """A state directory that others come to, with everything in it that a server makes."""

    def setUp(self) -> None:
        """Under /tmp, which everybody comes through."""
        base = Path(tempfile.mkdtemp(prefix="dictd-exposure-"))
        self.addCleanup(rmtree, base)
        base.chmod(0o755)
        self.base, self.state, self.settings = base, State(base / "state").prepare(), Settings()
        self.manhole = self.state.directory / "manhole"
        for path in (
            self.state.store / "accounts.sqlite",
            self.state.store / "accounts.sqlite-wal",
            self.state.spool / "0123456789abcdef" / "1-2-3.rows",
            self.state.temporary / "a backup",
            self.state.server_key,
            self.state.directory / "bans.json",
            self.state.directory / "control.sock",
            self.manhole / "ssh_host_ed25519_key",
            self.manhole / "ssh_host_ed25519_key.pub",
            self.manhole / "authorized_keys",
            self.manhole / "known_hosts",
        ):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.touch(0o600)

    def open(self) -> None:
        """Let everybody look into all directories, as mkdir makes them."""
        for directory in (self.state.directory, *self.state.directory.rglob("*")):
            if directory.is_dir():
                directory.chmod(0o755)

    def found(self) -> list[Path]:
        """What a start refuses."""
        return [one.path for one in exposure.exposed(self.state, self.settings, reached=True)]

    def refusal(self) -> str:
        """The one line a start is refused with; what it says to type puts everything right."""
        text = self.assertRaises(SettingsRefused, exposure.refuse, self.state, self.settings).text
        self.assertNotIn("\n", text)
        typed = text.partition("type: ")[2]
        subprocess.run(typed, shell=True, check=True)  # noqa: S602 - as an administrator does
        exposure.refuse(self.state, self.settings)
        return text

    def test_well(self) -> None:
        """Nothing is refused as a server makes it, nor where mkdir has made the directories."""
        exposure.refuse(self.state, self.settings)
        self.open()
        exposure.refuse(self.state, self.settings)

    def test_each_file(self) -> None:
        """Each secret by itself, readable or writable by a group or by all; the command names it."""
        self.open()
        files = sorted(path for path in self.state.directory.rglob("*") if path.is_file())
        self.assertEqual(len(files), 11)
        for path in files:
            public = path.name in ("authorized_keys", "known_hosts", "ssh_host_ed25519_key.pub")
            for mode in (0o640, 0o604, 0o620, 0o602):
                path.chmod(mode)
                if public and not mode & 0o022:
                    self.assertEqual(self.found(), [])
                else:
                    done = "read" if mode & 0o044 else "changed"
                    self.assertEqual(
                        self.refusal(),
                        f"{path} can be {done} by others; type: chmod 600 {shlex.quote(str(path))}",
                    )
                path.chmod(0o600)

    def test_nobody_comes_there(self) -> None:
        """Inside a directory that lets nobody in a file is read by nobody: the directory itself, or one far above."""
        path = self.state.store / "accounts.sqlite"
        path.chmod(0o644)
        for closed in (self.state.store, self.state.directory, self.base):
            self.open()
            self.base.chmod(0o755)
            self.assertEqual(self.found(), [path])
            closed.chmod(0o700)
            self.assertEqual(self.found(), [])
            self.assertEqual([one.path for one in exposure.exposed(self.state, self.settings)], [path])

    def test_group(self) -> None:
        """A directory that lets its group in and nobody else exposes what the group may read, and no more."""
        self.open()
        self.state.directory.chmod(0o750)
        path = self.state.store / "accounts.sqlite"
        path.chmod(0o604)
        self.assertEqual(self.found(), [])
        path.chmod(0o640)
        self.assertEqual(self.found(), [path])

    def test_directories(self) -> None:
        """Where others can write they put a file in the place of ours."""
        for directory in (self.state.directory, self.state.store, self.state.lexicon, self.state.spool, self.manhole):
            self.open()
            directory.chmod(0o777)
            self.assertEqual(self.refusal(), f"{directory} can be changed by others; type: chmod 700 {directory}")

    def test_all_at_once(self) -> None:
        """Everything is in one command; many of one directory are told by the directory."""
        self.open()
        self.state.server_key.chmod(0o644)
        (self.manhole / "ssh_host_ed25519_key").chmod(0o640)
        rows = [self.state.spool / "0123456789abcdef" / f"{number}.rows" for number in range(50)]
        for path in rows:
            path.touch(0o600)
            path.chmod(0o644)
        text = self.refusal()
        self.assertEqual(
            text,
            "what must be secret can be read by others; type:"
            f" chmod 600 {self.manhole / 'ssh_host_ed25519_key'} {self.state.server_key}"
            f" && chmod -R go= {self.state.spool}",
        )

    def test_a_name_with_a_blank(self) -> None:
        """The command can be typed as it is."""
        self.open()
        path = self.state.store / "it's mine"
        path.touch(0o600)
        path.chmod(0o644)
        self.refusal()

    def test_what_the_settings_name(self) -> None:
        """The database's password, the key of TLS, authorized_keys elsewhere; unused ones are nobody's business."""
        password, key, authorized = (self.base / name for name in ("password", "key", "authorized"))
        for path in (password, key, authorized):
            path.touch(0o600)
            path.chmod(0o664)
        self.base.chmod(0o700)  # keys and passwords are refused wherever they are
        named = evolve(
            self.settings,
            store=Store(url="mysql://u@h/d", password_file=str(password)),
            tls=TLS(certificate="/nowhere", key=str(key)),
            manhole=Manhole(authorized_keys=str(authorized)),
        )
        self.settings = named
        self.assertEqual(self.found(), [password, key])
        self.base.chmod(0o755)
        self.assertEqual(set(self.found()), {password, key, authorized})
        self.settings = evolve(
            named, store=evolve(named.store, url="sqlite"), tls=evolve(named.tls, certificate=""), manhole=Manhole()
        )
        self.assertEqual(self.found(), [])

    def test_links(self) -> None:
        """What a link leads to is judged in the state directory; elsewhere its modes are not ours to change."""
        self.open()
        other, own = self.base / "other", self.state.directory / "own"
        for path in (other, own):
            path.touch(0o600)
            path.chmod(0o644)
        bans = self.state.directory / "bans.json"
        bans.unlink()
        links = [bans, self.state.store / "link", self.manhole / "round"]
        for link in links[:2]:
            link.symlink_to(other)
        links[2].symlink_to(links[2])
        (self.state.store / "directory").symlink_to(self.state.lexicon)
        self.assertEqual(self.found(), [])
        links[1].unlink()
        links[1].symlink_to(own)
        self.assertEqual(self.found(), [links[1]])
        self.assertEqual(other.stat().st_mode & 0o777, 0o644)

    def test_no_walk(self) -> None:
        """Where nobody comes to a directory its files are not looked at."""
        looked: list[str] = []
        real = os.scandir

        def noted(path: Path) -> Any:
            looked.append(str(path))
            return real(path)

        self.patch(os, "scandir", noted)
        exposure.refuse(self.state, self.settings)
        self.assertEqual(looked, [])
        self.open()
        looked.clear()
        exposure.refuse(self.state, self.settings)
        self.assertEqual(len(looked), 5)


class Preflight(SynchronousTestCase):
    """Before a start and a reload."""

    def test_checked(self) -> None:
        """It is refused before anything is read or made."""
        base = Path(tempfile.mkdtemp(prefix="dictd-exposure-"))
        self.addCleanup(rmtree, base)
        base.chmod(0o777)
        state = State(base)
        origin = Origin(None, {"state": {"directory": str(base)}})
        trouble = self.assertRaises(SettingsRefused, preflight.checked, origin)
        self.assertEqual(trouble.text, f"{base} can be changed by others; type: chmod 700 {base}")
        self.assertFalse(state.server_key.exists())
        base.chmod(0o755)
        preflight.checked(origin)
