"""What came back: whole answers, and how each ended. Pure."""

from __future__ import annotations

#: How nearly every answer ends that has a text: the text's end and our final line.
USUAL_END = b"\r\n.\r\n250 ok\r\n"
#: What a right answer is called.
RIGHT = "250"
#: What is called an answer that found nothing.
NOTHING = "552"
#: What ends right, but says that the row of the history may not be on the disk.
UNCONFIRMED = "250 unconfirmed"
#: What came although nothing was asked.
UNASKED = "unasked"

_WITH_TEXT = frozenset((b"110", b"111", b"112", b"113", b"114", b"151", b"152", b"180", b"184"))


def endings(data: bytes, asked: int) -> list[str] | None:
    """How each of the answers ended.

    :param data: everything received since the lines were sent.
    :param asked: how many lines were sent.
    :return: one final status for each answer; ``None`` while answers are missing or cut short.
    """
    # Only whole texts end so, for a lone dot inside a text is stuffed: what is
    # usual costs a search in C, and the generator stays ahead of the server.
    if (
        data.endswith(USUAL_END)
        and data.startswith(b"15")
        and data.count(USUAL_END) == asked
        and data.count(USUAL_END + b"15") == asked - 1
    ):
        return [RIGHT] * asked
    if not data.endswith(b"\n"):
        return None
    found = _read(data)
    if len(found) < asked:
        return None
    return found[:asked] + [UNASKED] * (len(found) - asked)


def _read(data: bytes) -> list[str]:
    """Line by line."""
    found = []
    in_text = False
    for line in data.split(b"\r\n")[:-1]:
        if in_text:
            in_text = line != b"."
            continue
        status = line[:3]
        if status in _WITH_TEXT:
            in_text = True
        elif not status.isdigit() or line[3:4] not in (b" ", b""):
            found.append("no status")
        elif status == b"250" and b"not confirmed" in line:
            found.append(UNCONFIRMED)
        elif status[:1] != b"1":
            found.append(status.decode())
    return found
