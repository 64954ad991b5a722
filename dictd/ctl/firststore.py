"""The database of a server that is set up: is it there, has it its tables?"""

from __future__ import annotations

from collections.abc import Callable

from dictd.ctl import migrate
from dictd.ctl.root import Shared
from dictd.errors import DictError, StoreUnavailable
from dictd.store.mysql import MySQL
from dictd.storeurl import StoreURL


def ready(shared: Shared, agrees: Callable[[str], bool], dictctl: str) -> str:
    """See to it; what there is, for people.

    :param agrees: asked whether tables may be made.
    :param dictctl: the command as it is typed.
    :raises StoreUnavailable: it is not there; what makes it was told.
    """
    database = shared.database
    if not isinstance(database, MySQL):
        for subject in ("accounts", "dictionaries"):
            with shared.store(subject):
                pass
        return f"The database is in {shared.state.store}."
    try:
        database.patient().close()
        plans = migrate.planned(database)
    except StoreUnavailable as trouble:
        shared.aside(_grants(database.url))
        raise StoreUnavailable(f"{trouble.text}; when it is there type again: {dictctl} init") from None
    if any(plan.steps for plan in plans):
        if not agrees(f"Make the tables of dictd in {database.shown()} now?"):
            raise DictError(f"without its tables no server starts; to make them type: {dictctl} migrate")
        migrate.applied(database)
    return f"The database is {database.shown()}; its tables are ready."


def _grants(url: StoreURL) -> str:
    """What an administrator of the database types to make it."""
    user = url.user.replace("'", "''")
    who = f"'{user}'@'{'localhost' if all(host.here for host in url.hosts) else '%'}'"
    name = f"`{url.database}`"
    return "\n".join(
        [
            "If there is no such database or user yet, somebody who may types there (as root: mariadb):",
            "",
            f"    CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
            f"    CREATE USER {who} IDENTIFIED BY 'the password';",
            f"    GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {who};",
            f"    GRANT CREATE, ALTER, INDEX, REFERENCES ON {name}.* TO {who};",
            "",
        ]
    )
