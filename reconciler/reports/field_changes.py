"""Field by field: what a step changes, and the call that it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from reconciler.model import Action, Call, Change, Json
from reconciler.plans.masking import MaskedStep
from reconciler.reports.layout import Line, build_line, quote_value
from reconciler.sanitize import escape_invisible

MAX_MEMBERS = 12
"""Members of one set that are shown of either sign; the rest is counted."""

_INDENT = "    "
_ADDED, _REMOVED, _FAINT = "green", "red", "dim"


def render_fields(step: MaskedStep, *, group_size: int = 1) -> Iterator[Line]:
    """Yield the lines below a step's title: its changes, its call (one of `group_size`), or why there is none."""
    labels = [escape_invisible(change.path) for change in step.changes]
    width = max([len(label) for label in labels] + [len("call")])
    for change, label in zip(step.changes, labels, strict=True):
        for number, piece in enumerate(_render_change(change, new=step.action is Action.CREATE)):
            yield build_line(_INDENT, f"{label if not number else '':{width}}  ", *piece)
    if step.request:
        suffix = f" and {group_size - 1:,} more like it" if group_size > 1 else ""
        yield build_line(_INDENT, (f"{'call':{width}}  {format_call(step.request.call)}{suffix}", _FAINT))
    if step.refusal:
        yield build_line(_INDENT, (f"{'refused':{width}}  {step.refusal}", "bold red"))


def format_call(request: Call) -> str:
    """Return the request line as it is sent: method, path and encoded query."""
    query = "&".join(f"{_encode_query_part(name)}={_encode_query_part(value)}" for name, value in request.query)
    return f"{request.method} {request.path}{'?' + query if query else ''}"


def _encode_query_part(text: str) -> str:
    # Otherwise quote() raises for a lone surrogate. A blank is %20, never +: Huawei's signature wants it
    # so.
    return quote(text, safe="", errors="backslashreplace")


def compare_members(before: Json, after: Json) -> tuple[list[Json], list[Json], int] | None:
    """Return (added, removed, unchanged) where both sides are sets (sorted lists, or nothing); None where they aren't.

    Lists that differ in order or repetition alone are no sets.
    """
    sides = [[] if side is None else side for side in (before, after)]
    if not all(isinstance(side, list) for side in sides):
        return None
    old, new = ({_build_item_key(item): item for item in side} for side in sides)
    added = [item for key, item in new.items() if key not in old]
    removed = [item for key, item in old.items() if key not in new]
    return (added, removed, len(new) - len(added)) if added or removed else None


def _render_change(change: Change, *, new: bool) -> Iterator[tuple[str | tuple[str, str], ...]]:
    """Yield the pieces of each line of one change; of a new object only what it will be."""
    member_changes = compare_members(change.before, change.after)
    if member_changes is None:
        old = () if new else ((quote_value(change.before), _REMOVED), " -> ")
        yield (*old, (quote_value(change.after), _ADDED))
        return
    added, removed, unchanged = member_changes
    yield from _render_members("+", added, _ADDED)
    yield from _render_members("-", removed, _REMOVED)
    if unchanged:
        yield ((f"  {unchanged:,} unchanged", _FAINT),)


def _render_members(sign: str, items: Sequence[Json], style: str) -> Iterator[tuple[tuple[str, str], ...]]:
    for item in items[:MAX_MEMBERS]:
        yield ((f"{sign} {quote_value(item)}", style),)
    if len(items) > MAX_MEMBERS:
        yield ((f"{sign} (+{len(items) - MAX_MEMBERS:,} more, see --format json)", style),)


def _build_item_key(item: Json) -> str:
    return json.dumps(item, sort_keys=True, default=str)
