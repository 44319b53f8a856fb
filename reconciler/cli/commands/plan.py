"""`reconciler plan`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.destinations import explain_unwritable
from reconciler.cli.terminal.fleet_options import FleetOptions, list_plan_words
from reconciler.cli.terminal.output import CommandResult, add_saved_line, build_result, load_headers
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, IncompleteError, ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.engine.declaration import Declaration, RunOptions
    from reconciler.engine.pipeline import JudgedPlan
    from reconciler.fleet.shards import Shard
    from reconciler.model import Plan
    from reconciler.plans.signatures import Sign
    from reconciler.reports.run_report import RunReport
    from reconciler.rights import RightsDemand
    from reconciler.settings.model import Settings


@options.command()
@options.paths
@click.option(
    "--out",
    metavar="FILE",
    help="Save the plan for `apply FILE`, if all could be read and nothing forbids it; packed if it ends with .gz.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if there are changes.")
@options.base
@options.no_state
@options.no_rights
@options.full
@options.fleet
@options.otlp
@options.settings_and_selection
@options.traffic
@options.report
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    paths: tuple[str, ...],
    out: str | None,
    detailed_exitcode: bool,
    base: str | None,
    no_state: bool,
    rights: RightsDemand,
    full: bool,
    config: str | None,
    environment: str | None,
    jobs: int | None,
    shard: Shard | None,
    **filters: Any,
) -> CommandResult:
    """Show what `apply` would send. Writes nothing but --out."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.declaration import RunOptions, read_declaration
    from reconciler.engine.preview import preview_plan
    from reconciler.manifests.selection import Selection

    run_options = RunOptions(paths, config, Selection(**filters), base, rights, environment)
    destination = prepare_destination(session, out, run_options) if out is not None else None
    inputs = session.inputs
    declared = read_declaration(inputs, run_options)
    fleet_options = FleetOptions(jobs, shard)
    if fleet_options.needs_fleet(session, declared.settings):
        words = list_plan_words(detailed_exitcode=detailed_exitcode, no_state=no_state, rights=rights)
        return _plan_fleet(session, declared, run_options, fleet_options, words, destination)
    with Progress(session) as progress:
        judged_plan, notes = preview_plan(inputs, declared, progress.tell, rights, with_state=not no_state)
    digest, obstacles = _save_if_applicable(session, judged_plan, destination) if destination else ("", ())
    saved = {"saved": bool(digest), "digest": digest}
    report = _build_report(judged_plan, saved, (*notes, *judged_plan.base_notes), detailed_exitcode=detailed_exitcode)
    report = replace(report, problems=(*report.problems, *obstacles))
    result = build_result(report, load_headers() if full else None)
    return add_saved_line(result, digest, out or "") if digest else result


def _build_report(
    judged_plan: JudgedPlan, saved: Mapping[str, Any], notes: tuple[Diagnostic, ...], *, detailed_exitcode: bool
) -> RunReport:
    from reconciler.reports.headline import summarize_plan
    from reconciler.reports.run_report import RunReport
    from reconciler.reports.withdrawals import encode_base

    masked_plan, refusals = judged_plan.masked_plan, judged_plan.refusals
    return RunReport(
        "plan",
        judged_plan.exit(changes=Exit.CHANGES if detailed_exitcode else Exit.OK),
        masked_plan,
        problems=(*refusals, *judged_plan.withheld),
        members={**saved, **encode_base(judged_plan.base)},
        headline=summarize_plan(masked_plan, len(refusals)),
        notes=notes,
        refusals=len(refusals),
    )


def _plan_fleet(
    session: Session,
    declared: Declaration,
    run_options: RunOptions,
    fleet_options: FleetOptions,
    words: tuple[str, ...],
    destination: Destination | None,
) -> CommandResult:
    from reconciler.cli.fleet.fleet_run import gather_fleet
    from reconciler.cli.fleet.plan_command import plan_targets

    fleet = gather_fleet(session, declared, run_options, fleet_options)
    if destination is None:
        return plan_targets(session, fleet, words, None, lambda _plan: "")
    return plan_targets(session, fleet, words, destination.out, lambda plan: save_plan(session, plan, destination))


class Destination(NamedTuple):
    """Where a plan is saved, and what was fetched to do it: the settings, and a key if there is one."""

    out: str
    options: RunOptions
    settings: Settings
    sign: Sign | None


def prepare_destination(session: Session, out: str, options: RunOptions) -> Destination:
    """Refuse before anything is read what would only fail after it: a place that takes no plan, a key that is gone."""
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.plan_signing import find_sign

    _check_out_path(session.cwd / out, out)
    settings = read_settings(session.inputs, options.config, options.environment)
    folders = [*(session.cwd / path for path in options.paths), *settings.all_manifest_folders]
    _check_out_folder(session.cwd / out, out, folders)
    _check_former_plan(session.cwd / out, out)
    return Destination(out, options, settings, find_sign(settings, session.env))


def _save_if_applicable(
    session: Session, judged_plan: JudgedPlan, destination: Destination
) -> tuple[str, tuple[Diagnostic, ...]]:
    """Save a plan that could be applied; returns its digest, or "" and why it was not saved."""
    if not judged_plan.plan.gaps and not judged_plan.refusals:
        return save_plan(session, judged_plan.plan, destination), ()
    cause = "something could not be read" if judged_plan.plan.gaps else "the plan is refused"
    remedy = "mend what is listed and plan again"
    return "", (Diagnostic("plan.not-saved", Source(destination.out), f"not written: {cause}", remedy=remedy),)


def save_plan(session: Session, plan: Plan, destination: Destination) -> str:
    """Write a plan, signed where a key is configured, and return its digest.

    Raises UsageError or IncompleteError where it can't be written, AuthError where it can't be signed.
    """
    from reconciler.engine.saved_plans import make_plan_stamp, write_plan_file
    from reconciler.plans.planfile import build_saved_plan

    out, options, settings, sign = destination
    stamp = make_plan_stamp(session.inputs, options, settings, session.moment)
    data, saved_plan = build_saved_plan(plan, stamp, sign)
    try:
        write_plan_file(session.cwd / out, data, settings, session.env)
    except OSError as error:
        raise make_write_error(out, error) from None
    return saved_plan.digest


def _check_out_path(path: Path, out: str) -> None:
    """Refuse before anything is read what would be lost, or could not be written, after it."""
    if path.suffix.lower() in {".yaml", ".yml"}:
        problem = Diagnostic(
            "usage.invalid-out",
            Source(out),
            "--out would look like a manifest",
            remedy="name it otherwise, such as plan.json",
        )
        raise UsageError(problem)
    if not out:
        problem = Diagnostic(
            "usage.invalid-out",
            Source("reconciler"),
            "--out is empty, so there is nowhere to save the plan",
            remedy="name a file, such as plan.json",
        )
        raise UsageError(problem)
    cause = explain_unwritable(path)
    if cause:
        problem = Diagnostic(
            "usage.unwritable",
            Source(out),
            f"can't be written: {cause}",
            remedy="give --out a file in a folder that exists",
        )
        raise UsageError(problem)


def _check_former_plan(path: Path, out: str) -> None:
    """Refuse to write over what is no plan: a slip of the fingers must not cost a file."""
    from reconciler.engine.saved_plans import is_marked_as_plan

    # mktemp makes an empty one.
    if path.exists() and path.stat().st_size and not is_marked_as_plan(path):
        problem = Diagnostic(
            "usage.invalid-out",
            Source(out),
            "is there already and is no saved plan",
            "--out writes over earlier plans alone",
            "name another file, such as plan.json",
        )
        raise UsageError(problem)


def _check_out_folder(path: Path, out: str, folders: Sequence[Path]) -> None:
    """Refuse a file that a later run would read as a manifest; `folders` are where manifests lie, or are some."""
    from reconciler.manifests.discovery import would_read

    if any(would_read(folder, path) for folder in folders):
        problem = Diagnostic(
            "usage.invalid-out",
            Source(out),
            "--out lies among the manifests",
            "every run from then on would read the plan as a manifest, and refuse it",
            "save it elsewhere, such as plan.json beside the settings",
        )
        raise UsageError(problem)


def make_write_error(out: str, error: OSError) -> ReconcilerError:
    """Return what to tell where a file that --out names can't be written."""
    from reconciler.state.atomic import is_storage_failure

    summary, reason = f"can't be written: {error.strerror or type(error).__name__}", "nothing was saved"
    if is_storage_failure(error):
        remedy = "make room or name another place"
        return IncompleteError(Diagnostic("output.unwritable", Source(out), summary, reason, remedy))
    return UsageError(Diagnostic("usage.unwritable", Source(out), summary, reason, "name another place"))
