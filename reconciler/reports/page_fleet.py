"""A fleet as a page shows it: a heat map of targets by kind, and what targets share, each told once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from reconciler.reports.fleet_matrix import CellState, FleetMatrix, FleetRow, build_fleet_matrix
from reconciler.reports.fleet_sharing import (
    PROJECT_PLACEHOLDER,
    SharedChange,
    count_sharing,
    describe_ages,
    fold_changes,
    list_sharing,
)
from reconciler.reports.fleet_words import count_row_group, describe_cell, describe_cell_state, summarize_fleet
from reconciler.reports.page_steps import (
    MAX_GROUP_OBJECTS,
    Mark,
    PageBlock,
    PageSteps,
    ShownObject,
    build_block,
    build_object,
    build_page_steps,
    pick_blocks,
)
from reconciler.reports.perspective import View
from reconciler.reports.run_report import ReportedStep, RunReport

MAX_PAGE_TARGETS = 2_000
"""Targets that the heat map has a row for; the others are counted."""

_TONES = {
    CellState.STALE: "wary",
    CellState.CHANGES: "wary",
    CellState.ABSENT: "wary",
    CellState.NOT_REACHED: "calm",
    CellState.ACKNOWLEDGED: "calm",
    CellState.APPLIED: "good",
    CellState.IN_SYNC: "good",
    CellState.UNDECLARED: "none",
}
"""What is not among them is bad."""


class HeatRow(NamedTuple):
    """A target: the worst of it, a mark for each kind, and why nothing better can be said."""

    target: str
    state: Mark
    cells: Sequence[Mark]
    reason: str


class SharedRow(NamedTuple):
    """A change that targets share: its block's number on the page, 0 for none, what it is, and where it is."""

    number: int
    name: str
    word: str
    sharing: str
    names: str


@dataclass(frozen=True, slots=True)
class FleetPage:
    """The heat map, the worst first; `quiet` are the other targets, each group with its title."""

    summary: str
    kinds: Sequence[str]
    rows: Sequence[HeatRow]
    hidden: int
    quiet: Sequence[tuple[str, Sequence[str]]]
    shared: Sequence[SharedRow]


class FleetContent(NamedTuple):
    """What a page has of a fleet, and the steps: those that are shared first, each once."""

    fleet: FleetPage
    steps: PageSteps


def build_fleet_content(report: RunReport, view: View) -> FleetContent:
    """Return the heat map and the steps of a fleet."""
    matrix = build_fleet_matrix(report)
    # A page shows what is left alone among the steps, marked as such.
    folded = fold_changes(chain(report.steps, report.acknowledged), report.plan.targets)
    shared = folded.shared
    shared_steps = pick_blocks(
        [change.members for change in shared], lambda index: _build_shared_block(shared[index], matrix, view)
    )
    single_steps = build_page_steps(folded.remaining, view)
    halves = (single_steps, shared_steps) if folded.is_worse_apart else (shared_steps, single_steps)
    # Where not all blocks have room nobody can tell which of them is whose.
    start = len(single_steps.blocks) + 1 if folded.is_worse_apart else 1
    numbers = [0] * len(shared) if shared_steps.hidden else range(start, start + len(shared))
    return FleetContent(_build_fleet_page(matrix, zip(numbers, shared, strict=True), view), _join_steps(halves))


def _join_steps(halves: Sequence[PageSteps]) -> PageSteps:
    blocks = chain.from_iterable(half.blocks for half in halves)
    numbered = [replace(block, number=number) for number, block in enumerate(blocks, 1)]
    return PageSteps(numbered, sum(half.hidden for half in halves))


def _build_fleet_page(matrix: FleetMatrix, shared: Iterable[tuple[int, SharedChange]], view: View) -> FleetPage:
    rows = matrix.loud_rows
    quiet = [
        (count_row_group(state, matrix.command, len(names)), names) for state, names in matrix.quiet_groups.items()
    ]
    return FleetPage(
        summarize_fleet(matrix),
        matrix.kinds,
        [_build_heat_row(row, matrix) for row in rows[:MAX_PAGE_TARGETS]],
        max(0, len(rows) - MAX_PAGE_TARGETS),
        quiet,
        [_build_shared_row(number, change, matrix, view) for number, change in shared],
    )


def _build_heat_row(row: FleetRow, matrix: FleetMatrix) -> HeatRow:
    state = Mark(describe_cell_state(row.state, matrix.command), _find_tone(row.state))
    cells = [Mark(describe_cell(cell, matrix.command), _find_tone(cell.state)) for cell in row.cells]
    return HeatRow(row.target, state, cells, row.problems[0].summary if row.problems else "")


def _build_shared_row(number: int, change: SharedChange, matrix: FleetMatrix, view: View) -> SharedRow:
    step, outcome = change.example.step, change.example.outcome
    word = outcome.verdict.value.replace("_", " ") if outcome else view.find_words(step).word
    return SharedRow(
        number,
        f"{step.address.kind} {step.address.label}",
        "acknowledged" if step.deferral else word,
        count_sharing(change, matrix).removeprefix("the same in "),
        list_sharing(change, matrix),
    )


def _build_shared_block(change: SharedChange, matrix: FleetMatrix, view: View) -> PageBlock:
    """Return the block of a shared change: one step's, with all targets where another has its own."""
    block = build_block([change.example], view)
    call = f"{block.call} and {len(change.members) - 1:,} more like it" if block.call else ""
    placeholder = f"{PROJECT_PLACEHOLDER} stands for the project of each target" if change.names_project else ""
    # A block without a target would be filtered as one of which it is not remembered.
    return replace(
        block,
        target="",
        facets={**block.facets, "Target": "several"},
        facts=list(filter(None, (count_sharing(change, matrix), describe_ages(change), placeholder))),
        call=call,
        size=len(change.members),
        objects=list(_list_objects(change.members[:MAX_GROUP_OBJECTS], view)),
    )


def _list_objects(members: Iterable[ReportedStep], view: View) -> Iterator[ShownObject]:
    for member in members:
        item = build_object(member.step, view)
        yield item._replace(name=f"{member.step.address.target}: {item.name}")


def _find_tone(state: CellState) -> str:
    return _TONES.get(state, "bad")
