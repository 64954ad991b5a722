"""server.key on a real disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.keys import ServerKey
from dictd.errors import SettingsRefused
from dictd.processes import serverkey
from dictd.processes.state import State


class Loading(SynchronousTestCase):
    """Made once, read ever after."""

    def setUp(self) -> None:
        """A state directory without one."""
        self.state = State(Path(self.mktemp()).absolute()).prepare()
        self.path = self.state.server_key

    def refusal(self) -> str:
        """The one line a start is refused with."""
        text = self.assertRaises(SettingsRefused, serverkey.load, self.path).text
        self.assertIn(str(self.path), text)
        self.assertNotIn("\n", text)
        return text

    def test_made_at_the_first_start(self) -> None:
        """0600 whatever the umask, one line, the same at every further start, and nothing left beside it."""
        self.addCleanup(os.umask, os.umask(0))
        made = serverkey.load(self.path)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(self.path.read_bytes(), made.line())
        self.assertEqual(serverkey.load(self.path), made)
        self.assertEqual([path.name for path in self.state.directory.glob("server*")], ["server.key"])
        self.assertEqual(self.path.stat().st_nlink, 1)

    def test_others_are_others(self) -> None:
        """Two state directories have two keys."""
        other = State(Path(self.mktemp()).absolute()).prepare()
        self.assertNotEqual(serverkey.load(self.path).id, serverkey.load(other.server_key).id)

    def test_synced(self) -> None:
        """The file before it has its name, the directory after."""
        synced: list[tuple[bool, bool]] = []
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), self.path.exists()))
            fsync(descriptor)

        self.patch(os, "fsync", noted)
        serverkey.load(self.path)
        self.assertEqual(synced, [(False, False), (True, True)])

    def test_one_cut_off_while_it_was_made(self) -> None:
        """What a power failure left is no key and is not taken for one."""
        self.path.with_name("server.key.new").write_bytes(b"0123")
        serverkey.load(self.path)
        self.assertFalse(self.path.with_name("server.key.new").exists())

    def test_one_that_came_meanwhile_stays(self) -> None:
        """Of two who make one the first wins."""
        first = ServerKey.made()
        link = os.link

        def late(source: Path, target: Path) -> None:
            target.touch(0o600)
            target.write_bytes(first.line())
            link(source, target)

        self.patch(os, "link", late)
        self.assertEqual(serverkey.load(self.path), first)

    def test_modes(self) -> None:
        """Any right of anybody else refuses the start, with the command to type; fewer rights are fine."""
        key = serverkey.load(self.path)
        for mode in (0o640, 0o604, 0o660, 0o610, 0o602, 0o644, 0o777):
            self.path.chmod(mode)
            self.assertTrue(self.refusal().endswith(f"type: chmod 600 {self.path}"), oct(mode))
        self.path.chmod(0o400)
        self.assertEqual(serverkey.load(self.path), key)

    def test_what_is_no_key(self) -> None:
        """Empty, cut off, something else: refused, left as it is, and its content not shown."""
        whole = ServerKey.made().line()
        for content in (b"", whole[:40], whole * 2, b"-----BEGIN-----\n", bytes(32), b"f" * 100_000):
            self.path.touch(0o600)
            self.path.write_bytes(content)
            text = self.refusal()
            self.assertIn("is not a server key", text)
            self.assertNotIn(whole[:8].decode(), text)
            self.assertEqual(self.path.read_bytes(), content)

    def test_what_is_no_file(self) -> None:
        """A directory and a pipe are refused, without waiting for the pipe."""
        self.path.mkdir(0o700)
        self.assertIn("is not a file", self.refusal())
        self.path.rmdir()
        os.mkfifo(self.path, 0o600)
        self.assertIn("is not a file", self.refusal())

    def test_what_cannot_be_made(self) -> None:
        """The directory is gone, or the disk is full: one line with the reason."""
        self.path = self.state.directory / "gone" / "server.key"
        self.assertIn("No such file", self.refusal())
        self.path = self.state.server_key

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "fsync", full)
        self.assertIn("No space left", self.refusal())
        self.assertFalse(self.path.exists())
