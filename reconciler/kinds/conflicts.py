"""Objects that several documents name, whichever way each of them does it: only the live state can show that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.kinds.kind import Wanted


def find_contested_objects(assignments: Iterable[tuple[int, Wanted]]) -> Mapping[int, tuple[str, ...]]:
    """Return the documents of each object (by id) that more than one document names, sorted."""
    pairs = list(assignments)
    first_documents: dict[int, Wanted] = {}
    # Nearly all objects have one author: only of the others it is worked out what the authors are called.
    shared_ids = {number for number, document in pairs if first_documents.setdefault(number, document) is not document}
    names_by_id: dict[int, dict[str, None]] = {}
    for object_id, document in pairs if shared_ids else ():
        if object_id not in shared_ids:
            continue
        # A document may meet one object twice, by its thumbprint and by its id: it is still one author.
        names_by_id.setdefault(object_id, {})[describe_author(document)] = None
    return {object_id: tuple(sorted(names)) for object_id, names in names_by_id.items() if len(names) > 1}


def describe_author(document: Wanted) -> str:
    """Return a document's name and place, as it stands among the authors of an object."""
    return f"{document.address} ({document.source})"
