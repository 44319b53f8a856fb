"""Acknowledgements through the command line, of every kind, against the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Report, Run

SCHEMAS = build_schemas(KINDS)
MANIFESTS = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec:
  description: as declared
  emailAddress: as.declared@example.com
  permissions: [/portal/read/]
  claims: [{type: OAuthRole, value: pki-on-call, provider: Entra, description: On call}]
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: Newcomers}
spec: {description: new, permissionSet: Global}
---
apiVersion: reconciler/v1
kind: EventHandler
metadata: {name: denied-logger}
spec:
  className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger
  displayName: as declared
  enabled: true
---
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: o}
spec: {owner: PKI Operators, certificates: {ids: [1, 2, 99]}, missing: report}
---
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: newcomers}
spec: {owner: Newcomers, certificates: {ids: [3]}}
---
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: no-test-names}
spec: {match: {commonName: "*.test.example.com"}, comment: not from production}
---
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: expiry-prod}
spec:
  state: ENABLED
  eventTypes: [SECRET_ROTATED]
  notification: {targetType: SMN, targetId: 'urn:smn:other', targetName: other}
"""
OBJECTS = {
    "SecurityRole": ("PKI Operators", "Newcomers"),
    "EventHandler": ("denied-logger",),
    "CertificateOwner": ("o", "newcomers"),
    "RequestDenial": ("no-test-names",),
    "SecretEvent": ("expiry-prod",),
}


def find_day(days: int) -> str:
    """Return the day in so many days."""
    return (datetime.now(UTC).date() + timedelta(days)).isoformat()


def acknowledge(documents: Mapping[str, str]) -> None:
    """Write acknowledgements, each of an object with the rest of its spec."""
    texts = [
        f"apiVersion: reconciler/v1\nkind: Acknowledgement\nmetadata: {{name: ack-{number}}}\n"
        f"spec: {{object: {object_}, reason: INC-{number}{rest}}}\n"
        for number, (object_, rest) in enumerate(documents.items())
    ]
    Path("manifests/acks.yaml").write_text("---\n".join(texts))


def acknowledge_kind(kind: str, rest: str) -> dict[str, str]:
    return {f"{kind}/{name}": rest for name in OBJECTS[kind]}


@pytest.fixture
def simulator(folder: Path) -> Iterator[Simulator]:
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS)
    with Simulator(certificates=4) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield simulator


def part_steps(document: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what counts, and what is acknowledged."""
    parts: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for step in document["steps"]:
        parts[step.get("drift", {}).get("status") == "acknowledged"].append(step)
    return parts


def list_names(steps: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(step["address"]["kind"], step["address"]["name"]) for step in steps}


def list_changes(steps: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return what differs, by field."""
    return {
        change["path"]: (change["before"], change["after"])
        for step in steps
        if step["address"]["kind"] == kind
        for change in step["changes"]
    }


def test_every_kind_is_left_alone_until_its_day(simulator: Simulator, report: Report) -> None:
    """Shown apart with its day and its manifest, not sent, worth no exit code; from the day on it counts again."""
    rest = f", until: {find_day(180)}"
    everything: dict[str, str] = {}
    for kind, names in OBJECTS.items():
        acknowledge(acknowledge_kind(kind, rest))
        counted, left_alone = part_steps(report("drift", "--no-state", code=2))
        assert list_names(left_alone) == {(kind, name) for name in names}
        assert {name for name, _ in list_names(counted)} == {*OBJECTS} - {kind}
        assert all(step["call"] is None and step["verdict"] is None and step["changes"] for step in left_alone)
        drift = min((step["drift"] for step in left_alone), key=lambda drift: drift["acknowledgement"])
        assert drift == {
            "status": "acknowledged", "until": find_day(180), "acknowledgement": "ack-0",
            "manifest": "manifests/acks.yaml:1:1", "reason": "INC-0",
        }  # fmt: skip
        everything |= acknowledge_kind(kind, rest)

    acknowledge(everything)
    for argv in (["drift", "--no-state"], ["plan", "--detailed-exitcode"], ["apply", "--yes"]):
        counted, left_alone = part_steps(document := report(*argv))
        assert counted == []
        assert document["absences"] == [], "a certificate that is gone is acknowledged as well"
        assert document["summary"]["acknowledged"] == 12
        assert document["summary"]["unchanged"] == 1, "certificate 2 has its owner"
        assert document["compared"]["objects"] == document["compared"]["of"]
    assert simulator.ledger == []

    acknowledge(dict.fromkeys(everything, f", until: {find_day(0)}"))
    document = report("drift", "--no-state", code=2)
    assert part_steps(document)[1] == []
    assert sum("counts again" in note["message"] or "count again" in note["message"] for note in document["notes"]) == 7


def test_fields_are_left_alone_while_others_are_sent(report: Report) -> None:
    """One field of each object more with each apply: what is acknowledged keeps its live value under every request."""
    parts = {kind: KINDS[kind].parts for kind in OBJECTS if len(KINDS[kind].parts) > 1}
    everything = [
        f"{kind}/{name}" for kind in OBJECTS for name in OBJECTS[kind] if kind not in parts or name == "Newcomers"
    ]
    original = report("plan")["steps"]
    rest = f", until: {find_day(9)}"
    for count in range(1, 1 + max(map(len, parts.values()))):
        acks = dict.fromkeys(everything, rest)
        for kind, fields in parts.items():
            if later := fields[count:]:
                acks[f"{kind}/{OBJECTS[kind][0]}"] = f", fields: [{', '.join(later)}]{rest}"
        acknowledge(acks)
        sent, left_alone = part_steps(report("apply", "--yes"))
        own = [step for step in left_alone if step["address"]["name"] != "Newcomers"]
        for kind, fields in parts.items():
            kept, done = fields[count:], fields[count - 1 : count]
            first = [step for step in original if step["address"]["name"] != "Newcomers"]
            differing = list_changes(first, kind)
            expected = {path: sides for path, sides in differing.items() if path.partition(".")[0] in kept}
            assert list_changes(own, kind) == expected
            assert {path.partition(".")[0] for path in list_changes(sent, kind)} == {*done} & {
                path.partition(".")[0] for path in differing
            }
    assert {step["address"]["kind"] for step in sent} == {"SecurityRole"}


def test_what_needs_an_object_that_is_left_alone_waits_for_it(simulator: Simulator, report: Report, run: Run) -> None:
    """The role is not created, so no certificate can move to it; all else goes on."""
    acknowledge({"SecurityRole/Newcomers": f", until: {find_day(9)}"})
    counted, left_alone = part_steps(report("plan"))
    assert list_names(left_alone) == {("SecurityRole", "Newcomers")}
    (owner,) = (step for step in counted if step["address"]["name"] == "newcomers")
    assert owner["call"] is None
    assert owner["refusal"] == "held back, since it needs SecurityRole/Newcomers, which is acknowledged and left alone"
    # Nothing of a field can be left alone where there is no object.
    acknowledge({"SecurityRole/Newcomers": f", fields: [description], until: {find_day(9)}"})
    document = report("plan")
    assert part_steps(document)[1] == []
    assert any("no difference of it is left alone" in note["message"] for note in document["notes"])


def test_every_format_tells_it_apart(report: Report) -> None:
    """A reviewer sees it folded, a job skips its case, and no alert counts it as drift."""
    acknowledge({"SecurityRole/PKI Operators": f", fields: [permissions], until: {find_day(9)}", **dict.fromkeys(
        ["CertificateOwner/o", "EventHandler/denied-logger"], f", until: {find_day(9)}")})  # fmt: skip
    formats = {name: f"report.{name}" for name in ("markdown", "junit", "prometheus", "sarif", "html")}
    options = [word for name, file in formats.items() for word in ("--report", f"{name}={file}")]
    report("drift", *options, code=2)
    texts = {name: Path(file).read_text("utf-8") for name, file in formats.items()}
    described = f"until {find_day(9)}: INC-0 (ack-0, manifests/acks.yaml:1:1)"
    assert "**Acknowledged and left alone: 4**" in texts["markdown"]
    assert f"# acknowledged {described}" in texts["markdown"]
    assert f'<skipped message="acknowledged {described}"/>' in texts["junit"]
    junit = ElementTree.fromstring(texts["junit"])
    failed = {case.get("name", "") for case in junit.iter("testcase") if case.find("failure") is not None}
    assert not any("denied-logger" in name or name.startswith("CertificateOwner/o ") for name in failed)
    assert sum(case.get("name", "").startswith("CertificateOwner/o") for case in junit.iter("testcase")) == 3
    acknowledged = {
        line.partition('kind="')[2].partition('"')[0]: int(line.rpartition(" ")[2])
        for line in texts["prometheus"].splitlines()
        if line.startswith("reconciler_objects_acknowledged{")
    }
    assert acknowledged["CertificateOwner"] == 2
    assert acknowledged["EventHandler"] == acknowledged["SecurityRole"] == 1
    assert acknowledged["SecretEvent"] == 0
    assert 'kind="EventHandler",status="new"} 0' in texts["prometheus"]
    assert 'status="acknowledged"' not in texts["prometheus"]
    assert 'name="SecurityRole/PKI Operators: permissions"' in texts["junit"]
    assert 'kind="CertificateOwner",status="new"} 1' in texts["prometheus"]
    assert f"left alone {described}" in texts["html"]
    assert "denied-logger" not in texts["sarif"]
    everything = {f"{kind}/{name}" for kind, names in OBJECTS.items() for name in names}
    acknowledge(dict.fromkeys(everything, f", until: {find_day(9)}"))
    report("drift", *options)
    assert "drift: nothing but what is acknowledged" in Path("report.markdown").read_text("utf-8")
    assert 'failures="0" errors="0"' in Path("report.junit").read_text("utf-8")


def test_what_is_acknowledged_is_not_taken_over(report: Report) -> None:
    """It is to be as declared, only not yet; what else differs is adopted."""
    names = ("SecurityRole/PKI Operators", "EventHandler/denied-logger", "CertificateOwner/o")
    rest = f", until: {find_day(9)}"
    acknowledge(
        dict(zip(names, (f", fields: [permissions]{rest}", f", fields: [displayName]{rest}", rest), strict=True))
    )
    only = [word for name in names for word in ("--only", name)]
    document = report("adopt", "--write", *only)
    text = Path("manifests/all.yaml").read_text()
    assert "description: as declared" not in text
    assert "displayName: as declared" in text
    assert "permissions: [/portal/read/]" in text
    assert "enabled: false" in text
    assert "certificates: {ids: [1, 2, 99]}" in text
    told = {note["message"].partition(": ")[0] for note in document["notes"] if "not taken over" in note["message"]}
    assert told == set(names)
    assert part_steps(report("plan", *only))[0] == []


def test_a_saved_plan_holds_what_was_left_alone(simulator: Simulator, report: Report, run: Run) -> None:
    """Its digest covers it, show says it, and apply sends the rest."""
    denial = "RequestDenial/no-test-names"
    digest = report("plan", "--out", "whole.json")["digest"]
    acknowledge({denial: f", until: {find_day(7)}"})
    document = report("plan", "--out", "plan.json")
    assert document["digest"] != digest
    jsonschema.Draft202012Validator(SCHEMAS["plan.json"]).validate(json.loads(Path("plan.json").read_text()))
    assert any("in 7 days" in note["message"] for note in document["notes"])
    _, left_alone = part_steps(report("show", "plan.json"))
    assert list_names(left_alone) == {("RequestDenial", "no-test-names")}
    shown = run(["show", "plan.json"])[1]
    assert "Acknowledged and left alone:" in shown
    assert f"acknowledged  until {find_day(7)}: INC-0 (ack-0, manifests/acks.yaml:1:1)" in shown

    code, stdout, stderr = run(["apply", "plan.json"])
    assert code == 0, stderr
    assert "5 objects acknowledged and left alone" in stdout
    assert "deny" not in stdout
    assert all("Deny" not in call["path"] for call in simulator.ledger)
