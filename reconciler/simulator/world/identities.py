"""Who may call: the accounts of the simulated world, and the caller that a request turned out to be."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.simulator.world.permissions import is_granted

ClaimIdentity = tuple[int, str, str]
"""(ClaimType, value, authentication scheme); value and scheme folded."""


class Account(NamedTuple):
    """A user or client: its name as the ledger shows it, its secret and the claims that its token carries."""

    name: str
    secret: str
    claims: tuple[ClaimIdentity, ...] = ()


class Caller(NamedTuple):
    """Who sent a request. `roles` are Command's roles that its claims lead to; `project` is the CSMS project."""

    name: str
    roles: tuple[Mapping[str, Any], ...] = ()
    project: str = ""

    def holds(self, permission: str, permission_set: str = "") -> bool:
        """Tell whether one of the roles (of this permission set, if named) grants the permission."""
        return any(
            is_granted(role["Permissions"], permission)
            for role in self.roles
            if not permission_set or role["PermissionSetId"] == permission_set
        )

    def has_role(self, role_id: int | None) -> bool:
        """Tell whether the caller holds the role."""
        return any(role["Id"] == role_id for role in self.roles)


NOBODY = Caller("nobody")


def _draw_token() -> str:
    # 384 bits; RFC 6749, 10.10, asks for 128 at least and recommends 160.
    return secrets.token_urlsafe(48)


@dataclass
class IssuedTokens:
    """Bearer tokens handed out, with their owner and the time (monotonic seconds) until which they hold."""

    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], str] = _draw_token
    _issued: dict[str, tuple[str, float]] = field(default_factory=dict)

    def issue(self, owner: str, lifetime: float) -> str:
        """Return a new token."""
        token = self.draw()
        # Monotonic: a step of the wall clock (NTP) neither ends nor prolongs a token.
        self._issued[token] = (owner, self.clock() + lifetime)
        return token

    def find_owner(self, token: str) -> str | None:
        """Return whose token it is, "" if it has expired, None if it was never issued."""
        if token not in self._issued:
            return None
        owner, until = self._issued[token]
        return owner if self.clock() < until else ""

    def expire(self) -> None:
        """Let all tokens handed out so far expire now."""
        self._issued = {token: (owner, 0.0) for token, (owner, _) in self._issued.items()}


def find_roles_with_claims(
    claims: Iterable[ClaimIdentity], roles: Iterable[Mapping[str, Any]], claims_by_id: Mapping[int, Any]
) -> tuple[Any, ...]:
    """Return the roles that hold one of these claims."""
    keys = frozenset(claims)
    return tuple(
        role
        for role in roles
        if any(build_claim_identity(claims_by_id[i]) in keys for i in role["Claims"] if i in claims_by_id)
    )


def build_claim_identity(claim: Mapping[str, Any]) -> ClaimIdentity:
    """Return what makes a claim the same claim."""
    # Active Directory ignores the case of names and may return another one (KF 1.3).
    return claim["ClaimType"], claim["ClaimValue"].lower(), claim["ProviderAuthenticationScheme"].lower()
