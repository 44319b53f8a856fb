"""A change as lines of a diff, with the sign, the side and the value of each, for reports that have no columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.model import Change, Json
from reconciler.plans.masking import MaskedStep
from reconciler.reports.field_changes import compare_members
from reconciler.reports.layout import MemberNames, quote_member, quote_value
from reconciler.reports.perspective import View

MAX_LINES = 50
"""Members of one set that are shown of either sign; the rest is counted."""

_MAX_CHARACTERS = 2_000


class DiffLine(NamedTuple):
    """One line: `tone` is added, removed, found or same; `side` says of what it is told, `sign` is "" or one of + -."""

    tone: str
    sign: str
    side: str
    text: str


def build_diff_lines(change: Change, step: MaskedStep, view: View) -> list[DiffLine]:
    """Return one change: what is to be instead of what is, or, from the server's side, what was found instead."""
    return list(_build_found_lines(change, step) if view.from_server else _build_planned_lines(change, step))


def _build_planned_lines(change: Change, step: MaskedStep) -> Iterator[DiffLine]:
    members = compare_members(change.before, change.after)
    if members is None:
        # Of what is made anew everything is an addition.
        if not step.finds_nothing:
            yield DiffLine("removed", "-", "before", _quote(change.before))
        yield DiffLine("added", "+", "after", _quote(change.after))
        return
    added, removed, unchanged = members
    yield from _build_member_lines("removed", "-", "removed", removed, change.names)
    yield from _build_member_lines("added", "+", "added", added, change.names)
    if unchanged:
        yield DiffLine("same", "", "", f"{unchanged:,} unchanged")


def _build_found_lines(change: Change, step: MaskedStep) -> Iterator[DiffLine]:
    """Yield the same as news of the server: what was put in there is an addition."""
    if step.finds_nothing:
        members = change.after if isinstance(change.after, list) and change.after else [change.after]
        yield from _build_member_lines("same", "", "declared", members, change.names)
    elif sides := compare_members(change.after, change.before):
        added, missing, unchanged = sides
        yield from _build_member_lines("found", "+", "added on the server", added, change.names)
        yield from _build_member_lines("removed", "-", "missing on the server", missing, change.names)
        if unchanged:
            yield DiffLine("same", "", "", f"{unchanged:,} as declared")
    else:
        yield DiffLine("same", "", "declared", _quote(change.after))
        yield DiffLine("found", "", "found", _quote(change.before))


def _build_member_lines(
    tone: str, sign: str, side: str, members: Sequence[Json], names: MemberNames
) -> Iterator[DiffLine]:
    for member in members[:MAX_LINES]:
        yield DiffLine(tone, sign, side, _shorten(quote_member(member, names, hint="")))
    if len(members) > MAX_LINES:
        yield DiffLine(tone, sign, side, f"{len(members) - MAX_LINES:,} more")


def _quote(value: Json) -> str:
    return _shorten(quote_value(value, hint=""))


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}... ({len(text):,} characters)"
