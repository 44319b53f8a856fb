"""Which line of which layer decided each change of a step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from pydantic import BaseModel

from reconciler.diagnostics import Source
from reconciler.field_origins import FieldOrigin
from reconciler.kinds.kind import Wanted
from reconciler.kinds.spec_model import SpecPart
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
    """Return the deepest field of a spec that decides a change: that field or what stands in its place; () for none."""
    field: Path = ()
    part: Any = document.spec
    for step in path.split("."):
        given = _list_given(part)
        name = step if step in given else _find_alternative(part, step, given)
        if name is None:
            break
        field, part = (*field, name), given[name]
    # No document gives a field that it clears.
    return field or (("clear",) if path in _list_given(document.spec).get("clear", ()) else ())


def _find_alternative(part: Any, name: str, given: Collection[str]) -> str | None:
    """Return what is given in the place of a field, such as assignments for an owner, or a topic for its URN."""
    groups = part.alternatives if isinstance(part, SpecPart) else ()
    return next((other for group in groups if name in group for other in sorted(group & set(given))), None)


def _list_given(part: Any) -> dict[str, Any]:
    if not isinstance(part, BaseModel):
        return {}
    fields = type(part).model_fields
    return {fields[name].alias or name: getattr(part, name) for name in part.model_fields_set}
