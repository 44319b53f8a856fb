"""`reconciler export`."""

from __future__ import annotations

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.completion_values import complete_kinds
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult


@options.command()
@click.option(
    "--kind", multiple=True, metavar="KIND", help="Only this kind. Repeatable.", shell_complete=complete_kinds
)
@click.option("--match", metavar="PATTERN", help="Only objects whose name matches (* and ? are wildcards).")
@options.config
@options.target
@options.traffic
@options.no_color
@click.pass_obj
def command(
    session: Session, /, kind: tuple[str, ...], match: str | None, config: str | None, target: tuple[str, ...]
) -> CommandResult:
    """Print the live state as manifests on which `plan` is empty."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.export import export_manifests
    from reconciler.engine.export_drafts import ExportScope

    with Progress(session) as progress:
        result = export_manifests(session.inputs, config, progress.tell, ExportScope(kind, match, target))
    return CommandResult(result.exit, lambda _: result.text, result.problems)
