"""How requests travel, as values: whom TLS trusts, through which proxy, how long, how many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reconciler.credentials.sources import Origin


@dataclass(frozen=True, slots=True)
class Trust:
    """How a TLS peer is verified: the public authorities, and one more from a PEM file or from PEM text.

    `certificate` and `key` are PEM files of our own (mutual TLS); there is no switch that turns verification off.
    """

    ca_bundle: Path | None = None
    ca_text: str = ""
    certificate: Path | None = None
    key: Path | None = None


STEPS_A_WRITER = 2
"""Steps that may be under way for each that writes: the others only read back."""

# Shared by all who say nothing else, which is safe: they are frozen.
PUBLIC_TRUST = Trust()
"""Trust in the public authorities alone."""


@dataclass(frozen=True, slots=True)
class ProxyAuth:
    """Who we are to a proxy, by RFC 7617 (Basic)."""

    username: str
    password: Origin


class ProxyEnvironment(NamedTuple):
    """The variable of the environment that names a proxy for https, "" for none, and the hosts that are exceptions."""

    variable: str = ""
    exceptions: str = ""


NO_PROXY_ENVIRONMENT = ProxyEnvironment()


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How requests travel. `timeout`: seconds for a whole request; `parallelism`: reads under way at once; `writes`:
    steps that write at once, of kinds that allow it, where 0 is as many as the kind says, up to `parallelism`.

    `rate`: requests a second, reads and writes together; 0 is without a limit. `proxy` is for https alone.
    `proxy_environment`: what the environment says of proxies, which is not obeyed, but told of where nobody answers.
    """

    timeout: float = 60.0
    parallelism: int = 8
    proxy: str = ""
    trust: Trust = PUBLIC_TRUST
    rate: float = 0.0
    proxy_auth: ProxyAuth | None = None
    proxy_environment: ProxyEnvironment = NO_PROXY_ENVIRONMENT
    writes: int = 0


DEFAULT_OPTIONS = TransportOptions()
