"""Two documents that claim the same thing: told at the later one, with the place of the earlier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from unicodedata import normalize

from reconciler.errors import Problem, Source
from reconciler.kinds.kind import Path, Wanted
from reconciler.sanitize import escape_and_shorten

_Claim = tuple[int, Path | Source]


def clashes(wanted: Iterable[Wanted]) -> Iterator[Problem]:
    """Yield a problem for each name and each object that a document shares with one that stands before it.

    Names are equal if they differ in letter case alone; of objects the kind itself says what is equal.
    """
    ordered = sorted(wanted, key=lambda one: one.source)
    names: dict[tuple[str, str, str], int] = {}
    owners: dict[tuple[str, str, str], _Claim] = {}
    for number, one in enumerate(ordered):
        target, kind, name = one.address
        # Case folding does not keep NFC (Unicode, section 3.13), so the result is composed again.
        # Command's database presumably compares names without letter case, as SQL Server does by default.
        namesake = names.setdefault((target, kind, normalize("NFC", name.casefold())), number)
        if namesake != number:
            yield _same_name(ordered[namesake], one)
        for identity, place in one.resource.identities(name, one.tables):
            owner, where = owners.setdefault((target, kind, identity), (number, place))
            if owner not in {number, namesake}:
                yield _same_object(ordered[owner], where, one, place, identity)


def _same_name(first: Wanted, second: Wanted) -> Problem:
    place = ("metadata", "name")
    what = f'{second.address.kind} "{escape_and_shorten(second.address.name)}" is already declared at {first.at(place)}'
    return Problem(second.at(place), f"{what}; two documents can't both hold; rename or merge one")


def _same_object(first: Wanted, where: Path | Source, second: Wanted, place: Path | Source, identity: str) -> Problem:
    return Problem(
        _source(second, place),
        f'{escape_and_shorten(identity)} is already managed by "{escape_and_shorten(first.address.name)}" '
        f"at {_source(first, where)}; "
        "two documents would overwrite each other; remove it from one",
    )


def _source(wanted: Wanted, place: Path | Source) -> Source:
    if isinstance(place, Source):
        return place
    return wanted.at(("spec", *place)) if place else wanted.at(("metadata", "name"))
