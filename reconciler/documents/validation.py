"""A plain value against a pydantic model: what pydantic finds becomes problems with a place and a way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.diagnostics import Diagnostic
from reconciler.documents import messages
from reconciler.documents.document import Document
from reconciler.documents.messages import FieldRules, ValidationFault
from reconciler.documents.salvage import Salvage, salvage_value
from reconciler.documents.scalars import REFUSED
from reconciler.errors import InvalidTextError
from reconciler.model import Path

M = TypeVar("M", bound=BaseModel)

_FOLLOW_UP_ERRORS: Final = frozenset({"missing", "value_error", "too_short", "string_unicode"})
"""Errors that may only be there because something else was refused."""
_KEY: Final = "[key]"
"""The last step of pydantic's way to a key: what is wrong is the key and not its value."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _UnionStep(NamedTuple):
    """A union at a length of the path, and the member of it that pydantic tried."""

    depth: int
    member: str


class _LocatedError(NamedTuple):
    """One of pydantic's errors with its path in the document and the unions on the way, outermost first."""

    error: Mapping[str, Any]
    path: Path
    unions: tuple[_UnionStep, ...]


def validate_value(
    model: type[M],
    value: object,
    document: Document,
    prefix: Path = (),
    *,
    rules: FieldRules,
    secret: frozenset[str] = frozenset(),
) -> tuple[M | None, list[Diagnostic]]:
    """Return the model made from a value of a document, or None with everything that is wrong.

    `value` stands at `prefix` of `document`; both are only used for positions and for quoting what was written. Fields
    are known by their aliases alone; null fits none. A quoted ISO date fits a date. `rules` are the ids of what can be
    wrong. What stands at or below a key that `secret` names is never quoted.
    """
    problems = [
        messages.explain_null(rules, model, path).locate(document.at(prefix + path)) for path in _find_nulls(value, ())
    ]
    instance: M | None = None
    try:
        # The models also take Python's names (populate_by_name), which no document may use; by_name needs
        # pydantic 2.11.
        instance = model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        located_errors = _locate_errors(error, value)
        converted = _convert_dates(value, located_errors)
        if converted is not None:
            try:
                instance = model.model_validate(converted, by_alias=True, by_name=False)
                located_errors = []
            except ValidationError as second_error:
                located_errors = _locate_errors(second_error, converted)
        problems += [
            messages.describe_fault(rules, model, fault, document, prefix, secret)
            for fault in _select_faults(located_errors, document)
        ]
    return (None, problems) if problems or document.damaged else (instance, problems)


def salvage_fields(model: type[M], value: Mapping[str, Any]) -> Salvage[M] | None:
    """Return what is valid of a value that `validate_value` refused, for the checks that its valid fields allow."""
    # Text that is an ISO date counts as one, as it does there.
    whole: Any = value
    try:
        model.model_validate(whole, by_alias=True, by_name=False)
    except ValidationError as error:
        whole = _convert_dates(whole, _locate_errors(error, whole)) or whole
    return salvage_value(model, whole, _list_error_places)


def _list_error_places(error: ValidationError, value: object) -> Iterator[tuple[str, Path]]:
    for located in _locate_errors(error, value):
        yield located.error["type"], located.path


def _find_nulls(value: object, path: Path) -> Iterator[Path]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, member in value.items():
            if member is None or isinstance(member, dict | list):
                yield from _find_nulls(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            if member is None or isinstance(member, dict | list):
                yield from _find_nulls(member, (*path, index))


def _locate_errors(error: ValidationError, value: object) -> list[_LocatedError]:
    # Else every error would carry a link to pydantic's documentation.
    return [_locate_error(details, value) for details in error.errors(include_url=False)]


def _locate_error(error: Mapping[str, Any], value: object) -> _LocatedError:
    """Follow pydantic's location through the value; what it names beside keys and indices is a member of a union."""
    path: Path = ()
    unions: tuple[_UnionStep, ...] = ()
    for position, step in enumerate(error["loc"], 1):
        is_last = position == len(error["loc"])
        if isinstance(value, dict) and (step in value or (is_last and error["type"] == "missing")):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif is_last and step == _KEY:
            return _LocatedError({**error, "is_key": True}, path, unions)
        # pydantic's `loc` also names members of unions and validators (`function-after[...]`), which no document holds.
        else:
            unions = (*unions, _UnionStep(len(path), str(step)))
            continue
        path = (*path, step)
    return _LocatedError(error, path, unions)


def _convert_dates(value: object, located_errors: Sequence[_LocatedError]) -> object | None:
    """Return the value with text that is an ISO date as a date, where a date is due; None if there is no such text."""
    changed = False
    for error, path, _unions in located_errors:
        text = error["input"]
        # Strict models take a date alone, and JSON has none: text is all that can be written there.
        if error["type"] == "date_type" and isinstance(text, str) and _DAY.fullmatch(text):
            try:
                day = date.fromisoformat(text)
            except ValueError:
                continue
            value = _replace_value(value, path, day)
            changed = True
    return value if changed else None


def _replace_value(value: Any, path: Path, new: object) -> object:
    """Return a copy of a value with another one at a path."""
    if not path:
        return new
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _replace_value(value[path[0]], path[1:], new)
    return copied


def _select_faults(located_errors: Sequence[_LocatedError], document: Document) -> Iterator[ValidationFault]:
    """Choose what to tell: nothing about what was refused before, and one member of a union only."""
    for error, path in _choose_errors(located_errors):
        kind = error["type"]
        is_reported = error["input"] is None or error["input"] is REFUSED
        if is_reported and kind not in {"missing", "extra_forbidden"}:
            continue
        # What a text holds is wrong by itself, whatever else was refused.
        is_about_text = isinstance(error.get("ctx", {}).get("error"), InvalidTextError)
        if document.damaged and kind in _FOLLOW_UP_ERRORS and not is_about_text:
            continue
        if kind == "too_short" and any(_is_below(located_error.path, path) for located_error in located_errors):
            continue  # pydantic counts the members that it took
        is_key = "is_key" in error
        yield ValidationFault(error["type"], path, error["input"], error.get("ctx", {}), error["msg"], is_key=is_key)


def _is_below(path: Path, parent: Path) -> bool:
    return len(path) > len(parent) and path[: len(parent)] == parent


def _choose_errors(located_errors: Sequence[_LocatedError], level: int = 0) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """Yield the errors to tell: all outside of unions, and of each union those of the member that was nearly right."""
    inside: dict[Path, dict[str, list[_LocatedError]]] = {}
    for located_error in located_errors:
        if len(located_error.unions) <= level:
            yield located_error.error, located_error.path
        else:
            depth, member = located_error.unions[level]
            inside.setdefault(located_error.path[:depth], {}).setdefault(member, []).append(located_error)
    for path, members in inside.items():
        best = min(members.values(), key=lambda errors: _measure_distance(errors, path))
        if len(members) > 1 and all(_measure_distance(errors, path)[0] for errors in members.values()):
            due = [errors[0].error["type"] for errors in members.values()]
            yield {**best[0].error, "type": "union", "ctx": {"due": due}}, path
        else:
            yield from _choose_errors(best, level + 1)


def _measure_distance(errors: Sequence[_LocatedError], path: Path) -> tuple[bool, int]:
    """How far the member of a union at `path` is from what was written: another type altogether, then its errors."""
    return any(
        located_error.path == path and located_error.error["type"].endswith("_type") for located_error in errors
    ), len(errors)
