"""`reconciler history export` and `history verify`: the records as a chain of digests, for an auditor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.commands.plan import make_write_error
from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, StaleError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.history_chain import Chain


@options.command()
@click.option("--out", metavar="FILE", help="Where to write it; to stdout if not given.")
@click.option("--after", multiple=True, metavar="FILE", help="An earlier export, to go on from. Repeatable, in order.")
@options.config
@options.target
@options.traffic
@options.output
@click.pass_obj
def export_command(
    session: Session,
    /,
    out: str | None,
    after: tuple[str, ...],
    config: str | None,
    environment: str | None,
    target: tuple[str, ...],
) -> CommandResult:
    """Write every record of every run, a line of JSON each, as a chain of digests."""
    from reconciler.engine.declaration import pick_targets, read_settings
    from reconciler.engine.history_chain import build_chain, check_continuation, join_lines, list_records
    from reconciler.engine.run_store import identify_targets, open_settings_store, report_store_errors
    from reconciler.reports.layout import format_count

    earlier = _read_chains(session, after)
    settings = read_settings(session.inputs, config, environment)
    targets = identify_targets(session.inputs, settings, pick_targets(settings, target))
    with open_settings_store(settings, session.inputs.env) as store, report_store_errors():
        check_continuation(earlier, store.identity.id)
        chain = build_chain(store.identity.id, targets, list_records(store, targets), earlier)
    data = join_lines(chain.lines)
    if out is not None:
        _write_file(session, out, data)
    summary = f"{format_count(len(chain.lines) - 2, 'record')}; write down the digest of the footer: {chain.digest}"
    records = [] if out is not None else [json.loads(line) for line in chain.lines]
    return CommandResult(
        Exit.OK,
        lambda _: f"Saved to {out}: {summary}\n" if out is not None else data.decode(),
        extra={"saved": out is not None, "digest": chain.digest, "records": records},
        headline=summary,
    )


@options.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.output
@click.pass_obj
def verify_command(session: Session, /, files: tuple[str, ...]) -> CommandResult:
    """Check exported history: exit 7 tells the first line that doesn't hold."""
    from reconciler.reports.layout import format_count, sanitize_message

    chains = _read_chains(session, files)
    count = sum(len(chain.lines) - 2 for chain in chains)
    summary = f"The chain holds: {format_count(count, 'record')}; the digest of the last footer is {chains[-1].digest}"
    remark = "" if chains[0].is_first else "It goes on from an earlier export, which was not given.\n"
    return CommandResult(
        Exit.OK,
        lambda _: sanitize_message(f"{summary}\n{remark}"),
        extra={"digest": chains[-1].digest, "records": count, "is_whole": chains[0].is_first},
        headline=summary,
    )


def _read_chains(session: Session, files: Sequence[str]) -> list[Chain]:
    """Return what these files hold, each going on from the one before it; raises StaleError, UsageError."""
    from reconciler.engine.history_chain import ChainFault, verify_chain

    chains: list[Chain] = []
    for file in files:
        chain = verify_chain(_read_file(session, file), chains[-1].digest if chains else None)
        if isinstance(chain, ChainFault):
            raise StaleError(chain.locate(file))
        chains.append(chain)
    return chains


def _read_file(session: Session, file: str) -> bytes:
    try:
        return (session.cwd / file).read_bytes()
    except OSError as error:
        summary = f"can't be read: {error.strerror or type(error).__name__}"
        problem = Diagnostic("usage.unknown-path", Source(file), summary, remedy="name a file of `history export`")
        raise UsageError(problem) from None


def _write_file(session: Session, out: str, data: bytes) -> None:
    from reconciler.state.atomic import replace_file

    try:
        replace_file(session.cwd / out, data)
    except OSError as error:
        raise make_write_error(out, error) from None
