"""JSON as two programs can only read it in one way: UTF-8, no key twice, finite numbers, bounded depth."""

from __future__ import annotations

import json
import math
from typing import Any

from reconciler.model import Json

_DEPTH = 64
_LARGEST = 2**63


class NotJson(Exception):
    """Why a body can't be taken; the message completes "the answer "."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("names a member twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson("holds a number that is too large")
    return number


def _whole(text: str) -> int:
    number = int(text) if len(text) <= 20 else _LARGEST
    if not -_LARGEST <= number < _LARGEST:
        raise NotJson("holds a number that is too large")
    return number


def _constant(_name: str) -> None:
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
        value = (_BULK if bulk else _STRICT).decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotJson("is not UTF-8") from None
    except RecursionError:
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
    flat form. IAM: error.message. OAuth: error, error_description. The text is foreign: redact it before it is shown.
    """
    try:
        found = decode(body)
    except NotJson:
        text = body[:2000].decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else text
    if isinstance(found, str):
        return found
    if not isinstance(found, dict):
        return ""
    inner = found.get("error")
    said = inner if isinstance(inner, dict) else found
    folded = {str(name).lower(): value for name, value in said.items()}
    names = ("errorcode", "error_code", "error", "message", "error_msg", "error_description")
    parts = [folded[name] for name in names if isinstance(folded.get(name), str) and folded[name]]
    failed = folded.get("failedoperations")
    reasons = [one.get("Reason") for one in failed[:20] if isinstance(one, dict)] if isinstance(failed, list) else []
    return ": ".join([*parts, *(reason for reason in reasons if isinstance(reason, str))])
