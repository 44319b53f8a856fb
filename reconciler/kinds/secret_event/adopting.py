"""What an event's document says, changed to what the event is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, get_args

from reconciler.kinds.adoption import (
    Adopted,
    AdoptedDocument,
    ComparedDocument,
    FieldAdopter,
    adopt_document,
    adopt_value,
    merge_members,
)
from reconciler.kinds.secret_event.spec import EventType
from reconciler.kinds.secret_event.topics import TopicPlace


def adopt_event(document: ComparedDocument, topics: TopicPlace) -> Iterator[Adopted]:
    """Yield the document; types that this version does not know are kept by making the list additive."""
    adopters: dict[str, FieldAdopter] = {
        "eventTypes": _adopt_types,
        "notification": partial(_adopt_notification, topics),
    }
    for adopted in adopt_document(document, adopters):
        if isinstance(adopted, AdoptedDocument) and _has_unknown_types(document):
            yield adopted._replace(value={**adopted.value, "spec": _make_additive(adopted.value["spec"])})
        else:
            yield adopted


def _adopt_types(declared: Any, live: frozenset[str]) -> list[str]:
    return merge_members(declared or [], live & set(get_args(EventType)))


def _adopt_notification(topics: TopicPlace, declared: Mapping[str, Any] | None, live: Mapping[str, Any]) -> Any:
    """Return what is told to whom: by the topic's name where the document has that, and it says all of it."""
    if declared and "topic" in declared:
        return adopt_value(None, topics.shorten_notification(live))
    return adopt_value(declared, live)


def _has_unknown_types(document: ComparedDocument) -> bool:
    return any(
        set((difference.before or {}).get("eventTypes", ())) - set(get_args(EventType))
        for difference in document.differences
    )


def _make_additive(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "additive": ["eventTypes"]} if "eventTypes" in spec else spec
