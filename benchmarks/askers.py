"""The load of :mod:`benchmarks.load` from processes of their own, for servers that answer on several cores.

``python -m benchmarks.askers PORT CLIENTS DEPTH WARMING SECONDS`` takes the lines
to ask from its standard input up to an empty one, connects, asks for WARMING
seconds, says that it is ready, waits for a line, asks for SECONDS and prints
what it has seen and what CPU it took.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from attrs import define, field

from benchmarks import accounting
from benchmarks.apart import apart
from benchmarks.load import Crowd, Outcome
from benchmarks.servers import Running

#: Share of the time that is asked before, and not counted.
_WARMING = 0.2


@define
class Seen:
    """What all of them have seen.

    :ivar server: seconds of CPU of the server, all its processes.
    :ivar own: seconds of CPU of those who asked.
    """

    outcome: Outcome = field(factory=Outcome)
    server: float = 0.0
    own: float = 0.0


def asked(
    server: Running, clients: int, depth: int, lines: Sequence[bytes], seconds: float, processes: int = 2
) -> Seen:
    """Ask a server from several processes at once.

    :param clients: of all processes together.
    :raises ServerFell: it does not take connections any more.
    """
    seen, times = Seen(), (seconds * _WARMING, seconds)
    with ExitStack() as stack:
        askers = [
            stack.enter_context(apart("askers", server.port, share, depth, *times, lines=lines[number::processes]))
            for number in range(processes)
            if (share := len(range(number, clients, processes)))
        ]
        for asker in askers:
            asker.line()
        before = accounting.cpu(server.pid)
        for asker in askers:
            asker.send(b"go\n")
        told = [json.loads(asker.line()) for asker in askers]
        seen.server = accounting.cpu(server.pid) - before
    for one in told:
        seen.outcome.endings.update(one["endings"])
        seen.outcome.waits += one["waits"]
        seen.outcome.received += one["received"]
        seen.outcome.seconds += one["seconds"] / len(told)
        seen.own += one["cpu"]
    return seen


def main(port: int, clients: int, depth: int, warming: float, seconds: float) -> None:
    """Connect, warm up, and ask when told to."""
    lines = list(iter(sys.stdin.buffer.readline, b"\r\n"))
    crowd = Crowd.connected(port, clients, depth, lines)
    try:
        before: Counter[str] = crowd.run(warming).endings
        print("ready", flush=True)
        sys.stdin.buffer.readline()
        used = time.process_time()
        outcome = crowd.run(seconds)
        used = time.process_time() - used
    finally:
        crowd.close()
    # What went wrong before counts as well; what was right does not.
    wrong = Outcome(before).wrong
    told = {
        "endings": Counter(wrong) + outcome.endings,
        "waits": outcome.waits,
        "received": outcome.received,
        "seconds": outcome.seconds,
        "cpu": used,
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), *map(float, sys.argv[4:]))
