"""`reconciler render`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.errors import Exit


@options.command()
@options.paths
@options.settings_and_selection
@options.output
@click.pass_obj
def command(
    session: Session, /, paths: tuple[str, ...], config: str | None, environment: str | None, **filters: Any
) -> CommandResult:
    """Print what all layers of an environment say together, with the origin of each field. Offline."""
    from reconciler.engine.declaration import RunOptions
    from reconciler.engine.rendering import render_manifests
    from reconciler.manifests.selection import Selection
    from reconciler.reports.layout import format_count
    from reconciler.reports.rendered import encode_rendered, render_documents

    run_options = RunOptions(paths, config, Selection(**filters), environment=environment)
    manifests = render_manifests(session.inputs, run_options)
    return CommandResult(
        Exit.OK,
        lambda _: render_documents(manifests),
        extra=encode_rendered(manifests),
        notes=manifests.notes,
        headline=format_count(len(manifests.documents), "document"),
    )
