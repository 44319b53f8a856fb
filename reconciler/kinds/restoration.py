"""The way back: from what is remembered of a step to a document that says what its object was before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.diagnostics import Address
from reconciler.model import Change, Json, Path


class RememberedStep(NamedTuple):
    """A step that was applied: its place in the run (from 0), its document, and what it changed.

    `identity` are the fields of a spec by which a document finds the step's object, as `Kind.name_object` gives them.
    """

    number: int
    address: Address
    identity: Mapping[str, Json]
    changes: tuple[Change, ...]


class FormerDocument(NamedTuple):
    """A document that says of an object what it was before.

    `origins` are the numbers of the steps that it takes back, by the place below `spec` that says so; () is the
    document itself.
    """

    address: Address
    spec: Mapping[str, Json]
    origins: Mapping[Path, int]
    renamed_from: str = ""


class UndoObstacle(NamedTuple):
    """Why steps can't be taken back, as a clause without a subject."""

    numbers: tuple[int, ...]
    reason: str
    remedy: str = ""


def build_former_fields(changes: Iterable[Change]) -> dict[str, Json]:
    """Return the fields of a spec that say what was before; what was empty is cleared, whether a kind allows it or not.

    A path with dots is a field of a mapping.
    """
    fields: dict[str, Any] = {}
    cleared: list[str] = []
    for change in changes:
        # False is a value; a number is never one that means nothing.
        if change.before in (None, "", []):
            cleared.append(change.path)
            continue
        name, *parts = change.path.split(".")
        part = fields
        for member in parts:
            part, name = part.setdefault(name, {}), member
        part[name] = change.before
    return fields | ({"clear": cleared} if cleared else {})
