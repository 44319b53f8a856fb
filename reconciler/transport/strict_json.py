"""JSON as two programs can only read it in one way: UTF-8, no key twice, finite numbers, bounded depth."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from reconciler.model import Json

_DEPTH = 64
_LARGEST = 2**63


class NotJson(Exception):
    """Why a body can't be taken; the message completes "the answer "."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # RFC 8259, 4: of two members of one name some readers take the first, others, as json, the last.
    if len(found) != len(pairs):
        raise NotJson("names a member twice")
    return found


def _finite(text: str) -> float:
    # float makes infinity of 1e999 without a word; RFC 8259, 6 leaves the range to the reader.
    number = float(text)
    if not math.isfinite(number):
        raise NotJson("holds a number that is too large")
    return number


def _whole(text: str) -> int:
    # int takes quadratic time, and raises for more than 4,300 digits: so the length comes first.
    number = int(text) if len(text) <= 20 else _LARGEST
    if not -_LARGEST <= number < _LARGEST:
        raise NotJson("holds a number that is too large")
    return number


def _constant(_name: str) -> None:
    # RFC 8259, 6 permits neither; Python's json takes both unless it is told otherwise.
    raise NotJson("holds a number that is none (NaN or Infinity)")


_STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_int=_whole, parse_constant=_constant)
_BULK = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_constant)


def decode(body: bytes, *, bulk: bool = False) -> Json:
    """Return the JSON value of a body; raises NotJson.

    `bulk` is for pages of which a few plain columns are kept: depth and the size of whole numbers stay unchecked.
    """
    if not body.strip():
        raise NotJson("is empty where JSON is due")
    try:
        # RFC 8259, 8.1: JSON between systems is UTF-8; json.loads would guess UTF-16 and UTF-32 as well.
        value = (_BULK if bulk else _STRICT).decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotJson("is not UTF-8") from None
    except RecursionError:
        # json recurses for each level, so deep input ends in RecursionError, which is no ValueError.
        raise NotJson("is nested too deeply") from None
    except ValueError:
        web = body.lstrip()[:1] == b"<"
        raise NotJson("is a web page, perhaps of a login or of a proxy" if web else "is not JSON") from None
    if not bulk:
        _check_depth(value)
    return value


def _check_depth(value: Json) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_DEPTH):
        level = [
            below
            for container in level
            for below in (container.values() if isinstance(container, dict) else container)
            if isinstance(below, dict | list)
        ]
        if not level:
            return
    raise NotJson("is nested too deeply")


def message(body: bytes) -> str:
    """Return what an error body says, in any of the shapes that the APIs and what stands before them use; "" if none.

    Command: Message, ErrorCode, FailedOperations[].Reason. CSMS: error.error_code, error.error_msg, or the gateway's
    flat form. IAM: error.message. OAuth: error, error_description. ASP.NET (RFC 9457): title, detail, errors. The text
    is foreign and whole: redact it, then shorten it, then make it visible.
    """
    # RFC 8259, 8.1 lets a reader ignore a byte order mark; Encoding.UTF8 of .NET writes one.
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        found = decode(body)
    except NotJson:
        text = body.decode("utf-8", "replace").replace("\0", "").strip()  # UTF-16 is ASCII with zeros in between
        return "" if text.startswith("<") else text
    if isinstance(found, str):
        return found
    if not isinstance(found, dict):
        return ""
    inner = found.get("error")
    said = inner if isinstance(inner, dict) else found
    folded = {str(name).lower(): value for name, value in said.items()}
    parts = _texts(folded.get(name) for name in _SAID)
    failed = folded.get("failedoperations")
    rows = failed[:_REASONS] if isinstance(failed, list) else []
    parts += _texts(row.get("Reason") for row in rows if isinstance(row, dict))
    return ": ".join(parts or _described(folded))


_SAID = ("errorcode", "error_code", "error", "message", "error_msg", "error_description")
_REASONS = 20
"""Reasons of one body that are worth reading."""


def _texts(values: Iterable[Json]) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


def _described(folded: Mapping[str, Json]) -> list[str]:
    """Return what a problem description says (RFC 9457), with what ASP.NET finds wrong in each member."""
    errors = folded.get("errors")
    found = islice(errors.items(), _REASONS) if isinstance(errors, dict) else ()
    wrong = (f"{name}: {one}" for name, ones in found for one in _texts(ones if isinstance(ones, list) else []))
    return [*_texts((folded.get("title"), folded.get("detail"))), *wrong]
