"""What a command has to say when it is done. It is printed once, from here, and the code comes last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler import __version__
from reconciler.cli.terminal.streams import write_text
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.cli.terminal.context import Session
    from reconciler.coverage import DocumentCoverage
    from reconciler.engine.run_history import PastDifference, PastRun
    from reconciler.plans.attribution import TrailEvidence
    from reconciler.plans.drift_items import DriftComparison
    from reconciler.plans.masking import MaskedOutcome, MaskedPlan
    from reconciler.plans.posture import Posture
    from reconciler.plans.run_events import RunEvent, UntoldNews
    from reconciler.reports.fleet_facts import FleetFacts
    from reconciler.reports.formats import FormatContext
    from reconciler.reports.layout import Layout
    from reconciler.reports.perspective import BuildHeaders
    from reconciler.reports.run_report import RunReport


# What a pattern finds is for whoever writes it, in a plan; a job that runs every night would say it every night.
_FOR_AUTHORS = frozenset({"live.pattern-matches"})


def _render_nothing(_: Layout) -> str:
    return ""


class CommandResult(NamedTuple):
    """An outcome with its result: `text` draws it for stdout, the rest goes into the JSON document.

    `problems` are told on stderr, unless the text itself lists them (`problems_in_text`); `notes` too, beside those of
    a plan and, unless the text lists them (`absences_in_text`), what it wants only told. `extra` are the command's own
    members of the document. `headline` is the result in one line, for stderr where stdout is a document. `untold_rules`
    are those of a plan's notes that the document alone holds. `drift` sets the plan beside earlier runs, and `runs` and
    `differences` are those that `history` tells of. `documents` are those of a command that makes no plan,
    and `posture` is what was found beside everything that is declared. `events` are
    the news of a run for those who are told, and `untold` is what earlier ones could not tell them. `evidence`
    says of each change of the plan who made it. `refusals`, `interrupted`, `has_sent` and `fleet` are as in a
    `RunReport`, and so is `tool`, which is this version where it is "", and `command`, which is then the one called.
    """

    exit: Exit
    text: Callable[[Layout], str] = _render_nothing
    problems: tuple[Diagnostic, ...] = ()
    plan: MaskedPlan | None = None
    outcomes: Sequence[MaskedOutcome] = ()
    extra: Mapping[str, Any] = {}
    problems_in_text: bool = False
    headline: str = ""
    notes: tuple[Diagnostic, ...] = ()
    absences_in_text: bool = False
    untold_rules: frozenset[str] = frozenset()
    drift: DriftComparison | None = None
    runs: Sequence[PastRun] = ()
    differences: Sequence[PastDifference] = ()
    documents: Sequence[DocumentCoverage] = ()
    posture: Posture | None = None
    events: tuple[RunEvent, ...] = ()
    untold: tuple[UntoldNews, ...] = ()
    evidence: Sequence[Sequence[TrailEvidence | None]] = ()
    refusals: int = 0
    interrupted: bool = False
    has_sent: bool = True
    fleet: FleetFacts | None = None
    tool: str = ""
    command: str = ""


def build_result(report: RunReport, headers: BuildHeaders | None = None) -> CommandResult:
    """Return the report of a plan, a drift or an apply as a command's answer, whoever ran it.

    With `headers` its text shows each request whole.
    """
    from reconciler.reports.run_text import render_run_text

    is_drift = report.command == "drift"
    return CommandResult(
        report.exit,
        lambda layout: render_run_text(report, layout, headers),
        tuple(report.problems),
        report.plan if report.has_plan else None,
        report.outcomes,
        extra=report.members,
        headline=report.headline,
        notes=tuple(report.notes),
        absences_in_text=is_drift,
        untold_rules=_FOR_AUTHORS if is_drift else frozenset(),
        drift=report.drift,
        evidence=report.evidence,
        refusals=report.refusals,
        interrupted=report.interrupted,
        has_sent=report.has_sent,
        fleet=report.fleet,
        tool=report.tool,
    )


def load_headers() -> BuildHeaders:
    """Return what tells the headers of a write, for a report that shows each request whole."""
    # requests takes 114 ms to import: only who asks for this pays for it.
    from reconciler.apis.connect import find_dialect

    return lambda api, version: find_dialect(api).build_write_headers(version)


def print_result(
    session: Session, command: str, result: CommandResult, context: FormatContext | None = None
) -> CommandResult:
    """Print an answer: the result to stdout, all else to stderr, the exit code's name last; returns what was told.

    With a document on stdout, stderr still says what a person needs who has only the log: the headline, what to mend.
    `context` is what a report needs that takes the place of the text.

    Everything is drawn before the first byte leaves, so that a fault in drawing can still be told properly. A result
    that could not be written whole is no success: half an export looks like a whole one. Where requests were carried
    out the code still tells of those, for they are done, whoever reads of them.
    """
    output = _render_output(session, command, result, context)
    messages = (_render_headline(result) if session.has_document else "") + _render_messages(session, result)
    if write_error := write_text(session.stdout, output):
        problem = Diagnostic(
            "output.unwritable",
            Source("stdout"),
            f"can't be written: {write_error}",
            "the result is incomplete",
            "make room or name another place",
        )
        messages += f"{problem}\n"
        result = result._replace(exit=weigh_lost_result(result), notes=(*result.notes, problem))
    write_text(session.stderr, f"{messages}exit {int(result.exit)}: {result.exit.word}\n")
    return result


def weigh_lost_result(result: CommandResult) -> Exit:
    """Return the code of a result that could not be written whole."""
    is_success = result.exit in {Exit.OK, Exit.CHANGES}
    was_written = any(outcome.verdict == "applied" for outcome in result.outcomes)
    return Exit.INCOMPLETE if is_success and not was_written else result.exit


def print_plain_result(
    session: Session, command: str, result: CommandResult, context: FormatContext | None = None
) -> None:
    """Print an answer that holds only problems of our own making, with next to nothing that could fail on the way."""
    if session.json:
        write_text(session.stdout, _render_document(session, command, result))
    elif session.has_document:
        # What failed may be the drawing of this very format; a report of the failure is worth another try.
        with suppress(Exception):
            write_text(session.stdout, _render_output(session, command, result, context))
    messages = "" if session.json else "".join(f"{problem}\n" for problem in result.problems)
    write_text(session.stderr, f"{messages}exit {int(result.exit)}: {result.exit.word}\n")


def build_run_report(command: str, result: CommandResult) -> RunReport:
    """Return what a command came to, as every format takes it."""
    from reconciler.reports.run_report import EMPTY_PLAN, RunReport

    return RunReport(
        result.command or command,
        result.exit,
        result.plan or replace(EMPTY_PLAN, documents=tuple(result.documents)),
        outcomes=result.outcomes,
        problems=result.problems,
        notes=result.notes,
        drift=result.drift,
        members=result.extra,
        headline=result.headline,
        runs=result.runs,
        differences=result.differences,
        posture=result.posture,
        evidence=result.evidence,
        refusals=result.refusals,
        interrupted=result.interrupted,
        has_sent=result.has_sent,
        tool=result.tool or __version__,
        fleet=result.fleet,
    )


def _render_output(session: Session, command: str, result: CommandResult, context: FormatContext | None) -> str:
    """Return what goes to stdout: a document, a report in another format, or the text."""
    if session.json:
        return _render_document(session, command, result)
    if context is None or not session.reports.on_stdout:
        return result.text(session.choose_layout(session.stdout))
    from reconciler.reports.formats import FORMATS

    report = build_run_report(command, result)
    return FORMATS[session.reports.on_stdout].render(report, context._replace(ascii_only=_takes_ascii_only(session)))


def _takes_ascii_only(session: Session) -> bool:
    encoding = (session.stdout.encoding or "utf-8").lower().replace("-", "")
    # JSON between systems is UTF-8 (RFC 8259, 8.1). In any other encoding only ASCII is the same bytes; JSON spells
    # the rest as escapes (7).
    return encoding not in {"utf8", "utf8sig"}


def _render_document(session: Session, command: str, result: CommandResult) -> str:
    from reconciler.reports.json_document import render_report

    return render_report(build_run_report(command, result), ascii_only=_takes_ascii_only(session))


def _render_headline(result: CommandResult) -> str:
    """Where stdout goes into a file, a log would say nothing else of what a comparison came to."""
    if not result.headline:
        return ""
    from reconciler.reports.layout import sanitize_message

    return sanitize_message(f"{result.headline}\n")


def _list_problems(session: Session, result: CommandResult) -> tuple[Diagnostic, ...]:
    problems = () if result.problems_in_text and not session.has_document else result.problems
    plan = result.plan
    return (*problems, *plan.problems, *(gap.problem for gap in plan.gaps)) if plan else problems


def _list_notes(session: Session, result: CommandResult) -> tuple[Diagnostic, ...]:
    plan = result.plan
    absences = plan.absences if plan and (session.has_document or not result.absences_in_text) else ()
    plan_notes = (note for note in plan.notes if note.rule not in result.untold_rules) if plan else ()
    return (*plan_notes, *absences, *result.notes)


def _fold_messages(result: CommandResult, messages: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """Return them, and what reads alike of many targets of a fleet once."""
    if result.fleet is None:
        return messages
    from reconciler.reports.fleet_problems import fold_diagnostics

    # None of these depends on the name of the command.
    return fold_diagnostics(build_run_report("", result), messages)


def _render_messages(session: Session, result: CommandResult) -> str:
    """What goes with a result: notes, and everything that has to be mended."""
    plan, problem_list, notes = result.plan, _list_problems(session, result), _list_notes(session, result)
    if not problem_list and not notes:
        return ""
    from reconciler.cli.terminal.snippets import read_snippets
    from reconciler.reports.problems import render_notes, render_problems

    layout = session.choose_layout(session.stderr)
    names_targets = plan is not None and len(plan.targets) > 1
    rendered_notes = render_notes(_fold_messages(result, notes), layout, names_targets=names_targets)
    manifest_problems = plan.problems if plan else problem_list if result.exit is Exit.INVALID else ()
    snippets = read_snippets(session, session.stderr, manifest_problems)
    problems = _fold_messages(result, problem_list)
    return rendered_notes + render_problems(problems, layout, snippets, names_targets=names_targets)


def add_saved_line(result: CommandResult, digest: str, out: str) -> CommandResult:
    """Return a result whose text says at its end where the plan was saved; a report does not hold that."""
    from reconciler.reports.layout import sanitize_message

    line = sanitize_message(f"\nPlan {digest}\nSaved to {out}; apply it with: reconciler apply {out}\n")
    return result._replace(text=lambda layout: result.text(layout) + line)
