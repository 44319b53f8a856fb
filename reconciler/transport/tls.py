"""Whom TLS trusts, and how it shows who we are."""

from __future__ import annotations

import re
import ssl
from dataclasses import replace
from typing import NamedTuple

import certifi

from reconciler.transport.options import Trust

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----")


class TlsContexts(NamedTuple):
    """Whom to trust, and how to show who we are: at the server, and at a proxy that speaks TLS itself."""

    server: ssl.SSLContext | None = None
    proxy: ssl.SSLContext | None = None


def pair_tls_contexts(trust: Trust, proxy: str) -> TlsContexts:
    """Return the contexts for a server and for its proxy, which never sees our certificate. Raises UsageError."""
    proxy_context = make_tls_context(replace(trust, certificate=None, key=None)) if proxy.startswith("https:") else None
    return TlsContexts(make_tls_context(trust), proxy_context)


def make_tls_context(trust: Trust) -> ssl.SSLContext:
    """Return a context that verifies chain and host name, TLS 1.2 at least.

    It trusts the public authorities and the trust's own; the environment's say nothing. Raises OSError or ValueError
    (ssl.SSLError is both) where a file can't be used.
    """
    # Not create_default_context: OpenSSL would take SSL_CERT_FILE and SSL_CERT_DIR from the environment.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    if trust.ca_bundle:
        context.load_verify_locations(cafile=str(trust.ca_bundle))
    if trust.ca_text:
        # cadata has to be ASCII, and bundles hold comments between certificates, in any language.
        context.load_verify_locations(cadata="\n".join(_CERTIFICATE.findall(trust.ca_text)))
    if trust.certificate:
        # Without a password OpenSSL asks for one on the terminal, and waits.
        context.load_cert_chain(str(trust.certificate), str(trust.key or trust.certificate), password=lambda: b"")
    return context
