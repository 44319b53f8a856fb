"""`reconciler exit-codes`."""

from __future__ import annotations

from reconciler.cli.context import Session
from reconciler.cli.output import CommandResult
from reconciler.errors import EXIT_MEANINGS, Exit


def run(_session: Session) -> CommandResult:
    """List every published exit code."""
    from reconciler.reports.reference import render_listing

    rows = [{"code": int(code), "name": code.word, "when": meaning} for code, meaning in EXIT_MEANINGS.items()]
    return CommandResult(Exit.OK, lambda layout: render_listing(rows, layout), extra={"exit_codes": rows})
