"""The ways out of this machine for one target: to its API, and to whoever else has to be asked first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from reconciler.apis.target_secrets import Secrets
from reconciler.settings.model import Target
from reconciler.transport.options import Trust
from reconciler.transport.single_flight import OnceCache
from reconciler.transport.transport import Sender, Transport


class TransportFactory:
    """Opens transports that travel as the target's settings say, through its proxy and with the proxy's credentials."""

    def __init__(
        self,
        target: Target,
        secrets: Secrets,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        open_sender: Callable[..., Sender] = Transport,
    ) -> None:
        self._target, self._secrets, self._clock, self._sleep = target, secrets, clock, sleep
        self._open_sender = open_sender
        self._once = OnceCache()

    def open_api_transport(self) -> Sender:
        """Open the way to the target's API, under its cap on requests."""
        return self._open_sender(
            self._target.url,
            self._target.transport,
            proxy_login=self.proxy_login,
            clock=self._clock,
            sleep=self._sleep,
        )

    def open_transport(self, url: str, trust: Trust | None = None) -> Sender:
        """Open a way to somebody else, an identity provider, whom the target's cap does not concern."""
        options = replace(self._target.transport, rate=0.0, trust=trust or self._target.transport.trust)
        return self._open_sender(url, options, proxy_login=self.proxy_login, clock=self._clock, sleep=self._sleep)

    def proxy_login(self) -> str:
        """Return what the proxy is told of us, "" where nothing is; raises AuthError where the secret is missing."""
        login = self._target.transport.proxy_auth
        if login is None:
            return ""
        return str(
            self._once.get("proxy", lambda: self._secrets.basic(login.username, login.password, "proxyAuth.password"))
        )
