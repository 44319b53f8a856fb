"""Runs and differences on an axis of time, as places in a picture: what draws it only has to put shapes there. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from reconciler.engine.run_history import PastDifference, PastRun

MAX_BARS = 20
"""Differences that have a bar: those that are there, then the latest."""

_MARGIN = 16
_STEP = 16
"""Columns and rows of marks, so that runs which began together stand on each other."""
_MAX_STACK = 6
_BAR_HEIGHT = 26
_AXIS_HEIGHT = 24
_CHARACTER = 6.7
"""Width of a letter of a label."""
_SHAPES = {
    "ok": "circle",
    "running": "ring",
    "unfinished": "open-diamond",
    "unknown": "diamond",
    "partial": "cross",
    "stale": "square",
    "refused": "open-square",
    "incomplete": "triangle",
    "interrupted": "open-triangle",
}
_DEFAULT_SHAPE = "dash"
_SHORT_SPAN = timedelta(minutes=10)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


class TimelineMark(NamedTuple):
    """A run: where it stands, in which shape, and what it was."""

    x: float
    y: float
    shape: str
    label: str


class TimelineBar(NamedTuple):
    """A difference from `x` on; one that `is_open` is still there. Its label begins or ends (`anchor`) at `label_x`."""

    x: float
    y: float
    width: float
    is_open: bool
    label_x: float
    anchor: str
    label: str
    title: str


class TimelineTick(NamedTuple):
    """A place of the axis; `anchor` is which end of the text stands there."""

    x: float
    label: str
    anchor: str


class Timeline(NamedTuple):
    """A picture of that size; `axis` is the height of its line, `hidden` how many runs have no room."""

    width: int
    height: int
    axis: float
    ticks: Sequence[TimelineTick]
    marks: Sequence[TimelineMark]
    bars: Sequence[TimelineBar]
    hidden: int


class _Scale(NamedTuple):
    start: datetime
    end: datetime
    width: int

    def place(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return round(_MARGIN + share * (self.width - 2 * _MARGIN), 1)


def find_shape(outcome: str) -> str:
    """Return the shape that stands for how a run ended."""
    return _SHAPES.get(outcome, _DEFAULT_SHAPE)


def build_timeline(
    runs: Iterable[PastRun], differences: Sequence[PastDifference], now: datetime, width: int
) -> Timeline | None:
    """Return the picture until now; None where nothing has a time. What is written as no time is left out."""
    starts = [(moment, run) for run in runs if (moment := _read_moment(run.record.started))]
    picked = sorted(rank_differences(differences)[:MAX_BARS], key=lambda item: (item.first_seen, item))
    spans = [(*span, item) for item in picked if (span := _read_span(item))]
    moments = [moment for moment, _ in starts] + [moment for begin, end, _ in spans for moment in (begin, end)]
    if not moments:
        return None
    # The clock that wrote the records may be ahead of this one.
    scale = _make_scale(min(moments), max(now, *moments), width)
    marks, rows, hidden = _place_runs(sorted(starts, key=lambda item: item[0]), scale)
    axis = _STEP * rows + _STEP / 2
    lowered = [mark._replace(y=axis - mark.y) for mark in marks]
    top = axis + _AXIS_HEIGHT
    bars = [_place_bar(number, span, scale, top) for number, span in enumerate(spans)]
    height = round(top + _BAR_HEIGHT * len(bars) + 8)
    return Timeline(width, height, axis, list(_list_ticks(scale)), lowered, bars, hidden)


def rank_differences(differences: Iterable[PastDifference]) -> list[PastDifference]:
    """Return those that are there before those that were, of each the latest first."""
    # A sort that is reversed leaves equals in their order, too.
    return sorted(sorted(differences), key=lambda item: (not item.cleared, item.last_seen), reverse=True)


def _read_moment(text: str) -> datetime | None:
    # Whoever can write to the store can write anything there.
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def _read_span(difference: PastDifference) -> tuple[datetime, datetime] | None:
    begin, end = _read_moment(difference.first_seen), _read_moment(difference.cleared or difference.last_seen)
    return (begin, max(begin, end)) if begin and end else None


def _make_scale(start: datetime, end: datetime, width: int) -> _Scale:
    # One moment alone has no length to divide by.
    return _Scale(start, end, width) if end > start else _Scale(start - timedelta(hours=1), start, width)


def _place_runs(starts: Sequence[tuple[datetime, PastRun]], scale: _Scale) -> tuple[list[TimelineMark], int, int]:
    """Return the marks with their height above the axis, how many rows they have, and how many have no room."""
    columns: Counter[int] = Counter()
    marks = []
    for moment, run in starts:
        column = int((scale.place(moment) - _MARGIN) // _STEP)
        columns[column] += 1
        if columns[column] <= _MAX_STACK:
            y = columns[column] * _STEP - _STEP / 4
            label = f"{run.record.started[:16].replace('T', ' ')} {run.record.command}: {run.outcome}"
            marks.append(TimelineMark(_MARGIN + column * _STEP, y, find_shape(run.outcome), label))
    rows = min(_MAX_STACK, max(columns.values(), default=0))
    return marks, rows, len(starts) - len(marks)


def _place_bar(number: int, span: tuple[datetime, datetime, PastDifference], scale: _Scale, top: float) -> TimelineBar:
    begin, end, difference = span
    is_open = not difference.cleared
    x = scale.place(begin)
    right = scale.width - _MARGIN if is_open else scale.place(end)
    name = " ".join(filter(None, (str(difference.address), difference.object, difference.path or "not there")))
    room = int((scale.width - 2 * _MARGIN) / _CHARACTER)
    label = name if len(name) <= room else f"{name[: room - 1]}…"
    until = "still there" if is_open else f"cleared {difference.cleared[:10]}"
    title = f"{name}: since {difference.first_seen[:10]}, {until}"
    fits = x + len(label) * _CHARACTER <= scale.width - _MARGIN
    label_x, anchor = (x, "start") if fits else (scale.width - _MARGIN, "end")
    width = max(4.0, round(right - x, 1))
    return TimelineBar(x, top + number * _BAR_HEIGHT, width, is_open, label_x, anchor, label, title)


def _list_ticks(scale: _Scale) -> Iterator[TimelineTick]:
    """Yield the ends of the axis, and as many moments between them as there is room for."""
    parts = max(1, scale.width // 180)
    span = scale.end - scale.start
    form = "%Y-%m-%d" if span > timedelta(days=parts) else "%m-%d %H:%M" if span > _SHORT_SPAN else "%H:%M:%S"
    for part in range(parts + 1):
        moment = scale.start + span * (part / parts)
        anchor = "start" if not part else "end" if part == parts else "middle"
        yield TimelineTick(scale.place(moment), f"{moment:{form}}", anchor)
