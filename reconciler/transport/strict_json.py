"""JSON as two programs can only read it in one way: UTF-8, no key twice, finite numbers, bounded depth."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from reconciler.model import Json

_MAX_DEPTH = 64
_INTEGER_LIMIT = 2**63


# RFC 8259, 8.1: JSON between systems has none, and is UTF-8.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "begins with a byte order mark (EF BB BF), of which JSON has none",
    codecs.BOM_UTF16_LE: "is not UTF-8 but UTF-16, as its byte order mark says",
    codecs.BOM_UTF16_BE: "is not UTF-8 but UTF-16, as its byte order mark says",
}


class UnusableJson(Exception):
    """Why a body can't be taken; the message completes "the answer "."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    # RFC 8259, 4: of two members of one name some readers take the first, others, as json, the last.
    if len(members) != len(pairs):
        raise UnusableJson("names a member twice")
    return members


def _parse_float(text: str) -> float:
    # float makes infinity of 1e999 without a word; RFC 8259, 6 leaves the range to the reader.
    number = float(text)
    if not math.isfinite(number):
        raise UnusableJson("holds a number that is too large")
    return number


def _parse_integer(text: str) -> int:
    # int takes quadratic time, and raises for more than 4,300 digits: so the length comes first.
    number = int(text) if len(text) <= 20 else _INTEGER_LIMIT
    if not -_INTEGER_LIMIT <= number < _INTEGER_LIMIT:
        raise UnusableJson("holds a number that is too large")
    return number


def _refuse_constant(_name: str) -> None:
    # RFC 8259, 6 permits neither; Python's json takes both unless it is told otherwise.
    raise UnusableJson("holds a number that is none (NaN or Infinity)")


_STRICT = json.JSONDecoder(
    object_pairs_hook=_refuse_duplicates,
    parse_float=_parse_float,
    parse_int=_parse_integer,
    parse_constant=_refuse_constant,
)
_BULK = json.JSONDecoder(
    object_pairs_hook=_refuse_duplicates, parse_float=_parse_float, parse_constant=_refuse_constant
)


def decode_json(body: bytes, *, bulk: bool = False) -> Json:
    """Return the JSON value of a body; raises UnusableJson.

    `bulk` is for pages of which a few plain columns are kept: depth and the size of whole numbers stay unchecked.
    """
    if not body.strip():
        raise UnusableJson("is empty where JSON is due")
    for mark, reason in _BYTE_ORDER_MARKS.items():
        if body.startswith(mark):
            raise UnusableJson(reason)
    try:
        # RFC 8259, 8.1: JSON between systems is UTF-8; json.loads would guess UTF-16 and UTF-32 as well.
        value = (_BULK if bulk else _STRICT).decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise UnusableJson("is not UTF-8") from None
    except RecursionError:
        # json recurses for each level, so deep input ends in RecursionError, which is no ValueError.
        raise UnusableJson("is nested too deeply") from None
    except ValueError:
        raise UnusableJson(
            "is a web page, perhaps of a login or of a proxy" if is_web_page(body) else "is not JSON"
        ) from None
    if not bulk:
        _check_depth(value)
    return value


def is_web_page(body: bytes) -> bool:
    """Say whether a body is markup, which neither API answers with by itself."""
    return body.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<"


def _check_depth(value: Json) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise UnusableJson("is nested too deeply")


def read_error_message(body: bytes) -> str:
    """Return what an error body says, in any of the shapes that the APIs and what stands before them use; "" if none.

    Command: Message, ErrorCode, FailedOperations[].Reason. CSMS: error.error_code, error.error_msg, or the gateway's
    flat form. IAM: error.message. OAuth: error, error_description. ASP.NET (RFC 9457): title, detail, errors. The text
    is foreign and whole: redact it, then shorten it, then make it visible.
    """
    # RFC 8259, 8.1 lets a reader ignore a byte order mark; Encoding.UTF8 of .NET writes one.
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        answer = decode_json(body)
    except UnusableJson:
        text = body.decode("utf-8", "replace").replace("\0", "").strip()  # UTF-16 is ASCII with zeros in between
        return "" if text.startswith("<") else text
    if isinstance(answer, str):
        return answer
    if not isinstance(answer, dict):
        return ""
    inner = answer.get("error")
    fields = inner if isinstance(inner, dict) else answer
    folded = {str(name).lower(): value for name, value in fields.items()}
    parts = _pick_texts(folded.get(name) for name in _MESSAGE_FIELDS)
    operations = folded.get("failedoperations")
    rows = operations[:_MAX_REASONS] if isinstance(operations, list) else []
    parts += _pick_texts(row.get("Reason") for row in rows if isinstance(row, dict))
    return ": ".join(parts or _describe_problem(folded))


_MESSAGE_FIELDS = ("errorcode", "error_code", "error", "message", "error_msg", "error_description")
_MAX_REASONS = 20
"""Reasons of one body that are worth reading."""


def _pick_texts(values: Iterable[Json]) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


def _describe_problem(folded: Mapping[str, Json]) -> list[str]:
    """Return what a problem description says (RFC 9457), with what ASP.NET finds wrong in each member."""
    errors = folded.get("errors")
    items = islice(errors.items(), _MAX_REASONS) if isinstance(errors, dict) else ()
    complaints = (
        f"{name}: {text}" for name, texts in items for text in _pick_texts(texts if isinstance(texts, list) else [])
    )
    return [*_pick_texts((folded.get("title"), folded.get("detail"))), *complaints]
