"""Lengths of time, for people."""

from __future__ import annotations

_DAY = 86_400
_UNITS = (("years", 365 * _DAY), ("days", _DAY), ("hours", 3600), ("minutes", 60))
_LONGEST = 100


def span(seconds: float) -> str:
    """Say how long, in the largest unit of which there are at least two; nobody counts beyond a hundred years."""
    if seconds >= _LONGEST * _UNITS[0][1]:
        return f"more than {_LONGEST} years"
    whole = round(seconds)
    return next((f"{whole // size} {unit}" for unit, size in _UNITS if whole >= 2 * size), f"{whole} seconds")
