"""A step that was stored is reread, settled and explained by its kind alone: nobody needs the document any more.

The kind is made up, and so is the registry that is handed in: nothing here knows the kinds of the package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import ClassVar

import pytest
from pydantic import StrictBool

from reconciler.diagnostics import Address, Source
from reconciler.engine.apply import apply
from reconciler.engine.observe import observe
from reconciler.kinds.fields import unmanaged_field
from reconciler.kinds.kind import Finding, Kind, Match, Meaning, Run, Wanted
from reconciler.kinds.registry import KINDS, Registry
from reconciler.kinds.spec_model import Spec
from reconciler.kinds.stored_requests import check_expectation, check_request
from reconciler.model import (
    Call,
    Json,
    ObjectSides,
    Outcome,
    Path,
    Plan,
    Request,
    Risk,
    RiskAssessment,
    Step,
    Tables,
    Verdict,
)
from reconciler.plans.planner import plan
from reconciler.plans.stored_steps import find_misleading_steps
from reconciler.reader import Read
from tests.support.plan_files import dump, load
from tests.support.scripted_servers import LOST, Scripted
from tests.support.toy_reader import World

VALVE = {"Id": 1, "Name": "inlet", "Open": False}
PATH = "/Valves/1"
RUN = Run(date(2026, 11, 22))


class Valve(Spec):
    """Whether a valve is open; it is found by its name."""

    open: StrictBool = unmanaged_field("Whether it is.")

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        yield name, ()


class ValveKind(Kind[Valve, Mapping[str, Json]]):
    """Valves are listed by name and changed by id."""

    spec: ClassVar[type[Spec]] = Valve
    api: ClassVar[str] = "keyfactor"

    def observe(self, read: Read, documents: Sequence[Wanted[Valve]], run: Run) -> Mapping[str, Json]:
        return {row["Name"]: row for row in read.rows("/Valves")}

    def compare(self, document: Wanted[Valve], live: Mapping[str, Json], run: Run) -> Iterator[Finding]:
        raw = live[document.address.name]
        yield Match(document, {"open": raw["Open"]}, document.spec.declared(), raw, raw["Name"])

    def encode(self, match: Match[Valve]) -> Request:
        raw, body = match.encoder_input, {"Open": match.after["open"]}
        return Request(Call(match.document.address.target, "PUT", f"/Valves/{raw['Id']}", body), raw, body)

    def explain(self, request: Request) -> Meaning:
        check_request(request.call, "PUT", f"/Valves/{request.base['Id']}", members=("Open",))
        check_expectation(request, request.call.body)
        before, after = {"open": request.base["Open"]}, {"open": request.call.body["Open"]}
        return Meaning(before, after, request.base["Name"], request.base["Name"])

    def assess(self, path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        return RiskAssessment(Risk.HIGH, "it may flood the cellar") if after else RiskAssessment(Risk.LOW)

    def reread(self, read: Read, step: Step) -> Json:
        return read.get(step.request.call.path) if step.request else None


REGISTRY = Registry([ValveKind()])


def make_stored_plan(*, is_open: bool = True) -> Plan:
    """Return a plan that opens a valve, saved and loaded again; its document is not kept."""
    document = Wanted(Address("command", "Valve", "inlet"), Valve.load({"open": is_open}), Source("valves.yaml", 1, 1))
    observed = observe([document], {"command": World({"/Valves": [VALVE]})}, RUN, REGISTRY)
    return load(dump(plan([document], observed, RUN, REGISTRY)), kinds=REGISTRY)


def apply_stored_plan(server: Scripted) -> Outcome:
    (outcome,) = apply(make_stored_plan(), replace(server.seams(), kinds=REGISTRY))
    return outcome


def test_a_kind_of_ones_own_is_planned() -> None:
    """The registry that is handed in is the only one that is asked."""
    (step,) = make_stored_plan().steps

    assert "Valve" not in KINDS
    assert step.request is not None
    assert (step.request.call.method, step.request.call.path, step.request.call.body) == ("PUT", PATH, {"Open": True})
    assert (step.request.base, step.request.expect, step.risk) == (VALVE, {"Open": True}, Risk.HIGH)
    assert make_stored_plan(is_open=False).steps == ()


def test_a_stored_step_is_explained_without_its_document() -> None:
    """What it says of itself is worked out again from its request."""
    stored_plan = make_stored_plan()
    (step,) = stored_plan.steps

    assert list(find_misleading_steps(stored_plan, [step.risk], REGISTRY, "p.plan")) == []
    harmless_step = replace(step, changes=(step.changes[0]._replace(path="label"),))
    (problem,) = find_misleading_steps(replace(stored_plan, steps=(harmless_step,)), [step.risk], REGISTRY, "p.plan")
    assert problem.rule == "plan.misleading-step"


# how the world answers, by what becomes of the stored step
WORLDS: Mapping[str, tuple[Scripted, Verdict, int]] = {
    "sent and read back": (Scripted({PATH: VALVE}, {}), Verdict.APPLIED, 1),
    "done already": (Scripted({PATH: {**VALVE, "Open": True}}, {}), Verdict.UNCHANGED, 0),
    "changed since": (Scripted({PATH: {**VALVE, "Name": "outlet"}}, {}), Verdict.STALE, 0),
    "gone since": (Scripted({}, {}), Verdict.STALE, 0),
    "silence": (Scripted({PATH: VALVE}, {PATH: LOST}), Verdict.UNKNOWN, 1),
}


@pytest.mark.parametrize(("server", "verdict", "sent_count"), WORLDS.values(), ids=WORLDS)
def test_a_stored_step_is_reread_and_settled(server: Scripted, verdict: Verdict, sent_count: int) -> None:
    """Before the write the object is compared with the stored base, after it with the stored expectation."""
    assert apply_stored_plan(server).verdict is verdict
    assert len(server.sent) == sent_count


def test_settling_needs_the_step_and_the_object_alone() -> None:
    """An answer that was lost is made up for by reading, in this run or in another one."""
    (step,) = make_stored_plan().steps
    kind = REGISTRY["Valve"]

    assert [ruling.verdict for ruling in kind.settle(step, None, {**VALVE, "Open": True})] == [Verdict.APPLIED]
    (ruling,) = kind.settle(step, None, kind.reread(World({PATH: VALVE}), step))
    assert (ruling.verdict, ruling.detail) == (Verdict.UNKNOWN, "reading back does not show it: Open")
    assert kind.unmet(step, None) == ("the object",)
