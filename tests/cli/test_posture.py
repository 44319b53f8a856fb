"""`report posture`: orphans and dead ends of both servers, in few requests, and never called fine unread."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.plans.posture_rules import POSTURE_RULES
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Run

REPORT = jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])
DAY = 86_400
POSTURE = ["report", "posture"]


def spoil(simulator: Simulator) -> None:
    """Give the servers one thing of each sort to find: role 6 is held by nobody and owns, role 99 never was."""
    soon = int(time.time()) + 3 * DAY
    with simulator.lock:
        world = simulator.world
        for number, owner in {1: 6, 2: 6, 3: 99, 4: None}.items():
            world.certificates[number] = world.certificates[number]._replace(owner=owner, not_after=soon)
        world.roles[6]["Claims"] = []
        world.roles[5]["Permissions"] = list(world.roles[2]["Permissions"])
        world.roles[5]["PermissionSetId"] = world.roles[2]["PermissionSetId"]
        for number in (14, 17):
            request = next(request for request in world.requests.values() if request["Id"] == number)
            request["SubmissionDate"] = "2020-01-31T10:00:00Z"
        world.events["rotation-audit"]["notification"] = None
        world.events["lifecycle"]["event_types"] = []


@pytest.fixture
def world(run: Run, folder: Path) -> Iterator[Simulator]:
    """Two servers, and settings for them in the current folder, which has no manifests."""
    with Simulator(certificates=30) as simulator:
        spoil(simulator)
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield simulator


def read_report(run: Run, *argv: str, code: int = 0) -> dict[str, Any]:
    ended, stdout, stderr = run([*POSTURE, *argv, "--format", "json"])
    assert ended == code, stderr
    document: dict[str, Any] = json.loads(stdout)
    REPORT.validate(document)
    return document


def list_rules(document: dict[str, Any]) -> dict[str, int]:
    return {finding["rule"]: finding["count"] for finding in document["posture"]["findings"]}


def test_each_sort_is_found_in_as_few_requests_as_there_are_lists(run: Run, world: Simulator) -> None:
    """A list each, and each role by its id, which alone tells who holds it; nothing is written."""
    world.forget_requests()
    document = read_report(run)
    paths = Counter(re.sub(r"\d+$", "N", entry["path"]).rpartition("/")[2] for entry in world.requests)
    assert paths == {
        "token": 1, "Certificates": 1, "Pending": 1, "Denied": 1, "Claims": 1, "Roles": 1, "N": len(world.world.roles),
        "events": 1,
    }  # fmt: skip
    assert world.ledger == []

    found = list_rules(document)
    assert found.keys() == {rule.id for rule in POSTURE_RULES}
    assert (found["posture.owner-not-held"], found["posture.owner-missing"]) == (5, 1)
    assert found["posture.expiring-unowned"] == 1
    by_rule = {finding["rule"]: finding["objects"] for finding in document["posture"]["findings"]}
    assert by_rule["posture.owner-not-held"][0]["name"] == "Platform Engineering"
    assert by_rule["posture.expiring-unowned"][0]["id"] == "4"
    assert [item["name"] for item in by_rule["posture.equal-roles"]] == ["Auditors, PKI Operators"]
    # The claim of role 6 is in no role any more.
    assert "platform" in {item["name"] for item in by_rule["posture.claim-unused"]}
    assert document["posture"]["expiries"] == [{"target": "command", "day": 3, "owned": 0, "orphaned": 4}]
    assert document["compared"] == {"objects": 6, "of": 6}


def test_the_text_says_what_why_and_what_to_do(run: Run, world: Simulator) -> None:
    """The most urgent first; each finding once, on stdout alone; and 2 where that is asked for."""
    code, stdout, stderr = run([*POSTURE, "--detailed-exitcode"])
    assert (code, stderr) == (2, "exit 2: changes\n")
    assert stdout.startswith("12 findings (4 high, 5 medium, 3 low) in 30 certificates, ")
    assert "high: 5 certificates are owned by roles that nobody holds on target command" in stdout
    assert stdout.index("high: ") < stdout.index("medium: ") < stdout.index("low: ")
    assert "To do: give the role a claim in its SecurityRole document" in stdout
    assert run(POSTURE)[0] == 0
    csms = read_report(run, "--target", "csms")
    assert {finding["target"] for finding in csms["posture"]["findings"]} == {"csms"}


def test_days_say_how_near_and_how_old(run: Run, world: Simulator) -> None:
    near = list_rules(read_report(run, "--days", "2"))
    assert "posture.expiring-unowned" not in near
    assert near["posture.pending-too-long"] > list_rules(read_report(run, "--days", "400"))["posture.pending-too-long"]
    assert run([*POSTURE, "--days", "0"])[0] == 3


def test_which_report_has_to_be_said(run: Run, folder: Path) -> None:
    code, _, stderr = run(["report"])
    assert code == 3
    assert "say `reconciler report posture`" in stderr


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/Certificates$", "certificates"),
        ("/Pending", "pending"),
        ("/Denied", "denied"),
        ("/Claims", "claims"),
        ("/Roles/5", "roles"),
        ("/events", "events"),
    ],
)
def test_what_could_not_be_read_is_a_gap(run: Run, world: Simulator, path: str, field: str) -> None:
    """The rules that need it are named as not judged, and the others find what they find."""
    world.fault("GET", path, "status", status=403, times=0)
    code, stdout, stderr = run([*POSTURE, "--detailed-exitcode"])
    unjudged = {rule.id for rule in POSTURE_RULES if field in rule.needs}
    assert code == 10, stderr
    assert stdout.startswith("INCOMPLETE, 1 thing could not be read or judged: ")
    assert f"NOT JUDGED on target {'csms' if field == 'events' else 'command'}: " in stdout
    assert "403" in stderr
    document = read_report(run, code=10)
    assert {rule for reading in document["posture"]["read"] for rule in reading["unjudged"]} == unjudged
    assert list_rules(document).keys() == {rule.id for rule in POSTURE_RULES} - unjudged
    assert document["compared"] == {"objects": 5, "of": 6}


def test_where_nothing_can_be_read_the_cause_is_the_outcome(run: Run, world: Simulator) -> None:
    world.fault("GET", "", "status", status=403, times=0)
    code, stdout, _ = run(POSTURE)
    assert code == 5
    assert "nothing found that leads nowhere in nothing" in stdout


def test_an_object_without_its_day_is_not_called_fine(run: Run, world: Simulator) -> None:
    """It is neither old nor new: somebody has to look at it."""
    with world.lock:
        next(row for row in world.world.requests.values() if row["Id"] == 14)["SubmissionDate"] = "some day"
    code, _, stderr = run(POSTURE)
    assert code == 10
    assert "such as the one with the id 14; whether they are too near or too old can't be told" in stderr


def test_a_secret_in_a_name_is_not_shown(run: Run, world: Simulator) -> None:
    """A live text may hold what only our settings should."""
    secret = world.credentials["keyfactor"]["client_secret"]
    with world.lock:
        world.world.roles[6]["Name"] = f"ask with {secret}"
    for argv in ([], ["--format", "json"], ["--report", "html=-"]):
        _, stdout, stderr = run([*POSTURE, *argv])
        assert "ask with" in stdout
        assert secret not in stdout + stderr


SWITCHES: dict[str, Any] = {
    "certificate_dates": "no_zone", "total_count": "absent", "return_limit_max": 5, "common_name_absent": "empty",
    "claim_provider_null": "Entra", "claim_scheme_returned": "Entra=entra-id", "claim_ad_values": "upper",
    "role_permission_order": "reversed", "csms_event_types_order": "canonical", "csms_list_order": "newest_first",
    "csms_last_marker": "present", "csms_marker": "inclusive", "csms_timestamps": "seconds",
}  # fmt: skip


def test_no_switch_changes_what_is_found(run: Run, world: Simulator) -> None:
    """What is not documented of the answers makes no finding, and hides none."""
    expected = list_rules(read_report(run))
    for name, setting in SWITCHES.items():
        default = world.world.switches[name]
        world.switch(**{name: setting})
        assert list_rules(read_report(run)) == expected, name
        world.switch(**{name: default})


def test_each_report_has_the_findings(run: Run, world: Simulator, folder: Path) -> None:
    """Each format by its own means: a section, a case, a series, an annotation."""
    formats = {
        "html": "5 certificates are owned by roles that nobody holds",
        "markdown": "**Found: 12**",
        "junit": 'name="posture.owner-not-held"',
        "prometheus": 'rule="posture.owner-not-held",urgency="high"} 5',
        "sarif": '"posture.owner-not-held"',
        "github": "5 certificates are owned by roles that nobody holds",
        "gitlab": "posture.owner-not-held",
    }
    code, _, stderr = run([*POSTURE, *(f"--report={name}={name}.txt" for name in formats)])
    assert code == 0, stderr
    texts = {name: (folder / f"{name}.txt").read_text("utf-8") for name in formats}
    assert [name for name, words in formats.items() if words not in texts[name]] == []
    assert '<svg class="expiries"' in texts["html"]
