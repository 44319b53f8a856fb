"""Where a trace goes, by the command line or by OpenTelemetry's own variables, as its specification has them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError

_TRACES = "/v1/traces"
_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?(\?[^\s#]*)?")
INSTALL = "pip install 'pki-reconciler[otel]'"
"""What makes a trace possible."""


class Collector(NamedTuple):
    """Where spans are sent, and what they belong to. `trouble` says why nothing can be; headers may hold secrets."""

    url: str
    headers: Mapping[str, str]
    service: str
    parent: Mapping[str, str]
    trouble: str = ""


def choose_collector(endpoint: str | None, env: Mapping[str, str]) -> Collector | None:
    """Return where to send a trace, None where nobody asked for one; `endpoint` is that of the command line.

    Raises UsageError for one that is none, or that nothing here can send to.
    """
    if endpoint is not None and not (_is_url(endpoint) and not set("@?") & set(endpoint)):
        summary = "--otlp needs the http or https URL of a collector, without a login"
        remedy = "such as http://localhost:4318; OTEL_EXPORTER_OTLP_HEADERS is for secrets"
        raise UsageError(Diagnostic("usage.invalid-otlp", Source("--otlp"), summary, remedy=remedy))
    # OpenTelemetry's specification, "SDK Environment Variables": only `true`, in any case, is true.
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    url = _find_url(endpoint, env)
    if not url:
        return None
    if endpoint is not None and not _is_sdk_installed():
        summary = "--otlp: the package opentelemetry-sdk can't be imported"
        raise UsageError(Diagnostic("usage.missing-extra", Source("--otlp"), summary, "no trace can be sent", INSTALL))
    headers = env.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or env.get("OTEL_EXPORTER_OTLP_HEADERS", "")
    parent = {name: env[name.upper()] for name in ("traceparent", "tracestate") if env.get(name.upper())}
    service = "" if "service.name=" in env.get("OTEL_RESOURCE_ATTRIBUTES", "") else "reconciler"
    service = env.get("OTEL_SERVICE_NAME") or service
    return Collector(url, _parse_headers(headers), service, parent, _find_trouble(endpoint, env))


def _find_url(endpoint: str | None, env: Mapping[str, str]) -> str:
    """Return where spans are posted. The variable for traces alone is used as it is; to others a path is added."""
    if endpoint is None:
        # `none` stands for no exporter at all; any other word is for a program that knows several.
        if env.get("OTEL_TRACES_EXPORTER") == "none":
            return ""
        if url := env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
            return url
        endpoint = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    base = endpoint.rstrip("/")
    return base if not base or base.endswith(_TRACES) else f"{base}{_TRACES}"


def _is_url(text: str) -> bool:
    """True for an address that can be posted to; what fails only then may be told with the secrets that are in it."""
    try:
        parts = urlsplit(text)
        return bool(_URL.fullmatch(text) and parts.hostname) and parts.port != 0
    except ValueError:  # no port, or half of an IPv6 address
        return False


def _find_trouble(endpoint: str | None, env: Mapping[str, str]) -> str:
    name = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    name = name if env.get(name) else "OTEL_EXPORTER_OTLP_ENDPOINT"
    # What the general variable says goes on with a path, and so can't have a query.
    if endpoint is None and not (_is_url(env[name]) and ("TRACES" in name or "?" not in env[name])):
        return f"{name} is no http or https URL of a collector, such as http://localhost:4318"
    protocol = env.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or env.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    if endpoint is None and protocol == "grpc":
        return "OTEL_EXPORTER_OTLP_PROTOCOL asks for grpc, and only http/protobuf is spoken here"
    return "" if _is_sdk_installed() else f"the package opentelemetry-sdk can't be imported; {INSTALL}"


def _is_sdk_installed() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.sdk") is not None
    except ImportError:  # not even the package that it is a part of
        return False


def _parse_headers(text: str) -> dict[str, str]:
    """Return the headers of a variable: `name=value`, separated by commas, values percent-encoded."""
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
