"""This machine: where a target is configured, and whether every credential is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from reconciler.apis.target_secrets import find_secret_origins
from reconciler.doctor.findings import Findings
from reconciler.doctor.probe_session import DoctorSession
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.settings.model import NoAuth, Target
from reconciler.transport.probe import find_proxy


def open_session(findings: Findings, target: Target, make_session: Callable[[], DoctorSession]) -> DoctorSession | None:
    """Say where a target is configured; None where it lacks something, or names certificates that can't be used."""
    if target.lacking:
        findings.fail("settings", target.lacking.add_subject(f"{target.source}:"), Exit.USAGE)
        return None
    try:
        session = make_session()
    except UsageError as error:
        findings.fail_with_error("settings", error)
        return None
    source = "environment variables" if str(target.source) == "environment" else str(target.source)
    proxy = find_proxy(target.url, target.transport)
    findings.ok("settings", f"from {source}" + (f", through the proxy {proxy}" if proxy else ""))
    return session


def check_credentials(findings: Findings, session: DoctorSession) -> None:
    """Fetch every secret, for all that comes after as well: each has to be there before anybody can be asked."""
    target, auth = session.target, session.target.auth
    if isinstance(auth, NoAuth):
        findings.fail("credentials", auth.advice, Exit.AUTH)
        return
    # Plain http is for loopback addresses alone and never takes the proxy, whose secret isn't needed then.
    proxy_auth = target.transport.proxy_auth if find_proxy(target.url, target.transport) else None
    auth_origins = list(find_secret_origins("auth", auth))
    proxy_origins = list(find_secret_origins("proxyAuth", proxy_auth)) if proxy_auth else []
    fetches = [partial(session.fetch, origin, field) for field, origin in auth_origins]
    errors = _collect_errors(fetches + ([session.proxy_login] if proxy_origins else []))
    for error in errors:
        findings.fail_with_error("credentials", error)
    if not errors:
        descriptions = (f"{field.removeprefix('auth.')} in {origin}" for field, origin in auth_origins + proxy_origins)
        findings.ok("credentials", f"found: {', '.join(descriptions)}")


def _collect_errors(fetches: Sequence[Callable[[], object]]) -> list[ReconcilerError]:
    errors = []
    for fetch in fetches:
        try:
            fetch()
        except ReconcilerError as error:
            errors.append(error)
    return errors
