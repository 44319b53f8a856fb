"""What roles let people do, as values: who holds them, what they grant, and what a plan makes of that. No I/O.

A permission grants every one that starts with it, and a permission set bounds what its roles grant (contract: Keyfactor
Command, Version Two Permission Model).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple


class RightsDemand(Enum):
    """What is looked at of the rights that a plan gives and takes: nothing, who may be locked out, or all of it."""

    NOTHING = auto()
    GUARDS = auto()
    REPORT = auto()


class Principal(NamedTuple):
    """Who holds roles, as a claim tells it; `provider` is "" where the server names none."""

    type: str
    value: str
    provider: str

    def __str__(self) -> str:
        return f"{self.type} {self.value}" + (f" ({self.provider})" if self.provider else "")


@dataclass(frozen=True, slots=True)
class RoleRights:
    """A role: what it holds, what its permission set bounds that to (None where that is not known), and its holders.

    `is_built_in` is true of the administrators' own role, which nobody can change.
    """

    name: str
    permissions: frozenset[str]
    principals: frozenset[Principal]
    set_id: str = ""
    bounds: frozenset[str] | None = None
    is_built_in: bool = False

    @property
    def granted(self) -> frozenset[str]:
        """The permissions that the role really grants: the narrower of what it holds and of what its set does."""
        if self.bounds is None:
            return self.permissions
        # A role may have no more than its set (contract: 1.6). What becomes of roles whose set is narrowed later is not
        # documented, so neither of the two is believed alone.
        return frozenset(
            max(permission, bound, key=len)
            for permission in self.permissions
            for bound in self.bounds
            if permission.startswith(bound) or bound.startswith(permission)
        )


RolesById = Mapping[str, RoleRights]
"""Roles by what stays the same when one is renamed."""


@dataclass(frozen=True, slots=True)
class RightsWorld:
    """All roles of a target before a plan and after it.

    `unread` says which of them are not among these, and why; `global_set` is the id of the permission set Global, ""
    where it is not known.
    """

    before: RolesById
    after: RolesById
    global_set: str = ""
    unread: tuple[str, ...] = ()


class RightsChange(NamedTuple):
    """What a plan makes of one principal's rights: the roles it holds afterwards, and permissions that it gains and
    loses, each list without what another of its members grants.

    `remaining` are the narrower permissions that remain of lost ones; `escalation` names those of the gained ones, or
    within them, with which more can be had than they say.
    """

    target: str
    principal: Principal
    roles: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    remaining: tuple[str, ...] = ()
    escalation: tuple[str, ...] = ()


class PrincipalRights(NamedTuple):
    """What a principal holds on a target after a plan: roles, and permissions without what another one grants."""

    target: str
    principal: Principal
    roles: tuple[str, ...]
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallingAccount:
    """Who applies, as far as it can be told without trying anything.

    `roles` are the names of its roles, and `permissions` what they grant, as the server tells; None where it doesn't.
    `own` are values of claims that are this account's for certain, by type, letter case folded for directories;
    `possible_types` are the types of claims that may be its own.
    """

    roles: frozenset[str] | None = None
    permissions: frozenset[str] | None = None
    own: Mapping[str, str] = field(default_factory=dict)
    possible_types: frozenset[str] = frozenset()


EXPANDED_CHANGE_OWNER = "/certificates/expanded_change_owner/"
"""Permits to change the owner of a certificate that belongs to a role of others, from 25.1 on."""


class ListedRole(NamedTuple):
    """What the list of roles tells of one."""

    name: str
    set_id: str


@dataclass(frozen=True, slots=True)
class OwnerReach:
    """From which owners an account can take a certificate: those whose role it holds, and those of roles in the
    permission sets (by GUID) in which it holds the expanded permission. `roles` are the live ones, by id.

    An account that can change no owner at all is not the one that will apply.
    """

    own_roles: frozenset[str]
    roles: Mapping[int, ListedRole] = field(default_factory=dict)
    expanded_sets: frozenset[str] = frozenset()
    global_set: str = ""
    can_change: bool = True


def is_granted_by(permission: str, permissions: Iterable[str]) -> bool:
    """Say whether one of these is the permission, or one that it is a part of."""
    # Each string ends with a slash, so a prefix is always one of whole segments (contract: 4.1).
    return any(permission.startswith(prefix) for prefix in permissions)


def drop_redundant(permissions: Iterable[str]) -> tuple[str, ...]:
    """Return permissions, sorted, without those that another of them grants."""
    widest: list[str] = []
    # In this order whatever grants a permission stands before it, and nothing but its own parts between the two.
    for permission in sorted(set(permissions)):
        if not widest or not permission.startswith(widest[-1]):
            widest.append(permission)
    return tuple(widest)
