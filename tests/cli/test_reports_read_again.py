"""What plan, drift and apply say on stdout is what their own reports say when they are read again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

from reconciler.cli.terminal.output import build_result, build_run_report
from reconciler.reports.json_document import render_report
from reconciler.reports.layout import PLAIN_LAYOUT
from reconciler.reports.report_reader import read_report
from reconciler.reports.run_text import render_run_text
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support.git_server import run_git

ENV = {"PATH": os.defpath, "HOME": "/nonexistent"}
MANIFESTS = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: as declared, permissions: [/portal/read/, /security/modify/]}
---
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: o}
spec: {owner: PKI Operators, certificates: {ids: [1, 99]}, missing: report}
"""
GONE = "---\napiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: Auditors}\nspec: {description: x}\n"
RUNS = (
    (0, ["plan", "--base", "main"]),
    (0, ["plan", "--out", "plan.json"]),
    (3, ["plan", "--only", "Nothing"]),
    (2, ["drift", "--base", "main"]),
    (2, ["drift", "--only", "SecurityRole"]),
    (6, ["apply", "--approve", "low"]),
    (0, ["apply", "--yes"]),
    (0, ["apply", "--yes"]),
    (2, ["drift"]),
)
"""With the code that each ends with: in the end one certificate is not there, and only told."""


def test_a_report_read_again_says_what_the_run_said(run: Run, folder: Path) -> None:
    """To the byte, on stdout and as JSON: of what differs, was refused, failed, was applied, and then is in sync."""
    file, report = folder / "manifests" / "all.yaml", folder / "report.json"
    file.parent.mkdir()
    file.write_text(MANIFESTS + GONE)
    run_git("init", "--quiet", "--initial-branch=main", folder=folder)
    run_git("add", "manifests", folder=folder)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    run_git(*identity, "commit", "--quiet", "--message", "x", folder=folder)
    file.write_text(MANIFESTS)
    with Simulator(certificates=3) as simulator:
        settings = yaml.safe_load(simulator.settings.read_text())
        (folder / "reconciler.yaml").write_text(json.dumps(settings | {"state": ".reconciler/"}))
        for code, argv in RUNS:
            ended, stdout, stderr = run([*argv, "--report", f"json={report}"], ENV)
            assert ended == code, stderr
            again = read_report(report.read_bytes(), "report.json")
            # Where a plan was saved is no part of what it is.
            saved_line = f"\nPlan {again.plan_digest}\nSaved to plan.json; apply it with: reconciler apply plan.json\n"
            told = stdout.removesuffix(saved_line) if "--out" in argv else stdout
            assert told + saved_line * ("--out" in argv) == stdout
            assert render_run_text(again) == told, argv
            answer = build_result(again)
            assert answer.text(PLAIN_LAYOUT) == told
            assert render_report(build_run_report(again.command, answer)) == report.read_text(), argv
