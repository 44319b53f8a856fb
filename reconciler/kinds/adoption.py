"""The way from a server into a document: what it says of an object, changed to what that is. Pure.

Only what a document declares is taken over, in the words that it has: a field that it does not mention stays
unmentioned, a list that is additive names none but its own members, and what is empty is cleared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.diagnostics import Address, Source
from reconciler.model import Json, Tables


class Difference(NamedTuple):
    """An object beside what its document says of it, as a `Match` has them; `before` is None where there is none."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    encoder_input: Any
    object: str
    source: Source


@dataclass(frozen=True, slots=True)
class ComparedDocument:
    """A document as it is written, and which of its objects differ; `value` is the whole of it, as the readers give it.

    `is_editable` is false of one that was not selected. `tables` are those that lie beside it, by field.
    """

    address: Address
    source: Source
    value: Mapping[str, Any]
    differences: tuple[Difference, ...] = ()
    is_editable: bool = True
    tables: Tables = field(default_factory=dict)


class AdoptedDocument(NamedTuple):
    """What a document is to say; `comments` go behind single values that are new in it.

    What has one `group` stands or falls together: an object that one of them lets go another takes in.
    """

    address: Address
    value: Mapping[str, Any]
    comments: Mapping[Any, str] = {}
    group: Address | None = None


class AddedDocument(NamedTuple):
    """A document that comes new, into the file of that of an address."""

    beside: Address
    value: Mapping[str, Any]
    comments: Mapping[Any, str] = {}
    group: Address | None = None


class AdoptedRows(NamedTuple):
    """What rows of a document's table are to say: cells by column, None where a row goes, by the row's line."""

    address: Address
    field: str
    rows: Mapping[int, Mapping[str, str] | None]
    group: Address | None = None


class AdoptionObstacle(NamedTuple):
    """Why something of a server is not taken over, as a clause whose subject is the object.

    `field` is the one that is left as it is, where others of the document are taken over. `is_expected` says that there
    never is anything to take, so that nobody has to do anything.
    """

    address: Address
    source: Source
    reason: str
    remedy: str = ""
    object: str = ""
    is_expected: bool = False
    field: str = ""


Adopted = AdoptedDocument | AddedDocument | AdoptedRows | AdoptionObstacle
"""What taking over can come to."""

FieldAdopter = Callable[[Any, Any], Json]
"""Returns what a field says from what it said and what the object holds; something empty where it holds nothing."""


def adopt_document(document: ComparedDocument, adopters: Mapping[str, FieldAdopter] | None = None) -> Iterator[Adopted]:
    """Yield a document that says of its one object what that is; `adopters` are of fields that need words of their own.

    Of an object that does not exist nothing can be said, and nothing is.
    """
    value = dict(deepcopy(document.value))
    for difference in document.differences:
        if difference.before is None:
            yield explain_absence(document.address, difference)
            return
        value["spec"] = adopt_fields(value["spec"], difference.before, difference.after, adopters or {})
    yield AdoptedDocument(document.address, value)


def adopt_fields(
    spec: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], adopters: Mapping[str, FieldAdopter]
) -> dict[str, Any]:
    """Return a spec whose declared fields are as the object has them, `before`; `after` is what they were to be.

    A field that can't be cleared is cleared all the same: whether a kind allows that, its model says.
    """
    spec = dict(deepcopy(spec))
    for name, live in before.items():
        if live == after[name]:
            continue
        declared = spec.get(name)
        adopted = adopters[name](declared, live) if name in adopters else adopt_value(declared, live)
        if name in spec.get("additive", ()):
            # What others added is not this document's, and what it added is gone where the object has it no more.
            adopted = [member for member in adopted if member in (declared or ())]
            _set_field(spec, name, adopted)
            _set_names(spec, "additive", name, is_named=bool(adopted))
            continue
        _set_field(spec, name, adopted)
        _set_names(spec, "clear", name, is_named=adopted in (None, "", [], {}))
    return spec


def adopt_value(declared: Any, live: Any) -> Json:
    """Return a live value in the form and the order that the document has it in."""
    if isinstance(live, Mapping):
        members = {**(declared if isinstance(declared, Mapping) else {}), **live}
        return {name: member for name, member in members.items() if member is not None}
    if isinstance(live, frozenset | set | list | tuple):
        return merge_members(declared if isinstance(declared, list) else [], live)
    return live


def merge_members(declared: Sequence[Any], live: Collection[Any]) -> list[Any]:
    """Return the live members: those that were declared first, in their order; new ones in order, or behind them."""
    live_set, declared_set = set(live), set(declared)
    staying = [member for member in declared if member in live_set]
    new = sorted(live_set - declared_set)
    is_sorted = len(declared) > 1 and list(declared) == sorted(declared)
    return sorted([*staying, *new]) if is_sorted else [*staying, *new]


def explain_absence(address: Address, difference: Difference) -> AdoptionObstacle:
    """Say that there is no object to take anything from."""
    reason = "does not exist on the server, or is not visible to this account, so there is nothing to take over"
    remedy = "remove it from the manifests if it is gone for good; `apply` would create it where it can"
    label = difference.object if difference.object != "new" else ""
    return AdoptionObstacle(address, difference.source, reason, remedy, label)


def _set_field(spec: dict[str, Any], name: str, value: Any) -> None:
    if value in (None, "", [], {}):
        spec.pop(name, None)
    else:
        spec[name] = value


def _set_names(spec: dict[str, Any], field: str, name: str, *, is_named: bool) -> None:
    """Put a field's name into a list of names, such as `clear`, or take it out; an empty list goes."""
    names = [other for other in spec.get(field, ()) if other != name]
    names = spec[field] if is_named and name in spec.get(field, ()) else names + [name] * is_named
    _set_field(spec, field, list(names))
