"""The way to a server: its name, a connection, TLS; each only where the one before stands."""

from __future__ import annotations

import socket
from datetime import datetime
from urllib.parse import urlsplit

from reconciler.doctor.findings import Findings, place
from reconciler.doctor.probe_session import Visit
from reconciler.errors import AuthError, Exit, NoReply
from reconciler.settings.model import Target
from reconciler.transport.failures import advice
from reconciler.transport.probe import Probe, addresses, host_of, is_literal, proxy_of

CHECKS = ("dns", "connection", "tls")
_SOON = 30
"""Days before its certificate ends at which a server's owner should know."""


def network(findings: Findings, visit: Visit, now: datetime) -> None:
    """Look for the host, connect, and shake hands; nothing is sent, but to a proxy where a tunnel shall lead."""
    target = visit.target
    # TLS to the server would run inside the TLS to the proxy, which the probe's plain sockets can't do.
    if proxy_of(target.url, target.transport).startswith("https:"):
        for check in CHECKS:
            findings.skip(check, "an https proxy is in between; what follows shows whether it lets us through")
        return
    if not _named(findings, target):
        findings.blocked("connection", "tls")
        return
    try:
        # A proxy may want its credentials with the CONNECT itself (RFC 9110, 11.7.2), before any TLS.
        login = visit.proxy_login()
    except AuthError:  # told by the check of the credentials
        findings.blocked("connection", "tls")
        return
    probe = Probe(target.url, target.transport, login)
    connection = _connected(findings, target, probe)
    if connection is None:
        findings.blocked("tls")
        return
    with connection:
        _trusted(findings, target, probe, connection, now)


def _named(findings: Findings, target: Target) -> bool:
    host = host_of(target.url, target.transport)
    if is_literal(host):
        findings.skip("dns", f"{host} is an address, which needs no name service")
        return True
    try:
        findings.ok("dns", f"{host} is {', '.join(addresses(host))}")
    except NoReply as why:
        where = "`proxy`" if proxy_of(target.url, target.transport) else place(target)
        remedy = f"check the host in {where}, and this machine's name servers"
        findings.fail("dns", f"{host} could not be resolved ({why})", remedy, Exit.UNREACHABLE)
        return False
    return True


def _connected(findings: Findings, target: Target, probe: Probe) -> socket.socket | None:
    there = urlsplit(target.url).netloc
    try:
        connection = probe.reach()
    except NoReply as why:
        remedy = "check that the server runs, the port in `url`, firewalls, and whether a `proxy` is needed"
        if proxy_of(target.url, target.transport):
            remedy = advice(why, "")
        findings.fail("connection", f"{there}: {why}", remedy, Exit.UNREACHABLE)
        return None
    findings.ok("connection", f"{there} takes connections")
    return connection


def _trusted(findings: Findings, target: Target, probe: Probe, connection: socket.socket, now: datetime) -> None:
    if target.url.startswith("http:"):
        findings.skip("tls", "plain http, which is for loopback addresses alone")
        return
    try:
        tls = probe.handshake(connection)
    except NoReply as why:
        findings.fail("tls", f"{urlsplit(target.url).netloc}: {why}", advice(why, "caBundle"), Exit.UNREACHABLE)
        return
    # One that has expired failed the handshake above.
    left = (tls.expires - now).days
    said = f"{tls.protocol}, trusted: {tls.subject} by {tls.issuer}, until {tls.expires:%Y-%m-%d} ({left} days left)"
    if left < _SOON:
        findings.warn("tls", said, "tell the server's owner to renew its certificate in time")
    else:
        findings.ok("tls", said)
