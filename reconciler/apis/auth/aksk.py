"""Huawei Cloud's SDK-HMAC-SHA256: a signature over method, path, query, headers and body of every request."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from reconciler.apis.auth.authenticator import StaticCredentials
from reconciler.credentials.sources import Secret

_ALGORITHM = "SDK-HMAC-SHA256"


class AccessKeys(NamedTuple):
    """An access key, its secret key, and a security token where they are temporary."""

    access: Secret
    secret: Secret
    security_token: Secret | None = None


class Aksk(StaticCredentials):
    """Signs each request for itself. A 401 can't be helped: the keys or this machine's clock are wrong.

    `project` gives the id that requests are about, "" while it is not known.
    """

    def __init__(self, keys: Callable[[], AccessKeys], project: Callable[[], str], now: Callable[[], datetime]) -> None:
        self._keys, self._project, self._now = keys, project, now

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        keys, project = self._keys(), self._project()
        signed_headers = {
            # On a GET as well, as the official SDK does: it signs every header that it sets.
            "Content-Type": "application/json",
            "Host": urlsplit(url).netloc,
            **({"X-Project-Id": project} if project else {}),
            # The gateway refuses a date that is more than 15 minutes off.
            "X-Sdk-Date": self._now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),
        }
        if keys.security_token:
            signed_headers["X-Security-Token"] = keys.security_token.reveal()
        return {**signed_headers, "Authorization": sign_request(method, url, signed_headers, body, keys)}


def canonicalize_request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the text that is signed, by Huawei's public signing guide.

    The path is decoded, then encoded segment by segment and ended with a slash (on the wire it has none, and a %2F
    inside a segment becomes a separator); the query is sorted by name and value, then encoded; header names are lower
    case and sorted, values trimmed.
    """
    parts = urlsplit(url)
    path = "/".join(quote(segment, safe="~") for segment in unquote(parts.path).split("/"))
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    folded_headers = sorted((name.lower(), value.strip()) for name, value in headers.items())
    lines = (
        method,
        path if path.endswith("/") else f"{path}/",
        "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
        "".join(f"{name}:{value}\n" for name, value in folded_headers),
        ";".join(name for name, _ in folded_headers),
        hashlib.sha256(body).hexdigest(),
    )
    return "\n".join(lines)


def sign_request(method: str, url: str, headers: Mapping[str, str], body: bytes, keys: AccessKeys) -> str:
    """Return the Authorization header for a request with just these signed headers, X-Sdk-Date and Host among them.

    The secret key is the HMAC key itself; nothing is derived from it.
    """
    digest = hashlib.sha256(canonicalize_request(method, url, headers, body).encode()).hexdigest()
    date = next(value for name, value in headers.items() if name.lower() == "x-sdk-date")
    text = f"{_ALGORITHM}\n{date}\n{digest}"
    signature = hmac.new(keys.secret.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()
    names = ";".join(sorted(name.lower() for name in headers))
    # By the signing guide a space and no comma follows the algorithm.
    return f"{_ALGORITHM} Access={keys.access.reveal()}, SignedHeaders={names}, Signature={signature}"
