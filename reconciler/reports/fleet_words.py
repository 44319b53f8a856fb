"""A fleet's matrix in words: the same ones in every format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.reports.fleet_matrix import CellState, FleetCell, FleetMatrix
from reconciler.reports.layout import format_count

_GROUP_CLAUSES = {
    CellState.UNKNOWN: "with an unknown outcome",
    CellState.NOT_APPLIED: "with something not applied",
    CellState.STALE: "with something stale",
    CellState.NOT_REACHED: "with something not reached",
    CellState.LOST: "without an answer",
    CellState.UNREAD: "not read whole",
    CellState.REFUSED: "with something refused",
    CellState.CHANGES: "that differ",
    CellState.ABSENT: "with something not there",
    CellState.ACKNOWLEDGED: "with nothing but what is acknowledged",
    CellState.APPLIED: "where all is applied",
    CellState.IN_SYNC: "in sync",
    CellState.UNDECLARED: "for which nothing is declared",
}


def describe_cell(cell: FleetCell, command: str) -> str:
    """Return a cell in words; what is in sync is told alone where nothing else is to be told."""
    parts = list(_describe_counts(cell.counts, command))
    return ", ".join(parts) or CellState.UNDECLARED.value


def _describe_counts(counts: Mapping[CellState, int], command: str) -> Iterator[str]:
    for state, number in counts.items():
        # Beside what is not, nobody looks for what is.
        if state is CellState.IN_SYNC:
            if len(counts) == 1:
                yield state.value
        elif state is CellState.CHANGES:
            yield f"{number:,} {describe_cell_state(state, command, number)}"
        else:
            yield f"{number:,} {state.value}" if number else state.value


def describe_cell_state(state: CellState, command: str, number: int = 1) -> str:
    """Return the word for a state, from the side that the command tells it from."""
    if state is not CellState.CHANGES:
        return state.value
    return ("differs" if number == 1 else "differ") if command == "drift" else "to change"


def summarize_fleet(matrix: FleetMatrix) -> str:
    """Say how many targets there are, and how many of them in which state."""
    parts = [
        f"{number:,} {describe_cell_state(state, matrix.command, number)}" for state, number in matrix.counts.items()
    ]
    shard = f" of shard {matrix.shard}" if matrix.shard else ""
    unplaced = f"; {format_count(len(matrix.unplaced), 'problem')} of no single target" if matrix.unplaced else ""
    return f"{format_count(len(matrix.rows), 'target')}{shard}: {', '.join(parts)}{unplaced}"


def count_row_group(state: CellState, command: str, number: int, noun: str = "target") -> str:
    """Say how many targets there are in a state: `24 targets in sync`."""
    clause = _GROUP_CLAUSES[state] if state is not CellState.CHANGES or command == "drift" else "to change"
    return f"{format_count(number, noun)} {clause if number > 1 else clause.replace('that differ', 'that differs')}"
