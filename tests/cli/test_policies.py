"""Policies and waivers through the command line, from a manifest's text to what a saved plan may do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Report, Run

SCHEMAS = build_schemas(KINDS)
ROLE = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: Newcomers, labels: {tier: a}}
spec:
  description: new
  permissionSet: Global
  permissions: [/portal/read/, /certificates/requests/manage/]
  claims: [{type: OAuthSubject, value: ada, provider: Entra, description: Ada}]
"""
EVENT = """\
---
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: expiry-prod}
spec: {state: ENABLED}
"""
OVER_DOCUMENT = "kind != 'SecurityRole' || has(spec.emailAddress)"
OVER_CHANGE = "before != null || !grants(after.permissions, '/certificates/requests/manage/')"
OVER_PRINCIPAL = "principal.value != 'ada' || roles != ['Newcomers'] || !grants(permissions, '/portal/read/')"


def write_policy(over: str, rule: str, level: str = "mandatory", name: str = "p") -> str:
    spec = {"level": level, "over": over, "rule": rule, "message": f"so says {name}"}
    document = {"apiVersion": "reconciler/v1", "kind": "Policy", "metadata": {"name": name}, "spec": spec}
    return f"---\n{json.dumps(document)}\n"


def write_waiver(object_: str, days: int = 30, policy: str = "p", name: str = "w") -> str:
    until = (datetime.now(UTC).date() + timedelta(days)).isoformat()
    spec = {"policy": policy, "object": object_, "until": until, "reason": "SEC-12"}
    document = {"apiVersion": "reconciler/v1", "kind": "Waiver", "metadata": {"name": name}, "spec": spec}
    return f"---\n{json.dumps(document)}\n"


def declare(*documents: str) -> None:
    Path("manifests/all.yaml").write_text("".join((ROLE, *documents)))


@pytest.fixture
def simulator(folder: Path) -> Iterator[Simulator]:
    (folder / "manifests").mkdir()
    with Simulator(certificates=0) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield simulator


def test_what_names_several_targets_is_one_policy_one_waiver_and_one_test(run: Run, folder: Path) -> None:
    """Offline, by the names that targets have without settings; it is judged by on these targets alone."""
    policy = write_policy("document", "target == 'csms'").replace('"name": "p"}', '"name": "p", "targets": TARGETS}')
    waiver = write_waiver("SecurityRole/Newcomers", days=3).replace('"w"}', '"w", "targets": ["command", "csms"]}')
    case = {"name": "a case", "holds": False, "object": "SecretEvent/x"}
    test = {
        "apiVersion": "reconciler/v1",
        "kind": "PolicyTest",
        "metadata": {"name": "t", "targets": ["command", "csms"]},
    }
    cases = json.dumps({**test, "spec": {"policy": "p", "cases": [case]}})
    for targets, code in ((["csms"], 0), (["csms", "command"], 6)):
        Path("all.yaml").write_text(f"{ROLE}{policy.replace('TARGETS', json.dumps(targets))}---\n{cases}\n")
        assert run(["validate", "all.yaml"])[0] == code
    with Path("all.yaml").open("a") as file:
        file.write(waiver)
    code, _, stderr = run(["validate", "all.yaml"])
    assert (code, stderr.count("ends on")) == (0, 1), stderr
    assert len(json.loads(run(["policy", "all.yaml", "--format", "json"])[1])["policies"]) == 1
    assert len(json.loads(run(["policy", "test", "all.yaml", "--format", "json"])[1])["cases"]) == 1


WORDS = {
    "the policy is mandatory": "policy.broken",
    "the policy is advisory": "policy.advice",
    "waived until": "policy.waived",
    "has no result": "policy.no-result",
    "was not judged": "policy.unjudged",
    "have policies and can't be read": "policy.unread",
    "does not break the policy": "waiver.no-breach",
    "no policy is called": "waiver.no-policy",
    "ended on": "waiver.ended",
    "ends on": "waiver.ends-soon",
    "more than 180 days": "waiver.too-long",
}
"""What the rules of policies and waivers are recognised by."""


def list_rules(document: dict[str, Any]) -> list[str]:
    """Return the rules of what is told of policies and waivers, in order."""
    told = [entry["message"] for entry in (*document["problems"], *document["notes"])]
    return [rule for message in told for words, rule in WORDS.items() if words in message]


def test_a_mandatory_policy_refuses_and_an_advisory_one_tells(report: Report) -> None:
    """Over a document already offline, over a change and a principal in the plan; a rule that holds is mute."""
    for over, rule, is_offline in (
        ("document", OVER_DOCUMENT, True),
        ("change", OVER_CHANGE, False),
        ("principal", OVER_PRINCIPAL, False),
    ):
        declare(write_policy(over, rule))
        validated = report("validate", code=6 if is_offline else 0)
        planned = report("plan", "--out", "p.json", code=6)
        assert not Path("p.json").exists()
        assert list_rules(validated) == ["policy.broken"] * is_offline
        assert list_rules(planned) == ["policy.broken"]
        assert any('breaks the policy "p": so says p' in entry["message"] for entry in planned["problems"])
        assert list_rules(report("drift", code=2)) == ["policy.broken"] * (over != "principal")
        declare(write_policy(over, rule, "advisory"))
        assert list_rules(report("plan")) == ["policy.advice"]
        declare(write_policy(over, f"!({rule})"))
        assert list_rules(report("plan")) == []


def test_apply_sends_nothing_past_a_policy(report: Report, simulator: Simulator) -> None:
    """Neither over a document that was never validated, nor over what only the plan shows."""
    declare(write_policy("document", OVER_DOCUMENT))
    assert list_rules(report("apply", "--yes", code=6)) == ["policy.broken"]
    declare(write_policy("principal", OVER_PRINCIPAL))
    assert list_rules(report("apply", "--yes", code=6)) == ["policy.broken"]
    assert list_rules(report("apply", "--yes", "--no-rights", code=6)) == ["policy.unjudged"]
    assert simulator.ledger == []


def test_a_waiver_lets_one_object_by_until_its_day(report: Report) -> None:
    """For its policy and its object alone; what it is for stands beside what it lets by."""
    declare(write_policy("document", OVER_DOCUMENT), write_waiver("SecurityRole/Newcomers"))
    document = report("plan")
    assert list_rules(document) == ["policy.waived"]
    assert any("SEC-12 (w, manifests/all.yaml:" in note["message"] for note in document["notes"])
    ended, later = write_waiver("SecurityRole/Newcomers", 0), write_waiver("SecurityRole/Newcomers", name="later")
    rows = {
        (ended, later): (0, ["policy.waived", "waiver.ended"]),
        (write_waiver("SecurityRole/Others"),): (6, ["policy.broken", "waiver.no-breach"]),
        (write_waiver("SecurityRole/Newcomers", policy="q"),): (6, ["policy.broken", "waiver.no-policy"]),
        (write_waiver("SecurityRole/Newcomers", 0),): (6, ["policy.broken", "waiver.ended"]),
        (write_waiver("SecurityRole/Newcomers", 7),): (0, ["waiver.ends-soon", "policy.waived"]),
        (write_waiver("SecurityRole/Newcomers", 8),): (0, ["policy.waived"]),
        (write_waiver("SecurityRole/Newcomers", 181),): (4, ["waiver.too-long"]),
    }
    for waivers, (code, rules) in rows.items():
        declare(write_policy("document", OVER_DOCUMENT), *waivers)
        assert sorted(list_rules(report("validate", code=code))) == sorted(rules), waivers
    declare(write_policy("document", OVER_DOCUMENT), write_waiver("SecurityRole/Newcomers", 7))
    assert "waiver.ends-soon" in list_rules(report("plan", "--out", "p.json"))
    # An equal plan of tomorrow has the same digest.
    assert "waived until" in Path("p.json").read_text()
    assert "ends on" not in Path("p.json").read_text()


def test_a_rule_without_a_result_does_not_pass(report: Report) -> None:
    """Whatever the level is, and whatever kept it from a result: told at the rule."""
    for rule in (
        "spec.nothing == 1",
        "spec.permissions",
        f"{list(range(200))}.all(a, {list(range(200))}.all(b, true))",
    ):
        for level in ("mandatory", "advisory"):
            declare(write_policy("document", rule, level))
            document = report("validate", code=6)
            assert list_rules(document) == ["policy.no-result"], rule
            assert document["problems"][0]["source"].startswith("manifests/all.yaml:10:"), document["problems"]


def test_a_saved_plan_is_judged_again(report: Report, simulator: Simulator) -> None:
    """By the policies that there are when it is applied: old plans, ended waivers and broken files get past none."""
    declare()
    report("plan", "--out", "p.json")
    for over, rule in (("document", OVER_DOCUMENT), ("change", OVER_CHANGE), ("principal", OVER_PRINCIPAL)):
        declare(write_policy(over, rule))
        assert list_rules(report("apply", "p.json", code=6)) == ["policy.broken"], over
    declare(write_policy("change", OVER_CHANGE), "---\nkind: [\n")
    assert list_rules(report("apply", "p.json", code=6)) == ["policy.unread"]
    declare(write_policy("change", OVER_CHANGE), write_waiver("SecurityRole/Newcomers", 0))
    assert list_rules(report("apply", "p.json", code=6)) == ["policy.broken"]
    assert simulator.ledger == []
    Path("manifests/all.yaml").unlink()
    assert list_rules(report("apply", "p.json")) == []
    assert simulator.ledger != []


def test_labels_and_targets_choose(report: Report) -> None:
    """Of changes too, whose documents have the labels; a policy may be for one target."""
    rule = "!has(labels.tier) || labels.tier != 'a' || target != 'command' || name != 'Newcomers'"
    for over in ("document", "change"):
        declare(write_policy(over, rule))
        assert list_rules(report("plan", code=6)) == ["policy.broken"]
        declare(write_policy(over, rule).replace('"name": "p"', '"name": "p", "target": "csms"'))
        assert list_rules(report("plan")) == []
    declare(write_policy("document", rule))
    declare(write_policy("document", rule), EVENT)
    assert list_rules(report("plan", "--only", "SecretEvent")) == []


def test_without_the_package_no_policy_passes(folder: Path) -> None:
    """What can't be judged is said, with what to install; manifests without policies do without it."""
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'cel_expr_python' else find(name, *rest)\n"
        "from reconciler.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    (folder / "role.yaml").write_text(ROLE)
    (folder / "policy.yaml").write_text(write_policy("document", "true"))
    command = [sys.executable, "-c", code, "validate", "role.yaml"]
    assert subprocess.run(command, capture_output=True, check=False, cwd=folder).returncode == 0
    done = subprocess.run([*command, "policy.yaml"], capture_output=True, text=True, check=False, cwd=folder)
    assert (done.returncode, "pip install 'pki-reconciler[policy]'" in done.stderr) == (3, True)


def test_the_pack_does_what_its_cases_say(run: Run, folder: Path) -> None:
    """Each of its policies has a case that passes and one that fails; all come out so."""
    pack = str(Path(__file__).parents[2] / "policies")
    code, stdout, stderr = run(["policy", "test", pack])
    assert (code, stderr) == (0, "exit 0: ok\n"), stdout + stderr
    assert stdout.startswith("As expected: ")
    _, listed, _ = run(["policy", pack])
    assert len(listed.splitlines()) >= 9


def test_cases_that_come_out_otherwise_are_told(run: Run, folder: Path) -> None:
    """At the case; and what is tried on nothing, or never tried, is no success that goes without saying."""
    case = {"name": "c", "holds": True, "object": "SecurityRole/x", "spec": {"a": 1}}
    test = {"apiVersion": "reconciler/v1", "kind": "PolicyTest", "metadata": {"name": "t"}}
    rows = {
        "spec.a == 1": (0, "has no case that fails"),
        "spec.a != 1": (4, '"c": the policy "p" does not hold; the case says that it holds'),
        "spec.b == 1": (4, 'has no result (Key not found in map : "b")'),
    }
    for rule, (expected_code, words) in rows.items():
        test["spec"] = {"policy": "p", "cases": [case]}
        (folder / "p.yaml").write_text(f"{write_policy('document', rule)}---\n{json.dumps(test)}\n")
        code, stdout, stderr = run(["policy", "test", "p.yaml"])
        assert (code, words in stdout + stderr) == (expected_code, True), stdout + stderr
        shown = json.loads(run(["policy", "test", "p.yaml", "--format", "json"])[1])
        jsonschema.Draft202012Validator(SCHEMAS["report.json"]).validate(shown)
        assert shown["outcome"]["code"] == expected_code
        assert [tried["expected"] for tried in shown["cases"]] == [True]
    (folder / "p.yaml").write_text(f"{json.dumps(test)}\n")
    code, stdout, stderr = run(["policy", "test", "p.yaml"])
    assert (code, 'no policy is called "p"' in stdout) == (4, True)
