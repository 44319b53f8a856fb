"""From manifests to a server and back, through the command line alone; the server is the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Run

CLASS = "CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger"
HANDLER = f"""\
apiVersion: reconciler/v1
kind: EventHandler
metadata: {{name: denied-logger, labels: {{team: pki}}}}
spec: {{className: {CLASS}, enabled: true}}
"""
ROLE = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: Day-to-day certificate operations}
"""
DENIAL = """\
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: no-test-names}
spec: {match: {commonName: "*.test.example.com"}, comment: not from production}
"""
SCHEMAS = build_schemas(KINDS)
REGISTRY: Any = Registry().with_resources((name, Resource.from_contents(shape)) for name, shape in SCHEMAS.items())


def check(name: str, shown: object) -> None:
    """Hold a document against a schema that is shipped."""
    jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY).validate(shown)


@pytest.fixture
def simulator(folder: Path) -> Iterator[Simulator]:
    """A server with a small world, its settings, and two manifests that it does not fulfil."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "handler.yaml").write_text(HANDLER)
    (folder / "manifests" / "role.yaml").write_text(ROLE)
    with Simulator(certificates=10) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield simulator


def test_the_whole_way(run: Run, simulator: Simulator, folder: Path) -> None:
    """Drift, plan, review, apply, in sync; and what was shown is what was sent."""
    assert run(["drift"])[0] == 2
    assert run(["plan", "--detailed-exitcode"])[0] == 2
    code, stdout, stderr = run(["plan", "--out", "p.json"])
    assert (code, stderr) == (0, "exit 0: ok\n")
    saved = json.loads((folder / "p.json").read_text())
    saved_lines = f"\nPlan {saved['digest']}\nSaved to p.json; apply it with: reconciler apply p.json\n"
    assert stdout.endswith(saved_lines)
    assert (folder / "p.json").stat().st_mode & 0o777 == 0o600
    stamp_lines = f"made {saved['created']}, expires {saved['expires']}, no signature in it\n"
    report = stdout.removesuffix(saved_lines)
    assert run(["show", "p.json"])[1] == f"{report}\nPlan {saved['digest']}\n{stamp_lines}"
    assert simulator.ledger == []
    check("plan.json", saved)
    code, stdout, stderr = run(["apply", "p.json"])
    assert code == 0
    assert f"Plan {saved['digest']}\n{stamp_lines}" in stderr
    assert stdout.startswith("Applied: 2 changes, each confirmed by reading back.\n")
    assert stderr.splitlines()[-3:] == [
        "[1/2] applied: update EventHandler/denied-logger CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger (id 1)",
        "[2/2] applied: update SecurityRole/PKI Operators (id 2)",
        "exit 0: ok",
    ]
    assert len(simulator.ledger) == 2
    for argv in (["drift"], ["plan", "--detailed-exitcode"], ["apply"]):
        code, stdout, _ = run(argv)
        assert (code, stdout.splitlines()[0][:28]) == (0, "In sync: compared 2 of 2, no")
    assert len(simulator.ledger) == 2


def test_plan_and_drift_are_the_same_comparison(run: Run, simulator: Simulator) -> None:
    """Step for step, byte for byte; only what a difference is worth differs."""
    plan = json.loads(run(["plan", "--format", "json"])[1])
    drift = json.loads(run(["drift", "--no-state", "--format", "json"])[1])
    assert plan["steps"] == drift["steps"]
    assert (plan["outcome"]["name"], drift["outcome"]["name"]) == ("ok", "changes")
    for shown in (plan, drift):
        check("report.json", shown)


def test_a_plan_in_json_is_the_same_each_time(run: Run, simulator: Simulator) -> None:
    """No clock, no order of arrival."""
    assert run(["plan", "--format", "json"]) == run(["plan", "--format", "json"])


def test_an_applied_plan_in_json(run: Run, simulator: Simulator) -> None:
    """Every step has its verdict, and the plan is told on stderr even under --yes."""
    code, stdout, stderr = run(["apply", "--yes", "--format", "json"])
    shown = json.loads(stdout)
    check("report.json", shown)
    assert code == 0
    assert [step["verdict"] for step in shown["steps"]] == ["applied", "applied"]
    assert stderr.startswith("2 to update")


# argv, what is typed, terminal -> code, sent
CONSENT = [
    ([], "yes\n", True, 0, 2),
    ([], "y\n", True, 6, 0),
    ([], "\n", True, 6, 0),
    ([], "", True, 6, 0),
    ([], "yes\n", False, 3, 0),
    (["--yes"], "", False, 0, 2),
    (["--approve", "low,high"], "", False, 0, 2),
    (["--approve", "irreversible"], "", False, 6, 0),
    (["--yes", "--approve", "irreversible"], "", False, 6, 0),
]


@pytest.mark.parametrize(("argv", "typed", "terminal", "code", "sent"), CONSENT)
def test_only_consent_sends(
    run: Run, simulator: Simulator, argv: list[str], typed: str, terminal: bool, code: int, sent: int
) -> None:
    """A flag, or the word yes at a terminal; a piped yes is nobody's word."""
    ended, stdout, stderr = run(["apply", *argv], stdin=typed, terminal=terminal)
    assert (ended, len(simulator.ledger)) == (code, sent)
    if terminal:
        assert f"command  {simulator.url}/KeyfactorAPI  2 requests" in stderr
        assert "Type yes to apply: " in stderr
    if not sent:
        assert "Nothing was sent." in stdout


def test_what_cannot_be_undone_is_said_at_the_prompt(run: Run, simulator: Simulator, folder: Path) -> None:
    """Denials are counted where the word is asked for."""
    (folder / "manifests" / "denial.yaml").write_text(DENIAL)
    _, _, stderr = run(["apply"], stdin="no\n", terminal=True)
    assert " changes can't be undone.\nType yes to apply: " in stderr
    assert simulator.ledger == []


def test_a_limit_refuses_before_the_first_write(run: Run, simulator: Simulator, folder: Path) -> None:
    """Plan and apply say 6, drift still says what it sees, and nothing is saved or sent."""
    with (folder / "reconciler.yaml").open("a") as settings:
        settings.write("limits: {SecurityRole: {changes: 0}}\n")
    assert [run(argv)[0] for argv in (["plan"], ["apply", "--yes"], ["drift"])] == [6, 6, 2]
    code, _, stderr = run(["plan", "--out", "p.json"])
    assert code == 6
    assert "p.json: not written: the plan is refused" in stderr
    assert not (folder / "p.json").exists()
    shown = json.loads(run(["apply", "--yes", "--format", "json"])[1])
    assert {step["verdict"] for step in shown["steps"]} == {"not_reached"}
    assert simulator.ledger == []


def test_a_part_is_never_called_in_sync(run: Run, simulator: Simulator) -> None:
    """Every filter makes a partial run, says so, and counts what it left out."""
    run(["apply", "--yes"])
    filters = [
        ["--only", "EventHandler"],
        ["--only", "SecurityRole/PKI*"],
        ["--exclude", "SecurityRole"],
        ["--label", "team=pki"],
    ]
    for chosen in filters:
        for command in ("plan", "drift"):
            code, stdout, _ = run([command, *chosen])
            assert code == 0
            assert "compared 1 of 2" in stdout
            assert "in sync" not in stdout.lower()
        assert json.loads(run(["drift", *chosen, "--format", "json"])[1])["partial"] is True


def test_what_cannot_be_read_is_incomplete_and_applies_nothing(run: Run, simulator: Simulator) -> None:
    """One list that fails: 10 where something was compared, and nothing is sent, not even what was read."""
    simulator.fault("GET", "/EventHandlerRegistration", times=0, status=500)
    for argv in (["plan"], ["drift"], ["apply", "--yes"]):
        code, stdout, stderr = run(argv)
        assert code == 10
        assert "in sync" not in (stdout + stderr).lower()
        assert "EventHandlerRegistration" in stderr
    assert simulator.ledger == []


def test_a_moved_object_is_stale(run: Run, simulator: Simulator) -> None:
    """Somebody edits the role between plan and apply: nothing is sent for it, and 7 says so."""
    run(["plan", "--only", "EventHandler", "--out", "p.json"])
    body = {"DisplayName": "moved", "Enabled": False}
    assert simulator.edit("PUT", "/EventHandlerRegistration/1", body)[0] == 200
    code, stdout, _ = run(["apply", "p.json"])
    assert code == 7
    assert stdout.startswith("NOT ALL APPLIED: 1 STALE")
    assert len(simulator.ledger) == 1


def test_a_plan_for_another_server_is_refused(run: Run, simulator: Simulator, folder: Path) -> None:
    """The same target name, but another place: 6, and nobody gets the request."""
    run(["plan", "--out", "p.json"])
    with Simulator(certificates=1) as other:
        (folder / "reconciler.yaml").write_text(other.settings.read_text())
        assert run(["apply", "p.json"])[0] == 6
        assert other.ledger == simulator.ledger == []


def test_an_export_is_in_sync(run: Run, simulator: Simulator, folder: Path) -> None:
    """What is exported plans to nothing; names can be chosen."""
    code, stdout, _ = run(["export", "--kind", "SecretEvent", "--kind", "EventHandler"])
    assert code == 0
    (folder / "live").mkdir()
    (folder / "live" / "all.yaml").write_text(stdout)
    assert run(["plan", "live", "--detailed-exitcode"])[0] == 0
    assert run(["export", "--match", "no such name"])[0] == 3
    assert run(["export", "--kind", "Role"])[0] == 3
