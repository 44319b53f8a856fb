"""This machine: where a target is configured, and whether every credential is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from reconciler.apis.target_secrets import origins
from reconciler.doctor.findings import Findings
from reconciler.doctor.probe_session import Visit
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.settings.model import NoAuth, Target
from reconciler.transport.probe import proxy_of


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


def credentials(findings: Findings, visit: Visit) -> None:
    """Fetch every secret, for all that comes after as well: each has to be there before anybody can be asked."""
    target, auth = visit.target, visit.target.auth
    if isinstance(auth, NoAuth):
        what, _, remedy = auth.advice.partition("; ")
        findings.fail("credentials", what, remedy, Exit.AUTH)
        return
    # Plain http is for loopback addresses alone and never takes the proxy, whose secret isn't needed
    # then.
    proxied = target.transport.proxy_auth if proxy_of(target.url, target.transport) else None
    ours, proxys = list(origins("auth", auth)), list(origins("proxyAuth", proxied)) if proxied else []
    fetches = [partial(visit.fetch, origin, field) for field, origin in ours]
    missing = _raised(fetches + ([visit.proxy_login] if proxys else []))
    for error in missing:
        findings.raised("credentials", error)
    if not missing:
        said = (f"{field.removeprefix('auth.')} in {origin}" for field, origin in ours + proxys)
        findings.ok("credentials", f"found: {', '.join(said)}")


def _raised(fetches: Sequence[Callable[[], object]]) -> list[ReconcilerError]:
    errors = []
    for fetch in fetches:
        try:
            fetch()
        except ReconcilerError as error:
            errors.append(error)
    return errors
