"""What remembers the runs: which store it is, whether it is pinned, takes writes, and who holds what in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.diagnostics import Explanation, Source
from reconciler.doctor.findings import Findings
from reconciler.doctor.model import StateDiagnosis
from reconciler.errors import Exit, ReconcilerError
from reconciler.settings.model import Settings
from reconciler.settings.state_location import resolve_location, resolve_state_key, write_pin
from reconciler.state.git_probe import ANSWERS, FALLBACK_REF, ProbeStep, probe_remote
from reconciler.state.git_process import GitProgram
from reconciler.state.locations import GitState, LocalState
from reconciler.state.open_store import find_store
from reconciler.state.private_folder import check_folder_place
from reconciler.state.records import identify_target
from reconciler.state.run_holder import is_holder_gone
from reconciler.state.store import Store
from reconciler.state.store_errors import StoreError, describe_holding

_UNPINNED = "a store that vanished would look like a fresh start, in which no denial was ever made"


def diagnose_state(settings: Settings, env: Mapping[str, str]) -> StateDiagnosis:
    """Look at everything that `apply` needs of the store. Makes none; nothing is raised for what is found."""
    findings = Findings("state")
    place = str(settings.name)
    try:
        location = resolve_location(settings.state, env, Source(settings.name))
        _check_key(findings, settings, env)
    except ReconcilerError as error:
        findings.fail_with_error("settings", error)
        return StateDiagnosis(place, findings.checks)
    try:
        if isinstance(location, GitState) and not _check_remote(findings, location, env):
            findings.skip_blocked("store", "pin", "writing")
            return StateDiagnosis(location.describe(), findings.checks)
        store = find_store(location, env=env, pinned=settings.state.id)
        if store is None and isinstance(location, LocalState):
            check_folder_place(location.folder)
    except StoreError as error:
        findings.fail("store", error.explanation, error.exit)
        return StateDiagnosis(location.describe(), findings.checks)
    if store is None:
        findings.ok("store", "none yet; the first apply makes it, or `reconciler state init`, which also says its id")
        return StateDiagnosis(location.describe(), findings.checks)
    try:
        _check_store(findings, store, settings)
        return StateDiagnosis(store.name, findings.checks)
    finally:
        store.close()


def _check_key(findings: Findings, settings: Settings, env: Mapping[str, str]) -> None:
    if settings.state.key is not None:
        # To know it now rather than in the middle of a run.
        resolve_state_key(settings.state, env, Source(settings.name))
        findings.ok("key", f"found in {settings.state.key}; former objects are kept encrypted with it")


def _check_store(findings: Findings, store: Store, settings: Settings) -> None:
    identity = store.identity
    findings.ok("store", f"{identity.id}, format {identity.format}, made {identity.created}")
    if settings.state.id:
        findings.ok("pin", "the settings pin it")
    else:
        remedy = f"write into the settings: {write_pin(settings, identity.id)}"
        findings.warn("pin", Explanation("state.unpinned-store", "the settings don't pin it", _UNPINNED, remedy))
    if not (store.keeps_bodies or settings.state.key):
        remedy = "give `state` a key, to keep them encrypted"
        summary = "former objects are kept on the machine that changed them, since others can read the repository"
        reason = "`undo` elsewhere has nothing to go back to"
        findings.warn("undo", Explanation("state.no-bodies", summary, reason, remedy))
    try:
        store.check_writable()
        findings.ok("writing", "it takes writes")
        _check_records(findings, store, settings)
    except StoreError as error:
        findings.fail("writing", error.explanation, error.exit)


def _check_records(findings: Findings, store: Store, settings: Settings) -> None:
    """Tell who holds a target, and what is open on it."""
    names = _name_targets(settings)
    for target in store.list_targets():
        name = names.get(target, target)
        if lease := store.read_lease(target):
            gone = ", and its process is gone: the next run takes over" if is_holder_gone(lease.holder) else ""
            findings.ok(f"lease of {name}", describe_holding(lease) + gone)
        if count := len(store.list_open(target)):
            summary = f"of {count} steps nobody knows yet what came of them"
            reason, remedy = "an apply that was ended left them open", "`reconciler recover` settles them by reading"
            findings.warn(f"open on {name}", Explanation("state.unsettled", summary, reason, remedy))


def _check_remote(findings: Findings, location: GitState, env: Mapping[str, str]) -> bool:
    """Try the remote out, and where its own refs are declined the branch that every host takes."""
    git = GitProgram(location.folder, location.remote, env)
    try:
        step = _find_failure(probe_remote(git, location.ref))
        if step is None:
            findings.ok("remote", f"{git.name}: refs below {location.ref} are created, moved and deleted, each once")
            return True
        if step.name == ANSWERS:
            summary, remedy = f"{git.name} does not answer: {step.reason}", "check its URL, the login and the network"
            reason = "without what remembers the runs nothing is sent"
            findings.fail("remote", Explanation("state.unreachable", summary, reason, remedy), Exit.UNREACHABLE)
            return False
        remedy = "allow pushes to these refs"
        if not location.ref.startswith("refs/heads/") and _find_failure(probe_remote(git, FALLBACK_REF)) is None:
            remedy += f", or say `ref: {FALLBACK_REF}`, which it takes, and keep CI from starting on that branch"
        summary = f"{git.name} can't keep the state below {location.ref}: that {step.name} is not so ({step.reason})"
        reason = "without it two runs could both believe to hold a target"
        findings.fail("remote", Explanation("state.unfit-remote", summary, reason, remedy), Exit.INCOMPLETE)
        return False
    finally:
        git.close()


def _find_failure(steps: Iterable[ProbeStep]) -> ProbeStep | None:
    return next((step for step in steps if not step.is_good), None)


def _name_targets(settings: Settings) -> dict[str, str]:
    bounds = {name: target.bound() for name, target in sorted(settings.targets.items())}
    return {identify_target(bound.api, bound.url, bound.project): name for name, bound in bounds.items()}
