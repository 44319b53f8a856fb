"""`reconciler state`: the store itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.commands.plan import make_write_error
from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.durations import Duration
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.errors import Exit, UsageError

if TYPE_CHECKING:
    from reconciler.state.records import Lease

_MAX_BYTES = 2**30


@options.command()
@options.config
@options.output
@click.pass_obj
def init_command(session: Session, /, config: str | None, environment: str | None) -> CommandResult:
    """Make the store, or say that the one that is there is the one; print its id and how to pin it."""
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.state_keeping import declare_state
    from reconciler.reports.state import encode_state, render_declared
    from reconciler.settings.state_location import write_pin

    settings = read_settings(session.inputs, config, environment)
    overview = declare_state(session.inputs, settings)
    pin = write_pin(settings, overview.identity.id)
    return CommandResult(
        Exit.OK,
        lambda _: render_declared(overview, pin),
        extra={"state": encode_state(overview), "made": overview.was_made, "pin": pin},
        headline=f"store {overview.identity.id}",
    )


@options.command()
@click.option("--out", metavar="FILE", help="Where to write it; to stdout if not given.")
@options.config
@options.output
@click.pass_obj
def export_state_command(
    session: Session, /, out: str | None, config: str | None, environment: str | None
) -> CommandResult:
    """Write everything that the store holds, for a backup or another back end."""
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.state_keeping import export_state
    from reconciler.reports.layout import format_count
    from reconciler.state.atomic import replace_file
    from reconciler.state.transfer import encode_export

    exported, leases = export_state(session.inputs, read_settings(session.inputs, config, environment))
    text = encode_export(exported)
    if out is not None:
        try:
            replace_file(session.cwd / out, text.encode())
        except OSError as error:
            raise make_write_error(out, error) from None
    count = format_count(exported.record_count, "record")
    summary = f"{count} of {format_count(len(exported.targets), 'target')} of store {exported.identity.id}"
    records = [] if out is not None else [json.loads(line) for line in text.splitlines()]
    return CommandResult(
        Exit.OK,
        lambda _: f"Saved to {out}: {summary}\n" if out is not None else text,
        extra={"saved": out is not None, "count": exported.record_count, "records": records},
        headline=summary,
        notes=tuple(map(_note_lease, leases)),
    )


@options.command()
@click.argument("file", metavar="FILE")
@options.config
@options.output
@click.pass_obj
def import_command(session: Session, /, file: str, config: str | None, environment: str | None) -> CommandResult:
    """Record what `state export` wrote in an empty place; the id moves along."""
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.run_store import report_store_errors
    from reconciler.engine.state_keeping import import_state
    from reconciler.reports.layout import format_count, sanitize_message
    from reconciler.settings.state_location import write_pin
    from reconciler.state.transfer import decode_export

    settings = read_settings(session.inputs, config, environment)
    text = _read_export(session, file)
    with report_store_errors(Source(file)):
        exported = decode_export(text)
    imported = import_state(session.inputs, settings, exported)
    pin = write_pin(settings, imported.identity.id)
    counts = f"{format_count(imported.records, 'record')} of {format_count(imported.targets, 'target')}"
    summary = f"Imported {counts}: this is store {imported.identity.id} now"
    remark = (
        "" if settings.state.id else f"pin it in the settings, so that another one, or none, is noticed:\n  {pin}\n"
    )
    return CommandResult(
        Exit.OK,
        lambda _: sanitize_message(f"{summary}\n{remark}"),
        extra={"id": imported.identity.id, "count": imported.records, "dropped": imported.dropped, "pin": pin},
        headline=summary,
        notes=(_note_dropped(imported.dropped),) if imported.dropped else (),
    )


@options.command()
@click.option("--keep", type=Duration(), metavar="TIME", help="Runs that ended since then, such as 400d, are kept.")
@click.option("--runs", type=click.IntRange(min=0), default=0, metavar="N", help="And the latest N on each target.")
@options.config
@options.output
@click.pass_obj
def prune_command(
    session: Session, /, keep: float | None, runs: int, config: str | None, environment: str | None
) -> CommandResult:
    """Forget old runs; never what is open, and never that an irreversible act was done."""
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.state_keeping import prune_state
    from reconciler.reports.layout import format_count

    settings = read_settings(session.inputs, config, environment)
    keep_days = keep / 86_400 if keep is not None else settings.state.keep_days
    if keep_days is None:
        summary, remedy = "nothing says how long runs are kept", "say --keep, such as 400d, or `keep` in the settings"
        raise UsageError(Diagnostic("usage.no-age", Source("--keep"), summary, "nothing was forgotten", remedy))
    forgotten = prune_state(session.inputs, settings, keep_days, runs)
    summary = f"Forgot {format_count(sum(forgotten.values()), 'run')}"
    return CommandResult(Exit.OK, lambda _: f"{summary}\n", extra={"forgotten": forgotten}, headline=summary)


_ACTIONS = {
    "init": init_command,
    "export": export_state_command,
    "import": import_command,
    "prune": prune_command,
}


@click.command(cls=options.ActionCommand, actions=_ACTIONS)
@options.config
@options.output
@click.pass_obj
def command(session: Session, /, config: str | None, environment: str | None) -> CommandResult:
    """Tell what remembers the runs: which store, what is in it, and who holds what."""
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.state_keeping import describe_state
    from reconciler.reports.state import encode_state, render_state
    from reconciler.settings.state_location import write_pin

    settings = read_settings(session.inputs, config, environment)
    overview = describe_state(session.inputs, settings)
    pin = write_pin(settings, overview.identity.id)
    return CommandResult(
        Exit.OK,
        lambda _: render_state(overview, pin),
        extra={"state": encode_state(overview), "pin": pin},
        headline=f"store {overview.identity.id}",
    )


def _read_export(session: Session, file: str) -> str:
    path = session.cwd / file
    try:
        # A device or a named pipe could be read without end.
        if path.is_file() and path.stat().st_size <= _MAX_BYTES:
            return path.read_bytes().decode("utf-8", "replace")
        summary = "larger than any export (1 GiB)" if path.is_file() else "there is no such file"
    except OSError as error:
        summary = f"can't be read: {error.strerror or type(error).__name__}"
    remedy = "name a file of `state export`"
    raise UsageError(Diagnostic("usage.unknown-path", Source(file), summary, "nothing was imported", remedy))


def _note_lease(lease: Lease) -> Diagnostic:
    from reconciler.state.store_errors import describe_holding

    reason = "what it does from now on is not in this export"
    remedy = "to move the store, export again when it is over"
    return Diagnostic(
        "state.export-early", Source("state"), describe_holding(lease), reason, remedy, severity=Severity.NOTE
    )


def _note_dropped(count: int) -> Diagnostic:
    summary = f"{count} former objects were left out"
    reason = "everybody who can read the repository could read them, for ever"
    remedy = "to keep such objects encrypted, give `state` a key before the import"
    return Diagnostic("state.bodies-dropped", Source("state"), summary, reason, remedy, severity=Severity.NOTE)
