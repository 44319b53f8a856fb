"""Objects that several documents name, whichever way each of them does it: only the live state can show that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.kinds.kind import Wanted


def contested(assigned: Iterable[tuple[int, Wanted]]) -> Mapping[int, tuple[str, ...]]:
    """Return the documents of each object (by id) that more than one document names, sorted."""
    seen: dict[int, dict[str, None]] = {}
    for number, wanted in assigned:
        # A document may meet one object twice, by its thumbprint and by its id: it is still one author.
        seen.setdefault(number, {})[f"{wanted.address} ({wanted.source})"] = None
    return {number: tuple(sorted(names)) for number, names in seen.items() if len(names) > 1}
