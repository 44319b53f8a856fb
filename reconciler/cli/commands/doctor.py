"""`reconciler doctor`."""

from __future__ import annotations

from reconciler.cli.context import Session
from reconciler.cli.options import SelectionOptions
from reconciler.cli.output import CommandResult
from reconciler.errors import ReconcilerError, UsageError

_NO_TARGETS = (
    "no target is configured: there is no reconciler.yaml here, and neither KEYFACTOR_HOSTNAME nor HW_ACCESS_KEY is "
    "set; there is nothing to examine; write one, or name it with --config"
)


def run(session: Session, options: SelectionOptions) -> CommandResult:
    """Examine each target in turn. What fails is part of the result, and gives the exit code.

    Where the manifests can be read, what only kinds need that they don't declare is no failure.
    """
    from reconciler.cli.progress import Progress
    from reconciler.doctor.diagnose import diagnose
    from reconciler.engine.pipeline import read_settings
    from reconciler.manifests.selection import check_target_options
    from reconciler.reports import doctor

    settings = read_settings(session, options)
    if not settings.targets:
        raise UsageError(_NO_TARGETS)
    check_target_options(options, settings.targets)
    names = [name for name in sorted(settings.targets) if not options.target or name in options.target]
    declared = _read_declared_kinds(session, options)
    diagnoses = []
    with Progress(session) as progress:
        for name in names:
            progress.tell(f"examining {name}")
            diagnoses.append(diagnose(settings.targets[name], session.env, declared=declared.get(name)))
    return CommandResult(
        doctor.find_doctor_exit(diagnoses),
        lambda layout: doctor.render_diagnoses(diagnoses, layout),
        doctor.collect_failures(diagnoses),
        extra={"targets": doctor.encode_targets(diagnoses)},
        listed=True,
    )


def _read_declared_kinds(session: Session, options: SelectionOptions) -> dict[str, frozenset[str]]:
    """Return the kinds that the manifests declare, by target; nothing where they can't be read."""
    from reconciler.engine.pipeline import read_declaration

    try:
        documents = read_declaration(session, (), options).loaded.wanted
    except ReconcilerError:
        return {}
    addresses = [address.address for address in documents]
    return {
        target: frozenset(address.kind for address in addresses if address.target == target)
        for target in {address.target for address in addresses}
    }
