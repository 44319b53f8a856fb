"""From one declared object beside the live one to its step. What a step says is read off the request that it sends.

A reviewer approves what is shown, and the server gets the body: so the changes are not those that the comparison was
after, but those that the body makes of the object as it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.errors import CannotEncode
from reconciler.kinds.kind import Kind, Match, Meaning
from reconciler.model import Change, ObjectSides, Request, Step
from reconciler.plans.change_origins import trace_changes
from reconciler.plans.diff import find_changes


def build_steps(match: Match, kind: Kind) -> Iterator[Step]:
    """Yield the step of one object; nothing if it is as declared. Equality first, deepdiff only where they differ."""
    # For two equal roles of ten permissions `==` takes 0.1 µs, deepdiff 160 µs or more.
    if match.before is not None and match.before == match.after:
        return
    request, refusal = (None, match.refusal) if match.refusal else _encode_request(kind, match)
    source = match.source or match.document.source
    address, action = match.document.address, kind.action(match)
    if request is None:
        changes = _find_told(match, match.before, match.after, kind)
        yield Step(address, action, source, changes, None, match.object, refusal, match.subjects, match.obstacle)
        return
    meaning = kind.explain(request)
    changes = _find_told(match, *_merge_sides(match, meaning), kind)
    yield Step(address, action, source, changes, request, meaning.object, "", meaning.subjects)


def _find_told(
    match: Match, before: Mapping[str, Any] | None, after: Mapping[str, Any], kind: Kind
) -> tuple[Change, ...]:
    """Return the changes, with the names of members and the lines that decided them."""
    changes = name_members(find_changes(before, after, kind.assess), match.names)
    return trace_changes(match.document, match.source, changes)


def name_members(changes: Iterable[Change], names: Mapping[str, str]) -> tuple[Change, ...]:
    """Return changes with the names of those members of their lists that have one."""
    return tuple(change._replace(names=_pick_names(change, names)) if names else change for change in changes)


def _pick_names(change: Change, names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    members = set(list_text_members(change)) & names.keys()
    return tuple((member, names[member]) for member in sorted(members))


def list_text_members(change: Change) -> Iterator[str]:
    """Yield the texts in the lists of a change, of either side."""
    for side in (change.before, change.after):
        yield from (member for member in (side if isinstance(side, list) else ()) if isinstance(member, str))


def _encode_request(kind: Kind, match: Match) -> tuple[Request | None, str]:
    try:
        return kind.encode(match), ""
    except CannotEncode as reason:
        return None, str(reason)


def _merge_sides(match: Match, meaning: Meaning) -> ObjectSides:
    """Return the fields as the request has them, declared ones first; in the manifest's words where it has none.

    Of a new object what is empty and was not declared is no change: there is nothing that it could empty.
    """
    names = [
        name
        for name in dict.fromkeys((*match.after, *meaning.after))
        if name in match.after or meaning.before is not None or meaning.after[name]
    ]
    worded = {name for name in match.after if name in meaning.opaque or name not in meaning.after}
    after = {name: (match if name in worded or name not in meaning.after else meaning).after[name] for name in names}
    if match.before is None or meaning.before is None:
        return ObjectSides(None, after)
    before = {name: match.before[name] if name in worded else meaning.before[name] for name in names}
    return ObjectSides(before, after)
