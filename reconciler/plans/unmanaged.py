"""How many live objects no document declares, as far as what was read anyway tells it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.coverage import UnmanagedCounts
from reconciler.kinds.kind import Wanted
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.registry import Registry

LiveValues = Mapping[tuple[str, str], Any]
"""What was observed of each target and kind."""


class UnmanagedObjects(NamedTuple):
    """The objects of one target and kind that no document declares."""

    target: str
    kind: str
    objects: Sequence[ListedObject]


def count_unmanaged(
    live: LiveValues,
    selected: Sequence[Wanted],
    declared: Sequence[Wanted],
    kinds: Registry,
    unread: Collection[str] = (),
) -> UnmanagedCounts:
    """Return, by kind and target, how many of its objects none of all declared documents is about.

    A kind is left out where one of the targets that are selected of it can't be counted: its sum would be too small.
    `unread` are the kinds of documents that could not be read, whose objects nobody knows.
    """
    counts: dict[str, dict[str, int]] = {}
    unknown = set()
    for target, kind in sorted({(document.address.target, document.address.kind) for document in selected}):
        is_known = (target, kind) in live and kind not in unread
        documents = [document for document in declared if document.address[:2] == (target, kind)]
        count = kinds[kind].count_undeclared(live[target, kind], documents) if is_known else None
        if count is None:
            unknown.add(kind)
        else:
            counts.setdefault(kind, {})[target] = count
    return {kind: counts[kind] for kind in sorted(counts.keys() - unknown)}


def list_live_objects(
    live: LiveValues, target: str, kind: str, declared: Sequence[Wanted], kinds: Registry
) -> Iterator[ListedObject] | None:
    """Return all objects of a kind; None where it can't be told which of them a document declares."""
    documents = [document for document in declared if document.address[:2] == (target, kind)]
    objects = kinds[kind].list_objects(live[target, kind], documents)
    return None if objects is None else iter(objects)


def sum_unmanaged(counts: UnmanagedCounts) -> dict[str, int]:
    """Return the counts of all targets together."""
    return {kind: sum(by_target.values()) for kind, by_target in counts.items()}
