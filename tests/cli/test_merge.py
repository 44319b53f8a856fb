"""`merge`: runs over single targets, told together, are the run over all; what is no part of it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.json_document import render_report
from reconciler.reports.merged_report import merge_reports
from reconciler.reports.report_reader import read_report
from reconciler.reports.run_report import EMPTY_PLAN, RunReport
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support import disturbances as a

ALIKE = ("command", "outcome", "compared", "partial", "selection", "summary", "problems", "absences", "unmanaged",
         "rights", "targets", "unmanaged_by_target", "manifests", "tool")  # fmt: skip
"""What a run and its parts, told together, have in common to the byte; in notes and steps only the order may differ."""

MISSING = f"kind: CertificateOwner\nmetadata: {{name: o}}\nspec: {{owner: Auditors, certificates: {{thumbprints: [{'AB' * 20}]}}, missing: report}}\n"  # noqa: E501
# What is arranged, and the run.
ROWS: dict[str, tuple[a.Arrange, str]] = {
    "drift": (a.as_it_is, "drift --no-state"),
    "a plan": (a.as_it_is, "plan --detailed-exitcode --no-state"),
    "a part": (a.as_it_is, "drift --no-state --only SecurityRole --only SecretEvent"),
    "something only told": (a.declared(MISSING, a.EVENT, a.HANDLER), "drift --no-state"),
    "a list that can't be read": (a.fault("GET", a.HANDLERS, "status", status=403), "drift --no-state"),
    "a server without an answer": (a.fault("GET", "/v1/", "drop"), "drift --no-state"),
    "no server with an answer": (a.fault("GET", "", "status", status=403), "plan --no-state"),
    "a limit": (a.settings("limits: {SecurityRole: {changes: 0}}"), "plan --no-state"),
    "a protection": (a.settings("protected: ['SecurityRole/Aud*', 'SecretEvent/*']"), "plan --no-state"),
}


@pytest.fixture
def world(folder: Path, run: Run) -> Iterator[a.World]:
    """Two targets, a server each, with manifests that neither fulfils."""
    (folder / "manifests").mkdir()
    with Simulator(certificates=3) as simulator, a.open_world(simulator, folder, run) as made:
        yield made


def compare(world: a.World, argv: str) -> tuple[int, dict[str, Any]]:
    """Run a command with a report; returns its code and the report."""
    code, _, stderr = world.run([*argv.split(), "--report", "json=report.json"])
    assert "Traceback" not in stderr
    return code, json.loads((world.folder / "report.json").read_text("utf-8"))


def make_empty_part(report: RunReport) -> RunReport:
    """Return a report of the same run of which nothing is known."""
    plan = replace(EMPTY_PLAN, manifests=report.plan.manifests)
    return RunReport(report.command, Exit.INCOMPLETE, plan, headline="nothing", tool=report.tool)


def run_parts(world: a.World, argv: str) -> list[str]:
    """Run a command for each target, and return the names of the reports, the last target's first."""
    for target in ("command", "csms"):
        world.run([*argv.split(), "--target", target, "--report", f"json={target}.json"])
    return ["csms.json", "command.json"]


@pytest.mark.parametrize("name", ROWS)
def test_the_parts_of_a_run_are_told_as_the_run(world: a.World, name: str) -> None:
    """The same code, steps, numbers and problems, whatever came of each part."""
    arrange, argv = ROWS[name]
    arrange(world)
    code, whole = compare(world, argv)
    parts = run_parts(world, argv)
    ended, merged = compare(world, f"merge {' '.join(parts)}")
    assert ended == code
    assert {key: merged.get(key) for key in ALIKE} == {key: whole.get(key) for key in ALIKE}
    assert merged["steps"] == sorted(whole["steps"], key=lambda step: step["address"]["target"])
    for key in ("notes", "coverage"):
        assert sorted(map(str, merged.get(key, []))) == sorted(map(str, whole.get(key, [])))
    assert "run" not in merged


def test_what_was_applied_is_told_as_the_run(world: a.World) -> None:
    """Each step with its verdict; one that failed makes the whole partial, and the text says so first."""
    world.server.fault("PUT", a.HANDLERS, "status", 0, status=400)
    parts = run_parts(world, "apply --yes")
    code, stdout, stderr = world.run(["merge", *parts])
    assert code == 9, stderr
    assert stdout.startswith("NOT ALL APPLIED: 1 applied, 1 NOT APPLIED, 1 not reached  (of 3 changes)")
    code, merged = compare(world, f"merge {' '.join(reversed(parts))}")
    assert (code, merged["command"], merged["summary"]["verdicts"]["applied"]) == (9, "apply", 1)
    assert [step["address"]["target"] for step in merged["steps"]] == ["command", "command", "csms"]


def test_a_report_is_merged_in_every_format_and_from_a_pipe(world: a.World, run: Run) -> None:
    """One on stdin, a page of the job, and no settings: whoever merges has the reports alone."""
    parts = run_parts(world, "drift --no-state")
    (world.folder / "reconciler.yaml").unlink()
    summary = world.folder / "summary.md"
    reports = [f"--report={wish}" for wish in ("html=x.html", "junit=x.xml", "sarif=x.sarif", "github=x.txt")]
    env = {"GITHUB_STEP_SUMMARY": str(summary)}
    code, stdout, stderr = run(["merge", "-", parts[1], *reports], env, (world.folder / parts[0]).read_text())
    assert code == 2, stderr
    assert stdout.startswith("Drift (declared -> found): 3 of 3 objects not as declared")
    assert summary.read_text().startswith("<!-- reconciler:drift:all -->")
    assert 'name="reconciler drift all"' in (world.folder / "x.xml").read_text()
    assert {file.suffix for file in world.folder.glob("x.*")} == {".html", ".xml", ".sarif", ".txt"}


def test_shards_are_told_as_the_fleet_and_a_missing_one_by_its_targets(world: a.World) -> None:
    """To the byte the report of a fleet in one job; without a shard nothing is in sync, and nothing else is lost."""
    run_parts(world, "drift --no-state")
    answers = {name: read_report((world.folder / f"{name}.json").read_bytes(), name) for name in ("command", "csms")}
    targets = ("command", "csms", "unasked")
    lost = LostTarget("unasked", Diagnostic("fleet.no-answer", Source("target unasked"), "it was stopped"))
    whole = merge_reports(answers, FleetFacts(targets, (lost,)))
    shards = {
        "1.json": merge_reports({"csms": answers["csms"]}, FleetFacts(targets, (), "1/3")),
        "2.json": merge_reports([make_empty_part(whole)], FleetFacts(targets, (lost,), "2/3")),
        "3.json": merge_reports({"command": answers["command"]}, FleetFacts(targets, (), "3/3")),
    }
    for name, shard in shards.items():
        (world.folder / name).write_text(render_report(shard))
    code, _, stderr = world.run(["merge", "3.json", "1.json", "2.json", "--report", "json=report.json"])
    assert code == 10, stderr
    assert (world.folder / "report.json").read_text() == render_report(whole)

    code, stdout, stderr = world.run(["merge", "1.json"])
    assert code == 10
    assert stdout.startswith("INCOMPLETE, 2 things could not be read: ")
    assert "1 of 3 targets answered" in stdout
    for target, part in (("command", "3/3"), ("unasked", "2/3")):
        assert f"target {target}: no report has it: that of shard {part} is not among those" in stderr
    code, _, stderr = world.run(["merge", "1.json", "command.json"])
    assert (code, "the number of shards is none" in stderr) == (3, True)


def test_environments_are_parts_of_one_run_and_other_manifests_are_not(world: a.World) -> None:
    """The layers of two zones differ, as they should; within one zone all have to be of the same manifests."""
    environments = "".join(
        f"  {name}: {{layers: [manifests/], targets: [{target}]}}\n"
        for name, target in (("eu", "command"), ("ap", "csms"), ("both", "command, csms"))
    )
    a.settings(f"environments:\n{environments}")(world)
    for name in ("eu", "ap"):
        world.run(["drift", "--no-state", "--environment", name, "--report", f"json={name}.json"])
    code, merged = compare(world, "merge eu.json ap.json")
    assert (code, merged["compared"], "environment" in merged) == (2, {"objects": 3, "of": 3}, False)

    both = "drift --no-state --environment both --target"
    for target, documents in (("command", (a.ROLE, a.EVENT)), ("csms", (a.EVENT,))):
        world.declare(*documents)
        world.run([*both.split(), target, "--report", f"json={target}.json"])
    assert json.loads((world.folder / "csms.json").read_text())["environment"] == "both"
    code, _, stderr = world.run(["merge", "command.json", "csms.json"])
    assert (code, stderr.startswith("csms.json: the digest of the manifests is")) == (3, True)


def test_a_part_that_ended_early_is_told_with_its_reason(world: a.World) -> None:
    """A job that was called wrongly is no part that is in sync."""
    run_parts(world, "drift --no-state")
    world.run(["drift", "--no-state", "--only", "Nothing", "--report", "json=csms.json"])
    code, stdout, stderr = world.run(["merge", "command.json", "csms.json"])
    assert code == 10, stderr
    assert stdout.startswith("INCOMPLETE, ")
    assert "csms.json: this run ended as usage before there was a plan" in stderr
    assert "Nothing" in stderr


def test_everything_that_speaks_against_a_merge_is_told_at_once(world: a.World, run: Run) -> None:
    """With the file's name; nothing is told as one run that is none, and no report is written over."""
    parts = run_parts(world, "drift --no-state")
    world.run(["plan", "--no-state", "--target", "command", "--report", "json=plan.json"])
    world.run(["validate", "--report", "json=valid.json"])
    (world.folder / "half.json").write_bytes((world.folder / parts[0]).read_bytes()[:500])
    whole = json.loads((world.folder / parts[0]).read_bytes())
    (world.folder / "cut.json").write_text(json.dumps({**whole, "steps": []}))
    (world.folder / "odd.json").write_text(json.dumps({**whole, "selection": "--target", "partial": True}))
    damaged = ["valid.json", "half.json", "cut.json", "odd.json", "nowhere.json", "."]
    files = [*parts, "plan.json", *damaged]
    code, stdout, stderr = run(["merge", *files])
    assert (code, stdout) == (3, "")
    told = {line.partition(": ")[0] for line in stderr.splitlines()}
    assert {"plan.json", *damaged} <= told
    assert "so is command.json" in stderr
    before = (world.folder / parts[0]).read_bytes()
    code, _, stderr = run(["merge", *parts, f"--report=json={parts[0]}"])
    assert (code, (world.folder / parts[0]).read_bytes()) == (3, before)
    assert "this command reads or writes that file itself" in stderr
