"""Which role a declared owner is. Names find it, its id proves it: two roles may differ in letter case alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconciler.diagnostics import Explanation
from reconciler.model import Json
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import fold_role_name


class OwnerRole(NamedTuple):
    """A role that can own certificates; its id is None where the same run creates it.

    `former_name` is what it is called until the same run renames it.
    """

    name: str
    id: int | None = None
    former_name: str = ""

    @property
    def has_step(self) -> bool:
        """True where the run makes the role what its name says: it has to go before whatever names it."""
        return bool(self.name) and (self.id is None or bool(self.former_name))


RolesByName = Mapping[str, tuple[OwnerRole, ...]]
"""The live roles by folded name: more than one where a server tells them apart by letter case."""


def group_roles(rows: Iterable[Mapping[str, Json]]) -> RolesByName:
    """Return the roles of a list by folded name, those of one name by id."""
    roles: dict[str, list[OwnerRole]] = {}
    for row in rows:
        role = OwnerRole(str(pick_member(row, "Name") or ""), int(pick_member(row, "Id")))
        roles.setdefault(fold_role_name(row), []).append(role)
    return {name: tuple(sorted(namesakes, key=lambda role: role.id or 0)) for name, namesakes in roles.items()}


def rename_roles(roles: RolesByName, renames: Mapping[str, str]) -> RolesByName:
    """Return the roles as they will be called; `renames` are former names by new ones.

    A role that is to be renamed is found by both names, as it is before and after. Where SecurityRole finds no role to
    rename, or no free name, nothing is renamed.
    """
    renamed_roles = dict(roles)
    for name, former_name in renames.items():
        candidates = roles.get(former_name.casefold(), ())
        matches = [role for role in candidates if role.name == former_name] or list(candidates)
        is_respelled = name.casefold() == former_name.casefold()
        if len(matches) != 1 or matches[0].name == name or (name.casefold() in roles and not is_respelled):
            continue
        (role,) = matches
        renamed_role = OwnerRole(name, role.id, role.name)
        renamed_roles[former_name.casefold()] = tuple(renamed_role if other is role else other for other in candidates)
        renamed_roles[name.casefold()] = renamed_roles[former_name.casefold()] if is_respelled else (renamed_role,)
    return renamed_roles


def find_owner_role(name: str, roles: RolesByName, created: Mapping[str, str]) -> OwnerRole | Explanation:
    """Return the role that an owner's name means, or why that can't be told.

    Exact spelling comes first; letter case aside only one role may be meant. `created` are the names of roles that the
    same run declares, by folded name: live ones come before them, as SecurityRole finds them too.
    """
    namesakes = roles.get(name.casefold(), ())
    candidates = [role for role in namesakes if name in (role.name, role.former_name)] or list(namesakes)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        return _explain_ambiguous_owner(name, candidates)
    if name.casefold() in created:
        return OwnerRole(created[name.casefold()])
    return _explain_unknown_owner(name)


def name_owner(owner_id: Json, owner: Json, new_owner: Json = None) -> str | None:
    """Return what the present owner is called beside the new one; None where there is none.

    Its id is added where the names would not tell the two apart, and stands for a name that the server does not give.
    """
    if not owner:
        return None if owner_id is None else f"role {owner_id}"
    return f"{owner} (role {owner_id})" if owner == new_owner and owner_id is not None else str(owner)


def _explain_ambiguous_owner(name: str, roles: Iterable[OwnerRole]) -> Explanation:
    labels = ", ".join(f"{role.name!r} (id {role.id})" for role in roles)
    return Explanation(
        "live.ambiguous",
        f"owner {name!r} may be one of several roles: {labels}",
        "which one is meant can't be told",
        "spell it exactly as one of them; or, where the names are the same, rename one in the portal",
    )


def _explain_unknown_owner(name: str) -> Explanation:
    return Explanation(
        "live.unknown-reference",
        f"owner {name!r} is not a role on the server and no SecurityRole of this run declares it",
        "a certificate can't be given to it",
        "correct the name or declare the role",
    )
