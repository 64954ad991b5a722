"""``dictctl migrate``: the tables of the store, made or changed."""

from __future__ import annotations

from contextlib import closing

import click
from attrs import asdict, frozen

from dictd.ctl.root import Shared, main
from dictd.ctl.sqlitefiles import read_only
from dictd.errors import StoreUnavailable
from dictd.store import schema
from dictd.store.dialect import Connection, Dialect
from dictd.store.faults import ERRORS, code_of, told
from dictd.store.mysql import MySQL
from dictd.store.sqlite import FILES

#: "... command denied to user", and access to the database denied.
_DENIED = {1044, 1142, 1143, 1227, 1370}
_FOR_SQLITE = "SQLite needs no migration by hand: a server, and most of dictctl, brings the files up to date."


@frozen
class Plan:
    """What there is to do for one subject.

    :ivar before: its version now, 0 for one that is not there.
    :ivar steps: the versions it lacks.
    """

    subject: str
    before: int
    steps: list[int]
    statements: list[str]

    def told(self, done: bool) -> str:
        """In a line."""
        if not self.steps:
            return f"{self.subject}: schema {self.before}, up to date"
        steps = ", ".join(map(str, self.steps))
        was = f"schema {self.before}" if self.before else "no tables yet"
        step = "step" if len(self.steps) == 1 else "steps"
        return f"{self.subject}: {was}; {step} {steps} {'applied' if done else 'to apply'}"


@main.command()
@click.option("--dry-run", is_flag=True, help="Print the statements, and change nothing.")
@click.pass_obj
def migrate(shared: Shared, dry_run: bool) -> None:
    """Make the tables of dictd in the store, or change them to what this version needs.

    For MySQL and MariaDB this is the only way: the server never changes a table, and its user needs no right to
    do so. Take a backup first. MySQL commits each statement by itself, there is no way back but the backup; a
    migration that was cut off is completed by another run. Servers of the version before go on meanwhile where
    the notes of the new version say so; else stop them first.

    The user of store.url needs CREATE, ALTER, INDEX, REFERENCES, SELECT, INSERT for it; another user is named with
    dictctl --store mysql://ADMIN@HOST/DATABASE migrate, the password in DICTD_STORE_PASSWORD.

    SQLite's files are brought up to date whenever they are opened; here that can be done by hand.
    """
    database = shared.database
    if isinstance(database, MySQL):
        plans = _of_mysql(database, dry_run)
    else:
        plans = _of_sqlite(shared, dry_run)
        shared.aside(_FOR_SQLITE)
    if shared.as_json:
        shared.tell({"applied": not dry_run, "subjects": [asdict(plan) for plan in plans]}, "")
        return
    lines = [plan.told(not dry_run) for plan in plans]
    if dry_run:
        for plan, line in zip(plans, list(lines), strict=True):
            lines += ["", f"-- {line}", *(f"{statement};" for statement in plan.statements)] if plan.steps else []
        lines.append("Nothing was changed.")
    elif isinstance(database, MySQL):
        lines.append(f"The store is ready: {database.shown()}. Start the server: twistd dictd")
    shared.tell(None, "\n".join(lines))


def planned(database: MySQL) -> list[Plan]:
    """What there is to do, nothing of it done."""
    return _of_mysql(database, dry_run=True)


def applied(database: MySQL) -> list[Plan]:
    """Do it."""
    return _of_mysql(database, dry_run=False)


def _of_mysql(database: MySQL, dry_run: bool) -> list[Plan]:
    """Migrate both subjects in one database.

    :raises SchemaRefused: it is of a newer program.
    :raises StoreUnavailable: it cannot be done.
    """
    # A big table takes longer to change than any time-out.
    with closing(database.patient(seconds=None)) as connection:
        try:
            plans = [_plan(connection, subject, database.dialect) for subject in schema.SUBJECTS]
            connection.rollback()
            if not dry_run:
                for plan in plans:
                    schema.migrate(connection, plan.subject, database.dialect)
        except ERRORS as error:
            text = f"{database.shown()}: {told(error)}"
            if code_of(error) in _DENIED:
                text += f"; the user {database.url.user} may not: name one who may CREATE, ALTER, INDEX and REFERENCES"
                text += " there by dictctl --store mysql://ADMIN@HOST/DATABASE migrate"
            raise StoreUnavailable(text) from error
    return plans


def _of_sqlite(shared: Shared, dry_run: bool) -> list[Plan]:
    """Look at both files, and open them.

    :raises StoreUnavailable: one cannot be read, or is of a newer program.
    """
    plans = []
    for subject in schema.SUBJECTS:
        path = shared.state.store / FILES[subject]
        if path.exists():
            try:
                with closing(read_only(path)) as connection:
                    plans.append(_plan(connection, subject, shared.database.dialect))
            except ERRORS as error:
                raise StoreUnavailable(f"{path}: {told(error)}") from error
        else:
            steps = schema.migrations(subject, shared.database.dialect)
            script = schema.script(subject, steps, shared.database.dialect)
            plans.append(Plan(subject, 0, [step.version for step in steps], script))
    if not dry_run:
        for plan in plans:
            with shared.store(plan.subject):
                pass
    return plans


def _plan(connection: Connection, subject: str, dialect: Dialect) -> Plan:
    cursor = connection.cursor()
    steps = schema.pending(cursor, subject, dialect)
    before = schema.version(cursor, subject, dialect)
    return Plan(subject, before, [step.version for step in steps], schema.script(subject, steps, dialect))
