"""The JSON document: one shape whatever happened, held against the schema that is shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from reconciler.diagnostics import Source
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.model import Change, Coverage, Plan, Risk
from reconciler.reports.json_document import encode_report, encode_reported_step, render_json, render_report
from reconciler.reports.run_report import RunReport
from reconciler.schema import build_schemas
from tests.support.problems import make_problem
from tests.support.report_plans import (
    DENIAL,
    EMPTY,
    EVENT,
    GAP,
    IMMUTABLE,
    OUTCOMES,
    PLAN,
    ROLE,
    mask_outcomes,
    mask_plan,
    mask_step,
    owners,
)

_SCHEMAS = build_schemas(KINDS)
_REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in _SCHEMAS.items()
)


def build_report(*parts: Any, **members: Any) -> dict[str, Any]:
    """Return the document of a run of these parts."""
    return encode_report(RunReport(*parts, **members))


VALID = jsonschema.Draft202012Validator(_SCHEMAS["report.json"], registry=_REGISTRY)

DOCUMENTS = {
    "a plan": build_report("plan", Exit.CHANGES, mask_plan(PLAN)),
    "nothing to do": build_report("drift", Exit.OK, mask_plan(EMPTY)),
    "a refused step": build_report(
        "plan", Exit.REFUSED, mask_plan(replace(PLAN, steps=(IMMUTABLE,))), problems=[GAP.problem]
    ),
    "unread": build_report("drift", Exit.UNREACHABLE, mask_plan(replace(EMPTY, gaps=(GAP,), compared=Coverage(0, 3)))),
    "applied": build_report("apply", Exit.STALE, mask_plan(PLAN), mask_outcomes(OUTCOMES)),
    "usage": build_report("plan", Exit.USAGE, problems=[make_problem(Source("command line"), "no such option")]),
    "internal": build_report("plan", Exit.INTERNAL),
    "extra members": build_report("validate", Exit.OK, members={"documents": 3, "files": 1}),
}


@pytest.mark.parametrize("shown", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_outcome_has_the_published_shape(shown: object) -> None:
    """What is printed is valid by the schema that is shipped."""
    VALID.validate(json.loads(render_json(shown)))


def test_a_step_has_the_members_of_the_contract() -> None:
    """Names, order and types, as the contract lists them."""
    assert encode_reported_step(mask_step(query=(("collectionId", "3"),))) == {
        "address": {"target": "command", "kind": "SecurityRole", "name": "PKI Operators"},
        "object": "",
        "names": [],
        "subjects": [],
        "action": "update",
        "risk": "low",
        "risk_reason": "",
        "source": "roles/ops.yaml:8:3",
        "call": {
            "method": "PUT",
            "path": "/Security/Roles",
            "query": {"collectionId": "3"},
            "body": {"Id": 5},
            "version": 2,
        },
        "changes": [{"path": "description", "before": "a", "after": "b", "risk": "low", "risk_reason": ""}],
        "verdict": None,
    }


def test_a_repeated_query_parameter_is_not_silently_halved() -> None:
    """What can't be shown as it is sent is not shown at all."""
    with pytest.raises(ValueError, match="repeated"):
        encode_reported_step(mask_step(query=(("id", "1"), ("id", "2"))))


def test_an_applied_step_says_what_became_of_it_and_of_each_part() -> None:
    """A verdict a step, and one a change where the server split a batch."""
    role, event, denial = build_report("apply", Exit.STALE, mask_plan(PLAN), mask_outcomes(OUTCOMES))["steps"]
    assert role["verdict"] == "applied"
    assert (event["verdict"], event["detail"][:16]) == ("stale", "nothing was sent")
    assert [change["verdict"] for change in denial["changes"]] == ["applied", "not_applied"]


def test_the_summary_adds_up_to_what_was_compared() -> None:
    """Every compared object is in exactly one number."""
    plan = Plan((ROLE, EVENT, DENIAL, IMMUTABLE, *owners(7)), Coverage(40, 40))
    shown = build_report("plan", Exit.REFUSED, mask_plan(plan))["summary"]
    counted = [shown[name] for name in ("create", "update", "clear", "deny", "refused", "unchanged")]
    assert sum(counted) == 40
    assert sum(shown["risk"].values()) == 11
    assert (
        sum(build_report("apply", Exit.STALE, mask_plan(PLAN), mask_outcomes(OUTCOMES))["summary"]["verdicts"].values())
        == 4
    )


def test_problems_come_sorted_once_and_with_their_cause() -> None:
    """Refusals, problems of the plan and what could not be read are one list."""
    first, last = make_problem(Source("a.yaml", 2, 1), "x"), make_problem(Source("a.yaml", 10, 1), "y")
    plan = replace(EMPTY, problems=(last,), gaps=(GAP,))
    shown = build_report("plan", Exit.INCOMPLETE, mask_plan(plan), problems=[last, first, last])["problems"]
    assert [one["source"] for one in shown[:2]] == ["a.yaml:2:1", "a.yaml:10:1"]
    assert shown[2]["cause"] == "unreachable"
    assert len(shown) == 3


@given(st.text(alphabet=st.characters(), max_size=40))
@example("\x7f")
def test_any_text_survives_unchanged_and_harmless(text: str) -> None:
    """A parser gets every character back; a terminal and a CI system get nothing that they would obey."""
    shown = render_json({"name": text, "##vso[x]": [text]})
    assert json.loads(shown) == {"name": text, "##vso[x]": [text]}
    assert shown.replace("\n", "").isprintable()
    assert "##vso[" not in shown
    shown.encode()


def test_lone_surrogates_of_a_server_survive() -> None:
    """JSON can carry half a character; UTF-8 can't, so it stays escaped."""
    assert json.loads(render_json(json.loads('"\\ud800"')).encode()) == "\ud800"


def test_equal_values_give_equal_bytes() -> None:
    """Nothing in the document depends on the clock, or on the order of a set."""
    sets = [frozenset("abc"), frozenset("cba")]
    shown = [render_json(encode_reported_step(mask_step(changes=(Change("x", [], one, Risk.LOW),)))) for one in sets]
    assert shown[0] == shown[1]
    assert render_json(build_report("plan", Exit.CHANGES, mask_plan(PLAN))) == render_json(
        build_report("plan", Exit.CHANGES, mask_plan(PLAN))
    )


def test_not_a_number_is_no_json() -> None:
    """A document that no strict parser reads is a bug, not an output."""
    with pytest.raises(ValueError, match="JSON"):
        render_json({"x": float("nan")})


@settings(max_examples=30)
@given(
    st.lists(st.text(max_size=12) | st.just('\n  "steps": [],\n'), max_size=3),
    st.dictionaries(st.text(max_size=6) | st.just("steps"), st.just({"steps": []}) | st.text(max_size=6), max_size=3),
    st.booleans(),
)
def test_step_by_step_it_is_the_same_text(words: list[str], members: dict[str, Any], ascii_only: bool) -> None:
    """Whatever the steps, the problems and the command's own members hold."""
    steps = tuple(replace(ROLE, changes=(Change(word, word, [word, {word: None}], Risk.LOW),)) for word in words)
    problems = tuple(make_problem(Source(word), word) for word in words)
    report = RunReport("plan", Exit.OK, mask_plan(replace(PLAN, steps=steps)), problems=problems, members=members)
    assert render_report(report, ascii_only=ascii_only) == render_json(encode_report(report), ascii_only=ascii_only)
