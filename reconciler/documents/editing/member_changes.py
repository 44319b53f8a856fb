"""The members of a list or mapping as they are beside those that there are to be: which stay, go and come. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.documents.editing.text_edits import CannotEdit


class MemberChange(NamedTuple):
    """A member in the order of the text: `old_index` is its place so far, None for one that comes.

    `value` is what it is to be; `is_gone` says that it is not to be any more. `key` is that of a mapping's member.
    """

    key: str | None
    old_index: int | None
    value: Any
    is_gone: bool = False

    @property
    def stays(self) -> bool:
        """True for a member that is there before and after."""
        return self.old_index is not None and not self.is_gone


def is_equal(value: Any, other: Any) -> bool:
    """Say whether two plain values are the same; True is no 1."""
    return bool(value == other) and _spell(value) == _spell(other)


def align_mapping(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[MemberChange]:
    """Return the members of two mappings; what comes stands last."""
    names = list(old)
    members = [MemberChange(name, index, new.get(name), name not in new) for index, name in enumerate(names)]
    return members + [MemberChange(name, None, value) for name, value in new.items() if name not in old]


def align_list(old: Sequence[Any], new: Sequence[Any]) -> list[MemberChange]:
    """Return the members of two lists; a mapping that differs in part from the one in its place stays.

    Raises CannotEdit where members that stay are in another order.
    """
    return list(_align_list(old, new, [*map(_spell, old)], [*map(_spell, new)]))


def _align_list(
    old: Sequence[Any], new: Sequence[Any], old_keys: Sequence[str], new_keys: Sequence[str]
) -> Iterator[MemberChange]:
    leaving, coming = Counter(old_keys), Counter(new_keys)
    leaving, coming = leaving - coming, coming - leaving
    index = new_index = 0
    while index < len(old) or new_index < len(new):
        leaves = index < len(old) and leaving[old_keys[index]] > 0
        comes = new_index < len(new) and coming[new_keys[new_index]] > 0
        is_changed = leaves and comes and _is_same_in_part(old[index], new[new_index])
        if not leaves and not comes and (index == len(old) or old_keys[index] != new_keys[new_index]):
            raise CannotEdit("the members of a list change their order")
        if leaves:
            leaving[old_keys[index]] -= 1
        if comes and (is_changed or not leaves):
            coming[new_keys[new_index]] -= 1
        if is_changed or not (leaves or comes):
            yield MemberChange(None, index, new[new_index])
            index, new_index = index + 1, new_index + 1
        elif leaves:
            yield MemberChange(None, index, None, is_gone=True)
            index += 1
        else:
            yield MemberChange(None, None, new[new_index])
            new_index += 1


def _is_same_in_part(value: Any, other: Any) -> bool:
    """Say whether two mappings are one that changes: most of what either has is equal."""
    if not isinstance(value, Mapping) or not isinstance(other, Mapping):
        return False
    equal = sum(name in other and is_equal(member, other[name]) for name, member in value.items())
    return equal * 2 >= max(len(value), len(other))


def _spell(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
