"""Lengths of time as people write them, in the settings and on the command line: a whole number and a unit."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from reconciler.diagnostics import Explanation
from reconciler.errors import InvalidValueError

_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Return a length of time such as 90s, 30m, 72h or 5d; raises InvalidValueError for anything else."""
    if (match := _DURATION.fullmatch(text)) is None:
        summary = "a duration is a whole number and a unit, such as 30m, 72h or 5d"
        raise InvalidValueError(Explanation("settings.invalid-value", summary))
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
