"""What processes hold over time: memory by samples, its slope, and open files by their kind."""

from __future__ import annotations

import os
import re
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import define, field, frozen

_ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_ESTABLISHED = "01"
#: Kinds of open files that come and go by themselves.
STORE, CLIENT = "store", "clients"


def anonymous(pid: int) -> int:
    """Memory of a process that is its own, bytes: mapped dictionaries are everybody's.

    :raises OSError: it is gone.
    """
    found = _ANONYMOUS.search(Path(f"/proc/{pid}/status").read_text("ascii", "replace"))
    if found is None:
        raise ProcessLookupError(pid)  # it has ended, and nobody has waited for it
    return int(found[1]) * 1024


@define
class Life:
    """One process, from its first sample on.

    :ivar role: what it does; several lives may have one after the other.
    :ivar samples: (seconds, bytes).
    """

    role: str
    pid: int
    samples: list[tuple[float, int]] = field(factory=list)

    @property
    def seconds(self) -> float:
        """How long it was watched."""
        return self.samples[-1][0] - self.samples[0][0] if self.samples else 0.0

    def since(self, age: float) -> Sequence[tuple[float, int]]:
        """The samples from an age on, seconds."""
        return [(at, held) for at, held in self.samples if at - self.samples[0][0] >= age]

    def at(self, age: float, around: float = 5.0) -> float | None:
        """What it held at an age, bytes: the mean of some seconds around it; ``None``: it was not watched then."""
        began = self.samples[0][0] if self.samples else 0.0
        return mean([held for at, held in self.samples if abs(at - began - age) <= around])


def mean(values: Sequence[float]) -> float | None:
    """The mean, where there is one."""
    return sum(values) / len(values) if values else None


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """By how much it grows, a second: the straight line that is nearest to all samples."""
    if len(samples) < 2:
        return 0.0
    middle = sum(at for at, _ in samples) / len(samples)
    height = sum(held for _, held in samples) / len(samples)
    spread = sum((at - middle) ** 2 for at, _ in samples)
    return sum((at - middle) * (held - height) for at, held in samples) / spread if spread else 0.0


def descriptors(pid: int, store: Path, ports: Iterable[int], database: int = 0) -> Counter[str]:
    """What a process has open, by its kind.

    :param store: where the files of the store are.
    :param ports: where clients come in.
    :param database: the port of the database; 0: none.
    """
    inside = connections()
    wanted = set(ports)
    kinds: Counter[str] = Counter()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            continue  # the directory itself
        number = _SOCKET.fullmatch(target)
        if number and (ends := inside.get(number[1])):
            clients = ends.established and ends.here in wanted
            kinds[CLIENT if clients else STORE if database and ends.there[1] == database else "TCP"] += 1
        elif number:
            kinds["other sockets"] += 1
        elif target.startswith(str(store)):
            kinds[STORE] += 1
        else:
            kinds[target.partition(":")[0] if not target.startswith("/") else _group(target)] += 1
    return kinds


def _group(path: str) -> str:
    name = Path(path.removesuffix(" (deleted)"))
    deleted = " (deleted)" if path.endswith(" (deleted)") else ""
    return (f"files of {name.parent.name}/" if name.parent.name else path) + deleted


@frozen
class Ends:
    """Both ends of a TCP socket.

    :ivar here: the port; ``there``: address and port.
    """

    here: int
    there: tuple[str, int]
    established: bool


def connections() -> dict[str, Ends]:
    """The TCP sockets of this machine by their inodes."""
    found = {}
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            fields = line.split()
            (_, here), (address, there) = (end.split(":") for end in fields[1:3])
            # IPv4, also where it is the end of an address of IPv6.
            dotted = socket.inet_ntoa(bytes.fromhex(address[-8:])[::-1])
            found[fields[9]] = Ends(int(here, 16), (dotted, int(there, 16)), fields[3] == _ESTABLISHED)
    return found


def peers_of(pid: int, ports: Iterable[int]) -> set[tuple[str, int]]:
    """Addresses and ports of the clients that a process serves; of one that stands still these are all."""
    inside, wanted = connections(), set(ports)
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            number = _SOCKET.fullmatch(os.readlink(link))
        except FileNotFoundError:
            continue
        if number and (ends := inside.get(number[1])) and ends.here in wanted:
            found.add(ends.there)
    return found
