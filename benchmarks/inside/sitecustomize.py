"""Read by Python when a process of the server begins: SIGUSR2 lets it collect garbage and tell what is left.

What nobody refers to any more tells of itself then: an error that nobody has
seen, a file that nobody has closed. What it has by its types is written to
``SOAK_PLACE/PID.json``, and how much of its memory is in use: the C library
keeps what was freed, in pieces that the next one who asks may not fit into.
"""

import _sqlite3
import ctypes
import gc
import json
import os
import signal
import sys
from collections import Counter


class _Blocks(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")] + [
        (name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    ]


def _memory() -> dict[str, int]:
    """Bytes that are in use, free in between, and those of SQLite among the first; none where it cannot be told."""
    told: dict[str, int] = {}
    try:
        heap = ctypes.CDLL(None).mallinfo2
        heap.restype = _Blocks
        blocks = heap()
        told |= {"used": blocks.uordblks + blocks.hblkhd, "free": blocks.fordblks}
        sqlite = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
        sqlite.restype = ctypes.c_int64
        told["sqlite"] = sqlite()
    except (AttributeError, OSError):
        pass
    return told


def _collect(*_: object) -> None:
    found = gc.collect()
    objects = gc.get_objects()
    held = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in objects)
    told = {
        "collected": found,
        "uncollectable": len(gc.garbage),
        "blocks": sys.getallocatedblocks(),
        "memory": _memory(),
        "held": held.most_common(200),
    }
    place = os.path.join(os.environ["SOAK_PLACE"], f"{os.getpid()}.json")
    with open(f"{place}.new", "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.replace(f"{place}.new", place)


if "SOAK_PLACE" in os.environ:
    signal.signal(signal.SIGUSR2, _collect)
