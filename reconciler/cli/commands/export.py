"""`reconciler export`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.completion_values import complete_kinds
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.engine.exporting.export_drafts import ExportScope
    from reconciler.engine.exporting.export_layout import Split


@options.command()
@click.option(
    "--kind", multiple=True, metavar="KIND", help="Only this kind. Repeatable.", shell_complete=complete_kinds
)
@click.option("--match", metavar="PATTERN", help="Only objects whose name matches (* and ? are wildcards).")
@click.option("--unmanaged", is_flag=True, help="Only what no manifest of the settings declares.")
@click.option("--out", metavar="DIR", help="Write files into this folder; nothing in it is overwritten.")
@options.split
@options.tables
@options.config
@options.target
@options.traffic
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    kind: tuple[str, ...],
    match: str | None,
    unmanaged: bool,
    out: str | None,
    split: Split | None,
    csv: bool,
    config: str | None,
    environment: str | None,
    target: tuple[str, ...],
) -> CommandResult:
    """Print the live state as manifests on which `plan` is empty, or write it into a folder."""
    from reconciler.engine.exporting.export_drafts import ExportScope

    scope = ExportScope(kind, match, target, unmanaged)
    if out is not None:
        return _export_files(session, config, environment, scope, out, split or "kind", csv)
    if split or csv:
        flag, remedy = "--split" if split else "--csv", "name a folder with --out"
        summary, reason = f"{flag} is for files, and none are to be written", "what is printed is one text"
        raise UsageError(Diagnostic("usage.command-line", Source("reconciler"), summary, reason, remedy))
    return _export_text(session, config, environment, scope)


def _export_text(session: Session, config: str | None, environment: str | None, scope: ExportScope) -> CommandResult:
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.exporting.export import export_manifests

    with Progress(session) as progress:
        result = export_manifests(session.inputs, config, environment, progress.tell, scope)
    return CommandResult(result.exit, lambda _: result.text, result.problems, extra={"manifests": result.text})


def _export_files(
    session: Session, config: str | None, environment: str | None, scope: ExportScope, out: str, split: Split, csv: bool
) -> CommandResult:
    from reconciler.cli.commands.plan import make_write_error
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.exporting.export_files import (
        check_export_folder,
        export_tree,
        find_other_manifests,
        write_tree,
    )
    from reconciler.engine.exporting.export_layout import ExportLayout
    from reconciler.reports.export import encode_files, render_files, summarize_export

    inputs, out = session.inputs, Path(out).as_posix()
    folder = Path(os.path.normpath(inputs.cwd / out))
    settings = read_settings(inputs, config, environment)
    check_export_folder(inputs, settings, folder)
    with Progress(session) as progress:
        tree = export_tree(inputs, settings, scope, ExportLayout(split, csv), progress.tell)
    try:
        written = write_tree(tree, folder, out)
    except OSError as error:
        raise make_write_error(out, error) from None
    return CommandResult(
        tree.exit,
        lambda _: render_files(tree.summaries, written, out, config, environment),
        tree.problems,
        extra={"folder": out, "files": encode_files(tree.summaries, written)},
        notes=find_other_manifests(tree, folder, inputs),
        headline=summarize_export(tree.summaries, written, out),
    )
