"""`reconciler doctor`."""

from __future__ import annotations

from reconciler.cli.context import Session
from reconciler.cli.options import Chosen
from reconciler.cli.output import Answer
from reconciler.errors import ReconcilerError, UsageError

_NO_TARGETS = (
    "no target is configured: there is no reconciler.yaml here, and neither KEYFACTOR_HOSTNAME nor HW_ACCESS_KEY is "
    "set; there is nothing to examine; write one, or name it with --config"
)


def run(session: Session, chosen: Chosen) -> Answer:
    """Examine each target in turn. What fails is part of the result, and gives the exit code.

    Where the manifests can be read, what only kinds need that they don't declare is no failure.
    """
    from reconciler.cli.progress import Progress
    from reconciler.doctor.diagnose import diagnose
    from reconciler.engine.pipeline import configured
    from reconciler.manifests.selection import check_targets
    from reconciler.reports import doctor

    settings = configured(session, chosen)
    if not settings.targets:
        raise UsageError(_NO_TARGETS)
    check_targets(chosen, settings.targets)
    names = [name for name in sorted(settings.targets) if not chosen.target or name in chosen.target]
    declared = _declared(session, chosen)
    examined = []
    with Progress(session) as progress:
        for name in names:
            progress.tell(f"examining {name}")
            examined.append(diagnose(settings.targets[name], session.env, declared=declared.get(name)))
    return Answer(
        doctor.find_doctor_exit(examined),
        lambda look: doctor.render_diagnoses(examined, look),
        doctor.collect_failures(examined),
        extra={"targets": doctor.encode_targets(examined)},
        listed=True,
    )


def _declared(session: Session, chosen: Chosen) -> dict[str, frozenset[str]]:
    """Return the kinds that the manifests declare, by target; nothing where they can't be read."""
    from reconciler.engine.pipeline import declare

    try:
        found = declare(session, (), chosen).loaded.wanted
    except ReconcilerError:
        return {}
    addresses = [one.address for one in found]
    return {
        target: frozenset(one.kind for one in addresses if one.target == target)
        for target in {one.target for one in addresses}
    }
