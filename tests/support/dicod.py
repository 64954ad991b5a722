"""dicod, the server of GNU dico, started from Debian's unpacked package: another peer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Self

from tests.support.debian import fetch
from tests.support.peer import Peer, free_port

#: Debian's packages: the server, and what it needs that a machine without it may not have.
#: apt would not install it beside dictd; unpacked they do not meet.
PACKAGES = (
    "dicod",
    "libdico2",
    "libgsasl18",
    "libgssglue1",
    "libidn12",
    "libltdl7",
    "libntlm0",
    "libpcre3",
)
#: Modules that add strategies to those built in.
_STRATEGIES = ("stratall", "substr", "word", "nprefix", "pcre", "metaphone2")

_CONFIGURATION = """\
listen (127.0.0.1:{port});
pidfile "{directory}/dicod.pid";
max-children 1000;
shutdown-timeout 2;
prepend-load-path ("{modules}");
load-module dictorg {{ command "dictorg sort trim-ws"; }}
"""


class Dicod(Peer):
    """The peer, serving some of Debian's dictionaries with all its strategies."""

    @classmethod
    def started(cls, *dictionaries: str) -> Self:
        """Start it and wait until it listens, which takes some seconds: it sorts first.

        :param dictionaries: names of packages without their ``dict-``, such as ``wn``.
        :raises OSError: the packages cannot be had.
        """
        roots = [fetch(name) for name in PACKAGES]
        modules = next((roots[0] / "usr/lib").glob("*/dico")).resolve()
        libraries = [found.resolve() for root in roots[1:] for found in _libraries(root)]
        places = {name: (fetch(f"dict-{name}") / "usr/share/dictd").resolve() for name in dictionaries}
        temporary = tempfile.TemporaryDirectory(prefix="dicod-")
        port = free_port()
        settings = _CONFIGURATION.format(port=port, directory=temporary.name, modules=modules)
        for module in _STRATEGIES:
            settings += f'load-module {module} {{ command "{module}"; }}\n'
        for name, place in places.items():
            settings += f'database {{ name "{name}"; handler "dictorg database={place}/{name}"; }}\n'
        configuration = Path(temporary.name) / "dicod.conf"
        configuration.write_text(settings)
        command = [
            str(roots[0] / "usr/bin/dicod"), f"--config={configuration}",
            "--foreground", "--stderr", "--no-preprocessor", "--no-transcript",
        ]  # fmt: skip
        return cls.launched(command, libraries, port, temporary)


def _libraries(root: Path) -> set[Path]:
    """Where a package keeps its libraries, below /lib or /usr/lib."""
    return {found.parent for found in root.glob("**/lib/*/*.so.*")}
