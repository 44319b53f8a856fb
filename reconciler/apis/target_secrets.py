"""The secrets of one target: fetched when they are needed, and known to the redactor before anybody can use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import get_args

from reconciler.apis.auth.fixed import basic_value
from reconciler.credentials.redaction import Redactor
from reconciler.credentials.sources import Origin, Secret, resolve
from reconciler.errors import AuthError, Problem
from reconciler.settings.model import Auth, BasicAuth, ProxyAuth, Target

# RFC 9110, 5.5: a line break would begin a header of its own, and other bytes have no agreed meaning.
_CARRIED = re.compile(r"[\x20-\x7e]*")


class Secrets:
    """Fetches secrets. `redact` blots out all that were fetched so far."""

    def __init__(self, target: Target, env: Mapping[str, str]) -> None:
        self._target, self._env = target, env
        self.redact = Redactor()
        self._ahead: dict[str, Secret] = {}
        self._used: set[str] = set()

    def fetch(self, origin: Origin, field: str) -> Secret:
        """Return a secret; `field` is its place in the settings. Raises AuthError where there is none."""
        secret = self._ahead.pop(field, None) or resolve(
            origin, self._env, what=self._what(field), at=self._target.source
        )
        self.redact.learn(secret.reveal())
        self._used.add(field)
        return secret

    def ahead(self, origin: Origin, field: str) -> Secret:
        """Fetch a secret ahead of its first use, which then takes this one; raises AuthError where there is none."""
        secret = self._ahead[field] = self.fetch(origin, field)
        return secret

    def learn(self) -> None:
        """Fetch all secrets ahead of their first use, which then takes these; those that were used are known.

        Raises AuthError where one that says who we are is missing. The proxy's is not missed before the proxy asks.
        """
        self._learn("auth", self._target.auth)
        if proxy := self._target.transport.proxy_auth:
            with suppress(AuthError):
                self._learn("proxyAuth", proxy)

    def _learn(self, block: str, held: Auth | ProxyAuth) -> None:
        for field, origin in origins(block, held):
            if field in self._used:
                continue
            secret = self.ahead(origin, field)
            if isinstance(held, BasicAuth | ProxyAuth):
                self._learn_basic(held.username, secret)

    def carried(self, origin: Origin, field: str) -> Secret:
        """Return a secret that goes into a header as it is; raises AuthError as well where no header can carry it."""
        secret = self.fetch(origin, field)
        if not _CARRIED.fullmatch(secret.reveal()):
            what = f"{self._what(field)}: {origin} has characters that no header can carry, so it can't be sent"
            raise AuthError(Problem(self._target.source, f"{what}; check that it is the right one"))
        return secret

    def basic(self, username: str, origin: Origin, field: str) -> str:
        """Return the value of an Authorization header, Basic."""
        return self._learn_basic(username, self.fetch(origin, field))

    def _learn_basic(self, username: str, password: Secret) -> str:
        value = basic_value(username, password.reveal())
        # Servers echo the header, not the password; and the pair in base64 is all that a login needs.
        self.redact.learn(value.removeprefix("Basic "))
        return value

    def _what(self, field: str) -> str:
        return f"target {self._target.name}: {field}"


def origins(block: str, held: Auth | ProxyAuth) -> Iterator[tuple[str, Origin]]:
    """Yield the place in the settings, such as auth.clientSecret, and the origin of each secret in a block of them."""
    for field in fields(held):
        origin = getattr(held, field.name)
        if isinstance(origin, get_args(Origin)):
            first, *others = field.name.split("_")
            yield f"{block}.{first}{''.join(word.capitalize() for word in others)}", origin
