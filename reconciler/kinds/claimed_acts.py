"""What earlier runs did that can't be undone, or may have done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ClaimedAct(NamedTuple):
    """The step of a run that did something which can't be undone, or may have done it; and whether that is settled.

    `is_under_way` says that this run still holds the target, and nobody knows that it is gone.
    """

    step: str
    is_settled: bool
    is_under_way: bool = False


ClaimedActs = Mapping[str, Mapping[str, ClaimedAct]]
"""By target, and by what `Kind.list_acts` calls an act."""
