"""`reconciler doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.doctor.model import Diagnosis
    from reconciler.engine.declaration import RunInputs

_NO_TARGETS = Diagnostic(
    "usage.no-targets",
    Source("reconciler"),
    "no target is configured: there is no reconciler.yaml here, and neither KEYFACTOR_HOSTNAME nor HW_ACCESS_KEY is "
    "set",
    "there is nothing to examine",
    "write one, or name it with --config",
)


@options.command()
@options.config
@options.target
@options.traffic
@options.output
@click.pass_obj
def command(session: Session, /, config: str | None, environment: str | None, target: tuple[str, ...]) -> CommandResult:
    """Examine each target: reachable, who we are, what we may do.

    Step by step, each with what to do about it. Sends GETs, and the POST of a token request where one is needed.
    """
    from reconciler.cli.terminal.progress import Progress
    from reconciler.doctor.diagnose import DoctorContext, diagnose
    from reconciler.doctor.model import collect_failures
    from reconciler.doctor.receivers import diagnose_receivers
    from reconciler.doctor.store import diagnose_state
    from reconciler.engine.declaration import read_settings
    from reconciler.manifests.selection import check_target_filter
    from reconciler.plans.exit_code import exit_code
    from reconciler.reports import doctor

    inputs = session.inputs
    settings = read_settings(inputs, config, environment)
    if not settings.targets:
        raise UsageError(_NO_TARGETS)
    check_target_filter(target, settings.targets, settings.environment)
    names = [name for name in sorted(settings.targets) if not target or name in target]
    declared = _read_declared_kinds(inputs, config, environment)
    diagnoses, context = [], DoctorContext(traffic=inputs.traffic)
    with Progress(session) as progress:
        for name in names:
            progress.tell(f"examining {name}")
            kinds, target_kinds = inputs.kinds, declared.get(name)
            diagnoses.append(diagnose(settings.targets[name], inputs.env, kinds, context, target_kinds))
        progress.tell("examining what remembers the runs")
        state = diagnose_state(settings, inputs.env)
        receivers = diagnose_receivers(settings, inputs.env)
    everything: list[Diagnosis] = [state, *diagnoses, *([receivers] if receivers else [])]
    members = {"targets": doctor.encode_targets(diagnoses), "state": doctor.encode_state_diagnosis(state)}
    return CommandResult(
        exit_code(causes=(check.cause for diagnosis in everything for check in diagnosis.failed)),
        lambda layout: doctor.render_diagnoses(diagnoses, layout, state, receivers),
        collect_failures(everything),
        extra={**members, **doctor.encode_receivers(receivers)},
        problems_in_text=True,
    )


def _read_declared_kinds(inputs: RunInputs, config: str | None, environment: str | None) -> dict[str, frozenset[str]]:
    """Return the kinds that the manifests declare, by target; nothing where they can't be read."""
    from reconciler.engine.declaration import RunOptions, read_declaration

    try:
        documents = read_declaration(inputs, RunOptions(config=config, environment=environment)).loaded.documents
    except ReconcilerError:
        return {}
    addresses = [address.address for address in documents]
    return {
        target: frozenset(address.kind for address in addresses if address.target == target)
        for target in {address.target for address in addresses}
    }
