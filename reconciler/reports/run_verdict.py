"""What every report of a run begins with: how it ended, in a sign, a word and a sentence."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.errors import EXIT_MEANINGS, Exit
from reconciler.reports.headline import describe_part, summarize_drift, summarize_outcomes, summarize_plan
from reconciler.reports.layout import format_count
from reconciler.reports.run_report import RunReport


class RunVerdict(NamedTuple):
    """How a run ended: a sign, never without its word."""

    icon: str
    word: str


_GOOD, _CHANGES, _BAD = "✅", "🔶", "❌"
_GOOD_WORDS = {"validate": "valid", "show": "saved plan", "history": "runs", "apply": "applied"}
_STOPPED = {Exit.INTERRUPTED: "⏹️", Exit.UNKNOWN: "❓"}


def describe_verdict(report: RunReport) -> RunVerdict:
    """Return how a run ended; only a whole comparison without a difference is in sync."""
    if report.exit not in {Exit.OK, Exit.CHANGES}:
        return RunVerdict(_STOPPED.get(report.exit, _BAD), report.exit.word)
    if report.posture is not None:
        return RunVerdict(_CHANGES, "findings") if report.posture.findings else RunVerdict(_GOOD, "no findings")
    if report.exit is Exit.CHANGES or (not report.outcomes and (report.plan.steps or report.plan.absences)):
        return RunVerdict(_CHANGES, "drift" if report.command == "drift" else "changes")
    if report.outcomes or report.command in {"validate", "show", "history"}:
        return RunVerdict(_GOOD, _GOOD_WORDS.get(report.command, "applied"))
    if report.plan.acknowledged:
        return RunVerdict(_GOOD, "nothing but what is acknowledged")
    return RunVerdict(
        _GOOD, "no difference in a partial run" if describe_part(report.plan, report.fleet) else "in sync"
    )


def summarize_run(report: RunReport) -> str:
    """Return what a run came to in a line or two."""
    if report.outcomes:
        is_interrupted = report.interrupted or report.exit is Exit.INTERRUPTED
        targets = report.plan.targets
        return summarize_outcomes(report.outcomes, interrupted=is_interrupted, fleet=report.fleet, targets=targets)
    if report.headline:
        return report.headline
    if report.plan.steps or report.plan.gaps:
        is_drift = report.command == "drift"
        return summarize_drift(report.plan, report.fleet) if is_drift else summarize_plan(report.plan, 0, report.fleet)
    if report.command == "validate" and report.exit is Exit.OK:
        documents, files = (int(report.members.get(name, 0)) for name in ("documents", "files"))
        return f"{format_count(documents, 'document')} in {format_count(files, 'file')}"
    if report.exit is Exit.INVALID:
        faulty_files = {problem.source.file for problem in report.all_problems}
        return f"{format_count(len(report.all_problems), 'problem')} in {format_count(len(faulty_files), 'file')}"
    return EXIT_MEANINGS[report.exit].replace("`", "")
