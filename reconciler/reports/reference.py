"""The built-in reference as text: the kinds, one kind or field, the exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model import Json
from reconciler.reports.layout import PLAIN_LAYOUT, Layout, Line, build_line, render_parts
from reconciler.reports.table import Cell, build_table


def render_listing(rows: Sequence[Mapping[str, Json]], layout: Layout = PLAIN_LAYOUT) -> str:
    """Return rows of {heading: value} as an aligned table."""
    cells: list[dict[str, Cell]] = [{name: (_format_value(value), "") for name, value in row.items()} for row in rows]
    return render_parts(build_table(cells, layout), layout)


def render_explanation(reference: Mapping[str, Json], layout: Layout = PLAIN_LAYOUT) -> str:
    """Return what `explain` found: {"path", "description", facts, "values", "fields": [{"name", ...}], "example"}."""
    parts: list[Line] = [
        build_line((reference["path"], "bold")),
        build_line(f"  {reference['description']}", hang=2),
        build_line(),
    ]
    facts = {
        name: value
        for name, value in reference.items()
        if name not in {"path", "description", "values", "fields", "example"}
    }
    width = max((len(name) for name in facts), default=0)
    parts += [build_line(f"  {name:{width}}  {_format_value(value)}", hang=width + 4) for name, value in facts.items()]
    if values := reference.get("values"):
        rows = [{"  value": f"  {row['value']}", "meaning": row["meaning"]} for row in values]
        parts += [
            build_line(),
            build_line(("values", "bold")),
            *build_table([{name: (_format_value(value), "") for name, value in row.items()} for row in rows], layout),
        ]
    if fields := reference.get("fields"):
        parts += [
            build_line(),
            build_line(("fields", "bold")),
            *build_table([_build_field_row(field) for field in fields], layout),
        ]
    if example := reference.get("example"):
        parts += [
            build_line(),
            build_line(("example", "bold")),
            *(build_line(f"  {text}", hang=None) for text in example.splitlines()),
        ]
    return render_parts(parts, layout)


def _build_field_row(field: Mapping[str, Json]) -> dict[str, Cell]:
    what = f"{field['description']} Risk {field['risk']}." if "risk" in field else field["description"]
    values = {"  field": f"  {field['name']}", "type": field["type"], "": field["presence"], "what": what}
    return {name: (_format_value(value), "") for name, value in values.items()}


def _format_value(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_format_value(item) for item in value)
    return str(value)
