"""`reconciler unlock`: a person says that the run which holds a target is dead."""

from __future__ import annotations

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, UsageError


@options.command()
@click.argument("run", metavar="ID")
@options.config
@options.target
@options.traffic
@options.output
@click.pass_obj
def command(
    session: Session, /, run: str, config: str | None, environment: str | None, target: tuple[str, ...]
) -> CommandResult:
    """Take a target from the run of exactly this id, which you know to be dead."""
    from reconciler.engine.declaration import pick_targets, read_settings
    from reconciler.engine.run_store import find_settings_store, identify_targets, report_store_errors
    from reconciler.reports.layout import sanitize_message
    from reconciler.state.store_errors import describe_holding

    settings = read_settings(session.inputs, config, environment)
    targets = identify_targets(session.inputs, settings, pick_targets(settings, target))
    with find_settings_store(settings, session.inputs.env) as store, report_store_errors():
        unlocked = [name for name, key in targets.items() if store and store.unlock(key, run)]
        leases = {name: store.read_lease(key) for name, key in targets.items() if store}
    if not unlocked:
        held = [f"{name}: {describe_holding(lease)}" for name, lease in leases.items() if lease]
        remedy = f"what is held: {'; '.join(held)}" if held else "no target is held"
        summary = f"no target is held by run {run}"
        raise UsageError(Diagnostic("usage.not-held", Source("unlock"), summary, "nothing was unlocked", remedy))
    text = "".join(f"{name} is free; what run {run} left open is settled by the next one\n" for name in unlocked)
    return CommandResult(Exit.OK, lambda _: sanitize_message(text), extra={"unlocked": unlocked})
