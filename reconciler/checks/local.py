"""This machine: where a target is configured, and whether every credential is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import get_args

from reconciler.apis.probe import Visit
from reconciler.checks.findings import Findings
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.settings.secret import Origin, resolve
from reconciler.settings.target import NoAuth, Target


def opened(findings: Findings, target: Target, visit: Callable[[], Visit]) -> Visit | None:
    """Say where a target is configured; None where it lacks something, or names certificates that can't be used."""
    if target.lacking:
        what, _, remedy = target.lacking.rpartition("; ")
        findings.fail("settings", f"{target.source}: {what or remedy}", remedy if what else "", Exit.USAGE)
        return None
    try:
        made = visit()
    except UsageError as error:
        findings.raised("settings", error)
        return None
    place = "environment variables" if str(target.source) == "environment" else str(target.source)
    proxy = f", through the proxy {target.transport.proxy}" if target.transport.proxy else ""
    findings.ok("settings", f"from {place}{proxy}")
    return made


def credentials(findings: Findings, target: Target, env: Mapping[str, str]) -> None:
    """Fetch every secret once and forget it: each has to be there before anybody can be asked."""
    auth = target.auth
    if isinstance(auth, NoAuth):
        what, _, remedy = auth.advice.partition("; ")
        findings.fail("credentials", what, remedy, Exit.AUTH)
        return
    held = [(_camel(field.name), getattr(auth, field.name)) for field in fields(auth)]
    secrets = [(name, origin) for name, origin in held if isinstance(origin, get_args(Origin))]
    errors = []
    for name, origin in secrets:
        try:
            resolve(origin, env, what=f"auth.{name}", at=target.source)
        except ReconcilerError as error:
            errors.append(error)
    for missing in errors:
        findings.raised("credentials", missing)
    if not errors:
        findings.ok("credentials", f"found: {', '.join(f'{name} in {origin}' for name, origin in secrets)}")


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
