"""TLS on a connection: certificate and name are verified, against the system's authorities or a file of one's own."""

from __future__ import annotations

import functools
import socket
import ssl

from dictc.address import Address
from dictc.exits import Exit
from dictc.troubles import ConnectionTrouble, Trouble

#: X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL.
_OTHER_NAME = (62, 64)
#: X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_OTHER_TIME = (9, 10)


class Sealed(ssl.SSLSocket):
    """A socket that, not blocking, says so as plain ones do.

    What it has deciphered it has given: a piece that is asked for is longer than
    a record (16 KiB), so poll() sees all that is left.
    """

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """See :meth:`socket.socket.recv`."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]  # any buffer there
        """See :meth:`socket.socket.send`."""
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None


@functools.cache
def trusting(ca: str) -> ssl.SSLContext:
    """What certificates are verified with.

    :param ca: a file of certificates that are trusted, and no others; empty for those the system trusts.
    :raises Trouble: there is none in it.
    """
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except OSError as error:  # SSLError is one
        why = getattr(error, "reason", None) or error.strerror or error
        raise Trouble(f"no certificate can be read from {ca!r} ({why}); --ca names a PEM file", Exit.USAGE) from None
    if ca:
        # What its owner names is trusted, whoever has signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.sslsocket_class = Sealed
    return context


def name_of(server: Address) -> str:
    """What has to stand in the certificate: the host without a zone or the dot of the root."""
    return server.host.partition("%")[0].rstrip(".")


def sealed(plain: socket.socket, server: Address, timeout: float, ca: str) -> socket.socket:
    """Begin with TLS; the plain socket is used up, whatever happens.

    :param timeout: seconds for all of the handshake.
    :returns: a socket that does not block.
    :raises ConnectionTrouble: the server speaks no TLS, or its certificate is not trusted.
    """
    made = plain
    try:
        plain.settimeout(timeout)
        made = trusting(ca).wrap_socket(plain, server_hostname=name_of(server), do_handshake_on_connect=False)
        # By hand: on a connection that is gone by now it would be left out without a word.
        made.do_handshake()
        made.setblocking(False)
    except Exception as error:
        plain.close()
        made.close()
        if isinstance(error, ssl.SSLCertVerificationError):
            raise ConnectionTrouble(_distrust(server, error)) from None
        if isinstance(error, TimeoutError):
            raise ConnectionTrouble(f"{server} has not answered for {timeout:g} s; does it speak TLS?") from None
        if isinstance(error, OSError | ValueError):  # ValueError: no name for a certificate
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise ConnectionTrouble(
                f"cannot speak TLS with {server} ({why}); for a server without TLS say dict://"
            ) from None
        raise
    return made


def _distrust(server: Address, error: ssl.SSLCertVerificationError) -> str:
    why = error.verify_message.rstrip(".")
    advice = "--ca FILE names one that is"
    if error.verify_code in _OTHER_NAME:
        advice = "--server has to say a name that is in it"
    elif error.verify_code in _OTHER_TIME:
        advice = "whoever keeps the server renews it, unless the clock here is wrong"
    return f"the certificate of {server.host} is not trusted: {why}; {advice}"
