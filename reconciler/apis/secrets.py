"""The secrets of one target: fetched when they are needed, and known to the redactor before anybody can use them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.apis.auth.fixed import basic_value
from reconciler.apis.redact import Redactor
from reconciler.errors import AuthError, Problem
from reconciler.settings.secret import Origin, Secret, resolve
from reconciler.settings.target import Target

_CARRIED = re.compile(r"[\x20-\x7e]*")


class Secrets:
    """Fetches secrets. `redact` blots out all that were fetched so far."""

    def __init__(self, target: Target, env: Mapping[str, str]) -> None:
        self._target, self._env = target, env
        self.redact = Redactor()

    def fetch(self, origin: Origin, field: str) -> Secret:
        """Return a secret; `field` is its place in the settings. Raises AuthError where there is none."""
        secret = resolve(origin, self._env, what=self._what(field), at=self._target.source)
        self.redact.learn(secret.reveal())
        return secret

    def carried(self, origin: Origin, field: str) -> Secret:
        """Return a secret that goes into a header as it is; raises AuthError as well where no header can carry it."""
        secret = self.fetch(origin, field)
        if not _CARRIED.fullmatch(secret.reveal()):
            what = f"{self._what(field)}: {origin} has characters that no header can carry, so it can't be sent"
            raise AuthError(Problem(self._target.source, f"{what}; check that it is the right one"))
        return secret

    def basic(self, username: str, origin: Origin, field: str) -> str:
        """Return the value of an Authorization header, Basic."""
        value = basic_value(username, self.fetch(origin, field).reveal())
        self.redact.learn(value.removeprefix("Basic "))
        return value

    def _what(self, field: str) -> str:
        return f"target {self._target.name}: {field}"
