"""The rights that lie in security roles: all of them as they are read, and as the steps of a plan will leave them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.errors import AuthError, IncompleteError, ReconcilerError, UnreachableError
from reconciler.kinds.rights_source import RightsSource
from reconciler.kinds.security_role.permission_sets import PermissionSets, read_permission_sets
from reconciler.model import Json, Step
from reconciler.payloads.caller import read_calling_account
from reconciler.payloads.claims import (
    CLAIMS_PATH,
    DIRECTORY_TYPES,
    ClaimKey,
    build_lookup_key,
    fold_claim_key,
    read_claim_key,
    read_sent_key,
)
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import ROLES_PATH, read_role_list, read_roles_by_id
from reconciler.reader import Read
from reconciler.rights import CallingAccount, Principal, RightsWorld, RoleRights

_READ_ERRORS = (AuthError, IncompleteError, UnreachableError)
_GLOBAL = "Global"


class RoleRightsSource(RightsSource):
    """Roles give their permissions, within their permission set, to whoever has one of their claims."""

    def changes_rights(self, step: Step) -> bool:
        if step.request is None or step.request.call.path != ROLES_PATH:
            return False
        before, after = self.compare_role(step)
        if before is None:
            return bool(after.principals and after.permissions)
        is_same = (before.permissions, before.set_id, before.principals) == (
            after.permissions,
            after.set_id,
            after.principals,
        )
        # A role that nobody holds gives its rights to nobody.
        return not is_same and bool(before.principals or after.principals)

    def name_role(self, step: Step) -> str:
        if step.request is None or step.request.call.path != ROLES_PATH:
            return ""
        return f"new {step.address.name}" if step.request.base is None else str(step.request.base["Id"])

    def compare_role(self, step: Step) -> tuple[RoleRights | None, RoleRights]:
        if step.request is None:
            raise ValueError("a step without a request changes nothing")
        base, body = step.request.base, step.request.call.body
        # The list of roles has neither permissions nor claims (contract: 1.2), a request has both.
        before = None
        if base is not None:
            before = _build_rights(base, [ClaimKey(*claim[:3]) for claim in base["Claims"]])
        after = _build_rights(body, [read_sent_key(claim) for claim in body["Claims"]])
        return before, replace(after, is_built_in=before is not None and before.is_built_in)

    def carries_on(self, step: Step, roles: frozenset[str]) -> bool:
        # A role's PUT sends its claims' descriptions along as they were read.
        return bool(roles) and step.request is not None and step.request.call.path == CLAIMS_PATH

    def read_world(
        self, read: Read, steps: Sequence[Step], live: Any, on_progress: Callable[[str], None]
    ) -> RightsWorld:
        """What can't be read is said in `unread`; what the steps themselves hold is always there."""
        sides = {self.name_role(step): self.compare_role(step) for step in steps}
        unread: list[str] = []
        sets = _read_sets(read, unread)
        live_roles = {
            str(pick_member(raw, "Id")): _build_rights(
                raw, [read_claim_key(claim) for claim in pick_member(raw, "Claims")]
            )
            for raw in _read_all_roles(read, _list_known_roles(live), unread, on_progress)
        }
        before = {**{key: side for key, (side, _) in sides.items() if side is not None}, **live_roles}
        after = {**before, **{key: side for key, (_, side) in sides.items()}}
        spell = _build_spelling(before, after)
        bound = {guid.lower(): permissions for guid, permissions in sets.permissions.items()}
        global_sets = [guid for guid, name in sets.names.items() if name == _GLOBAL]
        before, after = (
            {
                key: replace(role, bounds=bound.get(role.set_id), principals=frozenset(map(spell, role.principals)))
                for key, role in roles.items()
            }
            for roles in (before, after)
        )
        return RightsWorld(before, after, global_sets[0] if len(global_sets) == 1 else "", tuple(unread))

    def read_account(self, read: Read) -> CallingAccount:
        return read_calling_account(read)


def _build_rights(role: Mapping[str, Json], claims: Iterable[ClaimKey]) -> RoleRights:
    return RoleRights(
        name=str(pick_member(role, "Name") or ""),
        permissions=frozenset(map(str, pick_member(role, "Permissions") or ())),
        principals=frozenset(Principal(*key) for key in claims),
        set_id=str(pick_member(role, "PermissionSetId") or "").lower(),
        is_built_in=bool(pick_member(role, "Immutable")),
    )


def _list_known_roles(live: Any) -> dict[str, Mapping[str, Json]]:
    roles = live.roles.values() if live is not None else ()
    return {str(pick_member(raw, "Id")): raw for namesakes in roles for raw in namesakes}


def _read_sets(read: Read, unread: list[str]) -> PermissionSets:
    try:
        return read_permission_sets(read)
    except _READ_ERRORS as error:
        unread.append(f"permission sets ({_explain(error)})")
        return PermissionSets()


def _read_all_roles(
    read: Read, known_roles: Mapping[str, Mapping[str, Json]], unread: list[str], on_progress: Callable[[str], None]
) -> list[Mapping[str, Json]]:
    """Read the list, and each role of it that is not known; what can't be read is named in `unread`."""
    try:
        rows = read_role_list(read)
    except _READ_ERRORS as error:
        unread.append(f"the list of roles ({_explain(error)})")
        return list(known_roles.values())
    missing = {int(pick_member(row, "Id")): str(pick_member(row, "Name")) for row in rows}
    missing = {number: name for number, name in missing.items() if str(number) not in known_roles}
    if missing:
        on_progress(f"reading {len(missing):,} more roles, for the rights that the plan gives and takes")
    return [*known_roles.values(), *_read_around_faults(read, list(missing.items()), unread)]


def _read_around_faults(read: Read, roles: Sequence[tuple[int, str]], unread: list[str]) -> list[Mapping[str, Json]]:
    """Read these roles, given by id and name; one that is answered badly is found by halves, and keeps no other out."""
    try:
        return read_roles_by_id(read, [number for number, _ in roles])
    except IncompleteError as error:
        if len(roles) == 1:
            unread.append(f"role {roles[0][1]} ({_explain(error)})")
            return []
        half = len(roles) // 2
        return [raw for part in (roles[:half], roles[half:]) for raw in _read_around_faults(read, part, unread)]
    # Not by halves: each call that Command refuses is a warning in its audit log.
    except (AuthError, UnreachableError) as error:
        names = ", ".join(name for _, name in roles[:3]) + (", ..." if len(roles) > 3 else "")
        unread.append(f"{len(roles):,} roles: {names} ({_explain(error)})")
        return []


def _explain(error: ReconcilerError) -> str:
    return error.problems[0].summary


def _build_spelling(*worlds: Mapping[str, RoleRights]) -> Callable[[Principal], Principal]:
    """Return what brings a claim into the one spelling of all that the server takes for the same.

    An account of a directory without its domain is the one with it, where there is one alone.
    """
    first: dict[ClaimKey, ClaimKey] = {}
    homes: dict[tuple[str, ...], set[ClaimKey]] = {}
    for roles in worlds:
        for role in roles.values():
            for key in sorted(ClaimKey(*principal) for principal in role.principals):
                folded = fold_claim_key(key)
                first.setdefault(folded, key)
                if "\\" in folded.value:
                    homes.setdefault((*build_lookup_key(key), folded.provider), set()).add(folded)

    def spell(principal: Principal) -> Principal:
        key = ClaimKey(*principal)
        folded = fold_claim_key(key)
        candidates = homes.get((*build_lookup_key(key), folded.provider), set())
        if key.type in DIRECTORY_TYPES and "\\" not in folded.value and len(candidates) == 1:
            (folded,) = candidates
        return Principal(*first[folded])

    return spell
