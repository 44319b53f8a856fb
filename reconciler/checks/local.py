"""This machine: where a target is configured, and whether every credential is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import get_args

from reconciler.apis.probe import proxy_of
from reconciler.apis.visit import Visit
from reconciler.checks.findings import Findings
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.settings.secret import Origin, resolve
from reconciler.settings.target import Auth, NoAuth, ProxyAuth, Target


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
    proxy = proxy_of(target.url, target.transport)
    findings.ok("settings", f"from {place}" + (f", through the proxy {proxy}" if proxy else ""))
    return made


def credentials(findings: Findings, target: Target, env: Mapping[str, str]) -> None:
    """Fetch every secret once and forget it: each has to be there before anybody can be asked."""
    auth = target.auth
    if isinstance(auth, NoAuth):
        what, _, remedy = auth.advice.partition("; ")
        findings.fail("credentials", what, remedy, Exit.AUTH)
        return
    proxied = target.transport.proxy_auth if proxy_of(target.url, target.transport) else None
    secrets = [*_secrets("auth", auth), *(_secrets("proxyAuth", proxied) if proxied else ())]
    errors = []
    for what, origin in secrets:
        try:
            resolve(origin, env, what=what, at=target.source)
        except ReconcilerError as error:
            errors.append(error)
    for missing in errors:
        findings.raised("credentials", missing)
    if not errors:
        said = (f"{what.removeprefix('auth.')} in {origin}" for what, origin in secrets)
        findings.ok("credentials", f"found: {', '.join(said)}")


def _secrets(block: str, held: Auth | ProxyAuth) -> list[tuple[str, Origin]]:
    """Return the place in the settings, and the origin, of each secret in a block of them."""
    found = [(f"{block}.{_camel(field.name)}", getattr(held, field.name)) for field in fields(held)]
    return [(what, origin) for what, origin in found if isinstance(origin, get_args(Origin))]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
