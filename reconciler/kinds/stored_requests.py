"""Checks of requests that were stored: a saved plan can be written by anybody who can compute its digest."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model import Call, Json, Request


def check_request(call: Call, method: str, path: str, *, members: Iterable[str]) -> None:
    """Raise ValueError unless a call is sent in this way to this path, with exactly these members."""
    if (call.method, call.path) != (method, path):
        raise ValueError(f"it is sent as {call.method} {call.path}, and not as {method} {path}")
    if set(call.body) != set(members):
        raise ValueError(f"its body has other members than {', '.join(members)}")


def check_expectation(request: Request, expect: Json) -> None:
    """Raise ValueError unless a request expects this: reading back would otherwise prove something else."""
    if request.expect != expect:
        raise ValueError("what is expected of it does not follow from its body")
