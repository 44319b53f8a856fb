"""`reconciler validate`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.context import Session
from reconciler.cli.options import SelectionOptions
from reconciler.cli.output import CommandResult
from reconciler.errors import Exit, InvalidError


def run(session: Session, paths: Sequence[str], options: SelectionOptions) -> CommandResult:
    """Check the manifests without a network or a credential. The list of errors is the result."""
    from reconciler.cli.snippets import read_snippets
    from reconciler.engine.pipeline import read_declaration
    from reconciler.reports.problems import render_validation

    try:
        declared = read_declaration(session, paths, options, offline=True)
    except InvalidError as error:
        problems = error.problems
        lines = read_snippets(session, session.stdout, problems)
        return CommandResult(
            Exit.INVALID, lambda layout: render_validation(problems, 0, 0, layout, lines), problems, listed=True
        )
    documents, files = len(declared.selected), declared.loaded.files
    counts = {"documents": documents, "files": files, "ignored": list(declared.loaded.ignored)}
    return CommandResult(Exit.OK, lambda layout: render_validation((), documents, files, layout, {}), extra=counts)
