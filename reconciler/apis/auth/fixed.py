"""Credentials that are the same for every request: Basic, a bearer token, an IAM token obtained elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable

from reconciler.apis.auth.authenticator import StaticCredentials
from reconciler.transport.single_flight import OnceCache


class FixedHeader(StaticCredentials):
    """One header, made when it is first needed, and once. A 401 can't be helped."""

    def __init__(self, name: str, make: Callable[[], str]) -> None:
        self._name, self._make = name, make
        self._once = OnceCache()

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:  # noqa: ARG002
        return {self._name: self._once.get(self._name, self._make)}


def encode_basic_value(username: str, password: str) -> str:
    """Return an Authorization value of RFC 7617, in UTF-8."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
