"""The built-in reference as text: the kinds, one kind or field, the exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model import Json
from reconciler.reports.layout import PLAIN, Look, Part, drawn, line
from reconciler.reports.table import Cell, columns


def listing(rows: Sequence[Mapping[str, Json]], look: Look = PLAIN) -> str:
    """Return rows of {heading: value} as an aligned table."""
    cells: list[dict[str, Cell]] = [{name: (_word(value), "") for name, value in row.items()} for row in rows]
    return drawn([columns(cells, look)], look)


def explained(said: Mapping[str, Json], look: Look = PLAIN) -> str:
    """Return what `explain` found: {"path", "description", facts, "fields": [{"name", ...}], "example"}."""
    parts: list[Part] = [line((said["path"], "bold")), line(f"  {said['description']}"), line()]
    facts = {name: value for name, value in said.items() if name not in {"path", "description", "fields", "example"}}
    width = max((len(name) for name in facts), default=0)
    parts += [line(f"  {name:{width}}  {_word(value)}") for name, value in facts.items()]
    if fields := said.get("fields"):
        parts += [line(), line(("fields", "bold")), columns([_row(field) for field in fields], look)]
    if example := said.get("example"):
        parts += [line(), line(("example", "bold")), *(line(f"  {text}") for text in example.splitlines())]
    return drawn(parts, look)


def _row(field: Mapping[str, Json]) -> dict[str, Cell]:
    told = {"field": f"  {field['name']}", "type": field["type"], "": field["presence"], "what": field["description"]}
    return {name: (_word(value), "") for name, value in told.items()}


def _word(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_word(item) for item in value)
    return str(value)
