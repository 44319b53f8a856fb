"""The secrets of one target: fetched when they are needed, and known to the redactor before anybody can use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import get_args

from reconciler.apis.auth.fixed import encode_basic_value
from reconciler.credentials.redaction import Redactor
from reconciler.credentials.sources import Origin, Secret, resolve_secret
from reconciler.diagnostics import Diagnostic
from reconciler.errors import AuthError
from reconciler.settings.model import Auth, BasicAuth, Target
from reconciler.transport.options import ProxyAuth

# RFC 9110, 5.5: a line break would begin a header of its own, and other bytes have no agreed meaning.
_HEADER_SAFE = re.compile(r"[\x20-\x7e]*")


class Secrets:
    """Fetches secrets. `redact` blots out all that were fetched so far."""

    def __init__(self, target: Target, env: Mapping[str, str]) -> None:
        self._target, self._env = target, env
        self.redact = Redactor()
        self._prefetched: dict[str, Secret] = {}
        self._fetched_fields: set[str] = set()

    def fetch(self, origin: Origin, field: str) -> Secret:
        """Return a secret; `field` is its place in the settings. Raises AuthError where there is none."""
        secret = self._prefetched.pop(field, None) or resolve_secret(
            origin, self._env, purpose=self._describe_field(field), source=self._target.source
        )
        self.redact.learn(secret.reveal())
        self._fetched_fields.add(field)
        return secret

    def prefetch(self, origin: Origin, field: str) -> Secret:
        """Fetch a secret ahead of its first use, which then takes this one; raises AuthError where there is none."""
        secret = self._prefetched[field] = self.fetch(origin, field)
        return secret

    def learn(self) -> None:
        """Fetch all secrets ahead of their first use, which then takes these; those that were used are known.

        Raises AuthError where one that says who we are is missing. The proxy's is not missed before the proxy asks.
        """
        self._prefetch_block("auth", self._target.auth)
        if proxy := self._target.transport.proxy_auth:
            with suppress(AuthError):
                self._prefetch_block("proxyAuth", proxy)

    def _prefetch_block(self, block: str, credentials: Auth | ProxyAuth) -> None:
        for field, origin in find_secret_origins(block, credentials):
            if field in self._fetched_fields:
                continue
            secret = self.prefetch(origin, field)
            if isinstance(credentials, BasicAuth | ProxyAuth):
                self._encode_basic(credentials.username, secret)

    def fetch_for_header(self, origin: Origin, field: str) -> Secret:
        """Return a secret that goes into a header as it is; raises AuthError as well where no header can carry it."""
        secret = self.fetch(origin, field)
        if not _HEADER_SAFE.fullmatch(secret.reveal()):
            summary = (
                f"{self._describe_field(field)}: {origin} has characters that no header can carry, so it can't be sent"
            )
            remedy = "check that it is the right one"
            raise AuthError(Diagnostic("settings.secret-invalid", self._target.source, summary, remedy=remedy))
        return secret

    def basic(self, username: str, origin: Origin, field: str) -> str:
        """Return the value of an Authorization header, Basic."""
        return self._encode_basic(username, self.fetch(origin, field))

    def _encode_basic(self, username: str, password: Secret) -> str:
        value = encode_basic_value(username, password.reveal())
        # Servers echo the header, not the password; and the pair in base64 is all that a login needs.
        self.redact.learn(value.removeprefix("Basic "))
        return value

    def _describe_field(self, field: str) -> str:
        return f"target {self._target.name}: {field}"


def find_secret_origins(block: str, credentials: Auth | ProxyAuth) -> Iterator[tuple[str, Origin]]:
    """Yield the place in the settings, such as auth.clientSecret, and the origin of each secret in a block of them."""
    for field in fields(credentials):
        origin = getattr(credentials, field.name)
        if isinstance(origin, get_args(Origin)):
            first_word, *later_words = field.name.split("_")
            yield f"{block}.{first_word}{''.join(word.capitalize() for word in later_words)}", origin
