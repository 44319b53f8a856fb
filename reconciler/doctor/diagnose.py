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

from reconciler.apis.connect import utc
from reconciler.doctor import network, server
from reconciler.doctor.findings import Findings
from reconciler.doctor.granted import told
from reconciler.doctor.identity import identity
from reconciler.doctor.listings import Kinds
from reconciler.doctor.local import credentials, opened
from reconciler.doctor.permissions import Able, Declared, look, nothing, unlisted
from reconciler.doctor.probe_session import Visit
from reconciler.kinds.registry import KINDS
from reconciler.reports.doctor import Examined
from reconciler.settings.model import Target


@dataclass(frozen=True, slots=True)
class Seams:
    """What time is: the hour (aware), monotonic seconds, and waiting."""

    now: Callable[[], datetime] = utc
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


_REAL = Seams()


class _Scope(NamedTuple):
    kinds: Kinds
    declared: Declared


def diagnose(target: Target, env: Mapping[str, str], seams: Seams = _REAL, declared: Declared = None) -> Examined:
    """Look at everything that `plan` and `apply` need of one target. Nothing is raised for what is found.

    `env` is where `{env: NAME}` secrets are looked up. `declared` are the kinds that the manifests have for the target:
    what only others need is no failure. None is for all.
    """
    findings = Findings(target.name)
    kinds: Kinds = {name: kind for name, kind in KINDS.items() if kind.api == target.api}
    able = _examined(findings, target, env, _Scope(kinds, declared), seams)
    return Examined(target.name, target.api, target.url, findings.checks, able.plan, able.apply)


def _examined(findings: Findings, target: Target, env: Mapping[str, str], scope: _Scope, seams: Seams) -> Able:
    """Make all checks in order, or say why they were not made."""
    visit = opened(findings, target, lambda: Visit(target, env, clock=seams.clock, sleep=seams.sleep, now=seams.now))
    if visit is None:
        findings.blocked("credentials", *network.CHECKS)
        return _left(
            findings, scope.kinds, "login", *_project(target), "authentication", "version", "clock", "identity"
        )
    with visit:
        credentials(findings, visit)
        network.network(findings, visit, seams.now())
        if findings.broken:
            return _left(
                findings, scope.kinds, "login", *_project(target), "authentication", "version", "clock", "identity"
            )
        return _asked(findings, target, visit, scope, seams)


def _asked(findings: Findings, target: Target, visit: Visit, scope: _Scope, seams: Seams) -> Able:
    """Make the checks that the server answers."""
    if not server.login(findings, visit):
        return _left(findings, scope.kinds, *_project(target), "authentication", "version", "clock", "identity")
    if not server.project(findings, visit):
        return _left(findings, scope.kinds, "authentication", "version", "clock", "identity")
    reply = server.authentication(findings, visit, scope.kinds)
    server.version(findings, visit)
    server.clock(findings, target, reply, seams.now())
    # No list is asked for with credentials that were refused: more than five failures in a row lock a
    # Huawei access key for five minutes, and a directory may lock an account for good.
    if findings.broken:
        return _left(findings, scope.kinds, "identity")
    held = told(visit, scope.kinds) if target.api == "keyfactor" else None
    identity(findings, visit, held)
    return look(visit, findings, scope.kinds, held, scope.declared)


def _project(target: Target) -> tuple[str, ...]:
    """Return the check of those that call their project by its name."""
    return ("project",) if server.by_name(target) else ()


def _left(findings: Findings, kinds: Kinds, *checks: str) -> Able:
    """Skip these checks and all that come after them."""
    findings.blocked(*checks)
    unlisted(findings, kinds)
    return nothing(kinds)
