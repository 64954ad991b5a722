"""``dictctl users``: one account, or some, made and changed.

First the store is changed, then the sessions end: a login that is under way
meanwhile sees either the one or the other.
"""

from __future__ import annotations

import click

from dictd.accounts.names import AccountName, proposed
from dictd.ctl import newpasswords
from dictd.ctl.register import ROLES, Register, new_account
from dictd.ctl.root import Shared, main
from dictd.ctl.signout import SignedOut
from dictd.errors import DictError, NameNotAllowed, NameTaken
from dictd.store.history import SLICE
from dictd.tables import count


@main.group()
def users() -> None:
    """Look after accounts, whether a server runs or not, and whoever may REGISTER."""


@users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="user", help="An admin may INVITE.")
@newpasswords.options
@click.pass_obj
def add(shared: Shared, name: str, role: str, from_stdin: bool, generate: bool) -> None:
    """Make an account."""
    account_name = _allowed(name)
    shown = account_name.shown
    with Register.opened(shared) as register:
        if register.find(shown) is not None:
            raise NameTaken(f"{shown} has an account already; dictctl users passwd {shown} sets another password")
        password = newpasswords.new(shown, from_stdin, generate)
        hashed = newpasswords.hashed(password.secret, newpasswords.hasher(shared.settings))
        register.run(register.accounts.add_all, [new_account(account_name, hashed, role)])
    done = f"{shown} has an account" + ("" if role == "user" else f", and is {role}")
    shared.tell({"name": shown, "role": role, **password.shown}, password.told(f"{done}."))


@users.command()
@click.argument("name")
@click.option("--drop-keys", is_flag=True, help="End the keys for AUTH too, which let in without the password.")
@newpasswords.options
@click.pass_obj
def passwd(shared: Shared, name: str, drop_keys: bool, from_stdin: bool, generate: bool) -> None:
    """Set another password. Sessions of the user end everywhere."""
    with Register.opened(shared) as register:
        account = register.found(name)
        user = account.user
        password = newpasswords.new(user.name, from_stdin, generate)
        hashed = newpasswords.hashed(password.secret, newpasswords.hasher(shared.settings))
        keys = len(register.run(register.keys.of, user.id))
        if not register.run(register.accounts.set_passwd, user.id, hashed, drop_keys):
            raise DictError(f"{user.name} was deleted just now")
        elsewhere = register.served_elsewhere()
        out = SignedOut.everywhere(shared, user, "has another password", elsewhere)
        if drop_keys and register.run(register.accounts.drop_keys, user.id):
            # A session had made one before it ended, and may have come by it again.
            out = out.and_then(SignedOut.everywhere(shared, user, "has no keys", elsewhere))
    done = f"{user.name} has another password{out}."
    if keys and drop_keys:
        done += f" {count(keys, 'key')} for AUTH dropped."
    elif keys:
        done += f" {count(keys, 'key')} for AUTH still {'lets' if keys == 1 else 'let'} in: --drop-keys ends them."
    if account.disabled:
        done += f" The account is disabled; dictctl users enable {user.name} lets it in."
    left = 0 if drop_keys else keys
    shared.tell({"name": user.name, **out.shown, "keys": left, **password.shown}, password.told(done))
    out.ensure()


@users.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.pass_obj
def disable(shared: Shared, names: tuple[str, ...]) -> None:
    """Let nobody log in by these accounts, and end their sessions everywhere.

    Password and keys are refused as if they were wrong. History and keys are kept, for dictctl users enable.
    """
    with Register.opened(shared) as register:
        some = [register.found(name).user for name in names]
        register.run(register.accounts.set_disabled, [user.id for user in some], True)
        elsewhere = register.served_elsewhere()
    outs: list[SignedOut] = []
    for user in some:
        # Who did not answer for one answers for nobody, and each takes its time.
        silent = outs and outs[-1].trouble
        out = SignedOut(None, silent, elsewhere) if silent else None
        outs.append(out or SignedOut.everywhere(shared, user, "is disabled", elsewhere))
    shared.tell(
        [{"name": user.name, "disabled": True, **out.shown} for user, out in zip(some, outs, strict=True)],
        "\n".join(f"{user.name} is disabled{out}." for user, out in zip(some, outs, strict=True)),
    )
    for out in outs:
        out.ensure()


@users.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.pass_obj
def enable(shared: Shared, names: tuple[str, ...]) -> None:
    """Let disabled accounts log in again."""
    with Register.opened(shared) as register:
        some = [register.found(name).user for name in names]
        register.run(register.accounts.set_disabled, [user.id for user in some], False)
    shared.tell(
        [{"name": user.name, "disabled": False} for user in some],
        "\n".join(f"{user.name} may log in." for user in some),
    )


@users.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask back.")
@click.pass_obj
def delete(shared: Shared, name: str, yes: bool) -> None:
    """Delete an account with its keys and its history, for ever.

    Sessions of the user end first. One that was cut off leaves the account disabled, and is done again.
    """
    with Register.opened(shared) as register:
        user = register.found(name).user
        rows, keys = register.run(register.history.count, user.id), len(register.run(register.keys.of, user.id))
        what = f"{user.name} with {count(rows, 'look-up')} and {count(keys, 'key')}"
        if not yes:
            if not newpasswords.at_terminal():
                raise DictError(f"this deletes {what} for ever; say --yes")
            click.confirm(f"Delete {what}, for ever?", abort=True, err=True)
        register.run(register.accounts.set_disabled, [user.id], True)
        out = SignedOut.everywhere(shared, user, "is disabled", register.served_elsewhere())
        if out.trouble is not None:
            raise DictError(f"{out.trouble.text}. Nothing is deleted yet: say dictctl users delete {user.name} again")
        # In slices: a long history in one transaction would keep all others waiting.
        while register.run(register.history.clear, user.id) == SLICE:
            pass
        register.run(register.accounts.delete, user.id)
    shared.tell({"name": user.name, "lookups": rows, "keys": keys, **out.shown}, f"{what} is deleted{out}.")


@users.command()
@click.argument("name")
@click.argument("role", required=False, type=click.Choice(ROLES))
@click.pass_obj
def role(shared: Shared, name: str, role: str | None) -> None:
    """Tell the role of an account, or set it: an admin may INVITE.

    It holds at once, also where the user is logged in already.
    """
    with Register.opened(shared) as register:
        user = register.found(name).user
        if role is not None and not register.run(register.accounts.set_role, user.key.encode(), role):
            raise DictError(f"{user.name} was deleted just now")
    shown = role or user.role
    shared.tell({"name": user.name, "role": shown}, f"{user.name} is {shown}.")


def _allowed(name: str) -> AccountName:
    """A name for a new account.

    :raises NameNotAllowed: it cannot be one; the text has one that could.
    """
    try:
        return AccountName.of(name)
    except NameNotAllowed as trouble:
        near = proposed(name)
        perhaps = f"; perhaps {near.shown}" if near else ""
        blank = any(map(str.isspace, name.strip()))
        why = "a blank cannot be in the name of an account" if blank and near else trouble.text
        raise NameNotAllowed(f"{why}{perhaps}") from None
