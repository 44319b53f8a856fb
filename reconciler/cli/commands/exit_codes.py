"""`reconciler exit-codes`."""

from __future__ import annotations

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.errors import EXIT_MEANINGS, Exit


@options.command("exit-codes")
@options.output
@click.pass_obj
def command(_session: Session, /) -> CommandResult:
    """List the exit codes and what they mean."""
    from reconciler.reports.reference import render_listing

    rows = [{"code": int(code), "name": code.word, "when": meaning} for code, meaning in EXIT_MEANINGS.items()]
    return CommandResult(Exit.OK, lambda layout: render_listing(rows, layout), extra={"exit_codes": rows})
