"""The table of a plan: one row an object, and as many columns as the reader has room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reconciler.model import Action, Risk, Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedStep
from reconciler.reports.layout import Layout, format_count
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from rich.table import Table

SYMBOLS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.CLEAR: ("-", "magenta"),
    Action.DENY: ("!", "bold red"),
}
VERDICTS = {
    Verdict.APPLIED: ("applied", "green"),
    Verdict.UNCHANGED: ("unchanged", "dim"),
    Verdict.NOT_APPLIED: ("NOT APPLIED", "bold red"),
    Verdict.STALE: ("STALE", "bold yellow"),
    Verdict.UNKNOWN: ("UNKNOWN", "bold red"),
    Verdict.NOT_REACHED: ("not reached", "dim"),
}
_RISKS = {Risk.LOW: ("low", ""), Risk.HIGH: ("HIGH", "bold yellow"), Risk.IRREVERSIBLE: ("IRREVERSIBLE", "bold red")}
_DISPENSABLE_COLUMNS = ("source", "fields", "object")
"""Columns that go, in this order, where there is no room: the blocks below the table say the same."""
_NARROW_LIMIT, _WIDE_LIMIT = 16, 60
"""Longest objects in a narrow and in any table."""

Cell = tuple[str, str]


def build_step_table(steps: Sequence[MaskedStep], layout: Layout, outcomes: Sequence[MaskedOutcome] = ()) -> Table:
    """Return the rows of these steps, each with its verdict where outcomes are given."""
    show_target = len({step.address.target for step in steps}) > len({step.address.kind for step in steps})
    rows = [_build_cells(step, show_target=show_target) for step in steps]
    if outcomes:
        rows = [{"verdict": VERDICTS[outcome.verdict], **row} for outcome, row in zip(outcomes, rows, strict=True)]
    return build_table(_fit_columns(rows, layout.width), layout)


def build_table(rows: Sequence[dict[str, Cell]], layout: Layout) -> Table:
    """Return rows of {heading: (text, style)} as an aligned table without rules."""
    from rich.table import Table  # noqa: PLC0415 - heavy
    from rich.text import Text  # noqa: PLC0415

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in rows[0] if rows else ():
        # rich's own choice is an ellipsis, which would cut a name that a reviewer has to read.
        grid.add_column(name, overflow="fold", no_wrap=not layout.width)
    for row in rows:
        grid.add_row(*(Text(escape_invisible(text), style) for text, style in row.values()))
    return grid


def describe_object(step: MaskedStep) -> str:
    """Say which live object a step is about, where the document's name doesn't."""
    return escape_invisible(step.object.removeprefix(step.address.name).strip())


def _build_cells(step: MaskedStep, *, show_target: bool) -> dict[str, Cell]:
    symbol, style = SYMBOLS[step.action]
    target = {"target": (escape_invisible(step.address.target), "")} if show_target else {}
    return {
        "": ("x" if step.request is None else symbol, style),
        "action": (step.action.value, ""),
        **target,
        "kind": (escape_invisible(step.address.kind), ""),
        "name": (escape_invisible(step.address.name), ""),
        "object": (_shorten_object(describe_object(step), _WIDE_LIMIT), ""),
        "risk": _RISKS[step.risk],
        "fields": (_summarize_fields(step), ""),
        "source": (escape_invisible(str(step.source)), "dim"),
    }


def _summarize_fields(step: MaskedStep) -> str:
    if step.action is Action.CREATE:
        return format_count(len(step.changes), "field")
    if step.action is Action.DENY:
        return format_count(step.weight, "request")
    paths = list(dict.fromkeys(escape_invisible(change.path) for change in step.changes))
    return ", ".join(paths[:3]) + (f" +{len(paths) - 3}" if len(paths) > 3 else "")


def _fit_columns(rows: list[dict[str, Cell]], width: int) -> list[dict[str, Cell]]:
    """Shorten objects and fields, then leave columns out until the rest fits; without a width everything does."""
    if not width or _measure_width(rows) <= width:
        return rows
    rows = [{**row, "object": (_shorten_object(row["object"][0], _NARROW_LIMIT), "")} for row in rows]
    if _measure_width(rows) > width:
        rows = [{**row, "fields": (_shorten_fields(row["fields"][0]), "")} for row in rows]
    for name in _DISPENSABLE_COLUMNS:
        if _measure_width(rows) <= width:
            break
        rows = [{heading: cell for heading, cell in row.items() if heading != name} for row in rows]
    return rows


def _shorten_fields(fields: str) -> str:
    """Keep the first field and count the others: `description +2`."""
    first, *further = fields.split(", ")
    return f"{first} +{len(further)}" if further and " +" not in fields else first


def _shorten_object(text: str, limit: int) -> str:
    """Keep what tells objects apart: the end of a class's dotted name, the beginning of a thumbprint."""
    if len(text) <= limit:
        return text
    return f"..{text[2 - limit :]}" if "." in text and " " not in text else f"{text[: limit - 2]}.."


def _measure_width(rows: Iterable[dict[str, Cell]]) -> int:
    from rich.cells import cell_len  # noqa: PLC0415

    widest: dict[str, int] = {}
    for row in rows:
        for heading, (text, _) in row.items():
            widest[heading] = max(widest.get(heading, len(heading)), cell_len(text))
    return sum(widest.values()) + 2 * len(widest)
