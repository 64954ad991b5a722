"""The account of a first administrator."""

from __future__ import annotations

import secrets
import time

from dictd.accounts import invites, passwords
from dictd.accounts.names import AccountName
from dictd.ctl import newpasswords
from dictd.ctl.root import Shared
from dictd.errors import NameTaken
from dictd.store.accounts import AccountQueries, NewAccount
from dictd.store.dialect import Connection, Statement

_ANY = Statement.both("SELECT count(*) FROM user WHERE role = ? AND disabled = 0")


def there_is_one(shared: Shared, connection: Connection) -> bool:
    """Whether somebody is an administrator already."""
    cursor = connection.cursor()
    cursor.execute(shared.database.dialect(_ANY), (invites.ADMIN,))
    found = bool(cursor.fetchone()[0])
    connection.rollback()
    return found


def make_admin(shared: Shared, connection: Connection, name: str) -> str | None:
    """Make an account that may invite.

    :returns: its password, which nothing else keeps; ``None`` where somebody has the name already.
    :raises NameNotAllowed: it cannot be a name.
    """
    account, password = AccountName.of(name), passwords.invented()
    passwd = newpasswords.hashed(password, newpasswords.hasher(shared.settings))
    now, nonce = int(time.time() * 1000), secrets.token_bytes(16)
    new = NewAccount(account.shown, account.key.encode(), passwd, now, nonce, invites.ADMIN)
    try:
        AccountQueries(shared.database.dialect).add_all(connection.cursor(), [new])
    except NameTaken:
        connection.rollback()
        return None
    connection.commit()
    return password
