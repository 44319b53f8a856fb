"""Plans after which nobody could undo them: the last who may change roles is gone, or the account itself. Pure.

What an account holds is taken from what the server tells of it. Where it doesn't, each role that may be the account's
counts as the only one that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.kinds.requirements import PermissionGrant
from reconciler.model import Step
from reconciler.rights import (
    CallingAccount,
    Principal,
    RightsWorld,
    RoleRights,
    RolesById,
    drop_redundant,
    is_granted_by,
)

# Held in another permission set it is answered with 403 (contract: 9, row 17).
CHANGE_ROLES = PermissionGrant(("/security/modify/",), within="Global")
"""What it takes to give or take a right."""


class Danger(StrEnum):
    """Who would be locked out, as the settings call it."""

    SECURITY = "security"
    ACCOUNT = "account"
    OWNER = "owner"


class Lockout(NamedTuple):
    """A way back that a plan would close, and what there is to tell of it."""

    danger: Danger
    problem: Diagnostic


class NeededGrant(NamedTuple):
    """A permission that the tool needs, and the kinds that need it."""

    grant: PermissionGrant
    kinds: tuple[str, ...]


StepsByRole = Mapping[str, Step]
"""The steps that change rights, by the role's key."""


def find_security_lockouts(world: RightsWorld, steps: StepsByRole) -> Iterator[Lockout]:
    """Yield a lock-out where somebody could change roles before the plan and nobody could after it.

    The built-in administrators don't count: theirs is the way back that is left when all others are closed.
    """
    before, after = (_list_role_changers(world, roles) for roles in (world.before, world.after))
    if not before or any(after.values()):
        return
    unread = f"; not counted is what could not be read: {', '.join(world.unread)}" if world.unread else ""
    for key in sorted(before.keys() & steps.keys()):
        yield build_lockout(
            Danger.SECURITY,
            steps[key],
            "after this plan nobody but the built-in administrators would hold /security/modify/ "
            f"in the permission set Global{unread}",
            "no right could be given or taken any more without them",
            "let another role with a holder keep it",
        )


def find_account_lockouts(
    world: RightsWorld, steps: StepsByRole, needs: Sequence[NeededGrant], account: CallingAccount
) -> Iterator[Lockout]:
    """Yield a lock-out for each step that takes from the account what this tool needs for what is declared."""
    own = find_own_roles(world, account)
    for key, step in sorted(steps.items()):
        role = world.before.get(key)
        if role is None or (own is not None and key not in own):
            continue
        if own is None and not _may_be_own(role, account):
            continue
        losses = {
            permission: need
            for need in needs
            for permission in _find_losses(world, need.grant, account, (key,) if own is None else own, key)
        }
        if losses:
            yield _describe_account_loss(step, losses, is_certain=own is not None)


def find_own_roles(world: RightsWorld, account: CallingAccount) -> frozenset[str] | None:
    """Return the keys of the account's roles before the plan; None where the server doesn't tell them, or not all.

    What it tells of their permissions has to follow from them.
    """
    if account.roles is None:
        return None
    # The server tells names alone, and whether letter case tells two roles apart is not documented.
    exact = {key for key, role in world.before.items() if role.name in account.roles}
    unmatched = {name.casefold() for name in account.roles - {world.before[key].name for key in exact}}
    own = exact | {key for key, role in world.before.items() if role.name.casefold() in unmatched}
    granted = {permission for key in own for permission in world.before[key].granted}
    # Where a wider string hides narrower ones this holds all the same.
    is_explained = all(is_granted_by(permission, granted) for permission in account.permissions or ())
    return frozenset(own) if is_explained else None


def list_touched_own_roles(world: RightsWorld, keys: Iterable[str], account: CallingAccount) -> frozenset[str]:
    """Return which of these roles are the account's own, or may be."""
    own = find_own_roles(world, account)
    roles = {key: world.before[key] for key in keys if key in world.before}
    return frozenset(key for key, role in roles.items() if (_may_be_own(role, account) if own is None else key in own))


def may_take_needed(before: RoleRights, after: RoleRights, needs: Sequence[NeededGrant]) -> bool:
    """Say whether the change of this role alone could lock anybody out, whatever other roles there are."""
    is_narrower = before.set_id != after.set_id or bool(before.principals - after.principals)
    grants = [CHANGE_ROLES, *(need.grant for need in needs)]
    return any(
        is_granted_by(permission, [part]) or part.startswith(permission)
        for grant in grants
        for permission in grant.any_of
        for part in before.permissions
        if is_narrower or not is_granted_by(part, after.permissions)
    )


def accept_lockouts(lockouts: Iterable[Lockout], allowed: frozenset[str]) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return the refusals, and as notes those that the settings allow in words."""
    refusals: list[Diagnostic] = []
    notes: list[Diagnostic] = []
    for danger, problem in lockouts:
        if danger in allowed:
            summary = f"allowed by the settings: {problem.summary}"
            notes.append(
                Diagnostic(
                    "plan.lockout-allowed", problem.source, summary, problem.reason, "", Severity.NOTE, problem.address
                )
            )
        else:
            refusals.append(problem)
    return refusals, notes


def _list_role_changers(world: RightsWorld, roles: RolesById) -> dict[str, frozenset[Principal]]:
    """Return who may change roles, by role, without the roles that give nobody that right."""
    return {
        key: role.principals
        for key, role in roles.items()
        if not role.is_built_in and role.principals and _list_parts(world, {key: role}, CHANGE_ROLES)
    }


def _list_parts(world: RightsWorld, roles: RolesById, grant: PermissionGrant) -> frozenset[str]:
    """Return what of a grant these roles give: its permissions, or the narrower ones that they hold of them."""
    return frozenset(
        permission if permission.startswith(right) else right
        for key, role in roles.items()
        if not grant.within or _is_in_global(world, key, role)
        for right in role.granted
        for permission in grant.any_of
        if permission.startswith(right) or right.startswith(permission)
    )


def _is_in_global(world: RightsWorld, key: str, role: RoleRights) -> bool:
    # Where nobody tells which set is Global, a role that stays in its set keeps what it had by it.
    global_set = world.global_set or (world.before[key].set_id if key in world.before else role.set_id)
    return role.set_id == global_set


def _find_losses(
    world: RightsWorld, grant: PermissionGrant, account: CallingAccount, own: Iterable[str], changed: str
) -> tuple[str, ...]:
    """Return what of a grant the account held by these roles, and holds no more; only what the changed role gave."""
    before = _list_parts(world, {key: world.before[key] for key in own}, grant)
    leaving = {key: _list_leaving_claims(world, key, account) for key in own}
    remaining = {key: world.after[key] for key in own if not leaving[key]}
    # Whichever of the claims that go was the account's own, it leads to a role that holds all of them.
    joined = {
        key: role
        for key, role in world.after.items()
        if _is_certainly_held(role, account) or any(claims and claims <= role.principals for claims in leaving.values())
    }
    after = _list_parts(world, remaining | joined, grant)
    if any(is_granted_by(permission, after) for permission in grant.any_of):
        return ()
    given = _list_parts(world, {changed: world.before[changed]}, grant)
    given_after = _list_parts(world, {key: role for key, role in remaining.items() if key == changed}, grant)
    return drop_redundant(part for part in before & given - given_after if not is_granted_by(part, after))


def _list_leaving_claims(world: RightsWorld, key: str, account: CallingAccount) -> frozenset[Principal]:
    """Return the claims that leave a role of the account and may have been its own there; none where it stays."""
    if _is_certainly_held(world.after[key], account):
        return frozenset()
    # No version tells an account its own claims, so any that may be its own counts as it.
    leaving = world.before[key].principals - world.after[key].principals
    return frozenset(principal for principal in leaving if _is_possibly_own(principal, account))


def _may_be_own(role: RoleRights, account: CallingAccount) -> bool:
    return any(_is_possibly_own(principal, account) for principal in role.principals)


def _is_certainly_held(role: RoleRights, account: CallingAccount) -> bool:
    return any(_is_own(principal, account) for principal in role.principals)


def _is_possibly_own(principal: Principal, account: CallingAccount) -> bool:
    return principal.type in account.possible_types or _is_own(principal, account)


def _is_own(principal: Principal, account: CallingAccount) -> bool:
    """Compare a claim's value with the account's own; a domain that only one of the two has is ignored."""
    value = account.own.get(principal.type)
    if value is None:
        return False
    if principal.type != "User":
        return principal.value == value
    # Command may add the NetBIOS domain to a value that was sent without one (contract: 9, row 7).
    domain, _, name = principal.value.casefold().rpartition("\\")
    own_domain, _, own_name = value.casefold().rpartition("\\")
    return name == own_name and (domain == own_domain or not domain or not own_domain)


def _describe_account_loss(step: Step, losses: Mapping[str, NeededGrant], *, is_certain: bool) -> Lockout:
    kinds = sorted({kind for need in losses.values() for kind in need.kinds})
    permissions = " and ".join(sorted(losses))
    summary = (
        f"after this step the account that applies would no longer hold {permissions}"
        if is_certain
        else f"this step may take {permissions} from the account that applies: the server does not tell its roles"
    )
    reason = f"this tool needs that for {', '.join(kinds)}, and could not take the step back"
    return build_lockout(Danger.ACCOUNT, step, summary, reason, "let another of its roles grant it first")


def build_lockout(danger: Danger, step: Step, summary: str, reason: str, remedy: str) -> Lockout:
    """Return what there is to tell of a step that closes a way back."""
    rules = {
        Danger.SECURITY: "plan.lockout-security",
        Danger.ACCOUNT: "plan.lockout-account",
        Danger.OWNER: "plan.lockout-owner",
    }
    words = f"{remedy}, or say `allow: {{lockout: [{danger}]}}` in the settings if it is meant"
    return Lockout(
        danger,
        Diagnostic(rules[danger], step.source, f"{step.address}: {summary}", reason, words, address=step.address),
    )
