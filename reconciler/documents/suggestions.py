"""What was probably meant: the nearest of the words that would have been right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, RootModel

from reconciler.model import Path
from reconciler.sanitize import escape_and_shorten

_MAX_WORD_LENGTH = 100
_MAX_OPTIONS = 16


def find_nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option that `word` most likely stands for, or None. Letter case, `-` and `_` count for nothing."""
    # difflib takes quadratic time in the worst case, and a key may have 64 KiB.
    if len(word) > _MAX_WORD_LENGTH:
        return None
    names: dict[str, str] = {}
    for option in options:
        names.setdefault(_normalize_word(option), option)
    matches = get_close_matches(_normalize_word(word), list(names), n=1, cutoff=0.6)
    return names[matches[0]] if matches else None


def suggest_option(word: str, options: Iterable[str]) -> str:
    """Say `did you mean "x"?`, or what is known where nothing is near."""
    choices = sorted(options)
    suggestion = find_nearest(word, choices)
    if suggestion is not None:
        return f'did you mean "{suggestion}"?'
    if not choices:
        return "remove it"
    names = ", ".join(choices[:_MAX_OPTIONS]) + (", ..." if len(choices) > _MAX_OPTIONS else "")
    return f"known: {names}" if len(choices) > 1 else f"only {names} is known"


def quote_text(text: str) -> str:
    """Return text in double quotes, of bounded length, with what can't be seen spelled out."""
    return f'"{escape_and_shorten(text)}"'


def _normalize_word(word: str) -> str:
    return re.sub(r"[-_ ]", "", word.casefold())


def list_fields(model: type[BaseModel], path: Path) -> list[str]:
    """Return the fields, by their names in documents, that the mapping at `path` below a model may have."""
    models = _find_models(model)
    for step in path:
        if isinstance(step, int):
            continue
        annotations = [
            field.annotation for candidate in models for name, field in _list_model_fields(candidate) if name == step
        ]
        models = {nested_model for annotation in annotations for nested_model in _find_models(annotation)} or models
    return sorted({name for candidate in models for name, _ in _list_model_fields(candidate)})


def is_clearable(model: type[BaseModel], name: str) -> bool:
    """Say whether a document may write `clear: [name]`."""
    field = model.model_fields.get("clear")
    return field is not None and name in _find_literals(field.annotation)


def _list_model_fields(model: type[BaseModel]) -> Iterable[tuple[str, Any]]:
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _find_models(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return _find_models(annotation.model_fields["root"].annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in _list_type_parts(annotation) for model in _find_models(part)}


def _find_literals(annotation: Any) -> set[object]:
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {value for part in _list_type_parts(annotation) for value in _find_literals(part)}


def _list_type_parts(annotation: Any) -> tuple[Any, ...]:
    origin = get_origin(annotation)
    # All arguments but the first are metadata, not types (PEP 593).
    if origin is Annotated:
        return get_args(annotation)[:1]
    # Before Python 3.14, `X | Y` has the origin types.UnionType and Optional[X] typing.Union.
    generic = origin in (Union, UnionType) or isinstance(origin, type)
    return get_args(annotation) if generic else ()
