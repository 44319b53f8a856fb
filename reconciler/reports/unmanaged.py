"""Live objects that no document declares: counted in a line of every comparison, and listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.coverage import UnmanagedCounts
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.registry import KINDS
from reconciler.model import Json
from reconciler.plans.masking import MaskedPlan
from reconciler.plans.unmanaged import UnmanagedObjects
from reconciler.reports.layout import MAX_VALUE, PLAIN_LAYOUT, Layout, Line, build_line, format_count, render_parts
from reconciler.reports.table import Row, build_table

MAX_LISTED = 50
"""Objects of a kind that are listed one by one; where there are more, groups of them are, up to so many."""

_MAX_EXAMPLES = 3
"""Objects of a group that are named."""


def summarize_unmanaged(counts: UnmanagedCounts) -> str:
    """Say how many there are of each kind, and on which target where there are several; "" where there are none."""
    parts = [_count_kind(kind, by_target) for kind, by_target in counts.items() if any(by_target.values())]
    return f"unmanaged: {', '.join(parts)}" if parts else ""


def _count_kind(kind: str, by_target: Mapping[str, int]) -> str:
    """Say how many objects of a kind there are, in the kind's own words."""
    text = _count_objects(kind, sum(by_target.values()))
    if len(by_target) < 2:
        return text
    return f"{text} ({', '.join(f'{target} {count:,}' for target, count in sorted(by_target.items()))})"


def _count_objects(kind: str, count: int) -> str:
    # A saved plan may name a kind that this version does not have.
    one, several = KINDS[kind].listed_as if kind in KINDS else ("object", "objects")
    return f"{count:,} {one if count == 1 else several}"


def summarize_inventory(plan: MaskedPlan, listings: Sequence[UnmanagedObjects]) -> str:
    """Say what the lists of live objects come to beside what is declared."""
    counts: dict[str, int] = {}
    for listing in listings:
        counts[listing.kind] = counts.get(listing.kind, 0) + len(listing.objects)
    parts = [_count_objects(kind, count) for kind, count in sorted(counts.items()) if count]
    gaps = f"INCOMPLETE, {format_count(len(plan.gaps), 'thing')} could not be read" if plan.gaps else ""
    partial = f"partial run ({plan.selection})" if plan.selection else ""
    caveats = "; ".join(filter(None, (gaps, partial)))
    caveats = f"{caveats[:1].upper()}{caveats[1:]}: " if caveats else ""
    summary = f"unmanaged: {', '.join(parts)}" if parts else "nothing unmanaged in what was read"
    summary = summary if caveats else f"{summary[:1].upper()}{summary[1:]}"
    live = f"compared {plan.compared.objects:,} of {format_count(plan.compared.of, 'live object')}"
    return f"{caveats}{summary}  ({live})"


def encode_listed_objects(listings: Sequence[UnmanagedObjects]) -> list[dict[str, Json]]:
    """Return each object as the JSON document has it."""
    return [
        {
            "target": listing.target,
            "kind": listing.kind,
            "name": item.name,
            "id": item.id,
            "facts": dict(item.facts),
        }
        for listing in listings
        for item in listing.objects
    ]


def render_unmanaged(plan: MaskedPlan, listings: Sequence[UnmanagedObjects], layout: Layout = PLAIN_LAYOUT) -> str:
    """Return the objects by target and kind; of many, what they have in common."""

    def report() -> Iterator[Line]:
        yield build_line((summarize_inventory(plan, listings), "bold"), hang=2)
        for name, bound in sorted(plan.targets.items()):
            project = f" project {bound.project}" if bound.project else ""
            yield build_line((f"target {name}: {bound.url}{project}", "dim"), hang=2)
        filled = [listing for listing in listings if listing.objects]
        for listing in filled:
            yield build_line()
            target = f" on target {listing.target}" if len(plan.targets) > 1 else ""
            count = _count_objects(listing.kind, len(listing.objects))
            yield build_line((f"{listing.kind}: {count}{target}", "bold"), hang=2)
            yield from _render_objects(listing.objects, layout)
        if filled:
            yield build_line()
            yield from _render_next_steps(filled)

    return render_parts(report(), layout)


def _render_objects(objects: Sequence[ListedObject], layout: Layout) -> Iterator[Line]:
    groups: dict[str, list[ListedObject]] = {}
    for item in objects:
        groups.setdefault(item.group, []).append(item)
    if len(objects) <= MAX_LISTED or not any(groups):
        yield from build_table([_build_cells(item) for item in objects[:MAX_LISTED]], layout)
        yield from _render_remainder(len(objects) - MAX_LISTED, "object")
        return
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    rows = [_build_group_cells(name, members) for name, members in largest[:MAX_LISTED]]
    yield from build_table(rows, layout, first="such as")
    yield from _render_remainder(len(largest) - MAX_LISTED, "group")


def _render_remainder(hidden: int, noun: str) -> Iterator[Line]:
    if hidden > 0:
        yield build_line((f"({format_count(hidden, f'more {noun}')}, each object with --format json)", "dim"))


def _build_cells(item: ListedObject) -> Row:
    facts: Row = {name: (_format_fact(value), "") for name, value in item.facts.items()}
    return {"name": (item.name or "(none)", "bold"), "id": (item.id, ""), **facts}


def _build_group_cells(name: str, members: Sequence[ListedObject]) -> Row:
    examples = ", ".join(f"{item.name or '(none)'} (id {item.id})" for item in members[:_MAX_EXAMPLES])
    more = ", ..." if len(members) > _MAX_EXAMPLES else ""
    return {"group": (name, "bold"), "objects": (f"{len(members):,}", ""), "such as": (f"{examples}{more}", "")}


def _format_fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    return f"{text[:MAX_VALUE]}..." if len(text) > MAX_VALUE else text


def _render_next_steps(listings: Sequence[UnmanagedObjects]) -> Iterator[Line]:
    """Say how objects come into the manifests: as an export has them, or else by hand."""
    objects = [(listing.kind, item) for listing in listings for item in listing.objects]
    kinds = sorted({kind for kind, item in objects if not item.unexportable})
    if kinds:
        command = " ".join(("reconciler export --unmanaged", *(f"--kind {kind}" for kind in kinds)))
        narrowed = "--match narrows it by name, or by owner for certificates"
        remedy = "into a file among the manifests"
        yield build_line(f"To declare them: {command}, {remedy}; {narrowed}.", hang=2)
    for reason in sorted({item.unexportable for _, item in objects if item.unexportable}):
        yield build_line(f"No export has {reason}.", hang=2)
    yield build_line(
        "From then on plan and drift watch them, and reconciler adopt takes over what others change.", hang=2
    )
