"""Pydantic's errors in the product's words: what is wrong, why it matters, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.documents.document import Document
from reconciler.documents.escapes import explain_escape
from reconciler.documents.scalars import Ambiguous, describe_value
from reconciler.documents.suggestions import find_nearest, is_clearable, list_fields, quote_text, suggest_option
from reconciler.errors import InvalidTextError, InvalidValueError
from reconciler.model import Path
from reconciler.sanitize import escape_and_shorten


class FieldRules(NamedTuple):
    """The ids of what can be wrong with the fields of one kind of document."""

    unknown_field: str
    missing_field: str
    wrong_type: str
    invalid_value: str
    null: str


class ValidationFault(NamedTuple):
    """One error: pydantic's type, context and message, the path below the model, and what stands there.

    With `is_key` it is about the last key of the path, and not about what stands below it.
    """

    type: str
    path: Path
    value: Any
    context: Mapping[str, Any]
    message: str
    is_key: bool = False


class _Case(NamedTuple):
    """A fault with what its message needs: the model, what was written ("" where that can't be quoted), and where."""

    rules: FieldRules
    model: type[BaseModel]
    fault: ValidationFault
    quoted_text: str
    document: Document
    path: Path

    @property
    def name(self) -> str:
        if self.fault.is_key:
            return f"name in {format_path(self.fault.path[:-1]) or _name_model(self.model)}"
        return format_path(self.fault.path) or _name_model(self.model)


def describe_fault(
    rules: FieldRules,
    model: type[BaseModel],
    fault: ValidationFault,
    document: Document,
    prefix: Path,
    secret: frozenset[str],
) -> Diagnostic:
    """Return the problem that a fault amounts to, with its place."""
    path = prefix + fault.path
    # Any step, not the last alone: below a secret key nothing may be quoted, since messages end in logs
    # of a CI.
    is_secret = not secret.isdisjoint(step for step in path if isinstance(step, str))
    quoted_text = quote_text(str(path[-1])) if fault.is_key else _quote_source_text(document, path)
    case = _Case(rules, model, fault, "" if is_secret else quoted_text, document, path)
    if fault.type == "extra_forbidden":
        return _describe_unknown_field(case).locate(document.key(path))
    if fault.type == "missing":
        # pydantic's location ends in the missing field itself, which stands nowhere in the file.
        return _describe_missing_field(case).locate(document.at(path[:-1]))
    describe = _DESCRIBERS.get(fault.type, _describe_other_fault)
    return describe(case).locate(document.key(path) if fault.is_key else document.at(path))


def explain_null(rules: FieldRules, model: type[BaseModel], path: Path) -> Explanation:
    """Say why null can't stand at a path, and how a field is emptied where it can be."""
    name = format_path(path) or "this"
    if len(path) == 1 and is_clearable(model, str(path[0])):
        return Explanation(
            rules.null,
            f"{name} is null, which could mean keep or empty",
            "a field that is absent keeps what the server has",
            f"leave it out, or empty it with `clear: [{name}]`",
        )
    return Explanation(rules.null, f"{name} is null", "null says nothing", "give it a value or leave it out")


def format_path(path: Path) -> str:
    """Write a path as it is spoken of: `claims[0].type`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{escape_and_shorten(step)}" for step in path)
    return "".join(parts).removeprefix(".")


def _name_model(model: type[BaseModel]) -> str:
    """What a model is called in messages: its title, or its class's name, which is the kind's."""
    return model.model_config.get("title") or model.__name__


def _quote_source_text(document: Document, path: Path) -> str:
    raw = document.raw(path)
    # Block scalars span lines, and a message is one line.
    if raw is None or raw.style in {"|", ">"}:
        return ""
    return quote_text(raw.text) if raw.style else escape_and_shorten(raw.text)


def _describe_unknown_field(case: _Case) -> Explanation:
    path = case.fault.path
    parent = format_path(path[:-1]) or _name_model(case.model)
    options = list_fields(case.model, path[:-1])
    return Explanation(
        case.rules.unknown_field,
        f"unknown field {quote_text(str(path[-1]))} in {parent}",
        "a field that nobody reads would be silently ignored",
        suggest_option(str(path[-1]), options),
    )


def _describe_missing_field(case: _Case) -> Explanation:
    path = case.fault.path
    parent = format_path(path[:-1]) or _name_model(case.model)
    return Explanation(
        case.rules.missing_field, f"{path[-1]} is missing in {parent}", "it is required", f"add `{path[-1]}: ...`"
    )


def _describe_not_text(case: _Case) -> Explanation:
    rule, quoted_text, actual = case.rules.wrong_type, case.quoted_text, describe_value(case.fault.value)
    if isinstance(case.fault.value, list | dict):
        return Explanation(rule, f"{case.name} is {actual}", "text is due here", "write a single value")
    if not quoted_text:
        return Explanation(rule, f"{case.name} reads as {actual}", "text is due here", "write it in quotes")
    return Explanation(rule, f"{quoted_text} reads as {actual}", f"{case.name} is text", f'write "{quoted_text}"')


def _describe_not_whole_number(case: _Case) -> Explanation:
    value = case.fault.value
    remedy = "write decimal digits only, such as 12"
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        remedy = "write it without quotes"
    # From 2**53 on a double no longer stands for one whole number (RFC 8259, section 6).
    elif isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        remedy = f"write {int(value)}"
    return _describe_wrong_type(case, "a whole number", remedy)


def _describe_not_boolean(case: _Case) -> Explanation:
    value = case.fault.value
    remedy = "write true or false"
    if isinstance(value, Ambiguous) and value.plainly:
        remedy = f"did you mean {value.plainly}?"
    elif isinstance(value, str) and value.lower() in {"true", "false"}:
        remedy = f"write {value.lower()} without quotes"
    return _describe_wrong_type(case, "true or false", remedy)


def _make_type_describer(noun: str, remedy: str) -> Callable[[_Case], Explanation]:
    return lambda case: _describe_wrong_type(case, noun, remedy)


def _describe_wrong_type(case: _Case, noun: str, remedy: str) -> Explanation:
    actual = describe_value(case.fault.value)
    summary = f"{case.quoted_text} reads as {actual}" if case.quoted_text else f"this is {actual}"
    return Explanation(case.rules.wrong_type, summary, f"{case.name} is {noun}", remedy)


def _describe_wrong_choice(case: _Case) -> Explanation:
    value = case.fault.value
    choice_text = str(case.fault.context.get("expected") or case.fault.context.get("expected_tags") or "")
    # pydantic gives the choices as one text: 'A', 'B' or 'C'.
    options = re.findall(r"'([^']*)'", choice_text)
    text = value.text if isinstance(value, Ambiguous) else value
    if not case.quoted_text or not isinstance(text, str):
        return Explanation(
            case.rules.invalid_value,
            f"{case.name} is none of the words known here",
            remedy=f"write one of {', '.join(options)}",
        )
    if text in options and not isinstance(value, str):
        return _describe_not_text(case)
    suggestion = find_nearest(text, options)
    remedy = f'did you mean "{suggestion}"?' if suggestion else f"write one of {', '.join(options)}"
    return Explanation(
        case.rules.invalid_value,
        f"unknown {case.name} {quote_text(text)}",
        f"only {', '.join(options)} are known",
        remedy,
    )


def _describe_wrong_tag(case: _Case) -> Explanation:
    context = case.fault.context
    field = str(context.get("discriminator", "")).strip("'")
    if case.fault.type == "union_tag_not_found":
        return Explanation(
            case.rules.missing_field,
            f"{field} is missing in {case.name}",
            "it says what the rest means",
            f"add `{field}: ...`",
        )
    options = re.findall(r"'([^']*)'", str(context.get("expected_tags", "")))
    tag = str(context.get("tag"))
    return Explanation(
        case.rules.invalid_value,
        f"unknown {field} {quote_text(tag)} in {case.name}",
        remedy=suggest_option(tag, options),
    )


def _describe_too_short(case: _Case) -> Explanation:
    rule, path, context = case.rules.invalid_value, case.fault.path, case.fault.context
    minimum = context.get("min_length", 1)
    if case.fault.value:
        unit = "characters" if case.fault.type.startswith("string") else "members"
        return Explanation(rule, f"{case.name} is too short", f"it has at least {minimum} {unit}", "complete it")
    if len(path) == 1 and is_clearable(case.model, str(path[0])):
        return Explanation(
            rule,
            f"{case.name} is empty",
            "emptying what the server has is said in words, so that nobody does it by accident",
            f"write `clear: [{path[0]}]` instead, or leave the field out to keep it",
        )
    return Explanation(rule, f"{case.name} is empty", "an empty value says nothing", "give it a value or leave it out")


def _describe_too_long(case: _Case) -> Explanation:
    maximum = case.fault.context.get("max_length")
    unit = "characters" if case.fault.type.startswith("string") else "members"
    return Explanation(
        case.rules.invalid_value, f"{case.name} is too long", f"at most {maximum} {unit} fit", "shorten it"
    )


def _describe_out_of_range(case: _Case) -> Explanation:
    ((bound, limit),) = list(case.fault.context.items())[:1] or [("", "")]
    words = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
    return Explanation(
        case.rules.invalid_value,
        f"{case.quoted_text or 'this'} is out of range",
        f"{case.name} is {words.get(bound, bound)} {limit}",
        "correct it",
    )


def _describe_wrong_form(case: _Case) -> Explanation:
    if case.fault.value == "":
        return _describe_too_short(case)
    pattern = case.fault.context.get("pattern")
    return Explanation(
        case.rules.invalid_value,
        f"{case.quoted_text or 'this'} is not a valid {case.name}",
        f"it has the form {pattern}",
        "correct it",
    )


def _describe_model_error(case: _Case) -> Explanation:
    """Say what the model says; of a text it says it without the subject."""
    # ctx["error"] is the exception that a validator raised; in `msg` pydantic puts "Value error, " before
    # its text.
    error = case.fault.context.get("error", case.fault.message)
    if isinstance(error, InvalidTextError):
        explanation = error.explanation.add_subject(case.quoted_text or "this")
        escape = case.document.find_escape(case.path, error.character) if error.character else ""
        return explain_escape(explanation, escape, json=case.document.file.json)
    if isinstance(error, InvalidValueError):
        return error.explanation
    return Explanation(case.rules.invalid_value, str(error))


def _describe_union_mismatch(case: _Case) -> Explanation:
    nouns = {_TYPE_NOUNS.get(str(kind), "") for kind in case.fault.context["due"]} - {""}
    if "text" in nouns and isinstance(case.fault.value, Ambiguous | bool | float | date):
        return _describe_not_text(case)
    noun = " or ".join(sorted(nouns)) or "something else"
    return _describe_wrong_type(case, noun, "write that")


def _describe_other_fault(case: _Case) -> Explanation:
    message = case.fault.message
    return Explanation(
        case.rules.invalid_value,
        f"{case.name} can't be taken ({message[:1].lower()}{message[1:]})",
        remedy="correct it",
    )


_DESCRIBE_NOT_LIST: Final = _make_type_describer("a list", "write it in brackets: [...]")
_DESCRIBE_NOT_MAPPING: Final = _make_type_describer("a mapping", "write fields below it, as `name: value`")
_DESCRIBE_NOT_DATE: Final = _make_type_describer("a date", "write it as 2027-01-31")
_DESCRIBE_NOT_NUMBER: Final = _make_type_describer("a number", "write it in decimal digits, such as 2.5")

# The keys are pydantic-core's error types; a type that a later version adds falls to
# `_describe_other_fault`.
_DESCRIBERS: Final[Mapping[str, Callable[[_Case], Explanation]]] = {
    **dict.fromkeys(("string_type", "string_sub_type"), _describe_not_text),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _describe_not_whole_number),
    **dict.fromkeys(("bool_type", "bool_parsing"), _describe_not_boolean),
    **dict.fromkeys(("float_type", "float_parsing"), _DESCRIBE_NOT_NUMBER),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DESCRIBE_NOT_DATE
    ),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _DESCRIBE_NOT_LIST),
    **dict.fromkeys(
        ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), _DESCRIBE_NOT_MAPPING
    ),
    **dict.fromkeys(("literal_error", "enum"), _describe_wrong_choice),
    **dict.fromkeys(("union_tag_invalid", "union_tag_not_found"), _describe_wrong_tag),
    **dict.fromkeys(("string_too_short", "too_short"), _describe_too_short),
    **dict.fromkeys(("string_too_long", "too_long"), _describe_too_long),
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), _describe_out_of_range),
    **dict.fromkeys(("value_error", "assertion_error"), _describe_model_error),
    "string_pattern_mismatch": _describe_wrong_form,
    "union": _describe_union_mismatch,
}

_TYPE_NOUNS: Final = {
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
