"""`reconciler init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult

if TYPE_CHECKING:
    from reconciler.engine.exporting.export_layout import Split
    from reconciler.engine.exporting.repository import Origin, RepositoryPlan
    from reconciler.engine.exporting.starter_files import Ci


@options.command()
@click.argument("folder", metavar="[DIR]", default=".")
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    default="none",
    metavar="github|gitlab|none",
    help="Jobs that plan, apply and look for drift; none if not given.",
)
@click.option(
    "--from",
    "origin",
    type=click.Choice(["auto", "server", "examples"]),
    default="auto",
    metavar="auto|server|examples",
    help="What the manifests are made of: what the servers have, or examples. If not given, the servers where some are "
    "configured and answer.",
)
@options.split
@options.tables
@click.option("--keep", is_flag=True, help="Leave README.md, .gitignore and CI files that are there as they are.")
@options.config_file
@options.traffic
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    folder: str,
    ci: Ci,
    origin: Origin,
    split: Split | None,
    csv: bool,
    keep: bool,
    config: str | None,
) -> CommandResult:
    """Begin a repository: settings, manifests of what the servers have, CI jobs.

    A .gitignore and a README.md come with it. The settings are those of --config, of ./reconciler.yaml or of the
    environment, with secrets by reference; else an example. Nothing that is there is overwritten, and `git init` is
    left to you.
    """
    from reconciler.engine.exporting.export_layout import ExportLayout
    from reconciler.engine.exporting.repository import RepositoryPlan

    path = Path(os.path.normpath(session.cwd / folder))
    layout = ExportLayout(split or "kind", csv)
    return _begin_repository(session, config, RepositoryPlan(path, Path(folder).as_posix(), ci, origin, layout, keep))


def _begin_repository(session: Session, config: str | None, plan: RepositoryPlan) -> CommandResult:
    from reconciler.cli.commands.plan import make_write_error
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.exporting.repository import build_repository
    from reconciler.reports.export import encode_files
    from reconciler.reports.repository import render_repository, summarize_repository
    from reconciler.state.new_files import write_new_files

    with Progress(session) as progress:
        repository = build_repository(session.inputs, config, plan, progress.tell)
    try:
        written = write_new_files(plan.folder, repository.files)
    except OSError as error:
        raise make_write_error(plan.label, error) from None
    files = encode_files(repository.summaries, written)
    is_versioned = any((parent / ".git").exists() for parent in (plan.folder, *plan.folder.parents))
    return CommandResult(
        repository.exit,
        lambda _: render_repository(repository, plan.label, is_versioned=is_versioned),
        repository.problems,
        notes=repository.notes,
        extra={"folder": plan.label, "files": files, "kept": list(repository.kept_paths)},
        headline=summarize_repository(repository, plan.label),
    )
