"""What the objects of documents are recognised by."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.kinds.kind import Wanted


def collect_keys(documents: Iterable[Wanted]) -> frozenset[str]:
    """Return what the objects of all these documents are recognised by, letter case folded."""
    return frozenset[str]().union(*(document.keys for document in documents))
