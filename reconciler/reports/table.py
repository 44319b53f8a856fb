"""The table of a plan: one row an object, and as many columns as the reader has room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reconciler.model import Action, Outcome, Risk, Step, Verdict
from reconciler.reports.layout import Look, count
from reconciler.sanitize import visible

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
_DISPENSABLE = ("source", "fields", "object")
"""Columns that go, in this order, where there is no room: the blocks below the table say the same."""
_NARROW, _WIDE = 16, 60
"""Longest objects in a narrow and in any table."""

Cell = tuple[str, str]


def table(steps: Sequence[Step], look: Look, outcomes: Sequence[Outcome] = ()) -> Table:
    """Return the rows of these steps, each with its verdict where outcomes are given."""
    several = len({step.address.target for step in steps}) > len({step.address.kind for step in steps})
    rows = [_cells(step, several=several) for step in steps]
    if outcomes:
        rows = [{"verdict": VERDICTS[one.verdict], **row} for one, row in zip(outcomes, rows, strict=True)]
    return columns(_fitting(rows, look.width), look)


def columns(rows: Sequence[dict[str, Cell]], look: Look) -> Table:
    """Return rows of {heading: (text, style)} as an aligned table without rules."""
    from rich.table import Table  # noqa: PLC0415 - heavy
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in rows[0] if rows else ():
        # rich's own choice is an ellipsis, which would cut a name that a reviewer has to read.
        drawn.add_column(name, overflow="fold", no_wrap=not look.width)
    for row in rows:
        drawn.add_row(*(Text(visible(text), style) for text, style in row.values()))
    return drawn


def about(step: Step) -> str:
    """Say which live object a step is about, where the document's name doesn't."""
    return visible(step.object.removeprefix(step.address.name).strip())


def _cells(step: Step, *, several: bool) -> dict[str, Cell]:
    symbol, style = SYMBOLS[step.action]
    target = {"target": (visible(step.address.target), "")} if several else {}
    return {
        "": ("x" if step.request is None else symbol, style),
        "action": (step.action.value, ""),
        **target,
        "kind": (visible(step.address.kind), ""),
        "name": (visible(step.address.name), ""),
        "object": (_shortened(about(step), _WIDE), ""),
        "risk": _RISKS[step.risk],
        "fields": (_fields(step), ""),
        "source": (visible(str(step.source)), "dim"),
    }


def _fields(step: Step) -> str:
    if step.action is Action.CREATE:
        return count(len(step.changes), "field")
    if step.action is Action.DENY:
        return count(step.weight, "request")
    paths = list(dict.fromkeys(visible(change.path) for change in step.changes))
    return ", ".join(paths[:3]) + (f" +{len(paths) - 3}" if len(paths) > 3 else "")


def _fitting(rows: list[dict[str, Cell]], width: int) -> list[dict[str, Cell]]:
    """Shorten objects and fields, then leave columns out until the rest fits; without a width everything does."""
    if not width or _width(rows) <= width:
        return rows
    rows = [{**row, "object": (_shortened(row["object"][0], _NARROW), "")} for row in rows]
    if _width(rows) > width:
        rows = [{**row, "fields": (_first(row["fields"][0]), "")} for row in rows]
    for name in _DISPENSABLE:
        if _width(rows) <= width:
            break
        rows = [{heading: cell for heading, cell in row.items() if heading != name} for row in rows]
    return rows


def _first(fields: str) -> str:
    """Keep the first field and count the others: `description +2`."""
    first, *others = fields.split(", ")
    return f"{first} +{len(others)}" if others and " +" not in fields else first


def _shortened(text: str, most: int) -> str:
    """Keep what tells objects apart: the end of a class's dotted name, the beginning of a thumbprint."""
    if len(text) <= most:
        return text
    return f"..{text[2 - most :]}" if "." in text and " " not in text else f"{text[: most - 2]}.."


def _width(rows: Iterable[dict[str, Cell]]) -> int:
    from rich.cells import cell_len  # noqa: PLC0415

    widest: dict[str, int] = {}
    for row in rows:
        for heading, (text, _) in row.items():
            widest[heading] = max(widest.get(heading, len(heading)), cell_len(text))
    return sum(widest.values()) + 2 * len(widest)
