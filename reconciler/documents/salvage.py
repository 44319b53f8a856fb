"""What is valid of a value that is not: so that one wrong field doesn't hide what is wrong elsewhere.

The places that a model refuses are taken out, and the rest makes an instance. A field that was taken out counts as
given (`model_fields_set`) and holds None, which no document can say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import cache
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError, ValidationInfo, create_model

from reconciler.documents.suggestions import find_nearest
from reconciler.model import Path

M = TypeVar("M", bound=BaseModel)

# What is taken out can leave something too short behind, which is taken out in turn: an item, its list, the mapping.
_ROUNDS: Final = 6
_PARTIAL: Final = "partial"

FindErrors = Callable[[ValidationError, object], Iterable[tuple[str, Path]]]
"""From pydantic's error and the value: the type of each error and where in the value it stands."""


class _Pruned(NamedTuple):
    """A value without some places, and of each list that lost members the numbers that those left had before."""

    value: Any
    numbers: Mapping[Path, Sequence[int]]

    def restore(self, path: Path) -> Path:
        """Return where a place of the value stands in the whole one."""
        restored: Path = ()
        for index, step in enumerate(path):
            numbers = self.numbers.get(path[:index])
            restored += (numbers[step] if numbers and isinstance(step, int) and step < len(numbers) else step,)
        return restored


class Salvage(NamedTuple, Generic[M]):
    """A model made of what is valid; `restore` turns a place in it into that of the document."""

    instance: M
    restore: Callable[[Path], Path]


def is_partial(info: ValidationInfo) -> bool:
    """Say whether a validator sees what is left of a document: what it lacks may only have been taken out."""
    return isinstance(info.context, Mapping) and _PARTIAL in info.context


def salvage_value(model: type[M], value: Mapping[str, Any], find_errors: FindErrors) -> Salvage[M] | None:
    """Return what is valid of a value that a model refuses, None if that can't be told apart."""
    lenient = _make_lenient(model)
    removed: set[Path] = set()
    unknown: set[Path] = set()
    for _ in range(_ROUNDS):
        pruned = _prune_value(value, removed)
        try:
            instance = lenient.model_validate(pruned.value, by_alias=True, by_name=False, context={_PARTIAL: True})
        except ValidationError as error:
            for kind, place in find_errors(error, pruned.value):
                path = pruned.restore(place)
                unknown |= {path} if kind == "extra_forbidden" else set()
                removed.add(_choose_cut(kind, path))
            if () in removed:
                return None
        else:
            _mark_given(instance, removed, unknown, pruned)
            return Salvage(instance, pruned.restore)
    return None


@cache
def _make_lenient(model: type[M]) -> type[M]:
    """Return the model with no field that has to be there."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if field.is_required():
            optional = copy(field)
            optional.default = None
            fields[name] = (field.annotation, optional)
    return create_model(model.__name__, __base__=model, **fields)


def _choose_cut(kind: str, path: Path) -> Path:
    """Return what is to be taken out for an error: what is wrong alone, or what can't be without what is missing."""
    return path[:-1] if kind == "missing" else path


def _prune_value(value: Any, removed: set[Path]) -> _Pruned:
    ancestors = {path[:length] for path in removed for length in range(len(path))}
    numbers: dict[Path, list[int]] = {}

    def prune(node: Any, path: Path, place: Path) -> Any:
        # `path` is in the whole value, `place` in what is left of it.
        if path not in ancestors:
            return node
        if isinstance(node, dict):
            return {
                key: prune(member, (*path, key), (*place, key))
                for key, member in node.items()
                if (*path, key) not in removed
            }
        if isinstance(node, list):
            kept = [index for index in range(len(node)) if (*path, index) not in removed]
            numbers[place] = kept
            return [prune(node[old], (*path, old), (*place, new)) for new, old in enumerate(kept)]
        return node

    return _Pruned(prune(value, (), ()), numbers)


def _mark_given(instance: BaseModel, removed: set[Path], unknown: set[Path], pruned: _Pruned) -> None:
    """Let fields that were taken out count as given, and for an unknown one that which was probably meant."""
    for path in removed:
        parent = _find_part(instance, path[:-1], pruned)
        if parent is None:
            continue
        names = {field.alias or name: name for name, field in type(parent).model_fields.items()}
        word = str(path[-1])
        name = names.get(word)
        if name is None and path in unknown:
            name = names.get(find_nearest(word, names) or "")
        if name is not None:
            # Pydantic freezes the fields and not the set of their names.
            parent.model_fields_set.add(name)


def _find_part(instance: BaseModel, path: Path, pruned: _Pruned) -> BaseModel | None:
    """Return the model at a path of the whole value, None where it is gone."""
    node: Any = instance
    place: Path = ()
    for step in path:
        position: str | int = step
        if isinstance(node, BaseModel):
            fields = type(node).model_fields
            name = next((name for name, field in fields.items() if step in {field.alias or name}), "")
            node = getattr(node, name, None)
        elif isinstance(node, tuple | list) and isinstance(step, int):
            numbers = list(pruned.numbers.get(place, range(len(node))))
            if step not in numbers:
                return None
            position = numbers.index(step)
            node = node[position]
        else:
            return None
        place = (*place, position)
    return node if isinstance(node, BaseModel) else None
