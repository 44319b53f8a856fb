"""What a way of logging in must be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Authenticator(Protocol):
    """Gives a request its credentials. Safe for many threads; fetches secrets and tokens when first asked."""

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Return the headers for exactly this request.

        Raises AuthError (no credentials, or the identity provider refused them), UnreachableError (it didn't answer).
        """

    def remaining(self) -> float | None:
        """Return for how many seconds what was fetched stays valid; None where nothing was, or nobody said."""

    def refresh(self, headers: Mapping[str, str], *, again: bool = False) -> bool:
        """Hear that these headers were refused; say whether other ones may fare better. Sends nothing.

        `again` where they had just replaced others that the same request was refused with: never True then.
        """

    def record_success(self, headers: Mapping[str, str]) -> None:
        """Hear that these headers were taken."""

    def close(self) -> None:
        """Close connections to the identity provider."""


class StaticCredentials:
    """Credentials that nothing renews: the half of `Authenticator` that has nothing to do for them."""

    def remaining(self) -> float | None:
        return None

    def refresh(self, headers: Mapping[str, str], *, again: bool = False) -> bool:  # noqa: ARG002
        return False

    def record_success(self, headers: Mapping[str, str]) -> None:
        pass

    def close(self) -> None:
        pass
