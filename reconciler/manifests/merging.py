"""A patch over what earlier layers declare, on plain values: before anything is validated, and with every origin."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import BaseModel

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.kinds.spec_model import SpecPart
from reconciler.manifests.layered_document import LayerDocument, LayerPlace, MergedValue, join_members
from reconciler.manifests.patch_words import ADDITIVE, UNSET, Patch
from reconciler.manifests.target_values import TARGET_VALUE
from reconciler.model import Path

_CLEAR: Final = "clear"
_NOT_DECLARED: Final = Explanation(
    "manifest.invalid-patch",
    "no earlier layer declares",
    "nothing would come of the word",
    "correct the name, or take it out there",
)
_NOT_GIVEN: Final = Explanation(
    "manifest.invalid-patch",
    "this patch doesn't give",
    "there is nothing to add",
    "give the list, or take its name out there",
)
_GIVEN: Final = Explanation(
    "manifest.invalid-patch", "this patch declares as well", "only one can be meant", "keep one of the two"
)

Members = dict[str | int, MergedValue]


def apply_patch(
    low: MergedValue, holder: LayerDocument, patch: Patch, model: type[BaseModel]
) -> tuple[MergedValue, list[Diagnostic]]:
    """Return a document with a patch over it, and what is wrong with the words of the patch; `model` is of its spec."""
    merge = _Merge(holder, {tuple(name.split(".")) for name, _ in patch.list_fields(ADDITIVE)})
    members = low.expand()
    for name, value in patch.value.items():
        path: Path = (name,)
        earlier = members.get(name)
        if earlier is not None and isinstance(value, dict) and isinstance(earlier.value, dict):
            if name == "spec":
                earlier = _apply_words(earlier, holder, patch, merge.problems)
                # Words can stand for a spec that a patch does without.
                path = path if name in holder.value else next(iter(patch.words.values())).path
            members[name] = merge.merge_mappings(earlier, value, path, model if name == "spec" else None)
        else:
            members[name] = merge.replace_value(earlier, value, path)
    return join_members(members, (LayerPlace(holder, ()), *low.places)), merge.problems


@dataclass(slots=True)
class _Merge:
    """One patch: whose it is, the lists of its spec that are added to, and what is wrong."""

    holder: LayerDocument
    additive: Collection[Path]
    problems: list[Diagnostic] = field(default_factory=list)

    def merge_mappings(
        self, low: MergedValue, value: Mapping[str, Any], path: Path, model: type[BaseModel] | None
    ) -> MergedValue:
        """Return a mapping with the members of another one in it; `model` is of both, where that is known."""
        members = low.expand()
        displaced = _displace_members(members, value, model) if model else {}
        for name, member in value.items():
            member_path = (*path, name)
            earlier = members.get(name)
            # One that was a text and is a mapping now replaces it: `commonName: {exact: ...}`.
            if earlier is not None and _is_mapping(member) and _is_mapping(earlier.value):
                merged = self.merge_mappings(earlier, member, member_path, _find_model(model, name))
            elif (
                member_path[1:] in self.additive
                and isinstance(member, list)
                and earlier
                and isinstance(earlier.value, list)
            ):
                merged = self.join_lists(earlier, member, member_path)
            else:
                merged = self.replace_value(earlier, member, member_path)
            members[name] = replace(merged, places=(*merged.places, *displaced.get(name, ())))
        return join_members(members, (LayerPlace(self.holder, path), *low.places))

    def replace_value(self, earlier: MergedValue | None, value: object, path: Path) -> MergedValue:
        """Return a value in the place of an earlier one."""
        return MergedValue(value, (LayerPlace(self.holder, path), *(earlier.places if earlier else ())))

    def join_lists(self, earlier: MergedValue, value: list[Any], path: Path) -> MergedValue:
        """Return a list with the members of another one behind its own; one that is there already comes once."""
        members = earlier.expand()
        keys = {_make_key(member.value) for member in members.values()}
        for index, member in enumerate(value):
            if _make_key(member) not in keys:
                members[len(members)] = MergedValue(member, (LayerPlace(self.holder, (*path, index)),))
        values = [member.value for member in members.values()]
        return MergedValue(values, (LayerPlace(self.holder, path), *earlier.places), members)


def _apply_words(low: MergedValue, holder: LayerDocument, patch: Patch, problems: list[Diagnostic]) -> MergedValue:
    """Return an earlier spec without the fields that a patch makes unmanaged; find words that act on nothing."""
    document, spec = holder.document, patch.value["spec"]
    for word in (ADDITIVE, UNSET):
        for name, path in patch.list_fields(word):
            steps = tuple(name.split("."))
            explanation = _explain_word(word, name, is_given=has_field(spec, steps))
            if explanation is None and not _is_managed(low.value, steps):
                explanation = _NOT_DECLARED.add_subject(f"{word} names {name}, which")
            if explanation:
                problems.append(explanation.locate(document.at(path)))
            elif word == UNSET:
                low = _remove_field(low, steps)
    return low


def _explain_word(word: str, name: str, *, is_given: bool) -> Explanation | None:
    """Say why a word can't be about a field, which the patch gives or not."""
    if is_given == (word == ADDITIVE):
        return None
    return (_GIVEN if is_given else _NOT_GIVEN).add_subject(f"{word} names {name}, which")


def has_field(value: object, steps: Path) -> bool:
    """Say whether a value has a field, below mappings."""
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _is_managed(spec: Mapping[str, Any], steps: Path) -> bool:
    return has_field(spec, steps) or (len(steps) == 1 and steps[0] in _list_names(spec.get(_CLEAR)))


def _list_names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _remove_field(node: MergedValue, steps: Path) -> MergedValue:
    """Return a mapping without a field, and without what else is said of it there."""
    members = node.expand()
    name, *deeper_steps = steps
    if deeper_steps:
        members[name] = _remove_field(members[name], tuple(deeper_steps))
    # A mapping that is left without members declares nothing.
    if not deeper_steps or not members[name].value:
        members.pop(name, None)
        _forget_names(members, _CLEAR, {str(name)})
        _forget_names(members, ADDITIVE, {str(name)})
    return join_members(members, node.places)


def _displace_members(
    members: Members, value: Mapping[str, Any], model: type[BaseModel]
) -> dict[str, tuple[LayerPlace, ...]]:
    """Take away what can't stand beside the members of a patch; return its places by the member that displaces it."""
    displaced: dict[str, tuple[LayerPlace, ...]] = {}

    def displace(gone: Iterable[str], name: str) -> None:
        for other in gone:
            if other in members and other not in value:
                displaced[name] = (*displaced.get(name, ()), *members.pop(other).places)
                _forget_names(members, ADDITIVE, {other})

    # Both would be refused, and the earlier layer can't take its own back for one environment.
    alternatives = model.alternatives if issubclass(model, SpecPart) else ()
    for group in alternatives:
        for name in sorted(group & value.keys()):
            displace(sorted(group), name)
    if _CLEAR in model.model_fields:
        displace(_list_names(value.get(_CLEAR)), _CLEAR)
        if _CLEAR not in value and (earlier := members.get(_CLEAR)):
            for name in value.keys() & set(_list_names(earlier.value)):
                displaced[name] = (*displaced.get(name, ()), *earlier.places)
            _forget_names(members, _CLEAR, value.keys())
    return displaced


def _forget_names(members: Members, word: str, names: Collection[str]) -> None:
    """Take names out of a list of them, and the list with its last one."""
    node = members.get(word)
    if node is None or not set(_list_names(node.value)) & set(names):
        return
    # What is no name is wrong there, and told where the whole is validated.
    rest = [
        member for member in node.expand().values() if not isinstance(member.value, str) or member.value not in names
    ]
    if rest:
        members[word] = MergedValue([member.value for member in rest], node.places, dict(enumerate(rest)))
    else:
        del members[word]


def _find_model(model: type[BaseModel] | None, name: str) -> type[BaseModel] | None:
    """Return what a field is made of, None where that is no mapping with fields of its own."""
    fields = model.model_fields.items() if model else ()
    annotation = next((field.annotation for own, field in fields if (field.alias or own) == name), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _is_mapping(value: object) -> bool:
    """Say whether a value has members of its own; what asks for a text of the target is a scalar."""
    # Merged with a text of the document it would be neither.
    return isinstance(value, dict) and value.keys() != {TARGET_VALUE}


def _make_key(value: object) -> str:
    # JSON tells true from 1; repr stands for what JSON has no form for, such as a date.
    return json.dumps(value, sort_keys=True, default=repr)
