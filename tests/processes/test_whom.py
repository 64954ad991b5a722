"""Whom an administrator may mean."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.names import AccountName
from dictd.errors import BadArguments, NameNotAllowed
from dictd.processes.whom import Whom, connection_id


class Meant(SynchronousTestCase):
    """Users, addresses, networks, ids."""

    def test_a_user(self) -> None:
        """However the name is written."""
        for said in ("alice", "ALICE", " Ａlice "):
            self.assertTrue(Whom.of(said).meets("1/1", "192.0.2.1", "alice"))
        self.assertFalse(Whom.of("alice").meets("1/1", "192.0.2.1", "bob"))
        self.assertFalse(Whom.of("alice").meets("1/1", "alice", None))

    def test_an_address(self) -> None:
        """An address or a network of either kind; a unix socket is in none."""
        for said, host, met in (
            ("192.0.2.7", "192.0.2.7", True), ("::ffff:192.0.2.7", "192.0.2.7", True),
            ("192.0.2.77/24", "192.0.2.7", True), ("192.0.2.0/29", "192.0.2.8", False),
            ("2001:DB8::/32", "2001:db8::1", True), ("2001:db8::1", "192.0.2.7", False),
            ("fe80::/10", "fe80::1%eth0", True), ("0.0.0.0/0", "unix", False),
        ):  # fmt: skip
            self.assertEqual(Whom.of(said).meets("1/1", host, None), met, said)

    def test_both(self) -> None:
        """A user may be called like an address."""
        self.assertTrue(Whom.of("10.0.0.1").meets("1/1", "192.0.2.1", "10.0.0.1"))
        self.assertTrue(Whom.of("10.0.0.1").meets("1/1", "10.0.0.1", "bob"))

    def test_an_id(self) -> None:
        """One connection and no other."""
        self.assertTrue(Whom.of(connection_id(3, 17)).meets("3/17", "192.0.2.1", "alice"))
        self.assertFalse(Whom.of("3/17").meets("3/1", "192.0.2.1", "3/17"))

    @given(st.integers(0, 10**9), st.integers(0, 10**9))
    def test_ids_are_no_names(self, process: int, serial: int) -> None:
        """Nobody can register by one, nor is it a network."""
        said = connection_id(process, serial)
        self.assertRaises(NameNotAllowed, AccountName.of, said)
        self.assertIsNone(Whom.of(said).network)

    def test_nobody(self) -> None:
        """What cannot be anybody."""
        for said in ("", "  ", None, 7, ["alice"], "\ud800"):
            with self.assertRaises(BadArguments) as caught:
                Whom.of(said)
            self.assertIn("say the name of a user", caught.exception.text)

    @given(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip))
    def test_folded_once(self, said: str) -> None:
        """What is passed on as it was understood is understood in the same way."""
        try:
            whom = Whom.of(said)
        except BadArguments:
            return
        self.assertEqual(Whom.of(whom.said), whom)
