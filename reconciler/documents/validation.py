"""A plain value against a pydantic model: what pydantic finds becomes problems with a place and a way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.documents import messages
from reconciler.documents.document import Document
from reconciler.documents.messages import Fault
from reconciler.documents.scalars import REFUSED
from reconciler.errors import Problem
from reconciler.kinds.kind import Path

M = TypeVar("M", bound=BaseModel)

_OF_WHAT_IS_LEFT: Final = frozenset({"missing", "value_error", "too_short", "string_unicode"})
"""Errors that may only be there because something else was refused."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Union(NamedTuple):
    """A union at a length of the path, and the member of it that pydantic tried."""

    depth: int
    member: str


class _Found(NamedTuple):
    """One of pydantic's errors with its path in the document and the unions on the way, outermost first."""

    error: Mapping[str, Any]
    path: Path
    unions: tuple[_Union, ...]


def validate(
    model: type[M],
    value: object,
    document: Document,
    prefix: Path = (),
    *,
    secret: frozenset[str] = frozenset(),
) -> tuple[M | None, list[Problem]]:
    """Return the model made from a value of a document, or None with everything that is wrong.

    `value` stands at `prefix` of `document`; both are only used for positions and for quoting what was written. Fields
    are known by their aliases alone; null fits none. A quoted ISO date fits a date. What stands at or below a key that
    `secret` names is never quoted.
    """
    problems = [Problem(document.at(prefix + path), messages.null(model, path)) for path in _nulls(value, ())]
    made: M | None = None
    try:
        # The models also take Python's names (populate_by_name), which no document may use; by_name needs
        # pydantic 2.11.
        made = model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        found = _located(error, value)
        dated = _with_dates(value, found)
        if dated is not None:
            try:
                made = model.model_validate(dated, by_alias=True, by_name=False)
                found = []
            except ValidationError as rest:
                found = _located(rest, dated)
        for fault in _faults(found, document):
            problems += messages.of(model, fault, document, prefix, secret)
    return (None, problems) if problems or document.damaged else (made, problems)


def _nulls(value: object, path: Path) -> Iterator[Path]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, member in value.items():
            if member is None or isinstance(member, dict | list):
                yield from _nulls(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            if member is None or isinstance(member, dict | list):
                yield from _nulls(member, (*path, index))


def _located(error: ValidationError, value: object) -> list[_Found]:
    # Else every error would carry a link to pydantic's documentation.
    return [_locate(one, value) for one in error.errors(include_url=False)]


def _locate(error: Mapping[str, Any], value: object) -> _Found:
    """Follow pydantic's location through the value; what it names beside keys and indices is a member of a union."""
    path: Path = ()
    unions: tuple[_Union, ...] = ()
    # pydantic's `loc` also names members of unions and validators (`function-after[...]`), which no
    # document holds.
    loc: tuple[str | int, ...] = error["loc"]
    for position, step in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(value, dict) and (step in value or (last and error["type"] == "missing")):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            unions = (*unions, _Union(len(path), str(step)))
            continue
        path = (*path, step)
    return _Found(error, path, unions)


def _with_dates(value: object, found: Sequence[_Found]) -> object | None:
    """Return the value with text that is an ISO date as a date, where a date is due; None if there is no such text."""
    changed = False
    for error, path, _unions in found:
        text = error["input"]
        # Strict models take a date alone, and JSON has none: text is all that can be written there.
        if error["type"] == "date_type" and isinstance(text, str) and _DAY.fullmatch(text):
            try:
                day = date.fromisoformat(text)
            except ValueError:
                continue
            value = _replaced(value, path, day)
            changed = True
    return value if changed else None


def _replaced(value: Any, path: Path, new: object) -> object:
    """Return a copy of a value with another one at a path."""
    if not path:
        return new
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copied


def _faults(found: Sequence[_Found], document: Document) -> Iterator[Fault]:
    """Choose what to tell: nothing about what was refused before, and one member of a union only."""
    for error, path in _chosen(found):
        kind = error["type"]
        told = error["input"] is None or error["input"] is REFUSED
        if told and kind not in {"missing", "extra_forbidden"}:
            continue
        if document.damaged and kind in _OF_WHAT_IS_LEFT:
            continue
        if kind == "too_short" and any(_below(one.path, path) for one in found):
            continue  # pydantic counts the members that it took
        yield Fault(error["type"], path, error["input"], error.get("ctx", {}), error["msg"])


def _below(one: Path, other: Path) -> bool:
    return len(one) > len(other) and one[: len(other)] == other


def _chosen(found: Sequence[_Found], level: int = 0) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """Yield the errors to tell: all outside of unions, and of each union those of the member that was nearly right."""
    inside: dict[Path, dict[str, list[_Found]]] = {}
    for one in found:
        if len(one.unions) <= level:
            yield one.error, one.path
        else:
            depth, member = one.unions[level]
            inside.setdefault(one.path[:depth], {}).setdefault(member, []).append(one)
    for path, members in inside.items():
        best = min(members.values(), key=lambda errors: _distance(errors, path))
        if len(members) > 1 and all(_distance(errors, path)[0] for errors in members.values()):
            due = [errors[0].error["type"] for errors in members.values()]
            yield {**best[0].error, "type": "union", "ctx": {"due": due}}, path
        else:
            yield from _chosen(best, level + 1)


def _distance(errors: Sequence[_Found], path: Path) -> tuple[bool, int]:
    """How far the member of a union at `path` is from what was written: another type altogether, then its errors."""
    return any(one.path == path and one.error["type"].endswith("_type") for one in errors), len(errors)
