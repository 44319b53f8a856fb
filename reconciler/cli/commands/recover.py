"""`reconciler recover`: what an earlier run left open is settled by reading, or by what a person saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, UsageError

if TYPE_CHECKING:
    from reconciler.engine.recorded_run import RecordedRun


@options.command()
@click.option(
    "--settle",
    nargs=2,
    metavar="STEP OUTCOME",
    help="Record what you saw of a step that can't be settled by reading: applied or not_applied.",
)
@options.lock_timeout
@options.config
@options.target
@options.traffic
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    settle: tuple[str, str] | None,
    lock_timeout: float,
    config: str | None,
    environment: str | None,
    target: tuple[str, ...],
) -> CommandResult:
    """Settle what an earlier run left open, by reading. Never sends."""
    from reconciler.cli.terminal.recorded import open_recorded_run
    from reconciler.engine.declaration import pick_targets, read_settings
    from reconciler.engine.pipeline import connect_targets
    from reconciler.engine.run_store import RunOrigin

    settings = read_settings(session.inputs, config, environment)
    names = pick_targets(settings, target)
    with (
        connect_targets(session.inputs, settings, names) as apis,
        open_recorded_run(session, settings, apis, lock_timeout, RunOrigin("recover")) as recorded,
    ):
        for api in apis.values():
            api.bound()  # a target that can't be identified has been left out, and nobody would know
        return _record_seen(recorded, *settle) if settle else _settle_by_reading(recorded)


def _settle_by_reading(recorded: RecordedRun) -> CommandResult:
    from reconciler.reports.recovery import encode_settled, render_settled
    from reconciler.state.records import SettledAs

    steps = recorded.settle_earlier()
    is_open = any(step.outcome is SettledAs.UNKNOWN for step in steps)
    return CommandResult(
        Exit.UNKNOWN if is_open else Exit.OK,
        lambda _: render_settled(steps),
        extra={"run": recorded.describe(), "settled": encode_settled(steps)},
    )


def _record_seen(recorded: RecordedRun, reference: str, outcome: str) -> CommandResult:
    from reconciler.engine.recovery import name_step
    from reconciler.reports.layout import sanitize_message
    from reconciler.state.records import SettledAs

    seen = next((value for value in (SettledAs.APPLIED, SettledAs.NOT_APPLIED) if value == outcome), None)
    if seen is None:
        summary = f"{outcome!r} is no outcome: a person has seen that a step was applied or not_applied"
        raise UsageError(
            Diagnostic("usage.unknown-outcome", Source("--settle"), summary, remedy="say which of the two")
        )
    found = recorded.settle_by_person(reference, seen)
    if not found:
        names = [
            name_step(entry.intent.run, entry.intent.number, act)
            for entry in recorded.list_open()
            for act in entry.unsettled
        ]
        remedy = f"open are: {', '.join(names[:10])}" if names else "nothing is open"
        summary = f"no step {reference} is open"
        raise UsageError(Diagnostic("usage.no-open-step", Source("--settle"), summary, "nothing was recorded", remedy))
    words = "was applied" if seen is SettledAs.APPLIED else "was not applied"
    lines = [f"{entry.intent.step}: recorded that it {words}\n" for entry in found]
    return CommandResult(Exit.OK, lambda _: sanitize_message("".join(lines)), extra={"run": recorded.describe()})
