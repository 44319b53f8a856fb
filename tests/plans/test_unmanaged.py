"""How many live objects no document declares: counted where it can be told, and never guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from reconciler.engine.observe import observe
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Json
from reconciler.plans.planfile import build_saved_plan, digest_plan, load_plan
from reconciler.plans.planner import PlanScope, plan
from reconciler.plans.sealing import seal_members
from reconciler.plans.serial import PLAN_FORMAT_VERSION, encode_plan
from reconciler.plans.unmanaged import list_live_objects
from tests.kinds.test_cases import CASES, offline, wanted_of
from tests.support.plan_files import STAMP, small
from tests.support.sample_plans import TODAY, document, handler, planned, registered
from tests.support.toy_reader import World

HANDLERS = "/EventHandlerRegistration"
LISTED = {"SecurityRole": "/Security/Roles", "EventHandler": HANDLERS, "SecretEvent": "/v1/0123/csms/events"}
LISTED["CertificateOwner"] = "/Certificates"


@pytest.mark.parametrize("kind", KINDS)
def test_declared_and_unmanaged_objects_are_all_that_are_listed(kind: str) -> None:
    """In every case of the kind: each object of the list once, and declared if and only if a document names it."""
    counted = 0
    for path in (path for path in CASES if path.parent.name == kind):
        case = yaml.safe_load(path.read_text("utf-8"))
        if offline(case):
            continue
        documents = [one for one in wanted_of(case) if one.address.kind == kind]
        world = World(case["world"])
        run = Run.of_documents(TODAY, documents)
        observed = observe(documents, dict.fromkeys(("command", "csms"), world), run, KINDS)
        target = documents[0].address.target
        objects = list_live_objects(observed.live, target, kind, documents, KINDS)
        if objects is None:
            continue
        listed = list(objects)
        assert len(listed) == len(case["world"].get(LISTED[kind]) or []), path.name
        keys = set().union(*(one.keys for one in documents))
        named = [one for one in listed if keys & set(one.keys)]
        assert all(one.is_declared for one in named), path.name
        if not any(getattr(one.spec, "search", None) for one in documents):
            assert [one for one in listed if one.is_declared] == named, path.name
        counted += 1
    assert bool(counted) == (kind in LISTED)


def plan_at(wanted: list[Wanted], answers: dict[str, dict[str, Json]], **scope: object) -> dict[str, dict[str, int]]:
    run = Run.of_documents(TODAY, wanted)
    worlds = {target: World(world) for target, world in answers.items()}
    made = plan(wanted, observe(wanted, worlds, run, KINDS), run, KINDS, PlanScope(**scope) if scope else None)  # type: ignore[arg-type]
    return {kind: dict(counts) for kind, counts in made.unmanaged.items()}


def test_each_target_is_counted_by_itself() -> None:
    """What is declared for one server is not declared for another."""
    wanted = [handler("a"), replace(handler("b"), address=handler("b").address._replace(target="other"))]
    both: dict[str, Json] = {HANDLERS: registered("a", "b", "c")}

    assert plan_at(wanted, {"command": both, "other": both}) == {"EventHandler": {"command": 2, "other": 2}}


def test_a_kind_that_one_target_did_not_tell_is_not_counted() -> None:
    """A sum that lacks a server would read like all of them."""
    wanted = [handler("a"), replace(handler("b"), address=handler("b").address._replace(target="other"))]
    broken: dict[str, Json] = {HANDLERS: [{"Id": 1}]}

    assert plan_at(wanted, {"command": {HANDLERS: registered("a", "x")}, "other": broken}) == {}


def test_documents_that_are_not_selected_declare_all_the_same() -> None:
    """A partial run compares less; it finds no more objects that nobody knows of."""
    a, b = handler("a"), handler("b")

    assert plan_at([a], {"command": {HANDLERS: registered("a", "b", "c")}}, declared=[a, b]) == {
        "EventHandler": {"command": 1}
    }


def test_a_kind_with_a_document_that_could_not_be_read_is_not_counted() -> None:
    """Its object would look like one that nobody declares."""
    a = handler("a")
    answers: dict[str, dict[str, Json]] = {"command": {HANDLERS: registered("a", "b")}}

    assert plan_at([a], answers, declared=[a], unread=frozenset({"EventHandler"})) == {}
    assert plan_at([a], answers, declared=[a], unread=frozenset({"SecurityRole"})) == {"EventHandler": {"command": 1}}


def test_a_query_that_is_not_selected_leaves_certificates_uncounted() -> None:
    """It was not asked, so nobody knows which certificates it is about; keys that are not selected are known."""
    many = document("CertificateOwner", "many", {"owner": "R", "certificates": {"ids": list(range(1, 23))}})
    one = document("CertificateOwner", "one", {"owner": "R", "certificates": {"ids": [30]}})
    query = document("CertificateOwner", "q", {"owner": "R", "certificates": {"query": 'IssuedCN -eq "a"'}})
    rows = [{"Id": number, "Thumbprint": f"{number:040X}"} for number in (1, 30, 31)]
    answers: dict[str, dict[str, Json]] = {
        "command": {"/Security/Roles": [{"Id": 1, "Name": "R"}], "/Certificates": rows}
    }

    assert plan_at([many], answers, declared=[many, one]) == {"CertificateOwner": {"command": 1}}
    assert plan_at([many], answers, declared=[many, one, query]) == {}


def test_counts_are_saved_and_nothing_that_is_approved() -> None:
    """`show` says what the plan said; a stranger's object that comes meanwhile makes no other plan."""
    made = planned([handler("A")], {HANDLERS: registered("A", "B")})
    other = replace(made, unmanaged={})
    data, saved_plan = build_saved_plan(made, STAMP)

    assert made.unmanaged == {"EventHandler": {"command": 1}}
    assert load_plan(data, KINDS).plan.unmanaged == made.unmanaged
    assert digest_plan(made) == digest_plan(other) == saved_plan.digest == build_saved_plan(other, STAMP)[1].digest


def test_a_plan_file_without_counts_is_still_read() -> None:
    """What is no part of what is approved may be missing."""
    plan_members = {name: value for name, value in encode_plan(small()).items() if name != "unmanaged"}
    first = {"format_version": PLAN_FORMAT_VERSION, "kind": "Plan", "tool": "1.2.3", "nonce": STAMP.nonce}
    times = {"created": "2026-11-22T12:00:00.000Z", "expires": "2026-11-23T12:00:00.000Z"}
    data = seal_members({**first, **times, "commit": "", "paths": [], **plan_members}).data

    assert load_plan(data, KINDS).plan == replace(small(), unmanaged={})


def test_a_kind_without_a_list_has_no_count() -> None:
    """A kind without a list of its own, such as denials, has no count at all."""
    denial = document("RequestDenial", "d", {"requests": [{"id": 1, "commonName": "a"}], "expires": TODAY})

    assert planned([denial], {}).unmanaged == {}
