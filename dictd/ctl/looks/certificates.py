"""Certificates: ours, as the server would read it, and those that the database is known by."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from dictd.config import Settings
from dictd.ctl.findings import Finding
from dictd.server import certificates
from dictd.server.certificates import Pair

#: A certificate that ends so soon should have been renewed.
SOON = datetime.timedelta(days=30)


def ours(settings: Settings) -> Iterator[Finding]:
    """What clients are shown: how long it is good, for which names, and whether they can follow it to its root."""
    now = datetime.datetime.now(datetime.UTC)
    pair = certificates.read(settings)
    if trouble := pair.trouble(now):
        yield Finding("tls", "fault", f"{trouble}; {_RENEW}")
    else:
        yield Finding("tls", *_until(pair, now))
    chain = x509.load_pem_x509_certificates(Path(settings.tls.certificate).read_bytes())
    names = _names(chain[0])
    if not names:
        yield Finding(
            "tls", "note", "the certificate is for no name (subjectAltName); clients that look at it refuse it"
        )
    elif "." in settings.site.name and not any(_matches(name, settings.site.name) for name in names):
        text = f"the certificate is for {', '.join(names)}, not for {settings.site.name} (site.name)"
        yield Finding("tls", "note", f"{text}; who connects by that name is warned")
    yield from _links(chain, settings.tls.certificate, now)


_RENEW = "put a new one in its place, a server that runs takes it by itself"


def _until(pair: Pair, now: datetime.datetime) -> tuple[str, str]:
    text = f"the certificate is good until {pair.until:%Y-%m-%d}"
    return ("note", f"{text}; renew it") if pair.until - now < SOON else ("ok", text)


def _links(chain: Sequence[x509.Certificate], path: str, now: datetime.datetime) -> Iterator[Finding]:
    """Whether each certificate of the file is signed by the next, and the last one by somebody known."""
    for number, (one, next_) in enumerate(zip(chain, chain[1:], strict=False), 2):
        try:
            one.verify_directly_issued_by(next_)
        except (InvalidSignature, ValueError, TypeError):
            text = f"certificate {number} of {path} has not signed the one before it, clients may refuse them"
            yield Finding("tls", "fault", f"{text}; put them in order, ours first")
            return
        if now > next_.not_valid_after_utc:
            text = f"certificate {number} of {path} has expired on {next_.not_valid_after_utc:%Y-%m-%d}"
            yield Finding("tls", "fault", f"{text}; take the chain of today from who signed ours")
    last = chain[-1]
    if last.issuer != last.subject and last.issuer not in _known():
        text = f"{path} has no certificate of {last.issuer.rfc4514_string()}, who signed the last one"
        yield Finding("tls", "note", f"{text}: clients may not find who that is; append it (fullchain.pem)")


def _known() -> set[x509.Name]:
    """The roots of this machine."""
    context = ssl.create_default_context()
    found = set()
    for der in context.get_ca_certs(binary_form=True):
        try:
            found.add(x509.load_der_x509_certificate(der).subject)
        except ValueError:
            continue
    return found


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _matches(name: str, host: str) -> bool:
    """Whether a name of a certificate stands for a host; ``*.`` for one label."""
    name, host = name.lower(), host.lower()
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def of_the_database(settings: Settings) -> Iterator[Finding]:
    """Those of ``store.ca``: none that the database is known by may have ended."""
    now = datetime.datetime.now(datetime.UTC)
    path = Path(settings.store.ca).expanduser()
    for certificate in x509.load_pem_x509_certificates(path.read_bytes()):
        end = certificate.not_valid_after_utc
        text = f"a certificate of store.ca, {certificate.subject.rfc4514_string()},"
        if now > end:
            yield Finding("tls", "fault", f"{text} has expired on {end:%Y-%m-%d}: the database is not trusted by it")
        elif end - now < SOON:
            yield Finding("tls", "note", f"{text} ends on {end:%Y-%m-%d}")
