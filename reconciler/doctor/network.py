"""The way to a server: its name, a connection, TLS; each only where the one before stands."""

from __future__ import annotations

import socket
from datetime import datetime
from urllib.parse import urlsplit

from reconciler.diagnostics import Explanation
from reconciler.doctor.findings import Findings
from reconciler.doctor.probe_session import DoctorSession
from reconciler.errors import AuthError, Exit, NoReply
from reconciler.settings.model import Target
from reconciler.transport.failures import FailureReason, advise_on_failure, suggest_proxy
from reconciler.transport.probe import Probe, find_first_host, find_proxy, is_literal, resolve_addresses
from reconciler.transport.proxy_environment import find_ignored_proxy

NETWORK_CHECKS = ("dns", "connection", "tls")
_SOON_DAYS = 30
"""Days before its certificate ends at which a server's owner should know."""


def check_network(findings: Findings, session: DoctorSession, now: datetime) -> None:
    """Look for the host, connect, and shake hands; nothing is sent, but to a proxy where a tunnel shall lead."""
    target = session.target
    # TLS to the server would run inside the TLS to the proxy, which the probe's plain sockets can't do.
    if find_proxy(target.url, target.transport).startswith("https:"):
        for check in NETWORK_CHECKS:
            findings.skip(check, "an https proxy is in between; what follows shows whether it lets us through")
        return
    if not _check_dns(findings, session):
        findings.skip_blocked("connection", "tls")
        return
    try:
        # A proxy may want its credentials with the CONNECT itself (RFC 9110, 11.7.2), before any TLS.
        login = session.proxy_login()
    except AuthError:  # told by the check of the credentials
        findings.skip_blocked("connection", "tls")
        return
    probe = Probe(target.url, target.transport, login)
    connection = _check_connection(findings, target, probe)
    if connection is None:
        findings.skip_blocked("tls")
        return
    with connection:
        _check_tls(findings, target, probe, connection, now)


def _check_dns(findings: Findings, session: DoctorSession) -> bool:
    target = session.target
    host = find_first_host(target.url, target.transport)
    if is_literal(host):
        findings.skip("dns", f"{host} is an address, which needs no name service")
        return True
    try:
        findings.ok("dns", f"{host} is {', '.join(resolve_addresses(host))}")
    except NoReply as error:
        proxy = find_proxy(target.url, target.transport)
        setting = "`proxy`" if proxy else session.dialect.address_setting
        failure = FailureReason(
            f"{host} could not be resolved ({error})", f"check the host in {setting}, and this machine's name servers"
        )
        if ignored_proxy := find_ignored_proxy(target.url, target.transport):
            failure = suggest_proxy(failure, ignored_proxy)
        explanation = Explanation("doctor.dns", failure.summary, failure.reason, failure.remedy)
        findings.fail("dns", explanation, Exit.UNREACHABLE)
        return False
    return True


def _check_connection(findings: Findings, target: Target, probe: Probe) -> socket.socket | None:
    address = urlsplit(target.url).netloc
    try:
        connection = probe.reach()
    except NoReply as error:
        advice = advise_on_failure(error, "")
        if not find_proxy(target.url, target.transport) and not advice.reason:
            remedy = "check that the server runs, the port in `url`, firewalls, and whether a `proxy` is needed"
            advice = advice._replace(remedy=remedy)
        explanation = Explanation("doctor.connection", f"{address}: {error}", *advice)
        findings.fail("connection", explanation, Exit.UNREACHABLE)
        return None
    findings.ok("connection", f"{address} takes connections")
    return connection


def _check_tls(findings: Findings, target: Target, probe: Probe, connection: socket.socket, now: datetime) -> None:
    if target.url.startswith("http:"):
        findings.skip("tls", "plain http, which is for loopback addresses alone")
        return
    try:
        tls = probe.handshake(connection)
    except NoReply as error:
        summary = f"{urlsplit(target.url).netloc}: {error}"
        explanation = Explanation("doctor.tls", summary, *advise_on_failure(error, "caBundle"))
        findings.fail("tls", explanation, Exit.UNREACHABLE)
        return
    # One that has expired failed the handshake above.
    days_left = (tls.expires - now).days
    validity = f"until {tls.expires:%Y-%m-%d} ({days_left} days left)"
    detail = f"{tls.protocol}, trusted: {tls.subject} by {tls.issuer}, {validity}"
    if days_left < _SOON_DAYS:
        remedy = "tell the server's owner to renew its certificate in time"
        findings.warn("tls", Explanation("doctor.certificate-ends-soon", detail, remedy=remedy))
    else:
        findings.ok("tls", detail)
