"""What a role's document says, changed to what the role is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from reconciler.kinds.adoption import (
    Adopted,
    AdoptedDocument,
    ComparedDocument,
    Difference,
    FieldAdopter,
    adopt_fields,
    explain_absence,
    merge_members,
)
from reconciler.kinds.security_role.claim_index import read_description
from reconciler.kinds.security_role.claims import DescriptionChange
from reconciler.kinds.security_role.export import choose_set_spelling
from reconciler.kinds.security_role.named_resources import read_named_resource
from reconciler.kinds.security_role.permission_sets import is_guid
from reconciler.kinds.security_role.resource_names import ResourceLists, fill_id
from reconciler.model import Json
from reconciler.payloads.claims import ClaimKey, find_matching_claims, read_claim_key
from reconciler.payloads.members import pick_member


def adopt_role(document: ComparedDocument, resources: ResourceLists) -> Iterator[Adopted]:
    """Yield the document with what the role holds of its fields, and what its claims are described by."""
    value = dict(deepcopy(document.value))
    role_differences = [difference for difference in document.differences if not _is_description(difference)]
    for difference in role_differences:
        if difference.before is None:
            yield explain_absence(document.address, difference)
            return
        raw = difference.encoder_input[0]
        adopters: dict[str, FieldAdopter] = {
            "claims": partial(_adopt_claims, raw),
            "permissionSet": partial(_spell_permission_set, raw),
            "permissions": partial(_adopt_permissions, resources),
        }
        before, after = dict(difference.before), dict(difference.after)
        if "name" in before:
            # It is still called what the document renames.
            value["metadata"] = _keep_name(value["metadata"], before.pop("name"))
            after.pop("name")
        value["spec"] = adopt_fields(value["spec"], before, after, adopters)
    for difference in document.differences:
        if _is_description(difference):
            _describe_claim(value["spec"].get("claims", []), difference.encoder_input.raw)
    yield AdoptedDocument(document.address, value)


def _is_description(difference: Difference) -> bool:
    return isinstance(difference.encoder_input, DescriptionChange)


def _keep_name(metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {field: value for field, value in {**metadata, "name": name}.items() if field != "renamedFrom"}


def _adopt_claims(
    raw: Mapping[str, Json], declared: Sequence[Mapping[str, Any]] | None, live: frozenset[ClaimKey]
) -> list[Json]:
    """Return the claims of the role: those that were declared as they are written, and what joined them.

    What describes a new claim is mentioned where the document describes others.
    """
    unmatched = set(live)
    staying: list[Json] = []
    for claim in declared or ():
        matches = find_matching_claims(_read_key(claim), unmatched)[:1]
        unmatched.difference_update(matches)
        staying += [claim] if matches else []
    joining: list[Json] = [key._asdict() for key in sorted(unmatched)]
    if any("description" in claim for claim in declared or ()):
        texts = {read_claim_key(claim): read_description(claim) for claim in pick_member(raw, "Claims") or ()}
        joining = [
            {**claim, "description": text} if (text := texts.get(_read_key(claim))) else claim for claim in joining
        ]
    return [*staying, *joining]


def _adopt_permissions(resources: ResourceLists, declared: Sequence[str] | None, live: frozenset[str]) -> list[str]:
    """Return the permissions of the role; one that was declared by name keeps that where the role still has its id."""
    # Ids decide: a name stays where it still means what the role has, and not because it once did.
    spelt_resources = {text: read_named_resource(text) for text in declared or ()}
    spellings = {
        fill_id(resource, resources.find_id(resource)): text
        for text, resource in spelt_resources.items()
        if resource is not None
    }
    return merge_members(declared or (), [spellings.get(permission, permission) for permission in live])


def _spell_permission_set(raw: Mapping[str, Json], declared: str | None, live: str) -> str:
    """Return a permission set by its GUID where the document has one, else as an export does."""
    if declared is not None and is_guid(declared):
        return str(pick_member(raw, "PermissionSetId")).lower()
    return choose_set_spelling(raw, live)


def _describe_claim(claims: Sequence[Any], raw: Mapping[str, Json]) -> None:
    """Give a listed claim the description that it has; one that has none is no longer described."""
    text = read_description(raw)
    for claim in claims:
        if "description" in claim and find_matching_claims(_read_key(claim), [read_claim_key(raw)]):
            claim.pop("description") if not text else claim.update(description=text)


def _read_key(claim: Mapping[str, Any]) -> ClaimKey:
    return ClaimKey(claim["type"], claim["value"], claim["provider"])
