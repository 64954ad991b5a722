"""Which secrets are kept well: by their modes, whose they are, and who reads them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from shutil import rmtree

from twisted.trial.unittest import SynchronousTestCase

from dictd import secrecy
from dictd.processes import exposure
from dictd.processes.state import State
from dictd.sections import TLS, Settings, Store
from dictd.server import certificates
from dictd.store.credentials import password_of
from tests.support.certificates import made


class Modes(SynchronousTestCase):
    """The rule alone."""

    def test_rule(self) -> None:
        """The group may read what root owns, where the server is not root; nothing else may anybody."""
        for mode, owner, reader, rights in (
            (0o600, 7, 7, 0), (0o400, 0, 7, 0), (0o640, 0, 7, 0), (0o440, 0, 7, 0),
            (0o640, 7, 7, 0o40), (0o640, 0, 0, 0o40), (0o660, 0, 7, 0o60), (0o650, 0, 7, 0o50),
            (0o644, 0, 7, 0o44), (0o604, 0, 7, 0o4), (0o601, 0, 7, 0o1),
        ):  # fmt: skip
            found = os.stat_result((0o100000 | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
            self.assertEqual(secrecy.too_much(found, reader), rights, (oct(mode), owner, reader))

    def test_reader(self) -> None:
        """Root asks for the user whose the state directory is; anybody else for himself."""
        here = Path(self.mktemp())
        here.mkdir()
        self.patch(os, "geteuid", lambda: 7)
        self.assertEqual(secrecy.reader_of(here), 7)
        self.patch(os, "geteuid", lambda: 0)
        self.assertEqual(secrecy.reader_of(here), here.stat().st_uid)
        self.assertEqual(secrecy.reader_of(here / "none"), 0)


class Places(SynchronousTestCase):
    """Who looks: the start, TLS, and the store."""

    def test_of_root(self) -> None:
        """A key and a password of root, for a group, are taken by all three; for everybody by none."""
        base = Path(tempfile.mkdtemp(prefix="dictd-secrecy-"))
        self.addCleanup(rmtree, base)
        base.chmod(0o755)
        certificate, key = made(base / "tls")
        password = base / "password"
        password.write_text("secret\n")
        real = secrecy.too_much
        self.patch(
            secrecy,
            "too_much",
            lambda found, reader: real(os.stat_result((*found[:4], 0, *found[5:])), reader),
        )
        self.patch(os, "geteuid", lambda: 7)
        state = State(base / "state").prepare()
        store = Store(url="mysql://u@h/d", password_file=str(password))
        settings = Settings(store=store, tls=TLS(certificate, key))
        for mode in (0o640, 0o440):
            for path in (password, Path(key)):
                path.chmod(mode)
            exposure.refuse(state, settings)
            certificates.read(settings)
            self.assertEqual(password_of(store), "secret")
        for path in (password, Path(key)):
            path.chmod(0o644)
        self.assertEqual([one.path for one in exposure.exposed(state, settings)], [password, Path(key)])
        for call in (lambda: certificates.read(settings), lambda: password_of(store)):
            with self.assertRaisesRegex(Exception, "can be read by others"):
                call()
        state.server_key.touch(0o600)
        state.server_key.chmod(0o640)
        self.assertIn(state.server_key, [one.path for one in exposure.exposed(state, settings)])
