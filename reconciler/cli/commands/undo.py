"""`reconciler undo RUN`: an ordinary plan back to what the objects of a run were before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.commands.plan import prepare_destination, save_plan
from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult, load_headers
from reconciler.cli.terminal.step_numbers import StepNumbers

if TYPE_CHECKING:
    from reconciler.engine.undo import UndoPlan


@options.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--step",
    "steps",
    type=StepNumbers(),
    multiple=True,
    metavar="N",
    help="Only these steps: 4, 1-3 or 1-3,5. Repeatable.",
)
@click.option("--out", metavar="FILE", required=True, help="Where to save the plan, for `apply FILE`.")
@options.full
@options.config
@options.traffic
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    run: str,
    steps: tuple[tuple[int, ...], ...],
    out: str,
    full: bool,
    config: str | None,
    environment: str | None,
) -> CommandResult:
    """Plan back to what the objects of a run were before it. Writes nothing but --out."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.declaration import RunOptions, read_settings
    from reconciler.engine.run_history import RunQuery, look_up_runs
    from reconciler.engine.run_store import find_settings_store, identify_targets, report_store_errors
    from reconciler.engine.undo import plan_undo

    settings = read_settings(session.inputs, config, environment)
    destination = prepare_destination(session, out, RunOptions(config=config, environment=environment))
    targets = identify_targets(session.inputs, settings, sorted(settings.targets))
    with find_settings_store(settings, session.inputs.env, with_bodies=True) as store, report_store_errors():
        runs, _ = look_up_runs(store, targets, RunQuery(reference=run))
    numbers = [number for group in steps for number in group]
    with Progress(session) as progress:
        undo = plan_undo(session.inputs, settings, runs[0], numbers, progress.tell)
    digest = save_plan(session, undo.judged.plan, destination) if undo.can_be_saved else ""
    return _draw_undo(undo, runs[0].id, out, digest, full=full)


def _draw_undo(undo: UndoPlan, run: str, out: str, digest: str, *, full: bool) -> CommandResult:
    """Return the answer: the plan as `plan` shows it, and everything that speaks against it."""
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_plan
    from reconciler.reports.layout import sanitize_message

    judged, headers = undo.judged, load_headers() if full else None
    saved = f"\nPlan {digest}\nSaved to {out}; apply it with: reconciler apply {out}\n" if digest else "\nNot saved.\n"
    plan, reasons = judged.masked_plan, len(judged.refusals) + len(undo.obstacles)
    return CommandResult(
        undo.exit,
        lambda layout: text.render_plan(plan, layout, reasons, headers) + sanitize_message(saved),
        (*undo.obstacles, *judged.refusals, *judged.withheld),
        plan,
        extra={"saved": bool(digest), "digest": digest, "undo": {"run": run, "steps": list(undo.numbers)}},
        headline=summarize_plan(plan, reasons),
        notes=undo.notes,
    )
