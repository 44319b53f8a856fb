"""Durations on the command line: a whole number and its unit."""

from __future__ import annotations

import re
from typing import Any

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[float]):
    """A duration such as 90s, 5m, 72h or 3d, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; fails for anything else."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if not found:
            self.fail(f"{value!r} is no duration; write a whole number and a unit, such as 90s, 5m or 2h", param, ctx)
        return float(int(found[1]) * _SECONDS[found[2]])
