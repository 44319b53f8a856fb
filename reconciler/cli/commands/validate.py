"""`reconciler validate`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.context import Session
from reconciler.cli.options import Chosen
from reconciler.cli.output import Answer
from reconciler.errors import Exit, InvalidError


def run(session: Session, paths: Sequence[str], chosen: Chosen) -> Answer:
    """Check the manifests without a network or a credential. The list of errors is the result."""
    from reconciler.cli.snippets import snippets
    from reconciler.engine.pipeline import declare
    from reconciler.reports.problems import render_validation

    try:
        declared = declare(session, paths, chosen, offline=True)
    except InvalidError as error:
        found = error.problems
        lines = snippets(session, session.stdout, found)
        return Answer(Exit.INVALID, lambda look: render_validation(found, 0, 0, look, lines), found, listed=True)
    documents, files = len(declared.selected), declared.loaded.files
    counts = {"documents": documents, "files": files, "ignored": list(declared.loaded.ignored)}
    return Answer(Exit.OK, lambda look: render_validation((), documents, files, look, {}), extra=counts)
