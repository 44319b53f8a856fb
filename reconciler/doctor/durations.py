"""Lengths of time, for people."""

from __future__ import annotations

_DAY = 86_400
_UNITS = (("years", 365 * _DAY), ("days", _DAY), ("hours", 3600), ("minutes", 60))
_MAX_YEARS = 100


def format_duration(seconds: float) -> str:
    """Say how long, in the largest unit of which there are at least two; nobody counts beyond a hundred years."""
    if seconds >= _MAX_YEARS * _UNITS[0][1]:
        return f"more than {_MAX_YEARS} years"
    rounded = round(seconds)
    return next((f"{rounded // size} {unit}" for unit, size in _UNITS if rounded >= 2 * size), f"{rounded} seconds")
