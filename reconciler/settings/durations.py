"""Lengths of time as people write them: a number and a unit, `30m`, `72h`, `400d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from reconciler.diagnostics import Explanation
from reconciler.errors import InvalidValueError

DURATION: Final = r"^[1-9][0-9]{0,4}[mhd]$"
"""Whole minutes, hours or days, and never none: what lasts no time is no length of it."""
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Return a length of time; raises InvalidValueError for anything but a number with its unit."""
    if not re.fullmatch(DURATION.strip("^$"), text):
        summary = "a duration is a number of minutes, hours or days, such as 30m, 72h or 5d"
        raise InvalidValueError(Explanation("settings.invalid-value", summary))
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
