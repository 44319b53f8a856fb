"""What a run has to say of single places in the manifests: one list, for every format that annotates files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import sha256
from posixpath import normpath
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit
from reconciler.model import Risk, Verdict
from reconciler.plans.masking import MaskedStep
from reconciler.plans.posture import Urgency
from reconciler.reports.fleet_matrix import build_fleet_matrix, is_fleet, list_bounds
from reconciler.reports.fleet_problems import join_diagnostics
from reconciler.reports.fleet_sharing import count_sharing, fold_changes
from reconciler.reports.object_names import describe_object
from reconciler.reports.perspective import View
from reconciler.reports.run_report import ReportedStep, RunReport
from reconciler.reports.step_table import name_fields
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from reconciler.reports.formats import FormatContext

_FILE_SUFFIXES = (".yaml", ".yml", ".json", ".csv")
DONE = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})
"""The verdicts that leave nothing to find."""
_GOOD_EXITS = frozenset({Exit.OK, Exit.CHANGES})


class Level(StrEnum):
    """How much of one's attention a finding deserves, the most first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(NamedTuple):
    """One thing at one place. Its texts are foreign, and visible: printable characters on one line.

    `title` names the object or the rule, `message` is all there is to say, `remedy` the part of it that says what to
    do. `identity` is the same in every run that finds the same, wherever it has moved to in its file. `is_difference`
    tells what is said of a live object from what is said of a document, and `weight` is how many objects it is about.
    """

    rule: str
    level: Level
    title: str
    message: str
    remedy: str
    source: Source
    identity: tuple[str, ...]
    address: Address | None = None
    is_difference: bool = False
    weight: int = 1


class FilePosition(NamedTuple):
    """A place in the repository: a path from its root, with slashes, and a 1-based line and column."""

    path: str
    line: int
    column: int


def list_findings(report: RunReport, *, folds: bool = False) -> list[Finding]:
    """Return all that a run found, the gravest first, and then by place.

    Where it `folds`, what targets of a fleet share is one finding: hundreds of annotations of one line say no more.
    """
    view = View(list_bounds(report), from_server=report.command == "drift")
    absences_level = Level.WARNING if view.from_server else Level.NOTE
    notes = sorted({*report.plan.notes, *report.notes})
    urgent = frozenset(_list_urgent_rules(report))
    findings = [
        *(_list_folded_problems(report) if folds and is_fleet(report) else _list_problem_findings(report.all_problems)),
        *(
            _list_fleet_findings(report, view)
            if folds and is_fleet(report)
            else _list_step_findings(report.steps, view)
        ),
        *(
            _make_diagnostic_finding(absence, absences_level)._replace(is_difference=view.from_server)
            for absence in sorted(report.plan.absences)
        ),
        *(_make_diagnostic_finding(note, Level.WARNING if note.rule in urgent else Level.NOTE) for note in notes),
    ]
    is_told = report.exit in _GOOD_EXITS or any(finding.level is Level.ERROR for finding in findings)
    findings += () if is_told else (_make_run_finding(report),)
    ranks = {level: rank for rank, level in enumerate(Level)}
    return sorted(findings, key=lambda finding: ranks[finding.level])


def _list_urgent_rules(report: RunReport) -> Iterator[str]:
    for finding in report.posture.findings if report.posture else ():
        if finding.rule.urgency is Urgency.HIGH:
            yield finding.rule.id


def make_fingerprints(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield what tells each finding from all others, and is the same in the next run."""
    seen_counts: dict[tuple[str, ...], int] = {}
    for finding in findings:
        number = seen_counts[finding.identity] = seen_counts.get(finding.identity, 0) + 1
        text = "\0".join((*finding.identity, str(number)))
        yield sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def find_position(source: Source, context: FormatContext) -> FilePosition | None:
    """Return a place in the repository; None for a request, a flag, or whatever else is no file of it."""
    file = source.file
    if not source.line and not file.endswith(_FILE_SUFFIXES):
        return None
    if "://" in file or (not source.line and " " in file):
        return None
    path = normpath(file if file.startswith("/") or not context.folder else f"{context.folder}/{file}")
    return FilePosition(escape_invisible(path), max(source.line, 1), max(source.column, 1))


def find_any_position(source: Source, context: FormatContext) -> FilePosition:
    """Return the same, or the beginning of the settings for a format that takes no finding without a file."""
    settings = Source(context.settings_file, 1, 1)
    return find_position(source, context) or find_position(settings, context) or FilePosition("reconciler.yaml", 1, 1)


def title_step(step: MaskedStep, view: View) -> str:
    """Return which object of which document a step is about."""
    return " ".join(filter(None, (escape_invisible(str(step.address)), describe_object(step, view))))


def _make_run_finding(report: RunReport) -> Finding:
    """Return what keeps a list that is short, or empty, from being taken for all there is."""
    rule, title = "output.incomplete", f"reconciler {report.command}"
    message = f"{title} ended with {int(report.exit)} ({report.exit.word}); what it had not come to is not told here"
    return Finding(rule, Level.ERROR, title, message, "", Source(title), (rule, report.command))


def _make_diagnostic_finding(problem: Diagnostic, level: Level) -> Finding:
    place = "" if problem.source.line else f"{problem.source}: "
    title = str(problem.address) if problem.address else problem.rule
    identity = (problem.rule, problem.source.file, *(problem.address or ()), problem.object_name, problem.summary)
    message, remedy = (escape_invisible(text) for text in (f"{place}{problem.message}", problem.remedy))
    title = escape_invisible(title)
    # Readers refuse a finding without a word.
    message = message if message.strip() else title
    return Finding(problem.rule, level, title, message, remedy, problem.source, identity, problem.address)


def _list_step_findings(steps: Iterable[ReportedStep], view: View) -> Iterator[Finding]:
    for reported in steps:
        step, outcome, _ = reported
        if outcome is not None:
            if outcome.verdict not in DONE:
                level = Level.WARNING if outcome.verdict is Verdict.NOT_REACHED else Level.ERROR
                yield _make_step_finding("apply.not-done", level, reported, view)
        elif view.from_server:
            yield _make_step_finding("drift.difference", Level.WARNING, reported, view)
        # Why a step can't be sent is a problem, and told as one.
        elif step.request:
            level = Level.NOTE if step.risk is Risk.LOW else Level.WARNING
            yield _make_step_finding("plan.change", level, reported, view)


def _list_problem_findings(problems: Iterable[Diagnostic]) -> Iterator[Finding]:
    return (_make_diagnostic_finding(problem, Level.ERROR) for problem in problems)


def _list_folded_problems(report: RunReport) -> Iterator[Finding]:
    """Yield what has to be mended; what failed alike for several targets is the same whichever these are."""
    for joined in join_diagnostics(report, report.all_problems):
        first = joined.members[0]
        finding = _make_diagnostic_finding(joined.diagnostic, Level.ERROR)
        identity = (first.rule, "shared", first.source.file if first.source.line else "", first.summary)
        yield finding._replace(identity=identity) if len(joined.members) > 1 else finding


def _list_fleet_findings(report: RunReport, view: View) -> Iterator[Finding]:
    """Yield what targets share once, as a finding that stays the same whichever targets these are; then the others."""
    matrix, folded = build_fleet_matrix(report), fold_changes(report.steps, report.plan.targets)
    for change in folded.shared:
        # The view without targets names none: it would be one of hundreds.
        for finding in _list_step_findings([change.example], view._replace(targets={})):
            identity = (finding.rule, *change.example.step.address[1:], "shared")
            message = f"{finding.message}; {count_sharing(change, matrix)}"
            yield finding._replace(message=message, identity=identity, address=None, weight=change.objects)
    yield from _list_step_findings(folded.remaining, view)


def _make_step_finding(rule: str, level: Level, reported: ReportedStep, view: View) -> Finding:
    step, outcome, drift = reported
    address = step.address
    title = title_step(step, view)
    fields, more = name_fields(step)
    facts = [f"{view.find_words(step).word}: {', '.join(filter(None, (*fields, more)))}"]
    if outcome is not None:
        facts = [": ".join(filter(None, (outcome.verdict.value.replace("_", " "), outcome.detail))), *facts]
    if step.risk is not Risk.LOW:
        facts.append(": ".join(filter(None, (f"{step.risk.value} risk", step.risk_reason))))
    facts += [f"{drift.step.status.value} since {drift.step.since[:10]}"] if drift else []
    facts += [f"target {address.target}"] if view.names_targets else []
    identity = (rule, *address, step.object)
    message = escape_invisible(f"{title}: {'; '.join(facts)}")
    finding = Finding(rule, level, title, message, "", step.source, identity, address)
    return finding._replace(is_difference=True, weight=step.weight)
