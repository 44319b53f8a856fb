"""Cases are data: given this world and these documents, exactly these calls. A file's name is a sentence.

wanted:   documents as in a manifest, without apiVersion; `tables` stands for CSV files
world:    what the server answers, by path
today:    the day of the run, 2026-11-22 if not given
steps:    what the plan must hold, in order; a step is compared by the members that it gives:
          action, risk, call {method path query body}, changes [[path, before, after]], object, source,
          refusal (a part of it), subjects [[name, {fact: text}]], expect,
          names {change's path: {member: name}}
problems: parts of "place: message", in order     notes, absences: likewise     invalid: likewise, found offline
          a place reads "document 1", "document 1 spec.claims.0.value" or "owners.csv:2:1"; offline it begins below spec
compared: [objects, of]
unmanaged: how many live objects no document declares, by kind; {} where that can't be told
asked:    the requests that planning makes, in order
"""

from __future__ import annotations

import itertools
import json
import random
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Plan, Step, Table
from reconciler.plans.unmanaged import sum_unmanaged
from tests.support.sample_plans import planned
from tests.support.toy_reader import World, shuffled

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*/*.yaml"))
MEMBERS = {
    "wanted",
    "world",
    "today",
    "steps",
    "problems",
    "notes",
    "absences",
    "invalid",
    "compared",
    "asked",
    "unmanaged",
}
STEP_MEMBERS = {"action", "risk", "call", "changes", "object", "refusal", "source", "subjects", "expect", "names"}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def wanted_of(case: dict[str, Any]) -> list[Wanted]:
    """Return the case's documents; raises pydantic.ValidationError."""
    return [_document(number, document) for number, document in enumerate(case["wanted"], 1)]


def _document(number: int, document: dict[str, Any]) -> Wanted:
    kind, spec = KINDS[document["kind"]], document["spec"]
    tables = {
        name: Table(spec[name], range(2, 2 + len(columns["thumbprint"])), columns)
        for name, columns in document.get("tables", {}).items()
    }
    address = Address("csms" if kind.api == "csms" else "command", document["kind"], document["metadata"]["name"])
    place = f"document {number}"
    return Wanted(
        address,
        kind.spec.load(spec),
        Source(place),
        {},
        tables,
        lambda path: Source(f"{place} {'.'.join(map(str, path))}"),
        document["metadata"].get("renamedFrom", ""),
    )


def offline(case: dict[str, Any]) -> list[str]:
    """Return what validation says, as "place: message"."""
    try:
        wanted = wanted_of(case)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    names = [
        f"metadata.name: {explanation.message}"
        for one in wanted
        for explanation in one.spec.check_name(one.address.name)
    ]
    return names + [
        f"{place if isinstance(place, Source) else '.'.join(map(str, place))}: {explanation.message}"
        for one in wanted
        for place, explanation in one.spec.check(one.address.name, one.tables)
    ]


@cache
def plan_case(path: Path) -> Plan | None:
    """Return the plan of a case; None where its documents are invalid."""
    case = yaml.safe_load(path.read_text("utf-8"))
    if offline(case):
        return None
    return planned(wanted_of(case), World(case["world"]), case.get("today", date(2026, 11, 22)))


def shown(step: Step, members: set[str]) -> dict[str, Any]:
    call = step.request.call if step.request else None
    whole = {
        "action": step.action.value,
        "risk": step.risk.value,
        "call": call and {"method": call.method, "path": call.path, "query": dict(call.query), "body": call.body},
        "changes": [[change.path, change.before, change.after] for change in step.changes],
        "object": step.object,
        "source": str(step.source),
        "subjects": [[subject.name, dict(subject.facts)] for subject in step.subjects],
        "expect": step.request and step.request.expect,
        "names": {change.path: dict(change.names) for change in step.changes},
    }
    plain: dict[str, Any] = json.loads(json.dumps({name: value for name, value in whole.items() if name in members}))
    return plain


@pytest.mark.parametrize("path", CASES, ids=_name)
def test_case(path: Path) -> None:
    """The documents in this world make exactly these calls."""
    case = yaml.safe_load(path.read_text("utf-8"))
    assert set(case) <= MEMBERS, "an unknown member would be ignored"
    today = case.get("today", date(2026, 11, 22))

    found = offline(case)

    assert len(found) == len(case.get("invalid", [])), found
    for part, message in zip(case.get("invalid", []), found, strict=True):
        assert part in message
    if found:
        return

    world = World(case["world"])
    made = planned(wanted_of(case), world, today)

    assert not made.gaps
    _check_steps(case.get("steps", []), made.steps)
    _check_messages(case.get("problems", []), made.problems)
    _check_messages(case.get("notes", []), made.notes)
    _check_messages(case.get("absences", []), made.absences)
    if "compared" in case:
        assert list(made.compared) == case["compared"]
    if "unmanaged" in case:
        assert sum_unmanaged(made.unmanaged) == case["unmanaged"]
    if "asked" in case:
        assert world.asked == case["asked"]


def _check_steps(wants: list[dict[str, Any]], steps: tuple[Step, ...]) -> None:
    assert len(steps) == len(wants), [shown(step, {"changes", "object", "source"}) for step in steps]
    for want, step in zip(wants, steps, strict=True):
        assert set(want) <= STEP_MEMBERS, "an unknown member would be ignored"
        assert shown(step, set(want)) == {name: value for name, value in want.items() if name != "refusal"}
        assert want.get("refusal", "") in step.refusal
        assert bool(step.refusal) == ("refusal" in want) == (step.request is None)
        if step.request:
            call = step.request.call
            assert call.version == (2 if call.path.startswith("/Security/Roles") else 1)
            assert call.target == step.address.target


def _check_messages(parts: list[str], problems: tuple[Diagnostic, ...]) -> None:
    assert len(problems) == len(parts), problems
    for part, problem in zip(parts, problems, strict=True):
        assert part in str(problem)
        assert "; " in problem.message, "a message says what, why and what to do"


@pytest.mark.no_cover
@pytest.mark.parametrize("path", CASES, ids=_name)
def test_shuffling_changes_nothing(path: Path) -> None:
    """Rows, members, set members and documents in another order give an equal plan."""
    case = yaml.safe_load(path.read_text("utf-8"))
    if offline(case):
        return
    today = case.get("today", date(2026, 11, 22))
    straight = planned(wanted_of(case), World(case["world"]), today)
    for seed in range(3):
        mixed = shuffled(case["world"], random.Random(seed))
        wanted = wanted_of(case)
        random.Random(seed).shuffle(wanted)
        assert planned(wanted, World(mixed), today) == straight


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_cases(kind: str) -> None:
    """A kind without a case that calls and one that doesn't is not finished."""
    cases = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((HERE / kind).glob("*.yaml"))]

    assert any(case.get("steps") for case in cases)
    assert any("world" in case and not case.get("steps") and not case.get("problems") for case in cases)


def test_every_case_is_of_a_kind() -> None:
    """A folder that is no kind would be run, but prove nothing of any kind."""
    assert {path.parent.name for path in CASES} <= set(KINDS)


def test_no_two_cases_are_equal() -> None:
    """A case that repeats another one adds nothing."""
    for one, other in itertools.combinations(CASES, 2):
        assert one.read_text("utf-8") != other.read_text("utf-8"), (one, other)


def test_every_kind_has_the_law_of_its_bodies() -> None:
    """Base and changes give the body: a kind without that law could send what no plan shows."""
    laws = {path.stem.removeprefix("test_body_law_").replace("_", "") for path in HERE.glob("test_body_law_*.py")}

    assert laws == {kind.casefold() for kind in KINDS}
