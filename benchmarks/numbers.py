"""Figures as tables tell them. Pure."""

from __future__ import annotations

from benchmarks.figures import Figure


def number(value: float) -> str:
    """Three digits that count, or the whole number; thousands where there are very many."""
    size = abs(value)
    if not size:
        return "0"
    if size >= 1_000_000:
        return f"{value / 1000:,.0f}k"
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if size >= 10 else 2 if size >= 1 else 3}f}"


def spread(figure: Figure | None) -> str:
    """The median, with the least and the most of the rounds."""
    if figure is None:
        return "-"
    if len(figure.values) == 1:
        return number(figure.median)
    return f"{number(figure.median)} ({number(figure.low)}-{number(figure.high)})"
