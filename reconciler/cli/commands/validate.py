"""`reconciler validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Exit, InvalidError

if TYPE_CHECKING:
    from reconciler.engine.declaration import Declaration
    from reconciler.plans.policies import PolicyFindings


@options.command()
@options.paths
@options.otlp
@options.settings_and_selection
@options.report
@options.output
@click.pass_obj
def command(
    session: Session, /, paths: tuple[str, ...], config: str | None, environment: str | None, **filters: Any
) -> CommandResult:
    """Check manifests offline: every error at once, with its position."""
    from reconciler.engine.declaration import RunOptions, read_declaration
    from reconciler.manifests.selection import Selection
    from reconciler.reports.problems import render_validation

    try:
        run_options = RunOptions(paths, config, Selection(**filters), environment=environment)
        declared = read_declaration(session.inputs, run_options, offline=True)
    except InvalidError as error:
        return _report_problems(session, error.problems)
    # After all errors: a document that can't be read can't be judged.
    findings = _judge_documents(session, declared)
    if findings and findings.refusals:
        return _report_problems(session, findings.refusals, Exit.REFUSED, (*declared.loaded.notes, *findings.notes))
    documents, files = len(declared.selected), declared.loaded.files
    written = len({document.source for document in declared.selected})
    # Of documents that name one target each nobody asks how many there are.
    targets = len(declared.targets) if written < documents else 1
    counts = {"documents": documents, "files": files, "ignored": list(declared.loaded.ignored)}
    return CommandResult(
        Exit.OK,
        lambda layout: render_validation((), written, files, layout, {}, targets),
        documents=_list_documents(declared) if session.reports.wishes else (),
        extra=counts,
        notes=(*declared.loaded.notes, *(findings.notes if findings else ())),
    )


def _judge_documents(session: Session, declared: Declaration) -> PolicyFindings | None:
    if not declared.loaded.directives:
        return None
    # Most manifests hold no policy.
    from reconciler.engine.policy_runs import judge_documents

    return judge_documents(declared, session.inputs.today)


def _list_documents(declared: Declaration) -> tuple[DocumentCoverage, ...]:
    """Return each document with the number of its objects, all of which are as they should be so far."""
    selected = {document.address for document in declared.selected}
    sizes = (
        (document, document.spec.size(document.tables) if document.address in selected else 0)
        for document in declared.loaded.documents
    )
    return tuple(
        DocumentCoverage(document.address, document.source, size, size, document.address in selected)
        for document, size in sizes
    )


def _report_problems(
    session: Session, problems: tuple[Diagnostic, ...], exit_: Exit = Exit.INVALID, notes: tuple[Diagnostic, ...] = ()
) -> CommandResult:
    from reconciler.cli.terminal.snippets import read_snippets
    from reconciler.reports.problems import render_validation

    lines = read_snippets(session, session.stdout, problems)
    return CommandResult(
        exit_,
        lambda layout: render_validation(problems, 0, 0, layout, lines),
        problems,
        problems_in_text=True,
        notes=notes,
    )
