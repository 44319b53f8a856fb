"""What was probably meant: the nearest of the words that would have been right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from reconciler.kinds.kind import Path
from reconciler.sanitize import escape_and_shorten

_LONGEST = 100
_NAMED_AT_MOST = 16


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option that `word` most likely stands for, or None. Letter case, `-` and `_` count for nothing."""
    # difflib takes quadratic time in the worst case, and a key may have 64 KiB.
    if len(word) > _LONGEST:
        return None
    known: dict[str, str] = {}
    for option in options:
        known.setdefault(_plain(option), option)
    close = get_close_matches(_plain(word), list(known), n=1, cutoff=0.6)
    return known[close[0]] if close else None


def meant(word: str, options: Iterable[str]) -> str:
    """Say `did you mean "x"?`, or what is known where nothing is near."""
    known = sorted(options)
    near = nearest(word, known)
    if near is not None:
        return f'did you mean "{near}"?'
    if not known:
        return "remove it"
    listed = ", ".join(known[:_NAMED_AT_MOST]) + (", ..." if len(known) > _NAMED_AT_MOST else "")
    return f"known: {listed}" if len(known) > 1 else f"only {listed} is known"


def quoted(text: str) -> str:
    """Return text in double quotes, of bounded length, with what can't be seen spelled out."""
    return f'"{escape_and_shorten(text)}"'


def _plain(word: str) -> str:
    return re.sub(r"[-_ ]", "", word.casefold())


def fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the fields, by their names in documents, that the mapping at `path` below a model may have."""
    models = {model}
    for step in path:
        if isinstance(step, int):
            continue
        below = [field.annotation for one in models for name, field in _fields(one) if name == step]
        models = {found for annotation in below for found in _models(annotation)} or models
    return sorted({name for one in models for name, _ in _fields(one)})


def clearable(model: type[BaseModel], name: str) -> bool:
    """Say whether a document may write `clear: [name]`."""
    field = model.model_fields.get("clear")
    return field is not None and name in _literals(field.annotation)


def _fields(model: type[BaseModel]) -> Iterable[tuple[str, Any]]:
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _models(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in _parts(annotation) for model in _models(part)}


def _literals(annotation: Any) -> set[object]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {value for part in _parts(annotation) for value in _literals(part)}


def _parts(annotation: Any) -> tuple[Any, ...]:
    origin = get_origin(annotation)
    # All arguments but the first are metadata, not types (PEP 593).
    if origin is Annotated:
        return get_args(annotation)[:1]
    # Before Python 3.14, `X | Y` has the origin types.UnionType and Optional[X] typing.Union.
    generic = origin in (Union, UnionType) or isinstance(origin, type)
    return get_args(annotation) if generic else ()
