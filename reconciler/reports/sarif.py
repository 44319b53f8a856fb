"""A run as SARIF 2.1.0, for code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.errors import EXIT_MEANINGS, Exit
from reconciler.model import Json
from reconciler.reports.findings import Finding, find_any_position, list_findings, make_fingerprints
from reconciler.reports.json_document import render_json
from reconciler.reports.run_report import RunReport
from reconciler.rules import RULES

if TYPE_CHECKING:
    from reconciler.reports.formats import FormatContext

MAX_RESULTS = 25_000
"""Results of one run that GitHub takes; a file with more is refused whole."""

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SUCCESSFUL = frozenset({Exit.OK, Exit.CHANGES})


def render_sarif(report: RunReport, context: FormatContext, limit: int = MAX_RESULTS) -> str:
    """Return the run as a log of one run of at most `limit` results, with the rules that it names."""
    findings = list_findings(report)
    kept = findings[:limit]
    rules = {rule: index for index, rule in enumerate(sorted({finding.rule for finding in kept}))}
    fingerprints = make_fingerprints(kept)
    run = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "version": context.version,
                "rules": [
                    {
                        "id": rule,
                        "shortDescription": {"text": RULES.get(rule, rule)},
                        "help": {"text": _tell_more(rule)},
                    }
                    for rule in rules
                ],
            }
        },
        "automationDetails": {"id": f"reconciler/{report.command}/{context.scope}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_encode_invocation(report, context, len(findings) - len(kept))],
        "results": [
            _encode_result(finding, fingerprint, rules, context)
            for finding, fingerprint in zip(kept, fingerprints, strict=True)
        ],
    }
    return render_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ascii_only=context.ascii_only)


def _tell_more(rule: str) -> str:
    return f"{RULES.get(rule, '')} `reconciler explain {rule}` says the same; each result says what to do.".strip()


def _encode_invocation(report: RunReport, context: FormatContext, left_out: int) -> dict[str, Json]:
    notifications: Sequence[Json] = ()
    if left_out:
        place = f"; all of it is in {context.whole_result}" if context.whole_result else ""
        text = f"{left_out:,} more results, of no graver level, are left out{place}"
        notifications = [{"level": "warning", "message": {"text": text}}]
    return {
        "executionSuccessful": report.exit in _SUCCESSFUL,
        "exitCode": int(report.exit),
        "exitCodeDescription": f"{report.exit.word}: {EXIT_MEANINGS[report.exit]}",
        "startTimeUtc": _format_time(context.moment),
        "endTimeUtc": _format_time(context.moment + timedelta(seconds=context.seconds)),
        "toolExecutionNotifications": notifications,
    }


def _format_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _encode_result(finding: Finding, fingerprint: str, rules: Mapping[str, int], context: FormatContext) -> Json:
    position = find_any_position(finding.source, context)
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules[finding.rule],
        "level": finding.level.value,
        # `[words](target)` is a link in plain text as well (3.11.6).
        "message": {"text": finding.message.replace("](", "] (")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _encode_file(position.path),
                    "region": {"startLine": position.line, "startColumn": position.column},
                },
                "logicalLocations": [{"fullyQualifiedName": finding.title}],
            }
        ],
        "partialFingerprints": {"reconciler/v1": fingerprint},
        "properties": {"remedy": finding.remedy} if finding.remedy else {},
    }


def _encode_file(path: str) -> Json:
    if path.startswith("/"):
        return {"uri": f"file://{quote(path)}"}
    return {"uri": quote(path), "uriBaseId": "%SRCROOT%"}
