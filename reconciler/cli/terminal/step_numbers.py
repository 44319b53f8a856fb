"""Numbers of steps on the command line, and how they are written: `1-3,5`."""

from __future__ import annotations

import re
from typing import Any

import click

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
_MOST = 100_000


class StepNumbers(click.ParamType[tuple[int, ...]]):
    """Numbers such as 4, 1-3 or 1-3,5, each of them 1 or more."""

    name = "steps"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers in order; fails for anything else."""
        if isinstance(value, tuple):
            return value
        numbers: set[int] = set()
        for part in str(value).split(","):
            match = _RANGE.fullmatch(part.strip())
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if not 1 <= first <= last <= _MOST:
                self.fail(f"{value!r} names no steps; write their numbers, such as 4, 1-3 or 1-3,5", param, ctx)
            numbers.update(range(first, last + 1))
        return tuple(sorted(numbers))
