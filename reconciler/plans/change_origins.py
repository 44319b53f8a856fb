"""Which line of which layer decided each change of a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from reconciler.diagnostics import Source
from reconciler.field_origins import FieldOrigin
from reconciler.kinds.kind import Wanted
from reconciler.model import Change, Path


def trace_changes(document: Wanted, source: Source | None, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes of an object of a document, each with the line that decided it, where layers declare it.

    `source` is where the document names the object itself. Of a table the field that names it is told: the row stands
    with the step, and a hundred thousand of them are one difference.
    """
    if document.origin is None:
        return tuple(changes)
    trace = document.origin
    return tuple(change._replace(origin=_find_origin(document, source, change.path, trace)) for change in changes)


def _find_origin(
    document: Wanted, source: Source | None, path: str, trace: Callable[[Path], FieldOrigin]
) -> FieldOrigin:
    field = find_declared_field(document, path)
    origin = trace(("spec", *field))
    # What no field says the object's own line does, such as that of a request that is to be denied.
    return origin._replace(source=source) if source and not field else origin


def find_declared_field(document: Wanted, path: str) -> Path:
    """Return the deepest field of a spec that decides a change: what declares it, what clears it, a table, or ()."""
    field: Path = ()
    part: Any = document.spec
    for step in path.split("."):
        part = _list_given(part).get(step)
        if part is None:
            break
        field = (*field, step)
    if field:
        return field
    # No document gives a field that it clears.
    given = _list_given(document.spec)
    if path in given.get("clear", ()):
        return ("clear",)
    return tuple(name for name in given if name in document.tables)[:1]


def _list_given(part: Any) -> dict[str, Any]:
    if not isinstance(part, BaseModel):
        return {}
    fields = type(part).model_fields
    return {fields[name].alias or name: getattr(part, name) for name in part.model_fields_set}
