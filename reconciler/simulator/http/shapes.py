"""Tables of the members that a body or a query may have, and the reading of one by its table.

The same tables say what is accepted and describe it to others, so nothing is validated that is not declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from reconciler.simulator.http.messages import Json

Fields = tuple["Field", ...]


class Field(NamedTuple):
    """One member. `text` explains it and cites the source.

    `type` is integer (32 bits), long, string, boolean, uuid, array, object or "claim type" (an integer or a name).
    """

    name: str
    type: str
    text: str = ""
    required: bool = False
    nullable: bool = True
    enum: tuple[str | int, ...] = ()
    pattern: str = ""
    items: Field | None = None
    fields: Fields = ()
    unique: bool = False
    least: int = 0
    """Smallest number of items."""
    most: int = 0
    """Greatest number of items, 0 for no limit."""
    default: Json = None
    """For a query parameter that is absent."""
    judged: bool = False
    """The handler judges what `enum` and `pattern` do not name, because a switch has a say."""
    optional: bool = False
    """In an answer: the member may be left out."""


def build_array_fields(fields: Fields) -> Fields:
    """Return the table of an answer that is a bare array of such objects: its one field has no name."""
    return (Field("", "array", nullable=False, items=Field("", "object", nullable=False, fields=fields)),)


STRINGS = (Field("", "array", nullable=False, items=Field("", "string", nullable=False)),)
"""The table of an answer that is a bare array of strings."""


class Flaw(NamedTuple):
    """Why a member is not accepted. `kind` is missing, type, value or unknown."""

    path: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Reading(NamedTuple):
    """A body by its table: the members that were sent, under their documented names, and what is wrong with them."""

    members: dict[str, Any]
    unknown: dict[str, Any]
    flaws: list[Flaw]


def read_object(body: Json, fields: Fields, *, fold: bool, prefix: str = "") -> Reading:
    """Read an object by its table. With `fold` member names are matched without regard to case."""
    if not isinstance(body, dict):
        return Reading({}, {}, [Flaw(prefix or "body", "type", "an object is expected")])
    by_name = {(field.name.lower() if fold else field.name): field for field in fields}
    members: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    flaws: list[Flaw] = []
    for name, value in body.items():
        field = by_name.get(name.lower() if fold else name)
        if field is None:
            unknown[name] = value
            continue
        members[field.name] = _read_value(value, field, f"{prefix}{field.name}", flaws, fold=fold)
    missing = [member.name for member in fields if member.required and member.name not in members]
    flaws += [Flaw(f"{prefix}{name}", "missing", "is required") for name in missing]
    return Reading(members, unknown, flaws)


def _read_value(value: Json, field: Field, path: str, flaws: list[Flaw], *, fold: bool) -> Json:
    if value is None:
        if not field.nullable or field.required:
            flaws.append(Flaw(path, "type", "must not be null"))
        return None
    if not _TYPE_CHECKS[field.type](value):
        flaws.append(Flaw(path, "type", f"{field.type} is expected"))
        return value
    if field.type == "array":
        return _read_items(value, field, path, flaws, fold=fold)
    if field.type == "object":
        reading = read_object(value, field.fields, fold=fold, prefix=f"{path}.")
        flaws += reading.flaws
        return reading.members
    flaws += _find_value_flaws(value, field, path)
    return value.lower() if field.type == "uuid" else value


def _read_items(values: list[Json], field: Field, path: str, flaws: list[Flaw], *, fold: bool) -> list[Json]:
    item = field.items or Field("", "string")
    items = [_read_value(value, item, f"{path}[{index}]", flaws, fold=fold) for index, value in enumerate(values)]
    if len(values) < field.least:
        flaws.append(Flaw(path, "value", f"at least {field.least} items"))
    if field.most and len(values) > field.most:
        flaws.append(Flaw(path, "value", f"at most {field.most} items"))
    if field.unique and len({str(value) for value in values}) < len(values):
        flaws.append(Flaw(path, "value", "items must be unique"))
    return items


def _find_value_flaws(value: Json, field: Field, path: str) -> Iterator[Flaw]:
    if field.judged:
        return
    if field.enum and value not in field.enum:
        yield Flaw(path, "value", f"must be one of {', '.join(map(str, field.enum))}")
    if field.pattern and not re.fullmatch(field.pattern, value):
        yield Flaw(path, "value", f"must match {field.pattern}")


def _is_uuid(value: Json) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return bool(UUID(value))
    except ValueError:
        return False


INT32 = range(-(2**31), 2**31)
_TYPE_CHECKS: Mapping[str, Any] = {
    # A bool is an int to Python, and no number to JSON.
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool) and value in INT32,
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "uuid": _is_uuid,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "claim type": lambda value: isinstance(value, int | str) and not isinstance(value, bool),
}


def read_query(pairs: list[tuple[str, str]], fields: Fields, *, fold: bool) -> tuple[dict[str, Any], list[Flaw]]:
    """Read query parameters by their table: absent ones get their default, unknown ones are ignored.

    With `fold` names are matched without regard to case and a legacy prefix (`pq.`, `pagedQuery.`) is accepted.
    """
    by_name = {(field.name.lower() if fold else field.name): field for field in fields}
    values = {field.name: field.default for field in fields}
    flaws: list[Flaw] = []
    for name, text in pairs:
        # Keyfactor's Go client and scripts still send `pq.` and `pagedQuery.` to newer servers (KF 0.5).
        field = by_name.get(name.rpartition(".")[2].lower() if fold else name)
        if field is None or (text == "" and fold):
            continue
        try:
            values[field.name] = _PARAMETER_PARSERS[field.type](text)
        except ValueError:
            flaws.append(Flaw(field.name, "type", f"The value '{text}' is not valid."))
            continue
        if field.enum and values[field.name] not in field.enum:
            flaws.append(Flaw(field.name, "value", f"The value '{text}' is invalid."))
    flaws += [
        Flaw(field.name, "missing", "is required") for field in fields if field.required and values[field.name] is None
    ]
    return values, flaws


def _parse_boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _parse_integer(text: str) -> int:
    # int() takes blanks, underscores and the digits of every script as well.
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", text):
        raise ValueError(text)
    if int(text) not in INT32:
        raise ValueError(text)
    return int(text)


_PARAMETER_PARSERS: Mapping[str, Any] = {"integer": _parse_integer, "boolean": _parse_boolean, "string": str}
