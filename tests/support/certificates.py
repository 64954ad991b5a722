"""Certificates for tests, made when they are needed."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


def made(
    directory: Path, name: str = "one", days: float = 90, since: float = -1, passphrase: str = "", signer: str = ""
) -> tuple[str, str]:
    """A certificate for localhost and its key.

    :param name: what it is called, to tell one from another.
    :param days: how long it is good from now on.
    :param signer: who has signed it, itself if empty.
    :returns: the paths of both; only the owner can read the key.
    """
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, signer or name))
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + min(since, days - 1) * _DAY)
        .not_valid_after(now + days * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()) if signer else key, hashes.SHA256())
    )
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    paths = directory / f"{name}.pem", directory / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    if not paths[1].exists():
        paths[1].touch(0o600)
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return str(paths[0]), str(paths[1])


def trusting() -> ssl.SSLContext:
    """For a client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shown(connection: ssl.SSLObject | ssl.SSLSocket) -> str:
    """The name in the certificate that a server has shown."""
    told = connection.getpeercert(binary_form=True)
    assert told is not None
    (name,) = x509.load_der_x509_certificate(told).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)
