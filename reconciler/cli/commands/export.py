"""`reconciler export`."""

from __future__ import annotations

import click

from reconciler.cli import options
from reconciler.cli.context import Session
from reconciler.cli.output import CommandResult
from reconciler.errors import Exit


@options.command()
@click.option("--kind", multiple=True, metavar="KIND", help="Only this kind. Repeatable.")
@click.option("--match", metavar="PATTERN", help="Only objects whose name matches (* and ? are wildcards).")
@options.config
@options.target
@options.no_color
@click.pass_obj
def command(
    session: Session, /, kind: tuple[str, ...], match: str | None, config: str | None, target: tuple[str, ...]
) -> CommandResult:
    """Print the live state as manifests on which `plan` is empty."""
    from reconciler.cli.progress import Progress
    from reconciler.engine.export import export_manifests

    with Progress(session) as progress:
        text = export_manifests(session.inputs, config, progress.tell, kinds=kind, match=match, targets=target)
    return CommandResult(Exit.OK, lambda _: text)
