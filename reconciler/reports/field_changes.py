"""Field by field: what a step changes, why that deserves thought, and the request that it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from reconciler.model import Change, Json, Risk
from reconciler.plans.masking import MaskedStep
from reconciler.reports.layout import Line, MemberNames, build_line, measure_text, quote_member, quote_value
from reconciler.reports.origins import format_origin
from reconciler.reports.perspective import View
from reconciler.reports.request_text import format_call, render_request
from reconciler.sanitize import escape_invisible

MAX_MEMBERS = 12
"""Members of one set that are shown of either sign, where nobody asked for all; the rest is counted."""

_INDENT = "    "
_ADDED, _REMOVED, _FAINT = "green", "red", "dim"
_FOUND, _MISSING = "yellow", "red"
_RISK_WORDS = {Risk.LOW: "", Risk.HIGH: "high risk", Risk.IRREVERSIBLE: "irreversible"}
_NOTE_COLUMN = 36
"""Widest members beside which a note has room."""

_Pieces = tuple[str | tuple[str, str], ...]


def render_fields(step: MaskedStep, view: View, *, group_size: int = 1) -> Iterator[Line]:
    """Yield the lines below a step's title: its changes, its call (one of `group_size`), or why there is none."""
    subjects = {subject.path: subject for subject in step.subjects if subject.path}
    changes = view.list_changes(step)
    labels = [escape_invisible(change.path) for change in changes]
    closing_lines = list(_list_closing_lines(step, view, group_size))
    width = max(map(len, (*labels, *(label for label, _, _ in closing_lines), "request" if view.is_full else "call")))
    hang = len(_INDENT) + width + 2
    for change, label in zip(changes, labels, strict=True):
        pieces_of_lines = _render_found(change, step, view) if view.from_server else _render_planned(change, step, view)
        for number, pieces in enumerate(pieces_of_lines):
            subject = subjects.get(change.path)
            told = f"   {', '.join((subject.name, *map(' '.join, subject.facts)))}" if subject and not number else ""
            yield build_line(_INDENT, f"{label if not number else '':{width}}  ", *pieces, told, hang=hang + 2)
        if change.origin:
            yield build_line(
                _INDENT, " " * (width + 2), (f"decided at {format_origin(change.origin)}", _FAINT), hang=hang + 2
            )
    for label, text, style in closing_lines:
        yield build_line(_INDENT, (f"{label:{width}}  {text}", style), hang=hang)
    if step.request and view.headers:
        yield from render_request(step.request.call, view, hang)


def _list_closing_lines(step: MaskedStep, view: View, group_size: int) -> Iterator[tuple[str, str, str]]:
    """Yield (label, text, style): why the step deserves thought, what it sends, or why it sends nothing."""
    if step.deferral:
        yield "acknowledged", step.deferral.description, _FAINT
        return
    call = format_call(step.request.call) if step.request else ""
    more = f" and {group_size - 1:,} more like it" if group_size > 1 else ""
    # Its reason speaks of the way back, so from the server's side it stands with the request that goes there.
    judgement = ": ".join(filter(None, (_RISK_WORDS[step.risk], step.risk_reason))) if step.risk is not Risk.LOW else ""
    if view.from_server and call:
        yield "repair", "; ".join(filter(None, (f"{call}{more}", judgement))), _FAINT
    elif judgement and not view.from_server and not step.refusal:
        yield "risk", ": ".join(filter(None, (step.risk.value, step.risk_reason))), "bold yellow"
    if step.refusal:
        yield "refused", step.refusal, "bold red"
    elif call and not view.from_server and not view.is_full:
        yield "call", f"{call}{more}", _FAINT


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


def _render_planned(change: Change, step: MaskedStep, view: View) -> Iterator[_Pieces]:
    """Yield the pieces of each line of one change; of an object that does not exist only what it is to be."""
    member_changes = compare_members(change.before, change.after)
    if member_changes is None:
        old, new = (quote_value(value, hint=view.remainder_hint) for value in (change.before, change.after))
        yield (*(() if step.finds_nothing else ((old, _REMOVED), " -> ")), (new, _ADDED))
        return
    added, removed, unchanged = member_changes
    yield from _render_members("+", added, _ADDED, view, change.names)
    yield from _render_members("-", removed, _REMOVED, view, change.names)
    if unchanged:
        yield ((f"  {unchanged:,} unchanged", _FAINT),)


def _render_found(change: Change, step: MaskedStep, view: View) -> Iterator[_Pieces]:
    """Yield the same from the server's side: declared -> found; what was put in there is an addition."""
    if step.finds_nothing:
        members = change.after if isinstance(change.after, list) and change.after else [change.after]
        hint = view.remainder_hint
        yield from (
            ((quote_member(member, change.names, hint=hint), _FAINT), (" declared", _FAINT))
            for member in members[:MAX_MEMBERS]
        )
        yield from _render_remainder("", members, _FAINT, view)
    elif member_changes := compare_members(change.after, change.before):
        yield from _render_found_members(*member_changes, view, change.names)
    else:
        declared, found = (quote_value(value, hint=view.remainder_hint) for value in (change.after, change.before))
        yield (declared, " -> ", (found, _FOUND))


def _render_found_members(
    added: list[Json], missing: list[Json], unchanged: int, view: View, names: MemberNames
) -> Iterator[_Pieces]:
    members_shown = (*added[:MAX_MEMBERS], *missing[:MAX_MEMBERS])
    shown = [quote_member(member, names, hint=view.remainder_hint) for member in members_shown]
    width = max(map(measure_text, shown))
    for sign, members, style, note in (("+", added, _FOUND, "added"), ("-", missing, _MISSING, "missing")):
        # Beside long members a note would go on below each of them.
        if members and width > _NOTE_COLUMN:
            yield (f"{note} on the server:",)
        note_beside = f"   {note} on the server" if width <= _NOTE_COLUMN else ""
        yield from _render_members(sign, members, style, view, names, note_beside, width)
    if unchanged:
        yield ((f"  {unchanged:,} as declared", _FAINT),)


def _render_members(
    sign: str, items: Sequence[Json], style: str, view: View, names: MemberNames, note: str = "", width: int = 0
) -> Iterator[_Pieces]:
    for item in items if view.is_full else items[:MAX_MEMBERS]:
        text = quote_member(item, names, hint=view.remainder_hint)
        padding = " " * max(0, width - measure_text(text)) if note else ""
        yield ((f"{sign} {text}", style), f"{padding}{note}")
    yield from _render_remainder(sign, items, style, view)


def _render_remainder(sign: str, items: Sequence[Json], style: str, view: View) -> Iterator[_Pieces]:
    if len(items) > MAX_MEMBERS and not view.is_full:
        yield ((f"{sign} (+{len(items) - MAX_MEMBERS:,} more, {view.remainder_hint})".lstrip(), style),)


def _build_item_key(item: Json) -> str:
    return json.dumps(item, sort_keys=True, default=str)
