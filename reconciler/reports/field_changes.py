"""Field by field: what a step changes, and the call that it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from reconciler.model import Action, Call, Change, Json, Step
from reconciler.reports.layout import Line, line, quoted
from reconciler.sanitize import visible

MEMBERS = 12
"""Members of one set that are shown of either sign; the rest is counted."""

_INDENT = "    "
_ADDED, _REMOVED, _FAINT = "green", "red", "dim"


def fields(step: Step, *, alike: int = 1) -> Iterator[Line]:
    """Yield the lines below a step's title: its changes, its call (one of `alike`), or why there is none."""
    labels = [visible(change.path) for change in step.changes]
    width = max([len(label) for label in labels] + [len("call")])
    for change, label in zip(step.changes, labels, strict=True):
        for number, piece in enumerate(_change(change, new=step.action is Action.CREATE)):
            yield line(_INDENT, f"{label if not number else '':{width}}  ", *piece)
    if step.request:
        others = f" and {alike - 1:,} more like it" if alike > 1 else ""
        yield line(_INDENT, (f"{'call':{width}}  {call(step.request.call)}{others}", _FAINT))
    if step.refusal:
        yield line(_INDENT, (f"{'refused':{width}}  {step.refusal}", "bold red"))


def call(request: Call) -> str:
    """Return the request line as it is sent: method, path and encoded query."""
    query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in request.query)
    return f"{request.method} {request.path}{'?' + query if query else ''}"


def _encoded(text: str) -> str:
    # Otherwise quote() raises for a lone surrogate. A blank is %20, never +: Huawei's signature wants it
    # so.
    return quote(text, safe="", errors="backslashreplace")


def members(before: Json, after: Json) -> tuple[list[Json], list[Json], int] | None:
    """Return (added, removed, unchanged) where both sides are sets (sorted lists, or nothing); None where they aren't.

    Lists that differ in order or repetition alone are no sets.
    """
    sides = [[] if side is None else side for side in (before, after)]
    if not all(isinstance(side, list) for side in sides):
        return None
    old, new = ({_key(item): item for item in side} for side in sides)
    added = [item for key, item in new.items() if key not in old]
    removed = [item for key, item in old.items() if key not in new]
    return (added, removed, len(new) - len(added)) if added or removed else None


def _change(change: Change, *, new: bool) -> Iterator[tuple[str | tuple[str, str], ...]]:
    """Yield the pieces of each line of one change; of a new object only what it will be."""
    folded = members(change.before, change.after)
    if folded is None:
        old = () if new else ((quoted(change.before), _REMOVED), " -> ")
        yield (*old, (quoted(change.after), _ADDED))
        return
    added, removed, same = folded
    yield from _signed("+", added, _ADDED)
    yield from _signed("-", removed, _REMOVED)
    if same:
        yield ((f"  {same:,} unchanged", _FAINT),)


def _signed(sign: str, items: Sequence[Json], style: str) -> Iterator[tuple[tuple[str, str], ...]]:
    for item in items[:MEMBERS]:
        yield ((f"{sign} {quoted(item)}", style),)
    if len(items) > MEMBERS:
        yield ((f"{sign} (+{len(items) - MEMBERS:,} more, see --format json)", style),)


def _key(item: Json) -> str:
    return json.dumps(item, sort_keys=True, default=str)
