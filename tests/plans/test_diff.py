"""What differs between two sides of an object, and how it is shown."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Change, Json, ObjectSides, Risk, RiskAssessment
from reconciler.plans.diff import find_changes


class Pair(NamedTuple):
    """Stands for a claim."""

    type: str
    value: str


def low(_path: str, _before: Json, _after: Json, _sides: ObjectSides) -> RiskAssessment:
    return RiskAssessment(Risk.LOW)


ROWS: dict[str, tuple[Any, Any, list[tuple[str, Json, Json]]]] = {
    "equal fields are no change": ({"a": 1, "b": [2]}, {"a": 1, "b": [2]}, []),
    "a field that differs": ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
    "a live field that is not declared": ({"a": 1, "b": 2}, {"a": 1}, []),
    "a declared field that is not live": ({}, {"a": 1}, [("a", None, 1)]),
    "a value that is cleared": ({"a": "x"}, {"a": None}, [("a", "x", None)]),
    "the manifest's order, not the alphabet's": ({"b": 1, "a": 1}, {"b": 2, "a": 2}, [("b", 1, 2), ("a", 1, 2)]),
    "every field of what does not exist": (None, {"a": 1, "b": None}, [("a", None, 1), ("b", None, None)]),
    "sets as sorted lists": ({"s": frozenset("ca")}, {"s": frozenset("cb")}, [("s", ["a", "c"], ["b", "c"])]),
    "sets whose order differs": ({"s": frozenset("abc")}, {"s": frozenset("cba")}, []),
    "an emptied set": ({"s": frozenset("a")}, {"s": frozenset()}, [("s", ["a"], [])]),
    "named tuples as objects": (
        {"s": frozenset()},
        {"s": frozenset({Pair("u", "z"), Pair("g", "a")})},
        [("s", [], [{"type": "g", "value": "a"}, {"type": "u", "value": "z"}])],
    ),
    "nested members by dotted path, sorted": (
        {"n": {"x": 1, "y": 1, "z": 1}},
        {"n": {"z": 2, "y": 1, "x": 2}},
        [("n.x", 1, 2), ("n.z", 1, 2)],
    ),
    "deeper members": ({"n": {"m": {"x": 1}}}, {"n": {"m": {"x": 2}}}, [("n.m.x", 1, 2)]),
    "a nested member that is not live": ({"n": {"x": 1}}, {"n": {"x": 1, "y": 2}}, [("n.y", None, 2)]),
    "a nested member whose live value is null": ({"n": {"x": None}}, {"n": {"x": 1}}, [("n.x", None, 1)]),
    "a whole object where there was none": ({"n": None}, {"n": {"x": 1}}, [("n", None, {"x": 1})]),
    "text that differs in letter case": ({"a": "x"}, {"a": "X"}, [("a", "x", "X")]),
    "text that looks the same": ({"a": "\u00e9"}, {"a": "e\u0301"}, [("a", "\u00e9", "e\u0301")]),
}


@pytest.mark.parametrize(("before", "after", "found"), ROWS.values(), ids=ROWS)
def test_changes(before: Any, after: Any, found: list[tuple[str, Json, Json]]) -> None:
    """Exactly the fields that are declared and differ, as plain JSON."""
    assert find_changes(before, after, low) == tuple(Change(*one, Risk.LOW) for one in found)


def test_the_kind_judges_what_is_shown() -> None:
    """The judge gets the path and both sides as they are shown; its word stands in the change."""
    asked: list[tuple[str, Json, Json]] = []

    def judge(path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        asked.append((path, before, after))
        assert sides == (whole_before, whole)
        return RiskAssessment(Risk.HIGH, "a reason") if path == "n.x" else RiskAssessment(Risk.IRREVERSIBLE)

    whole = {"s": frozenset("a"), "n": {"x": 2}}
    whole_before = {"s": frozenset("b"), "n": {"x": 1}}
    found = find_changes(whole_before, whole, judge)

    assert asked == [("s", ["b"], ["a"]), ("n.x", 1, 2)]
    assert [(change.risk, change.reason) for change in found] == [(Risk.IRREVERSIBLE, ""), (Risk.HIGH, "a reason")]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.text("ab.[]'é\\", max_size=3),
    st.frozensets(st.text("ab", max_size=2), max_size=3),
    st.dictionaries(st.text("ab.[]'\"_-", min_size=1, max_size=4), st.text("ab", max_size=2), max_size=3),
)
FIELDS = st.dictionaries(st.sampled_from("abcd"), VALUES)


@given(FIELDS, FIELDS)
def test_a_field_has_a_change_if_and_only_if_it_differs(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Nothing that differs goes unsaid, nothing that is equal is said, and everything can be written as JSON."""
    found = find_changes(before, after, low)

    differing = {name for name, value in after.items() if before.get(name) != value}
    assert {change.path[0] for change in found} == differing
    assert json.loads(json.dumps(found)) == [[*change[:-1], []] for change in found]
    assert len({change.path for change in found}) == len(found)
