"""`reconciler selftest`: the write protocol on trial, on this machine, without a network."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, UsageError

if TYPE_CHECKING:
    from reconciler.reports.layout import Layout
    from reconciler.selftest.campaign import LayerResult
    from reconciler.selftest.gates import Gate


@options.command()
@click.option(
    "--tier",
    type=click.Choice(["short", "small", "full"]),
    default="small",
    show_default=True,
    help="How much is played: for seconds, minutes, or a night.",
)
@click.option("--seed", default="1", show_default=True, metavar="N", help="What the random schedules follow from.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="How many processes; as many as there are CPUs.")
@click.option("--replay", metavar="LAYER:NAME", help="Play one schedule and print all that happens in it.")
@click.option("--json", "file", metavar="FILE", help="Write the result there too, as a release's TRUST.json.")
@options.output
@click.pass_obj
def command(
    session: Session, /, tier: Any, seed: str, jobs: int | None, replay: str | None, file: str | None
) -> CommandResult:
    """Play thousands of runs that meet faults and kills; count violations."""
    if replay is not None:
        return _replay_schedule(replay)
    from reconciler.cli.terminal.progress import Progress
    from reconciler.selftest.campaign import run_campaign
    from reconciler.selftest.gates import list_gates
    from reconciler.selftest.trust import build_trust_document

    with Progress(session) as progress:
        layers = run_campaign(tier, seed, jobs or os.cpu_count() or 1, progress.tell)
    gates = list_gates(layers)
    document = build_trust_document(layers, gates, tier, seed)
    if file is not None:
        _write_document(session, file, document)
    exit_ = Exit.OK if document["holds"] else Exit.PARTIAL
    return CommandResult(
        exit_,
        lambda layout: _draw_campaign(layers, gates, document, layout),
        extra={"selftest": document},
        headline=document["claim"],
    )


def _replay_schedule(reference: str) -> CommandResult:
    from reconciler.reports.layout import sanitize_message
    from reconciler.selftest.layers import play_again

    try:
        result = play_again(reference)
    except ValueError as error:
        problem = Diagnostic("usage.unknown-schedule", Source("--replay"), str(error), remedy="name one of them")
        raise UsageError(problem) from None
    violations = [f"{broken.rule}, run {broken.run}: {broken.detail}" for broken in result.violations]
    is_stuck = result.liveness.startswith("stuck")
    lines = [*result.timeline, f"ends {result.liveness}", *(violations or ["no violation"])]
    members = {"schedule": reference, "digest": result.digest, "timeline": result.timeline, "violations": violations}
    exit_ = Exit.PARTIAL if violations or is_stuck else Exit.OK
    return CommandResult(exit_, lambda _: sanitize_message("\n".join(lines) + "\n"), extra={"replay": members})


def _write_document(session: Session, file: str, document: Any) -> None:
    from reconciler.state.atomic import replace_file

    try:
        replace_file(session.cwd / file, (json.dumps(document, indent=2) + "\n").encode(), mode=0o644)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        problem = Diagnostic(
            "usage.unwritable", Source(file), f"can't be written: {cause}", remedy="name another place"
        )
        raise UsageError(problem) from None


def _draw_campaign(layers: list[LayerResult], gates: list[Gate], document: Any, layout: Layout) -> str:
    from reconciler.reports.reference import render_listing
    from reconciler.selftest.trust import tabulate_counts, tabulate_layers

    examples = [f"  reconciler selftest --replay {layer.name}:{example.seed}   {example.rule}: {example.detail}"
                for layer in layers for example in layer.tally.examples]  # fmt: skip
    missed = [f"  missed: {gate.name}: {gate.value:g} of {gate.required:g}" for gate in gates if not gate.holds]
    summary = f"{sum(gate.holds for gate in gates)} of {len(gates)} gates hold"
    parts = [
        render_listing(tabulate_layers(layers), layout),
        render_listing(tabulate_counts(layers), layout),
        "\n".join([summary, *missed, *examples]) + "\n",
        f"{document['claim']}\nagain: {document['repeat']}   (code {document['code']})\n",
    ]
    return "\n".join(parts)
