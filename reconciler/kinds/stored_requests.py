"""Checks of requests that were stored: a saved plan can be written by anybody who can compute its digest."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.model import Call, Json, Request


def check_request(
    call: Call, method: str, path: str, *, members: Iterable[str], version: int = 1, query: Collection[str] = ()
) -> None:
    """Raise ValueError unless a call is sent in this way to this path, with exactly these members.

    `query` are the parameters that it may have, one of them at most.
    """
    if (call.method, call.path) != (method, path):
        raise ValueError(f"it is sent as {call.method} {call.path}, and not as {method} {path}")
    if call.version != version or len(call.query) > 1 or any(name not in query for name, _ in call.query):
        raise ValueError("it is sent with another version or other parameters than this kind uses")
    if set(call.body) != set(members):
        raise ValueError(f"its body has other members than {', '.join(members)}")


def check_texts(values: Iterable[Json]) -> None:
    """Raise ValueError unless all are text: Python takes True for 1 and iterates over an object's names."""
    if not all(isinstance(value, str) for value in values):
        raise ValueError("it holds another type of value than this kind sends")


def check_text_list(value: Json) -> None:
    """Raise TypeError or ValueError unless a value is a list of texts, each once."""
    if not isinstance(value, list):
        raise TypeError("it holds something else in the place of a list")
    check_texts(value)
    if len(value) != len(set(value)):
        raise ValueError("it holds a list that is not as this kind sends it")


def check_expectation(request: Request, expect: Json) -> None:
    """Raise ValueError unless a request expects this: reading back would otherwise prove something else."""
    if request.expect != expect:
        raise ValueError("what is expected of it does not follow from its body")
