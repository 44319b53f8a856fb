"""A run as GitLab's Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model import Json
from reconciler.reports.findings import Finding, Level, find_any_position, list_findings, make_fingerprints
from reconciler.reports.json_document import render_json
from reconciler.reports.run_report import RunReport

if TYPE_CHECKING:
    from reconciler.reports.formats import FormatContext

_SEVERITIES = {Level.ERROR: "critical", Level.WARNING: "major", Level.NOTE: "info"}


def render_gitlab(report: RunReport, context: FormatContext) -> str:
    """Return the report as JSON. A fingerprint is the same in the next run, so that GitLab tells what is new."""
    findings = list_findings(report, folds=True)
    entries = zip(findings, make_fingerprints(findings), strict=True)
    return render_json([_encode_entry(*entry, context) for entry in entries], ascii_only=context.ascii_only)


def _encode_entry(finding: Finding, fingerprint: str, context: FormatContext) -> Json:
    position = find_any_position(finding.source, context)
    return {
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.level],
        # GitLab takes no path from a root: it would be no file of the repository.
        "location": {"path": position.path.lstrip("/"), "lines": {"begin": position.line}},
    }
