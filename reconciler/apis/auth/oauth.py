"""OAuth2 client credentials (RFC 6749, 4.4), form-encoded, with the scopes and audience that some providers want."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from reconciler.apis.auth.token_cache import TokenCache, TokenGrant
from reconciler.apis.auth.token_request import Login
from reconciler.credentials.sources import Secret
from reconciler.settings.model import OauthAuth
from reconciler.transport.strict_json import UnusableJson, decode_json

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Oauth:
    """Bearer tokens, fetched when first needed, renewed shortly before they expire and after a refusal."""

    def __init__(self, auth: OauthAuth, secret: Callable[[], Secret], login: Login, clock: Callable[[], float]) -> None:
        self._auth, self._secret, self._login = auth, secret, login
        self._tokens = TokenCache(self._fetch, clock)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"Authorization": f"Bearer {self._tokens.token()}"}

    def remaining(self) -> float | None:
        return self._tokens.remaining()

    def refresh(self, headers: Mapping[str, str], *, again: bool = False) -> bool:
        return self._tokens.drop_token(headers["Authorization"].removeprefix("Bearer "), again=again)

    def record_success(self, headers: Mapping[str, str]) -> None:
        self._tokens.confirm_token(headers["Authorization"].removeprefix("Bearer "))

    def close(self) -> None:
        self._login.close()

    def _fetch(self) -> TokenGrant:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._auth.client_id,
            "client_secret": self._secret().reveal(),
        }
        if self._auth.scopes:
            # RFC 6749, 3.3: one parameter, its values separated by blanks.
            form["scope"] = " ".join(self._auth.scopes)
        if self._auth.audience:
            form["audience"] = self._auth.audience
        reply = self._login.post(_FORM, urlencode(form).encode())
        try:
            answer = decode_json(reply.body)
        except UnusableJson as error:
            raise self._login.make_auth_error(f"the answer {error}", elsewhere=True) from None
        if not isinstance(answer, dict):
            raise self._login.make_auth_error("the answer is not a token", elsewhere=True)
        # RFC 6749, 5.1: its letter case does not matter.
        token_type = answer.get("token_type", "Bearer")
        if not isinstance(token_type, str) or token_type.casefold() != "bearer":
            raise self._login.make_auth_error("the token is not a bearer token")
        return TokenGrant(self._login.accept(answer.get("access_token")), _read_lifetime(answer.get("expires_in")))


def _read_lifetime(seconds: object) -> float:
    """Return seconds; a provider that doesn't say is taken at its 401s (some write the number as text)."""
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
        seconds = int(seconds[:9])
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0:
        return float(seconds)
    return math.inf
