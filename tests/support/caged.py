"""A process that is kept from what a unit of systemd keeps it from, without systemd.

``python caged.py UNIT COMMAND...`` reads the unit file, takes from itself what the
unit takes away as far as seccomp(2) and capabilities(7) do it, and becomes the command:
``SystemCallFilter=``, ``MemoryDenyWriteExecute=``, ``RestrictAddressFamilies=``,
``CapabilityBoundingSet=``, ``NoNewPrivileges=``, ``LimitNOFILE=``. What is done by mounts
and namespaces is not.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_EQUAL, _MASKED = 4, 7
_EXECUTE, _WRITE, _EXECUTE_SHARED = 4, 2, 0o100000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_MOST_FAMILIES = 46


class _Compared(ctypes.Structure):
    """``struct scmp_arg_cmp``."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def said(unit: Path, key: str) -> list[str]:
    """The values of a key of a unit, in order."""
    lines = unit.read_text("utf-8").splitlines()
    return [line.partition("=")[2].strip() for line in lines if line.partition("=")[0] == key]


def system_calls(names: list[str]) -> Iterator[str]:
    """The system calls that names stand for, those of sets too."""
    for name in names:
        if not name.startswith("@"):
            yield name
            continue
        listed = subprocess.run(
            ["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, check=True, text=True
        )
        inside = [line.strip() for line in listed.stdout.splitlines()[1:]]
        yield from system_calls([one for one in inside if one and not one.startswith("#")])


class Filter:
    """A filter of libseccomp.

    :param default: what happens to a call that no rule is about.
    """

    def __init__(self, library: ctypes.CDLL, default: int) -> None:
        self._library = library
        self._context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, call: str, *compared: tuple[int, int, int, int]) -> None:
        """A rule; a call that this machine does not have needs none."""
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        rules = (_Compared * len(compared))(*(_Compared(*one) for one in compared))
        if number >= 0:
            done = self._library.seccomp_rule_add_array(
                self._context, ctypes.c_uint32(action), number, len(compared), rules
            )
            assert done == 0, (call, done)

    def load(self) -> None:
        """From now on it holds."""
        done = self._library.seccomp_load(self._context)
        assert done == 0, done


def cage(unit: Path) -> None:
    """Take from this process what the unit takes away."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    filters = []
    for value in said(unit, "LimitNOFILE"):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(int(value), hard), min(int(value), hard)))
    if said(unit, "MemoryDenyWriteExecute") == ["yes"]:
        memory = Filter(seccomp, _ALLOW)
        memory.add(_REFUSE, "mmap", (2, _MASKED, _EXECUTE | _WRITE, _EXECUTE | _WRITE))
        for call in ("mprotect", "pkey_mprotect"):
            memory.add(_REFUSE, call, (2, _MASKED, _EXECUTE, _EXECUTE))
        memory.add(_REFUSE, "shmat", (2, _MASKED, _EXECUTE_SHARED, _EXECUTE_SHARED))
        filters.append(memory)
    for value in said(unit, "RestrictAddressFamilies"):
        known = [int(getattr(socket, name)) for name in value.split()]
        families = Filter(seccomp, _ALLOW)
        for family in set(range(_MOST_FAMILIES)) - set(known):
            families.add(_REFUSE, "socket", (0, _EQUAL, family, 0))
        filters.append(families)
    allowed: set[str] = set()
    for value in said(unit, "SystemCallFilter"):
        named = set(system_calls(value.removeprefix("~").split()))
        allowed = allowed - named if value.startswith("~") else allowed | named
    calls = Filter(seccomp, _REFUSE)
    for call in sorted(allowed):
        calls.add(_ALLOW, call)
    filters.append(calls)
    libc = ctypes.CDLL(None)
    if said(unit, "CapabilityBoundingSet") == [""] and os.geteuid() == 0:
        for capability in range(64):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for one in filters:  # that of the calls is the last: it forbids more of its kind
        one.load()


if __name__ == "__main__":
    cage(Path(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - a test says what
