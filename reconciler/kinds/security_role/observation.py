"""What planning roles reads: as little as the documents need, in as few requests as that takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.kinds.declared_keys import collect_keys
from reconciler.kinds.kind import Wanted
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.security_role.claim_index import ClaimIndex, read_claim_index
from reconciler.kinds.security_role.claims import ClaimContext, collect_declared_descriptions, find_new_claims
from reconciler.kinds.security_role.identity import FoundRole, LiveRole, RolesByName, find_live_role, list_role_names
from reconciler.kinds.security_role.permission_sets import PermissionSets, is_guid, read_permission_sets
from reconciler.kinds.security_role.references import ServerLists, is_provider_in_doubt, read_server_lists
from reconciler.kinds.security_role.rename_candidates import read_rename_candidates
from reconciler.kinds.security_role.resource_names import ResourceLists, read_resource_lists, resolve_names
from reconciler.kinds.security_role.spec import SecurityRole
from reconciler.model import Json
from reconciler.payloads.claims import ClaimKey
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import fold_role_name, read_role_list, read_roles_by_id
from reconciler.reader import Read

Documents = Sequence[Wanted[SecurityRole]]


@dataclass(frozen=True, slots=True)
class LiveRoles:
    """The declared roles as read by id, by folded name; the permission sets; what is known of claims and providers.

    `rows` is the list of all roles, which tells little of each.
    """

    roles: RolesByName
    sets: PermissionSets
    claim_context: ClaimContext
    lists: ServerLists
    rename_candidates: tuple[LiveRole, ...] = ()
    rows: tuple[LiveRole, ...] = ()
    resources: ResourceLists = field(default_factory=ResourceLists)


def observe_roles(read: Read, documents: Documents) -> LiveRoles:
    """Read one list and each declared role by id; and only where a document needs it:

    permission sets where one is named, collections and containers where a permission names one, claims where one is to
    join, permission strings where one is to be granted, identity providers where a claim is to join whose provider no
    claim of the server has, and roles that a new one may have been.
    """
    rows = read_role_list(read)
    names = {name for document in documents for name in list_role_names(document)}
    roles = _read_declared_roles(read, names, rows)
    resources = read_resource_lists(read, documents)
    resolved = [resolve_names(document, resources) for document in documents]
    found_roles = [(document, find_live_role(document, roles)) for document, faults in resolved if not faults]
    sets = _read_needed_sets(read, documents)
    new_claims = [claim.key for document, found in found_roles for claim in find_new_claims(document, found.raw)]
    claim_index = read_claim_index(read) if new_claims else ClaimIndex()
    lists = read_server_lists(
        read,
        needs_permissions=any(find_new_permissions(document, found.raw) for document, found in found_roles),
        needs_providers=any(is_provider_in_doubt(key, claim_index.providers) for key in new_claims),
    )
    claim_context = ClaimContext(claim_index, collect_declared_descriptions(documents))
    missing = [document for document, found in found_roles if found == FoundRole()]
    candidates = read_rename_candidates(read, missing, rows, names, sets.names)
    return LiveRoles(roles, sets, claim_context, lists, candidates, tuple(rows), resources)


def observe_undeclared_roles(read: Read, documents: Documents) -> LiveRoles:
    """Read the list, and each role by id that none of these documents declares: the list has no descriptions."""
    declared = {name for document in documents for name in list_role_names(document)}
    rows = read_role_list(read)
    roles = _read_declared_roles(read, {fold_role_name(row) for row in rows} - declared, rows)
    return LiveRoles(roles, PermissionSets(), ClaimContext(ClaimIndex(), {}), ServerLists(), rows=tuple(rows))


def list_roles(live: LiveRoles, documents: Documents) -> Iterator[ListedObject]:
    """Yield all roles; only those that were read by id have a description."""
    keys = collect_keys(documents)
    details = {pick_member(raw, "Id"): raw for roles in live.roles.values() for raw in roles}
    for row in live.rows:
        key = fold_role_name(row)
        raw = details.get(pick_member(row, "Id"), {})
        is_immutable = bool(pick_member(row, "Immutable"))
        facts = {"description": pick_member(raw, "Description") or None, "immutable": is_immutable}
        name = str(pick_member(row, "Name") or "")
        yield ListedObject(name, str(pick_member(row, "Id")), (key,), key in keys, facts)


def _read_needed_sets(read: Read, documents: Documents) -> PermissionSets:
    names = [document.spec.declared().get("permissionSet") for document in documents]
    return (
        read_permission_sets(read)
        if any(name is not None and not is_guid(name) for name in names)
        else PermissionSets()
    )


def _read_declared_roles(read: Read, names: Collection[str], rows: Sequence[Json]) -> dict[str, list[Json]]:
    ids = [int(pick_member(row, "Id")) for row in rows if fold_role_name(row) in names]
    roles: dict[str, list[Json]] = {}
    for raw in read_roles_by_id(read, ids):
        roles.setdefault(fold_role_name(raw), []).append(raw)
    return roles


def find_new_permissions(document: Wanted, raw: LiveRole | None) -> list[str]:
    """Return the declared permissions that the role, as read, does not hold."""
    held_permissions = list_held_permissions(raw)
    return [name for name in document.spec.declared().get("permissions", ()) if name not in held_permissions]


def list_held_permissions(raw: Mapping[str, Json] | None) -> frozenset[str]:
    """Return the permissions of a role as read; none of one that doesn't exist."""
    return frozenset(pick_member(raw, "Permissions")) if raw else frozenset()


def list_doubtful_claims(document: Wanted, raw: LiveRole | None, claim_index: ClaimIndex) -> frozenset[ClaimKey]:
    """Return the claims that join the role whose provider no claim of the server has."""
    new_claims = (claim.key for claim in find_new_claims(document, raw))
    return frozenset(key for key in new_claims if is_provider_in_doubt(key, claim_index.providers))
