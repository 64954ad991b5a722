"""``server.key``, and whether the keys of users open with it."""

from __future__ import annotations

from collections.abc import Iterator

from dictd.accounts.keys import ServerKey
from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.errors import SettingsRefused
from dictd.model import StoredKey
from dictd.processes import serverkey
from dictd.store import schema
from dictd.tables import count

#: Keys that are opened; with --thorough all are.
_SAMPLE = 200
#: The step of the schema with which keys came.
_SINCE = 2


def sealed(examination: Examination) -> Iterator[Finding]:
    """Whether it is there and right, and of the same machine as the store or of none other."""
    path = examination.shared.state.server_key
    key: ServerKey | None = None
    try:
        key = serverkey.read(path)
    except FileNotFoundError:
        pass
    except SettingsRefused as trouble:
        if path.is_file() and "can be read by others" in trouble.text:
            return  # told with all other modes
        yield Finding("keys", "fault", trouble.text)
        return
    here, elsewhere, shut = _counted(examination, key)
    if key is None:
        if elsewhere:
            text = f"{path} is not there, and {count(elsewhere, 'key')} for AUTH {_are(elsewhere)} sealed under one"
            yield Finding("keys", "fault", f"{text}; bring it back from a backup, or from the machine that has it")
        else:
            yield Finding("keys", "note", f"{path} is not there yet; the first start makes it")
        return
    if elsewhere:
        text = f"{count(elsewhere, 'key')} for AUTH {_are(elsewhere)} sealed under another server.key than {path}"
        yield Finding(
            "keys",
            "fault",
            f"{text}: their users cannot log in by them here; copy server.key from the machine that made them"
            " (chmod 600) and start anew, or let them KEY DROP those",
        )
    if shut:
        labels = ", ".join(f"{one.label!r} of user {one.user_id}" for one in shut[:3])
        text = f"{count(len(shut), 'key')} for AUTH cannot be opened, such as {labels}: somebody has changed the store"
        yield Finding("keys", "fault", f"{text}; let their users make new ones by KEY NEW, or bring back a backup")
    if not elsewhere and not shut:
        opened = f", {count(here, 'key')} for AUTH {_are(here)} sealed under it" if here else ""
        yield Finding("keys", "ok", f"{path} is good{opened}")


def _counted(examination: Examination, key: ServerKey | None) -> tuple[int, int, list[StoredKey]]:
    """Keys under this server key, and under others; and of the first those that do not open."""
    if examination.away:
        return 0, 0, []
    with examination.reading("accounts") as connection:
        if connection is None:
            return 0, 0, []
        cursor, dialect = connection.cursor(), examination.kept.dialect
        if schema.version(cursor, "accounts", dialect) < _SINCE:
            return 0, 0, []
        cursor.execute("SELECT key_id, count(*) FROM user_key GROUP BY key_id")
        counts = dict(cursor.fetchall())
        mine = counts.pop(key.id, 0) if key else 0
        if key is None or not mine:
            return mine, sum(counts.values()), []
        most = mine if examination.thorough else _SAMPLE
        cursor.execute(
            "SELECT user_id, label, sealed, key_id, created FROM user_key"  # noqa: S608 - a mark
            f" WHERE key_id = {dialect.mark} LIMIT {most}",
            (key.id,),
        )
        shut = [one for one in (StoredKey(*row) for row in cursor.fetchall()) if key.open(one) is None]
        return mine, sum(counts.values()), shut


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
