"""authorized_keys, and the host keys."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import SettingsRefused
from dictd.manhole import hostkeys
from dictd.manhole.authorized import KeysRefused, NoKey, PublicKey, parse, read

BLOB = b"\0\0\0\x0bssh-ed25519" + b"\0\0\0\x20" + b"k" * 32
KEY = f"ssh-ed25519 {base64.b64encode(BLOB).decode()}"


class Lines(SynchronousTestCase):
    """Lines of the file."""

    def test_keys(self) -> None:
        """The key, its comment with all its words, its options."""
        self.assertEqual(parse(KEY), PublicKey("ssh-ed25519", BLOB))
        self.assertEqual(parse(f"  {KEY}  alice at her desk \n").comment, "alice at her desk")
        self.assertFalse(parse(f"restrict {KEY}").terminal)
        self.assertTrue(parse(f"restrict,pty {KEY}").terminal)
        self.assertTrue(parse(f"No-Port-Forwarding,no-X11-forwarding {KEY}").terminal)
        self.assertEqual(parse(f'expiry-time="20300101Z" {KEY}').until, 1893456000)
        self.assertEqual(parse(f'expiry-time="203001010001Z",no-user-rc {KEY} x').until, 1893456060)

    def test_refused(self) -> None:
        """What cannot be kept to, or is no key; a private key is told from others."""
        for line, why in (
            (f'from="10.0.0.1" {KEY}', "option from cannot be kept to"),
            (f'command="echo \\"a b\\"",restrict {KEY}', "option command"),
            (f"cert-authority {KEY}", "option cert-authority"),
            (f'expiry-time="soon" {KEY}', "is not YYYYMMDD"),
            (f'expiry-time="20301301" {KEY}', "is no date"),
            (f"expiry-time {KEY}", "option expiry-time"),
            ("ssh-dss AAAAB3NzaC1kc3M=", "not a public key"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
            ("ssh-ed25519 AAAA", "not whole"),
            ("ssh-ed25519 !!!", "not whole"),
            (f"ssh-rsa {KEY.split()[1]}", "not whole"),
            (f'restrict" {KEY}', "not a public key"),
            (f"a=b,,c {KEY}", "neither an option nor"),
            ("hello", "not a public key"),
        ):
            with self.assertRaises(NoKey, msg=line) as caught:
                parse(line)
            self.assertIn(why, caught.exception.text, line)

    def test_fingerprint(self) -> None:
        """As ssh-keygen -l shows it."""
        self.assertRegex(parse(KEY).fingerprint, r"\ASHA256:[A-Za-z0-9+/]{43}\Z")

    def test_file(self) -> None:
        """Comments and empty lines are nothing; what is wrong has its number."""
        path = Path(self.mktemp())
        path.write_text(f"# us\n\n{KEY} a\nwrong\n{KEY} b", "utf-8")
        path.chmod(0o600)
        found = list(read(path))
        self.assertEqual([number for number, _ in found], [3, 4, 5])
        self.assertIsInstance(found[1][1], NoKey)

    def test_whose(self) -> None:
        """Not where others can write; nor a pipe, nor what is not there."""
        directory = Path(self.mktemp())
        directory.mkdir(mode=0o755)
        path = directory / "a file"
        with self.assertRaises(KeysRefused):
            read(path)
        path.write_text(KEY, "utf-8")
        for wrong, mode, right in ((path, 0o620, 0o644), (path, 0o602, 0o644), (directory, 0o1777, 0o755)):
            wrong.chmod(mode)
            with self.assertRaises(KeysRefused) as caught:
                read(path)
            self.assertIn("type: chmod go-w ", caught.exception.text)
            wrong.chmod(right)
            self.assertEqual(len(list(read(path))), 1)
        os.mkfifo(directory / "pipe")
        with self.assertRaises(KeysRefused):
            read(directory / "pipe")


class HostKeys(SynchronousTestCase):
    """Keys of the server."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())

    def test_made(self) -> None:
        """Both kinds, once; whatever the umask."""
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        keys = hostkeys.prepared(self.directory)
        self.assertEqual([(key.type(), key.size()) for key in keys], [("Ed25519", 256), ("RSA", 3072)])
        modes = {path.name: path.stat().st_mode & 0o777 for path in self.directory.iterdir()}
        self.assertEqual({modes["ssh_host_ed25519_key"], modes["ssh_host_rsa_key"]}, {0o600})
        self.assertEqual(self.directory.stat().st_mode & 0o777, 0o700)
        self.assertEqual(hostkeys.prepared(self.directory), keys)
        known = (self.directory / "known_hosts").read_text("utf-8").splitlines()
        self.assertEqual([line.split()[:2] for line in known], [["dictd", "ssh-ed25519"], ["dictd", "ssh-rsa"]])

    def test_refused(self) -> None:
        """Those that others can read, and what is no key."""
        hostkeys.prepared(self.directory)
        path = self.directory / "ssh_host_ed25519_key"
        path.chmod(0o640)
        with self.assertRaises(SettingsRefused) as caught:
            hostkeys.prepared(self.directory)
        self.assertIn("type: chmod 600 ", caught.exception.text)
        path.write_bytes(b"nothing")
        path.chmod(0o600)
        with self.assertRaises(SettingsRefused) as caught:
            hostkeys.prepared(self.directory)
        self.assertIn("is not a private key", caught.exception.text)
        self.directory.chmod(0o777)
        with self.assertRaises(SettingsRefused) as caught:
            hostkeys.prepared(self.directory)
        self.assertIn("type: chmod 700 ", caught.exception.text)
