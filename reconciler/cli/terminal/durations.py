"""Durations on the command line: a whole number and its unit."""

from __future__ import annotations

from typing import Any

import click

from reconciler.errors import InvalidValueError
from reconciler.settings.durations import parse_duration


class Duration(click.ParamType[float]):
    """A duration such as 90s, 5m, 72h or 3d, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; fails for anything else."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(str(value)).total_seconds()
        except InvalidValueError as error:
            self.fail(f"{value!r} is none; {error.explanation.summary}", param, ctx)
