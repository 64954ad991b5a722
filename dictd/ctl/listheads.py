"""What columns of a list of people are called, in some languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from dictd.ctl import spreadsheet
from dictd.wire.replies import one_line

#: Of several for the name the first of these is taken.
_NAMES = (
    "username", "user name", "user", "login", "account", "benutzername", "benutzer", "nom d'utilisateur",
    "utilisateur", "identifiant", "nombre de usuario", "usuario", "用户名", "用户", "账号", "帐号", "账户",
    "name", "nom", "nombre", "姓名", "名字",
)  # fmt: skip
_PASSWORDS = (
    "password", "passwd", "first password", "passwort", "kennwort", "mot de passe", "contraseña", "密码", "口令",
)  # fmt: skip
_ROLES = ("role", "rolle", "rôle", "rol", "角色")
#: No account is called so: where one of these stands in the first line, that tells what is in the columns.
_OTHERS = (
    "first name", "firstname", "last name", "lastname", "surname", "family name", "given name", "class", "e-mail",
    "email", "mail", "vorname", "nachname", "klasse", "prénom", "nom de famille", "classe", "courriel", "apellido",
    "apellidos", "clase", "correo", "班级", "学号", "邮箱", "电话",
)  # fmt: skip
_COLUMNS = {"name": _NAMES, "password": _PASSWORDS, "role": _ROLES}
_KNOWN = frozenset((*_NAMES, *_PASSWORDS, *_ROLES, *_OTHERS))
_SHOWN = 40


def columns(cells: Sequence[str]) -> dict[str, int] | None:
    """Where name, password and role are, if the first line says so."""
    said = [_folded(cell) for cell in cells]
    found = {}
    for what, names in _COLUMNS.items():
        named = [name for name in names if name in said]
        if named:
            found[what] = said.index(named[0])
    return found if "name" in found or any(cell in _OTHERS + _PASSWORDS for cell in said) else None


def unknown(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """What is wrong with columns that have values, of which nobody knows what they are.

    Were they passed over, each person would get a password of ours, or a role, in place of the one in the list.

    :param cells: the first line.
    """
    for number, cell in enumerate(cells):
        if _folded(cell) not in _KNOWN and any(spreadsheet.meant(row[number]) for row in rows if number < len(row)):
            shown = spreadsheet.meant(cell)
            shown = one_line(shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "...")
            yield (
                (f'"{shown}" is no column that is known' if shown else f"column {number + 1} is called nothing")
                + ": call it name, password or role (Benutzername, Passwort, Rolle; utilisateur, mot de passe, rôle;"
                " usuario, contraseña, rol; 用户名, 密码, 角色), or say --ignore-columns to pass it over"
            )


def _folded(cell: str) -> str:
    return unicodedata.normalize("NFKC", spreadsheet.meant(cell)).replace("’", "'").casefold().strip(" :*")
