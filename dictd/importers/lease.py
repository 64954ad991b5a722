"""Who holds the import of a dictionary: a process, known by name also after it died."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from attrs import frozen

from dictd.store.dictionaries import Leased

#: A holder on another host that was not heard of for this long is given up, milliseconds.
STALE = 120_000


@frozen
class Holder:
    """A process of a host.

    :ivar began: its start in clock ticks since the host's boot, so that another
        process with the same number is not taken for it; 0 where that cannot be told.
    """

    host: str
    pid: int
    began: int

    @classmethod
    def here(cls) -> Holder:
        """This process."""
        return cls(socket.gethostname(), os.getpid(), began_of(os.getpid()))

    @classmethod
    def parse(cls, text: str) -> Holder:
        """The holder that :meth:`__str__` wrote."""
        host, _, rest = text.partition(" ")
        pid, _, began = rest.partition(" ")
        return cls(host, int(pid), int(began))

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.began}"

    def gone(self, heard: int, now: int) -> bool:
        """Whether the process is no more.

        :param heard: when it was last heard of, milliseconds; counts where it is on another host.
        """
        if self.host != socket.gethostname():
            return now - heard > STALE
        return not exists(self.pid) or began_of(self.pid) != self.began


def told(leased: Leased) -> str:
    """Who imports what, in words."""
    holder = Holder.parse(leased.holder)
    since = time.strftime("%H:%M:%S UTC", time.gmtime(leased.taken / 1000))
    return f"{leased.name} is being imported by process {holder.pid} on {holder.host} since {since}"


def exists(pid: int) -> bool:
    """Whether there is such a process, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def began_of(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return 0
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before may have blanks
    return 0 if fields[0] == "Z" else int(fields[19])
