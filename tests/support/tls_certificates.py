"""Certificates made for a test run: the API's authority, the identity provider's own, and a stranger."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import trustme

API, PROVIDER = "127.0.0.1", "localhost"
"""One server, two names: a client that asks for the second meets the identity provider's certificate."""


@cache
def authority(name: str) -> trustme.CA:
    """Return the authority called so."""
    return trustme.CA(organization_name=name)


def issued(by: str, to: str, *, expired: bool = False) -> trustme.LeafCert:
    """Return a certificate for a name or an address."""
    until = datetime.now(UTC) - timedelta(days=1) if expired else None
    return authority(by).issue_cert(to, not_after=until)


def serving(
    certificate: trustme.LeafCert, client_authority: str = "", at_most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """Return a server's context; it demands a certificate of its clients if their authority is named.

    In TLS 1.2 a client that has none is refused in the handshake; in 1.3 its first request hears the refusal.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if client_authority:
        authority(client_authority).configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = at_most
    return context


def both(api: trustme.LeafCert, provider: trustme.LeafCert, **wanted: Any) -> ssl.SSLContext:
    """Return a context that shows the second certificate to whoever asks for the identity provider's name.

    What is wanted of clients (`serving`) is wanted under both names: OpenSSL settles that before it hears the name.
    """
    context, other = serving(api, **wanted), serving(provider, **wanted)

    def chosen(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
        if name == PROVIDER:
            connection.context = other

    context.sni_callback = chosen
    return context
