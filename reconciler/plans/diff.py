"""What differs between the declared and the live fields of one object: the only user of deepdiff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.model import Change, Json, ObjectSides, RiskAssessment

RiskJudge = Callable[[str, Json, Json, ObjectSides], RiskAssessment]
"""Judges (path, before, after) of an object with these sides."""


def find_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any], assess: RiskJudge) -> tuple[Change, ...]:
    """Return a change for each field of `after` that differs, in that order; nested fields get dotted paths.

    Sets are compared as sets and shown as sorted lists. Where nothing exists (`before` is None) each field is new.
    """
    differences: list[Change] = []
    sides = ObjectSides(before, after)
    for name, declared in after.items():
        live = (before or {}).get(name)
        if before is not None and live == declared:
            continue
        for path, old, new in _compare_field(name, live, declared):
            plain_old, plain_new = convert_to_json(old), convert_to_json(new)
            differences.append(Change(path, plain_old, plain_new, *assess(path, plain_old, plain_new, sides)))
    return tuple(differences)


def convert_to_json(value: Any) -> Json:
    """Return a value as JSON: a set as a sorted list, a named tuple as an object."""
    if isinstance(value, frozenset):
        return [convert_to_json(item) for item in sorted(value)]
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: convert_to_json(item) for name, item in value._asdict().items()}
    return value


def _compare_field(name: str, live: Any, declared: Any) -> Iterator[tuple[str, Any, Any]]:
    # A pair of 500 permissions, half of them replaced, takes deepdiff 2.4 s: a field that is a set stays
    # out of it.
    if not (isinstance(live, Mapping) and isinstance(declared, Mapping)):
        yield name, live, declared
        return
    from deepdiff import DeepDiff  # noqa: PLC0415 - 120 ms, paid only when a nested object differs

    tree = DeepDiff(dict(live), dict(declared), view="tree", verbose_level=2)
    differences = [
        (".".join(str(key) for key in item.path(output_format="list")), item) for kind in tree.values() for item in kind
    ]
    for path, item in sorted(differences, key=lambda pair: pair[0]):
        yield f"{name}.{path}", _convert_absent(item.t1), _convert_absent(item.t2)


def _convert_absent(value: Any) -> Any:
    # By its name, since importing the class imports deepdiff.
    return None if type(value).__name__ == "NotPresent" else value
