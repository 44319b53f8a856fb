"""What an event's document says, changed to what the event is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from reconciler.kinds.adoption import Adopted, AdoptedDocument, ComparedDocument, adopt_document, merge_members
from reconciler.kinds.secret_event.spec import EventType


def adopt_event(document: ComparedDocument) -> Iterator[Adopted]:
    """Yield the document; types that this version does not know are kept by making the list additive."""
    for adopted in adopt_document(document, {"eventTypes": _adopt_types}):
        if isinstance(adopted, AdoptedDocument) and _has_unknown_types(document):
            yield adopted._replace(value={**adopted.value, "spec": _make_additive(adopted.value["spec"])})
        else:
            yield adopted


def _adopt_types(declared: Any, live: frozenset[str]) -> list[str]:
    return merge_members(declared or [], live & set(get_args(EventType)))


def _has_unknown_types(document: ComparedDocument) -> bool:
    return any(
        set((difference.before or {}).get("eventTypes", ())) - set(get_args(EventType))
        for difference in document.differences
    )


def _make_additive(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "additive": ["eventTypes"]} if "eventTypes" in spec else spec
