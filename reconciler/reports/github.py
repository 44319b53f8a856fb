"""A run as GitHub's workflow commands: lines of a job's log that become annotations of the files.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands. Ten of each level are shown for a
step; so many are written, the gravest, and the others counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.findings import Finding, Level, find_position, list_findings
from reconciler.reports.layout import escape_ci_commands, format_count
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_verdict import describe_verdict, summarize_run
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from reconciler.reports.formats import FormatContext

MAX_ANNOTATIONS = 10
_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
# The verdict and the count of what is left out are notices as well.
_LIMITS = {Level.ERROR: MAX_ANNOTATIONS, Level.WARNING: MAX_ANNOTATIONS, Level.NOTE: MAX_ANNOTATIONS - 2}


def render_github(report: RunReport, context: FormatContext) -> str:
    """Return the commands, one a line: the verdict first."""
    title = f"reconciler {report.command}: {describe_verdict(report).word}"
    lines = [_format_command("notice", {"title": title}, summarize_run(report))]
    findings = list_findings(report, folds=True)
    hidden: list[str] = []
    for level, limit in _LIMITS.items():
        of_level = [finding for finding in findings if finding.level is level]
        lines += [_format_finding(finding, context) for finding in of_level[:limit]]
        if len(of_level) > limit:
            hidden.append(format_count(len(of_level) - limit, f"more {_COMMANDS[level]}"))
    if hidden:
        where = f"; see {context.whole_result}" if context.whole_result else ""
        lines.append(_format_command("notice", {"title": title}, f"{', '.join(hidden)}{where}"))
    return "".join(f"{line}\n" for line in lines)


def _format_finding(finding: Finding, context: FormatContext) -> str:
    position = find_position(finding.source, context)
    properties = {"file": position.path, "line": str(position.line), "col": str(position.column)} if position else {}
    return _format_command(_COMMANDS[finding.level], properties | {"title": finding.title}, finding.message)


def _format_command(name: str, properties: dict[str, str], message: str) -> str:
    # As in packages/core/src/command.ts of actions/toolkit; what is invisible was spelled out before, for the log.
    pairs = ",".join(
        f"{key}={_escape_data(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items()
    )
    lines = (_escape_data(line) for line in message.split("\n"))
    return f"::{name} {pairs}::{'%0A'.join(lines)}"


def _escape_data(text: str) -> str:
    # An old runner finds ##[command] anywhere in a line.
    visible = escape_ci_commands(escape_invisible(text))
    return visible.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
