"""What an unquoted YAML scalar says: only what every reader of YAML 1.1 and 1.2 agrees on becomes a value.

`true`, `false`, decimal numbers as JSON writes them and ISO dates are values; `null`, `~` and nothing are null.
Whatever one of the two YAMLs would read as something other than text, in a way that the other or a human might not
(`NO`, `010`, `1e3`, `22:22`, `0x1F`, `1_000`), stays `Ambiguous` and fits no field. The rest is text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from reconciler.documents import limits

Value: TypeAlias = Any
"""None, bool, int, float, str, date, Ambiguous, REFUSED, or a list or dict (with str keys) of such."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A plain scalar that readers disagree about: its text, what YAML makes of it, and the canonical form if any."""

    text: str
    reads_as: str
    plainly: str = ""


@dataclass(frozen=True, slots=True)
class RefusedValue:
    """Stands where something was refused that has been complained about already."""


REFUSED: Final = RefusedValue()

_STARTS: Final = frozenset("+-.0123456789=<~yYnNtTfFoO")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FRACTION: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# YAML 1.1's timestamps (yaml.org/type/timestamp.html); the core schema of YAML 1.2 has none.
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:(?:[Tt]|[ \t]++)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*+)?[ \t]*+(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?)?"
)
# All of YAML 1.1's booleans (yaml.org/type/bool.html), of which PyYAML leaves out y and n; the core
# schema of YAML 1.2 keeps true and false alone.
_BOOLEANS: Final = {
    word: meaning
    for words, meaning in (("y yes true on", "true"), ("n no false off", "false"))
    for lower in words.split()
    for word in (lower, lower.capitalize(), lower.upper())
}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
# Possessive throughout: a text of 64 KiB must not cost time in its square.
_NUMBERS: Final = tuple(
    (re.compile(pattern), type_name)
    for pattern, type_name in (
        (r"[-+]?0[xX][0-9a-fA-F_]++", "a hexadecimal number"),
        (r"[-+]?0b[01_]++", "a binary number"),
        # 0o17 is octal in YAML 1.2 and text in 1.1; 017 is octal in 1.1 and seventeen in 1.2.
        (r"[-+]?0o[0-7_]++", "an octal number"),
        (r"[-+]?0[0-7_]++", "an octal number"),
        # YAML 1.1 reads 22:22 as 1342; YAML 1.2 dropped base 60.
        (r"[-+]?[0-9][0-9_]*+(?::[0-5]?[0-9])++(?:\.[0-9_]*+)?", "a number in base 60"),
        (r"[-+]?[0-9][0-9_]*+", "a number"),
        # 1e3 is a number in YAML 1.2 and JSON, and text in YAML 1.1, which wants a point and a signed
        # exponent.
        (r"[-+]?(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9_]++)(?:[eE][-+]?[0-9]++)?", "a number"),
        (r"[-+]?\.(?:inf|Inf|INF)", "infinity"),
        (r"\.(?:nan|NaN|NAN)", '"not a number"'),
    )
)


def resolve_scalar(text: str) -> Value:
    """Return the value of a plain scalar: None, bool, int, float, date, str or Ambiguous."""
    if not text:
        return None
    if text[0] not in _STARTS:
        return text
    if text in _BOOLEANS:
        meaning = _BOOLEANS[text]
        return (meaning == "true") if text == meaning else Ambiguous(text, f"the boolean {meaning}", meaning)
    if text in _NULLS:
        return None
    # Types of YAML 1.1 alone: yaml.org/type/merge.html and value.html.
    if text in {"<<", "="}:
        return Ambiguous(text, "a merge key" if text == "<<" else "a default value")
    return text if len(text) > limits.SCALAR_BYTES else _parse_number_or_date(text)


def _parse_number_or_date(text: str) -> Value:
    if _INTEGER.fullmatch(text):
        # -0 keeps its sign in readers that take every number for a float.
        if text == "-0" or len(text) > limits.DIGITS:
            return Ambiguous(text, "a number")
        return int(text)
    if _FRACTION.fullmatch(text):
        # 310 digits before the point are beyond what a double holds, and become infinity without an error.
        return number if math.isfinite(number := float(text)) else Ambiguous(text, "a number")
    if _TIMESTAMP.fullmatch(text):
        return _parse_day(text)
    for pattern, type_name in _NUMBERS:
        if pattern.fullmatch(text):
            return Ambiguous(text, type_name)
    return text


def _parse_day(text: str) -> date | Ambiguous:
    if not _DATE.fullmatch(text):
        return Ambiguous(text, "a date or time")
    try:
        return date.fromisoformat(text)
    except ValueError:
        return Ambiguous(text, "a date that is not in the calendar")


_NOUNS = (
    (type(None), "null"),
    (int | float, "a number"),
    (date, "a date"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)


def describe_value(value: Value) -> str:
    """Say what a value is, as a noun: `the boolean false`, `a number`, `a date`, `text`, `a list`, `a mapping`."""
    if isinstance(value, Ambiguous):
        return value.reads_as
    # Before int, of which bool is a subclass.
    if isinstance(value, bool):
        return "the boolean true" if value else "the boolean false"
    return next((noun for kind, noun in _NOUNS if isinstance(value, kind)), "nothing known")
