"""One target from its settings to what can be done there, step by step: GETs, and the POST of a token request.

A check is skipped where something that it needs has failed; what doesn't depend on each other (credentials and network)
is looked at all the same, so that one run tells as much as it can. No secret passes through here as text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reconciler.apis.connect import read_utc_time
from reconciler.doctor import network, server
from reconciler.doctor.findings import Findings
from reconciler.doctor.granted import read_granted_permissions
from reconciler.doctor.identity import check_identity
from reconciler.doctor.listings import ApiKinds
from reconciler.doctor.local import check_credentials, open_session
from reconciler.doctor.model import TargetDiagnosis
from reconciler.doctor.permissions import (
    Abilities,
    DeclaredKinds,
    check_permissions,
    deny_all_abilities,
    skip_permission_checks,
)
from reconciler.doctor.probe_session import DoctorSession
from reconciler.kinds.registry import Registry
from reconciler.settings.model import Target
from reconciler.transport.exchanges import TrafficWatch


@dataclass(frozen=True, slots=True)
class DoctorContext:
    """What time is: the hour (aware), monotonic seconds, and waiting; and who is shown the requests."""

    now: Callable[[], datetime] = read_utc_time
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    traffic: TrafficWatch | None = None


_REAL_CONTEXT = DoctorContext()
_SERVER_CHECKS = ("authentication", "version", "clock", "identity")
"""What is looked at once there are credentials to send, before any list."""


class _KindScope(NamedTuple):
    kinds: ApiKinds
    declared: DeclaredKinds


def diagnose(
    target: Target,
    env: Mapping[str, str],
    registry: Registry,
    context: DoctorContext = _REAL_CONTEXT,
    declared: DeclaredKinds = None,
) -> TargetDiagnosis:
    """Look at everything that `plan` and `apply` need of one target. Nothing is raised for what is found.

    `env` is where `{env: NAME}` secrets are looked up. `declared` are the kinds that the manifests have for the target:
    what only others need is no failure. None is for all.
    """
    findings = Findings(target.name)
    kinds: ApiKinds = {name: kind for name, kind in registry.items() if kind.api == target.api}
    abilities = _run_checks(findings, target, env, _KindScope(kinds, declared), context)
    return TargetDiagnosis(target.name, target.api, target.url, findings.checks, abilities.plan, abilities.apply)


def _run_checks(
    findings: Findings, target: Target, env: Mapping[str, str], scope: _KindScope, context: DoctorContext
) -> Abilities:
    """Make all checks in order, or say why they were not made."""
    project_check = _list_project_check(target)
    session = open_session(
        findings,
        target,
        lambda: DoctorSession(
            target, env, clock=context.clock, sleep=context.sleep, now=context.now, traffic=context.traffic
        ),
    )
    if session is None:
        findings.skip_blocked("credentials", *network.NETWORK_CHECKS)
        return _skip_remaining_checks(findings, scope.kinds, "login", *project_check, *_SERVER_CHECKS)
    with session:
        check_credentials(findings, session)
        network.check_network(findings, session, context.now())
        if findings.broken:
            return _skip_remaining_checks(findings, scope.kinds, "login", *project_check, *_SERVER_CHECKS)
        return _run_server_checks(findings, target, session, scope, context)


def _run_server_checks(
    findings: Findings, target: Target, session: DoctorSession, scope: _KindScope, context: DoctorContext
) -> Abilities:
    """Make the checks that the server answers."""
    if not server.check_login(findings, session):
        return _skip_remaining_checks(findings, scope.kinds, *_list_project_check(target), *_SERVER_CHECKS)
    if not server.check_project(findings, session):
        return _skip_remaining_checks(findings, scope.kinds, *_SERVER_CHECKS)
    reply = server.check_authentication(findings, session, scope.kinds)
    server.check_version(findings, session)
    server.check_clock(findings, target, reply, context.now())
    # No list is asked for with refused credentials: six failures in a row lock a Huawei access key for five minutes.
    if findings.broken:
        return _skip_remaining_checks(findings, scope.kinds, "identity")
    granted = read_granted_permissions(session, scope.kinds) if session.dialect.tells_permissions else None
    check_identity(findings, session, granted)
    return check_permissions(session, findings, scope.kinds, granted, scope.declared)


def _list_project_check(target: Target) -> tuple[str, ...]:
    """Return the check of those that call their project by its name."""
    return ("project",) if server.has_project_name_only(target) else ()


def _skip_remaining_checks(findings: Findings, kinds: ApiKinds, *checks: str) -> Abilities:
    """Skip these checks and all that come after them."""
    findings.skip_blocked(*checks)
    skip_permission_checks(findings, kinds)
    return deny_all_abilities(kinds)
