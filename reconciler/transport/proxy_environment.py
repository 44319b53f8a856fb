"""The environment's proxy variables, which others obey and this tool does not: what to tell where that may matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from reconciler.transport.options import ProxyEnvironment, TransportOptions

_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def add_proxy_environment(options: TransportOptions, env: Mapping[str, str]) -> TransportOptions:
    """Return the options with what the environment says of proxies for https."""
    variable = next((name for name in _VARIABLES if env.get(name, "").strip()), "")
    exceptions = env.get("no_proxy") or env.get("NO_PROXY") or ""
    return replace(options, proxy_environment=ProxyEnvironment(variable, exceptions))


def find_ignored_proxy(url: str, options: TransportOptions) -> str:
    """Return the variable that would lead others to this URL through a proxy, where the settings name none; else ""."""
    # Plain http is for loopback addresses alone, which no proxy could reach.
    if options.proxy or not url.startswith("https:"):
        return ""
    variable, exceptions = options.proxy_environment
    host = urlsplit(url).hostname or ""
    return "" if any(_is_exception(host, entry) for entry in exceptions.split(",")) else variable


def _is_exception(host: str, entry: str) -> bool:
    """Say whether an entry of NO_PROXY is about a host, by the habit of curl: a name, a domain, or a star."""
    domain = entry.strip().lower().lstrip(".")
    return domain == "*" or (domain != "" and f".{host}".endswith(f".{domain}"))
