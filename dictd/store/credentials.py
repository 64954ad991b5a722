"""How we show a database who we are, and know that it is the one we mean."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from dictd import secrecy
from dictd.errors import SettingsRefused
from dictd.sections import Store


def password_of(settings: Store) -> str:
    """The password: of the environment, or of the file.

    :raises SettingsRefused: the file cannot be read, or others can read it.
    """
    if settings.password or not settings.password_file:
        return settings.password
    path = Path(settings.password_file).expanduser()
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(4096)
    except OSError as error:
        raise SettingsRefused(f"store.password_file {path}: {error.strerror}") from None
    # Root may ask for another, whose group was given the file on purpose; the server itself looks again.
    if secrecy.too_much(found, os.geteuid() or found.st_gid):
        raise SettingsRefused(f"store.password_file {path} can be read by others: chmod go= {path}")
    try:
        return text.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SettingsRefused(f"store.password_file {path} is not text") from None


def context_of(settings: Store) -> ssl.SSLContext | None:
    """TLS that verifies whom it speaks with; ``None`` where none is wanted.

    :raises SettingsRefused: the certificates cannot be read.
    """
    if not settings.ca:
        return None
    try:
        context = ssl.create_default_context(cafile=str(Path(settings.ca).expanduser()))
    except (OSError, ssl.SSLError) as error:
        raise SettingsRefused(f"store.ca {settings.ca}: {error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
