"""Pydantic's errors in the product's words: what; why; what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from reconciler.documents.document import Document
from reconciler.documents.scalars import Ambiguous, reading
from reconciler.documents.suggestions import clearable, fields_at, meant, nearest, quoted
from reconciler.errors import Problem
from reconciler.kinds.fields import Misfit
from reconciler.kinds.kind import Path
from reconciler.sanitize import escape_and_shorten


class Fault(NamedTuple):
    """One error: pydantic's type, context and message, the path below the model, and what stands there."""

    type: str
    path: Path
    value: Any
    context: Mapping[str, Any]
    message: str


class _Case(NamedTuple):
    """A fault with what its message needs: the model, and what was written ("" where that can't be quoted)."""

    model: type[BaseModel]
    fault: Fault
    written: str

    @property
    def name(self) -> str:
        return named(self.fault.path) or _spoken(self.model)


def of(model: type[BaseModel], fault: Fault, document: Document, prefix: Path, secret: frozenset[str]) -> list[Problem]:
    """Return the problem that a fault amounts to, with its place."""
    path = prefix + fault.path
    # Any step, not the last alone: below a secret key nothing may be quoted, since messages end in logs
    # of a CI.
    hidden = not secret.isdisjoint(step for step in path if isinstance(step, str))
    case = _Case(model, fault, "" if hidden else _written(document, path))
    if fault.type == "extra_forbidden":
        return [Problem(document.key(path), _unknown(case))]
    if fault.type == "missing":
        # pydantic's location ends in the missing field itself, which stands nowhere in the file.
        return [Problem(document.at(path[:-1]), _missing(case))]
    say = _SAYINGS.get(fault.type, _other)
    return [Problem(document.at(path), say(case))]


def null(model: type[BaseModel], path: Path) -> str:
    """Say why null can't stand at a path, and how a field is emptied where it can be."""
    name = named(path) or "this"
    if len(path) == 1 and clearable(model, str(path[0])):
        return (
            f"{name} is null, which could mean keep or empty; a field that is absent keeps what the server has; "
            f"leave it out, or empty it with `clear: [{name}]`"
        )
    return f"{name} is null; null says nothing; give it a value or leave it out"


def named(path: Path) -> str:
    """Write a path as it is spoken of: `claims[0].type`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{escape_and_shorten(step)}" for step in path)
    return "".join(parts).removeprefix(".")


def _spoken(model: type[BaseModel]) -> str:
    """What a model is called in messages: its title, or its class's name, which is the kind's."""
    return model.model_config.get("title") or model.__name__


def _written(document: Document, path: Path) -> str:
    raw = document.raw(path)
    # Block scalars span lines, and a message is one line.
    if raw is None or raw.style in {"|", ">"}:
        return ""
    return quoted(raw.text) if raw.style else escape_and_shorten(raw.text)


def _unknown(case: _Case) -> str:
    path = case.fault.path
    within = named(path[:-1]) or _spoken(case.model)
    options = fields_at(case.model, path[:-1])
    return (
        f"unknown field {quoted(str(path[-1]))} in {within}; a field that nobody reads would be silently ignored; "
        f"{meant(str(path[-1]), options)}"
    )


def _missing(case: _Case) -> str:
    path = case.fault.path
    within = named(path[:-1]) or _spoken(case.model)
    return f"{path[-1]} is missing in {within}; it is required; add `{path[-1]}: ...`"


def _text(case: _Case) -> str:
    value, written = case.fault.value, case.written
    if isinstance(value, list | dict):
        return f"{case.name} is {reading(value)}; text is due here; write a single value"
    if not written:
        return f"{case.name} reads as {reading(value)}; text is due here; write it in quotes"
    return f'{written} reads as {reading(value)}; {case.name} is text; write "{written}"'


def _whole_number(case: _Case) -> str:
    value = case.fault.value
    remedy = "write decimal digits only, such as 12"
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        remedy = "write it without quotes"
    # From 2**53 on a double no longer stands for one whole number (RFC 8259, section 6).
    elif isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        remedy = f"write {int(value)}"
    return _of_another_type(case, "a whole number", remedy)


def _boolean(case: _Case) -> str:
    value = case.fault.value
    remedy = "write true or false"
    if isinstance(value, Ambiguous) and value.plainly:
        remedy = f"did you mean {value.plainly}?"
    elif isinstance(value, str) and value.lower() in {"true", "false"}:
        remedy = f"write {value.lower()} without quotes"
    return _of_another_type(case, "true or false", remedy)


def _due(noun: str, remedy: str) -> Callable[[_Case], str]:
    return lambda case: _of_another_type(case, noun, remedy)


def _of_another_type(case: _Case, noun: str, remedy: str) -> str:
    reads = reading(case.fault.value)
    what = f"{case.written} reads as {reads}" if case.written else f"this is {reads}"
    return f"{what}; {case.name} is {noun}; {remedy}"


def _choice(case: _Case) -> str:
    value = case.fault.value
    expected = str(case.fault.context.get("expected") or case.fault.context.get("expected_tags") or "")
    # pydantic gives the choices as one text: 'A', 'B' or 'C'.
    options = re.findall(r"'([^']*)'", expected)
    text = value.text if isinstance(value, Ambiguous) else value
    if not case.written or not isinstance(text, str):
        return f"{case.name} is none of the words known here; write one of {', '.join(options)}"
    if text in options and not isinstance(value, str):
        return _text(case)
    near = nearest(text, options)
    remedy = f'did you mean "{near}"?' if near else f"write one of {', '.join(options)}"
    return f"unknown {case.name} {quoted(text)}; only {', '.join(options)} are known; {remedy}"


def _tag(case: _Case) -> str:
    context = case.fault.context
    field = str(context.get("discriminator", "")).strip("'")
    if case.fault.type == "union_tag_not_found":
        return f"{field} is missing in {case.name}; it says what the rest means; add `{field}: ...`"
    options = re.findall(r"'([^']*)'", str(context.get("expected_tags", "")))
    return (
        f"unknown {field} {quoted(str(context.get('tag')))} in {case.name}; {meant(str(context.get('tag')), options)}"
    )


def _empty(case: _Case) -> str:
    path, context = case.fault.path, case.fault.context
    least = context.get("min_length", 1)
    if case.fault.value:
        counted = "characters" if case.fault.type.startswith("string") else "members"
        return f"{case.name} is too short; it has at least {least} {counted}; complete it"
    if len(path) == 1 and clearable(case.model, str(path[0])):
        return (
            f"{case.name} is empty; emptying what the server has is said in words, so that nobody does it by accident; "
            f"write `clear: [{path[0]}]` instead, or leave the field out to keep it"
        )
    return f"{case.name} is empty; an empty value says nothing; give it a value or leave it out"


def _long(case: _Case) -> str:
    most = case.fault.context.get("max_length")
    counted = "characters" if case.fault.type.startswith("string") else "members"
    return f"{case.name} is too long; at most {most} {counted} fit; shorten it"


def _range(case: _Case) -> str:
    ((bound, limit),) = list(case.fault.context.items())[:1] or [("", "")]
    words = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
    return f"{case.written or 'this'} is out of range; {case.name} is {words.get(bound, bound)} {limit}; correct it"


def _form(case: _Case) -> str:
    if case.fault.value == "":
        return _empty(case)
    pattern = case.fault.context.get("pattern")
    return f"{case.written or 'this'} is not a valid {case.name}; it has the form {pattern}; correct it"


def _told(case: _Case) -> str:
    """Say what the model says; a misfit is said of the value itself."""
    # ctx["error"] is the exception that a validator raised; in `msg` pydantic puts "Value error, " before
    # its text.
    error = case.fault.context.get("error", case.fault.message)
    return f"{case.written or 'this'} {error}" if isinstance(error, Misfit) else str(error)


def _union(case: _Case) -> str:
    due = {_NOUNS.get(str(kind), "") for kind in case.fault.context["due"]} - {""}
    if "text" in due and isinstance(case.fault.value, Ambiguous | bool | float | date):
        return _text(case)
    noun = " or ".join(sorted(due)) or "something else"
    return _of_another_type(case, noun, "write that")


def _other(case: _Case) -> str:
    message = case.fault.message
    return f"{case.name} can't be taken ({message[:1].lower()}{message[1:]}); correct it"


_LIST: Final = _due("a list", "write it in brackets: [...]")
_MAPPING: Final = _due("a mapping", "write fields below it, as `name: value`")
_DATE: Final = _due("a date", "write it as 2027-01-31")
_NUMBER: Final = _due("a number", "write it in decimal digits, such as 2.5")

# The keys are pydantic-core's error types; a type that a later version adds falls to
# `_describe_other_fault`.
_SAYINGS: Final[Mapping[str, Callable[[_Case], str]]] = {
    **dict.fromkeys(("string_type", "string_sub_type"), _text),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _whole_number),
    **dict.fromkeys(("bool_type", "bool_parsing"), _boolean),
    **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DATE),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), _MAPPING),
    **dict.fromkeys(("literal_error", "enum"), _choice),
    **dict.fromkeys(("union_tag_invalid", "union_tag_not_found"), _tag),
    **dict.fromkeys(("string_too_short", "too_short"), _empty),
    **dict.fromkeys(("string_too_long", "too_long"), _long),
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), _range),
    **dict.fromkeys(("value_error", "assertion_error"), _told),
    "string_pattern_mismatch": _form,
    "union": _union,
}

_NOUNS: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "float_type": "a number",
    "date_type": "a date",
    "list_type": "a list",
    "tuple_type": "a list",
    "frozen_set_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
}
