"""Emacs without a terminal, with its dictionary.el."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence

from attrs import frozen

from tests.support.programs import missing, program

_LISP = """
(progn
  (require 'dictionary)
  (require 'json)
  (setq dictionary-server "127.0.0.1" dictionary-port %d)
  (dolist (form '(%s))
    (let ((shown (condition-case trouble
                     (progn (eval form)
                            (list :shown (buffer-substring-no-properties (point-min) (point-max))))
                   (error (list :error (error-message-string trouble))))))
      (princ (concat (json-encode shown) "\\n"))))
  (princ (format "%%d\\n" (length (seq-filter (lambda (process) (eq (process-status process) 'open)) (process-list))))))
"""


@frozen
class Seen:
    """What Emacs showed after a command.

    :ivar text: of the buffer, the row of buttons at its top left out; empty after an error.
    :ivar error: what the echo area says.
    """

    text: str = ""
    error: str = ""


def emacs(port: int, forms: Sequence[str]) -> list[Seen]:
    """Run commands one after the other in one Emacs, which keeps one connection.

    :param forms: Lisp.
    :raises SkipTest: there is no Emacs, or one older than 28; with ``CI=true`` that is a failure.
    """
    done = subprocess.run(
        [program("emacs"), "-Q", "--batch", "--eval", _LISP % (port, " ".join(forms))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
    )
    if b"Cannot open load file" in done.stderr:
        missing("this Emacs has no dictionary.el, which came with Emacs 28")
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    *lines, connections = done.stdout.decode().splitlines()
    assert connections == "1", done.stdout.decode()
    return [_seen(json.loads(line)) for line in lines]


def lisp(text: str) -> str:
    """A string as Lisp writes it."""
    return json.dumps(text, ensure_ascii=False)


def _seen(shown: dict[str, str]) -> Seen:
    if "error" in shown:
        return Seen(error=shown["error"])
    _, _, text = shown["shown"].partition("\n\n")
    return Seen(text.strip("\n"))
