"""When certificates end, as columns of a picture: what draws it only has to put them there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.plans.posture import ExpiryDay

PLOT_WIDTH, PLOT_HEIGHT = 340, 132
_LEFT, _RIGHT, _TOP, _BASE = 8.0, 332.0, 18.0, 112.0
# One for each day of a month, and for today.
_MAX_COLUMNS = 31
_GAP = 2.0


class PlotColumn(NamedTuple):
    """The certificates of some days: from the ground up those that nobody watches, then the others, as heights."""

    x: float
    width: float
    orphaned_y: float
    orphaned_height: float
    owned_y: float
    owned_height: float
    label: str


class ExpiryPlot(NamedTuple):
    """A picture of one target's certificates that end within the days; `highest` is what its tallest column counts."""

    target: str
    days: int
    owned: int
    orphaned: int
    highest: int
    columns: Sequence[PlotColumn]
    width: int = PLOT_WIDTH
    height: int = PLOT_HEIGHT
    base: float = _BASE


def build_expiry_plot(target: str, days: int, expiries: Sequence[ExpiryDay]) -> ExpiryPlot | None:
    """Return the picture, a column for each day or for several; None where nothing ends."""
    if not expiries:
        return None
    span = -(-(days + 1) // _MAX_COLUMNS)
    owned, orphaned = [0] * -(-(days + 1) // span), [0] * -(-(days + 1) // span)
    for day in expiries:
        owned[day.day // span] += day.owned
        orphaned[day.day // span] += day.orphaned
    highest = max(map(sum, zip(owned, orphaned, strict=True)))
    pitch = (_RIGHT - _LEFT) / len(owned)
    columns = [
        _place_column(number, pitch, span, days, (watched, unwatched), highest)
        for number, (watched, unwatched) in enumerate(zip(owned, orphaned, strict=True))
        if watched or unwatched
    ]
    return ExpiryPlot(target, days, sum(owned), sum(orphaned), highest, columns)


def _place_column(number: int, pitch: float, span: int, days: int, counts: tuple[int, int], highest: int) -> PlotColumn:
    owned, orphaned = counts
    scale = (_BASE - _TOP) / highest
    orphaned_height, owned_height = round(orphaned * scale, 1), round(owned * scale, 1)
    first, last = number * span, min((number + 1) * span - 1, days)
    when = f"day {first}" if first == last else f"days {first} to {last}"
    return PlotColumn(
        round(_LEFT + number * pitch, 1),
        round(max(pitch - _GAP, 1.0), 1),
        round(_BASE - orphaned_height, 1),
        orphaned_height,
        round(_BASE - orphaned_height - owned_height, 1),
        owned_height,
        f"{when}: {owned:,} with an owner that somebody holds, {orphaned:,} without",
    )
