"""The way to a server: its name, a connection, TLS; each only where the one before stands."""

from __future__ import annotations

import socket
from datetime import datetime
from urllib.parse import urlsplit

from reconciler.apis.probe import addresses, handshake, host_of, is_literal, reach
from reconciler.apis.reasons import advice
from reconciler.checks.findings import Findings
from reconciler.errors import Exit, NoReply
from reconciler.settings.target import Target

CHECKS = ("dns", "connection", "tls")
_SOON = 30
"""Days before its certificate ends at which a server's owner should know."""


def network(findings: Findings, target: Target, now: datetime) -> None:
    """Look for the host, connect, and shake hands; nothing is sent."""
    if target.transport.proxy.startswith("https:"):
        for check in CHECKS:
            findings.skip(check, "an https proxy is in between; what follows shows whether it lets us through")
        return
    if not _named(findings, target):
        findings.blocked("connection", "tls")
        return
    connection = _connected(findings, target)
    if connection is None:
        findings.blocked("tls")
        return
    with connection:
        _trusted(findings, target, connection, now)


def _named(findings: Findings, target: Target) -> bool:
    host = host_of(target.url, target.transport)
    if is_literal(host):
        findings.skip("dns", f"{host} is an address, which needs no name service")
        return True
    try:
        findings.ok("dns", f"{host} is {', '.join(addresses(host))}")
    except NoReply as why:
        where = "`proxy`" if target.transport.proxy else "`url`"
        remedy = f"check the host in {where}, and this machine's name servers"
        findings.fail("dns", f"{host} could not be resolved ({why})", remedy, Exit.UNREACHABLE)
        return False
    return True


def _connected(findings: Findings, target: Target) -> socket.socket | None:
    there = urlsplit(target.url).netloc
    try:
        connection = reach(target.url, target.transport)
    except NoReply as why:
        remedy = "check that the server runs, the port in `url`, firewalls, and whether a `proxy` is needed"
        findings.fail(
            "connection", f"{there}: {why}", advice(why, "") if target.transport.proxy else remedy, Exit.UNREACHABLE
        )
        return None
    findings.ok("connection", f"{there} takes connections")
    return connection


def _trusted(findings: Findings, target: Target, connection: socket.socket, now: datetime) -> None:
    if target.url.startswith("http:"):
        findings.skip("tls", "plain http, which is for loopback addresses alone")
        return
    there = urlsplit(target.url)
    try:
        tls = handshake(connection, there.hostname or "", target.transport)
    except NoReply as why:
        findings.fail("tls", f"{there.netloc}: {why}", advice(why, "caBundle"), Exit.UNREACHABLE)
        return
    left = (tls.expires - now).days
    said = f"{tls.protocol}, trusted: {tls.subject} by {tls.issuer}, until {tls.expires:%Y-%m-%d} ({left} days left)"
    if left < _SOON:
        findings.warn("tls", said, "tell the server's owner to renew its certificate in time")
    else:
        findings.ok("tls", said)
