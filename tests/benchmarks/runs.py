"""Runs that nobody ran."""

from __future__ import annotations

from benchmarks.figures import Figure, Run

MACHINE = {
    "when": "2026-01-02T03:04:05Z",
    "revision": "abc1234",
    "version": "0.1.0",
    "cores": 2,
    "processor": "Abacus",
    "kernel": "Linux 6",
    "python": "CPython 3.11",
    "load": 0.5,
    "others": 0.02,
}


def run(*figures: Figure, remarks: tuple[str, ...] = (), seconds: float = 2.0, **machine: object) -> Run:
    """A run of these figures."""
    return Run(MACHINE | machine, {"rounds": 3, "seconds": seconds}, remarks, figures)
