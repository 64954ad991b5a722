"""The certificate of the server and its private key: read, judged, and read again when they change."""

from __future__ import annotations

import datetime
import os
import shlex
import ssl
import stat
from pathlib import Path

from attrs import define, field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.logger import Logger

from dictd import config, secrecy
from dictd.config import Settings
from dictd.errors import SettingsRefused

#: For TLS 1.2; those of 1.3 are all good. Nothing without forward secrecy, nothing but AEAD.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: More than this is no certificate, bytes.
_LONGEST = 1 << 20
_TRY = "README.rst shows how to make one for a try"


@frozen
class Pair:
    """Where the certificate and its key are, and what they are.

    :ivar signature: of the files, to see whether they have changed.
    :ivar until: when the certificate ends.
    """

    context: ssl.SSLContext
    signature: tuple[object, ...]
    since: datetime.datetime
    until: datetime.datetime

    def trouble(self, now: datetime.datetime) -> str:
        """What clients will complain of; empty if nothing."""
        if now > self.until:
            return f"the certificate has expired on {self.until:%Y-%m-%d}; clients will refuse it"
        if now < self.since:
            return (
                f"the certificate is valid from {self.since:%Y-%m-%d %H:%M} UTC on; until then clients will refuse it"
            )
        return ""


def read(settings: Settings) -> Pair:
    """Read both files, and check that they go together.

    :raises SettingsRefused: in one line, with what to do.
    """
    tls = settings.tls
    signature = _signature(tls.certificate, tls.key)
    try:
        chain = x509.load_pem_x509_certificates(_content(tls.certificate, "tls.certificate"))
    except ValueError:
        raise SettingsRefused(f"{tls.certificate} has no certificate in PEM; correct tls.certificate") from None
    path = tls.key or tls.certificate
    secret = _content(path, "tls.key", config.state_directory(settings))
    try:
        key = load_pem_private_key(secret, None)
    except TypeError:
        text = f"the key in {path} has a passphrase; type: openssl pkey -in {shlex.quote(path)} -out NEW-FILE"
        raise SettingsRefused(f"{text}, and name that in tls.key") from None
    except Exception:  # noqa: BLE001 - ValueError and UnsupportedAlgorithm, and what others there may be
        raise SettingsRefused(f"{path} has no private key in PEM; correct tls.key") from None
    if key.public_key() != chain[0].public_key():
        raise SettingsRefused(
            f"the key in {path} is not that of the first certificate in {tls.certificate}; correct tls.key"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.minimum]
    context.set_ciphers(_CIPHERS)
    # Python sets SSL_MODE_RELEASE_BUFFERS, which an idle connection saves 20 KiB by.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(tls.certificate, path, password=lambda: b"")
    except (ssl.SSLError, OSError) as trouble:
        why = getattr(trouble, "reason", None) or trouble.strerror
        raise SettingsRefused(f"{tls.certificate} and {path} cannot be used: {why}") from None
    return Pair(context, signature, chain[0].not_valid_before_utc, chain[0].not_valid_after_utc)


def _content(path: str, setting: str, state: Path | None = None) -> bytes:
    """What is in a file.

    :param state: it is a secret of the server that this directory belongs to.

    :raises SettingsRefused: it cannot be read, or it is a secret and others can read it.
    """
    try:
        # Without waiting: what is there may be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise SettingsRefused(f"{path} is not a file; correct {setting}")
            if state and secrecy.too_much(found, secrecy.reader_of(state)):
                raise SettingsRefused(
                    f"{path} has the private key and can be read by others; type: chmod 600 {shlex.quote(path)}"
                )
            return os.read(descriptor, _LONGEST)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read: {error.strerror}; correct {setting}, {_TRY}") from None


def _signature(*paths: str) -> tuple[object, ...]:
    found: list[object] = []
    for path in paths:
        try:
            told = os.stat(path) if path else None
        except OSError as error:
            found.append(error.errno)
        else:
            found.append(told and (told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns))
    return tuple(found)


@define(eq=False)
class Certificates:
    """What new connections are shown. Those that are there keep what they were shown.

    A process that begins when the files are not good has none until they are: people
    without TLS are served all the same.
    """

    settings: Settings
    _pair: Pair | None
    _seen: tuple[object, ...] = field(init=False)
    log = Logger()

    @_seen.default
    def _first_seen(self) -> tuple[object, ...]:
        return self._pair.signature if self._pair else _signature(self.settings.tls.certificate, self.settings.tls.key)

    @classmethod
    def of(cls, settings: Settings) -> Certificates | None:
        """Those of the settings, if they have any."""
        if not settings.tls.certificate:
            return None
        try:
            certificates = cls(settings, read(settings))
        except SettingsRefused as trouble:
            cls.log.error("no TLS until this is mended: {text}", text=trouble.text)
            return cls(settings, None)
        certificates._complain()
        return certificates

    @property
    def context(self) -> ssl.SSLContext | None:
        """For the next connection, where there can be one."""
        return self._pair.context if self._pair else None

    @property
    def until(self) -> float | None:
        """When what is shown ends, seconds since 1970."""
        return self._pair.until.timestamp() if self._pair else None

    def look(self, force: bool = False) -> None:
        """Take the files if they have changed; if they are not good, say so once and go on with the old."""
        signature = _signature(self.settings.tls.certificate, self.settings.tls.key)
        if signature == self._seen and not force:
            return
        self._seen = signature
        try:
            self._pair = read(self.settings)
        except SettingsRefused as trouble:
            stays = "the old one stays" if self._pair else "there is no TLS"
            self.log.error("the new certificate is not taken, {stays}: {text}", stays=stays, text=trouble.text)
            return
        self.log.info("the certificate was read again; it is good until {until}", until=f"{self._pair.until:%Y-%m-%d}")
        self._complain()

    def _complain(self) -> None:
        if self._pair and (trouble := self._pair.trouble(datetime.datetime.now(datetime.UTC))):
            self.log.warn("{trouble}", trouble=trouble)
