"""Certificates: what is refused, what is told, and what is read again."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.sections import TLS
from dictd.server import certificates
from dictd.server.certificates import Certificates
from tests.support.certificates import made


class Files(SynchronousTestCase):
    """A directory for certificates."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()

    def settings(self, certificate: str, key: str = "") -> Settings:
        """Settings with these files."""
        return Settings(tls=TLS(certificate, key))

    def refusal(self, certificate: str, key: str = "") -> str:
        """Why they are refused: one line."""
        with self.assertRaises(SettingsRefused) as caught:
            certificates.read(self.settings(certificate, key))
        self.assertNotIn("\n", caught.exception.text)
        return caught.exception.text


class Refused(Files):
    """Each fault, with what to do."""

    def test_missing(self) -> None:
        """One of the files is not there."""
        certificate, key = made(self.directory)
        self.assertRegex(
            self.refusal("/no/such", key), "^/no/such cannot be read: No such file.*tls.certificate, README"
        )
        self.assertRegex(
            self.refusal(certificate, "/no/such"), "^/no/such cannot be read: No such file.*tls.key, README"
        )
        self.assertIn("is not a file", self.refusal(str(self.directory), key))
        os.mkfifo(self.directory / "pipe")
        self.assertIn("is not a file", self.refusal(certificate, str(self.directory / "pipe")))

    def test_read_by_others(self) -> None:
        """Group or others can read the key."""
        certificate, key = made(self.directory)
        for mode in (0o640, 0o604, 0o620, 0o644):
            os.chmod(key, mode)
            self.assertIn(f"; type: chmod 600 {key}", self.refusal(certificate, key))
        os.chmod(key, 0o400)
        certificates.read(self.settings(certificate, key))

    def test_one_file(self) -> None:
        """The key may stand with the certificate; then that file is secret."""
        certificate, key = made(self.directory)
        both = self.directory / "both.pem"
        both.touch(0o600)
        both.write_bytes(Path(key).read_bytes() + Path(certificate).read_bytes())
        certificates.read(self.settings(str(both)))
        both.chmod(0o644)
        self.assertIn("chmod 600", self.refusal(str(both)))
        self.assertIn("has no private key in PEM", self.refused_without_key(certificate))

    def refused_without_key(self, certificate: str) -> str:
        """A certificate alone, which only its owner can read."""
        os.chmod(certificate, 0o600)
        return self.refusal(certificate)

    def test_another_key(self) -> None:
        """The key is another's, of the same kind or not."""
        certificate, _ = made(self.directory)
        _, other = made(self.directory, "other")
        self.assertIn("is not that of the first certificate", self.refusal(certificate, other))
        foreign = self.directory / "rsa.key"
        foreign.touch(0o600)
        key = rsa.generate_private_key(65537, 2048)
        foreign.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.assertIn("is not that of the first certificate", self.refusal(certificate, str(foreign)))

    def test_junk(self) -> None:
        """Files that are something else."""
        certificate, key = made(self.directory)
        self.assertIn("has no certificate in PEM", self.refusal(key, key))
        for text in (b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
            junk = self.directory / "junk"
            junk.touch(0o600)
            junk.write_bytes(text)
            self.assertIn("has no private key in PEM", self.refusal(certificate, str(junk)))
            self.assertIn("has no certificate in PEM", self.refusal(str(junk), key))

    def test_passphrase(self) -> None:
        """Nobody is there to type it."""
        certificate, key = made(self.directory, passphrase="sesame")
        self.assertIn("has a passphrase; type: openssl pkey -in", self.refusal(certificate, key))


class Times(Files):
    """When a certificate is good."""

    def complaints(self, days: float, since: float = -1) -> list[str]:
        """What is told at the start; it is no reason not to start."""
        certificate, key = made(self.directory, days=days, since=since)
        with capturedLogs() as events:
            self.assertIsNotNone(Certificates.of(self.settings(certificate, key)))
        return [str(event["trouble"]) for event in events if event["log_level"] is LogLevel.warn]

    def test_told(self) -> None:
        """Expired and not yet good; else nothing is said."""
        self.assertEqual(self.complaints(90), [])
        (expired,) = self.complaints(-1)
        self.assertIn("has expired on", expired)
        (early,) = self.complaints(90, since=2)
        self.assertIn("is valid from", early)

    def test_none(self) -> None:
        """Settings without a certificate."""
        self.assertIsNone(Certificates.of(Settings()))


class Looking(Files):
    """Files that change while the server runs."""

    def setUp(self) -> None:
        super().setUp()
        certificate, key = made(self.directory)
        self.paths = Path(certificate), Path(key)
        taken = Certificates.of(self.settings(certificate, key))
        assert taken is not None
        self.certificates = taken
        self.before = taken.context

    def look(self, force: bool = False) -> list[str]:
        """What a look writes in the log."""
        with capturedLogs() as events:
            self.certificates.look(force)
        return [event["log_level"].name for event in events]

    def replace(self, which: int, path: str) -> None:
        """As certbot does: the new file takes the name at once."""
        os.rename(path, self.paths[which])

    def test_nothing_new(self) -> None:
        """Then nothing is read."""
        self.assertEqual(self.look(), [])
        self.assertIs(self.certificates.context, self.before)

    def test_new(self) -> None:
        """A new pair is taken, whichever file came first; between the two the old stays, with one line."""
        certificate, key = made(self.directory, "two")
        self.replace(0, certificate)
        self.assertEqual([self.look(), self.look(), self.look()], [["error"], [], []])
        self.assertIs(self.certificates.context, self.before)
        self.replace(1, key)
        self.assertEqual([self.look(), self.look()], [["info"], []])
        self.assertIsNot(self.certificates.context, self.before)

    def test_bad(self) -> None:
        """A file that is gone, one that others can read, junk: the old certificate stays."""
        self.paths[1].chmod(0o644)
        self.assertEqual([self.look(), self.look()], [["error"], []])
        self.paths[1].unlink()
        self.assertEqual([self.look(), self.look()], [["error"], []])
        self.paths[0].write_text("junk")
        self.assertEqual([self.look(), self.look()], [["error"], []])
        self.assertIs(self.certificates.context, self.before)

    def test_bad_at_the_start(self) -> None:
        """A process that begins with bad files has no TLS until they are good, and begins all the same."""
        self.paths[1].chmod(0o644)
        with capturedLogs() as events:
            taken = Certificates.of(self.certificates.settings)
        assert taken is not None
        self.assertEqual([event["log_level"].name for event in events], ["error"])
        self.certificates = taken
        self.assertEqual(self.look(), [])
        self.assertIsNone(taken.context)
        self.paths[1].chmod(0o600)
        self.assertEqual(self.look(), ["info"])
        self.assertIsNotNone(taken.context)

    def test_forced(self) -> None:
        """SIGHUP reads them in any case, and says so."""
        self.assertEqual(self.look(force=True), ["info"])
        self.assertIsNot(self.certificates.context, self.before)

    def test_expired(self) -> None:
        """A new one that is over is taken, with a warning."""
        certificate, key = made(self.directory, "two", days=-1)
        self.replace(0, certificate)
        self.replace(1, key)
        self.assertEqual(self.look(), ["info", "warn"])
