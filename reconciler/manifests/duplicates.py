"""Two documents that claim the same thing: told at the later one, with the place of the earlier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import normalize

from reconciler.diagnostics import Diagnostic, Source
from reconciler.kinds.kind import Wanted
from reconciler.model import Path
from reconciler.sanitize import escape_and_shorten

_Claim = tuple[int, Path | Source]
_PATCH_IT = "give the later one the same name, so that it is a patch, or remove the object from one"
_NAME_PATH: Path = ("metadata", "name")


def find_duplicates(documents: Iterable[Wanted]) -> Iterator[Diagnostic]:
    """Yield a problem for each name (letter case aside) and each object that a document shares with an earlier one.

    Documents that are for the same targets clash once, not once for each.
    """
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for document in sorted(documents, key=lambda document: document.source):
        groups.setdefault((document.address.target, document.address.kind), []).append(document)
    # A document without another of its kind clashes with none; it may have a hundred thousand identities.
    several = [group for group in groups.values() if len(group) > 1]
    # What one document wants of many targets is one object, so that equal ids are equal groups.
    distinct = {tuple((id(document.spec), document.address[1:]) for document in group): group for group in several}
    for group in distinct.values():
        yield from _find_clashes(group)


def _find_clashes(ordered: Sequence[Wanted]) -> Iterator[Diagnostic]:
    """Yield the problems of the documents of one target and kind, in the order of the files."""
    names: dict[str, int] = {}
    owners: dict[str, _Claim] = {}
    for number, document in enumerate(ordered):
        namesake = names.setdefault(_fold_text(document.address.name), number)
        if namesake != number:
            places = (other.at(_NAME_PATH) for other in (ordered[namesake], document))
            yield describe_same_name(document.address.kind, document.address.name, *places)
        for identity, location in _list_identities(document):
            owner, owner_location = owners.setdefault(_fold_text(identity), (number, location))
            if owner not in {number, namesake}:
                yield _describe_same_object(ordered[owner], owner_location, document, location, identity)


def _list_identities(document: Wanted) -> Iterator[tuple[str, Path | Source]]:
    """Yield what a document manages, and where it says so; what it renames is its own before and after."""
    yield from document.spec.identities(document.address.name, document.tables)
    if document.renamed_from:
        place = document.at(("metadata", "renamedFrom"))
        yield from (
            (identity, place) for identity, _ in document.spec.identities(document.renamed_from, document.tables)
        )


def _fold_text(text: str) -> str:
    # Case folding does not keep NFC (Unicode, section 3.13), so the result is composed again.
    return normalize("NFC", text.casefold())


def describe_same_name(kind: str, name: str, first: Source, second: Source) -> Diagnostic:
    """Say at the second place that a document of this kind and name is declared at the first."""
    return Diagnostic(
        "manifest.duplicate-name",
        second,
        f'{kind} "{escape_and_shorten(name)}" is already declared at {first}',
        "two documents can't both hold",
        "rename or merge one",
    )


def _describe_same_object(
    first: Wanted, first_location: Path | Source, second: Wanted, location: Path | Source, identity: str
) -> Diagnostic:
    return Diagnostic(
        "manifest.duplicate-object",
        _find_source(second, location),
        f'{escape_and_shorten(identity)} is already managed by "{escape_and_shorten(first.address.name)}" '
        f"at {_find_source(first, first_location)}",
        "two documents would overwrite each other",
        # Within one layer neither would be over the other.
        "remove it from one" if first.layers == second.layers else _PATCH_IT,
    )


def _find_source(document: Wanted, location: Path | Source) -> Source:
    if isinstance(location, Source):
        return location
    return document.at(("spec", *location)) if location else document.at(_NAME_PATH)
