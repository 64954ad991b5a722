"""Whether a key that ssh tries of itself is let in."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from dictd.ctl import identities


def _line(letter: bytes) -> str:
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + letter * 32
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} alice@desk\n"


class NoneFits(SynchronousTestCase):
    """A directory of keys, and a file of those let in."""

    def setUp(self) -> None:
        """One is let in; there is no agent, and no key."""
        self.where = Path(self.mktemp()).absolute()
        self.where.mkdir(mode=0o700)
        self.let_in = self.where / "let_in"
        self.let_in.write_text(_line(b"a"), "utf-8")
        self.let_in.chmod(0o600)
        self.enterContext(mock.patch.dict(os.environ))
        os.environ.pop("SSH_AUTH_SOCK", None)

    def put(self, name: str, text: str) -> None:
        """A file of ssh's."""
        (self.where / name).write_text(text, "utf-8")

    def test_files(self) -> None:
        """None, another, the one; a key without its public half may be any."""
        self.assertTrue(identities.none_fits(self.let_in, self.where))
        self.put("mine.pub", _line(b"a"))
        self.put("id_rsa.pub", "nonsense")
        self.put("id_ed25519.pub", _line(b"b"))
        self.assertTrue(identities.none_fits(self.let_in, self.where))
        self.put("id_ecdsa", "private")
        self.assertFalse(identities.none_fits(self.let_in, self.where))
        self.put("id_ecdsa.pub", _line(b"b"))
        self.assertTrue(identities.none_fits(self.let_in, self.where))
        self.put("id_ed25519.pub", _line(b"a"))
        self.assertFalse(identities.none_fits(self.let_in, self.where))

    def test_agent(self) -> None:
        """What an agent has counts."""
        program = self.where / "ssh-add"
        for letter, fits in ((b"a", True), (b"b", False)):
            program.write_text(f"#!/bin/sh\necho '{_line(letter).strip()}'\n", "utf-8")
            program.chmod(0o700)
            os.environ |= {"SSH_AUTH_SOCK": "/nowhere", "PATH": f"{self.where}:{os.environ['PATH']}"}
            self.assertEqual(identities.none_fits(self.let_in, self.where), not fits)

    def test_unknown(self) -> None:
        """Where the file cannot be read nothing is said."""
        self.assertFalse(identities.none_fits(self.where / "none", self.where))

    def test_usual(self) -> None:
        """Those that ssh tries."""
        self.assertTrue(identities.usual(self.where / "id_ed25519", self.where))
        self.assertFalse(identities.usual(self.where / "mine", self.where))
        self.assertFalse(identities.usual(Path("/tmp/id_ed25519"), self.where))  # noqa: S108
