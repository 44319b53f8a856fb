"""The claims of a security role: what is read is not what is sent.

Read:  {"Id", "Description", "ClaimType": name, "ClaimValue", "Provider": {"AuthenticationScheme", ...} | null}
Sent:  {"ClaimType": int, "ClaimValue", "ProviderAuthenticationScheme", "Description"}

A claim is matched by (type, value, scheme). Active Directory values may come back with another letter case or with a
domain that was not sent, so neither tells two of these apart. Nothing is encoded by guessing: an unknown type or
a missing provider raises CannotEncode.

The description belongs to the claim, which roles share, and is changed by PUT /Security/Claims (version 1).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from reconciler.errors import CannotEncode
from reconciler.model import Call, Json, Request
from reconciler.payloads.members import pick_member

# In the order of the API's enumeration: a claim is read with the name and sent with the number.
ClaimType = Literal["User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId"]

CLAIMS_PATH = "/Security/Claims"

CLAIM_TYPES: tuple[str, ...] = get_args(ClaimType)
"""Names by number: the position is the integer that is sent."""

# Active Directory compares account names without regard to letter case.
DIRECTORY_TYPES = frozenset(CLAIM_TYPES[:3])
"""The types of claims that are accounts of Active Directory."""


class ClaimKey(NamedTuple):
    """What tells one claim from another. The description is not part of it: claims are shared between roles."""

    type: str
    value: str
    provider: str


def is_same_claim(claim: ClaimKey, other: ClaimKey) -> bool:
    """True if the server takes both for one claim."""
    if claim.type != other.type or claim.provider.casefold() != other.provider.casefold():
        return False
    # OAuth values to the letter: sub, for one, is case-sensitive (RFC 7519, 4.1.2).
    if claim.type not in DIRECTORY_TYPES:
        return claim.value == other.value
    return _is_same_account(claim.value.casefold(), other.value.casefold())


def find_matching_claims(key: ClaimKey, claims: Iterable[ClaimKey]) -> list[ClaimKey]:
    """Return the claims that the server may take for this one: the very one, or all that `is_same_claim` allows."""
    matches = [claim for claim in claims if is_same_claim(key, claim)]
    return [claim for claim in matches if fold_claim_key(claim) == fold_claim_key(key)] or matches


def fold_claim_key(key: ClaimKey) -> ClaimKey:
    """Return a claim in the form in which the very same ones are equal, letter case aside where the server folds it."""
    value = key.value.casefold() if key.type in DIRECTORY_TYPES else key.value
    return ClaimKey(key.type, value, key.provider.casefold())


def build_lookup_key(key: ClaimKey) -> tuple[str, str]:
    """Return what all claims have in common that `is_same_claim` may allow, whoever provides them: an index's key."""
    return key.type, key.value.casefold().rpartition("\\")[2] if key.type in DIRECTORY_TYPES else key.value


def is_same_claim_set(claims: Iterable[ClaimKey], other_claims: Iterable[ClaimKey]) -> bool:
    """True if both hold the same claims, each matched once; the very same ones are matched first."""
    candidates, unmatched = list(other_claims), []
    for claim in claims:
        partner = next((other for other in candidates if fold_claim_key(other) == fold_claim_key(claim)), None)
        if partner is None:
            unmatched.append(claim)
        else:
            candidates.remove(partner)
    # Only now: an account without its domain could take the partner that an exact one needs.
    for claim in unmatched:
        partner = next((other for other in candidates if is_same_claim(claim, other)), None)
        if partner is None:
            return False
        candidates.remove(partner)
    return not candidates


def read_claim_key(raw: Mapping[str, Json]) -> ClaimKey:
    """Return the key of a claim as read; the provider is "" where the server gives null."""
    provider = pick_member(raw, "Provider")
    # Null has been seen on 25.5.1 with an OIDC provider.
    scheme = pick_member(provider, "AuthenticationScheme") if isinstance(provider, Mapping) else None
    return ClaimKey(
        _read_type_name(pick_member(raw, "ClaimType")), str(pick_member(raw, "ClaimValue") or ""), str(scheme or "")
    )


def encode_live_claim(raw: Mapping[str, Json]) -> dict[str, Any]:
    """Return a claim that was read as it must be sent to stay what it is."""
    return encode_claim(read_claim_key(raw), str(pick_member(raw, "Description") or ""))


def encode_claim(key: ClaimKey, description: str) -> dict[str, Any]:
    """Return a claim as it is sent; raises CannotEncode for an unknown type or an unknown provider."""
    if refusal := _explain_unencodable(key):
        raise CannotEncode(refusal)
    return {
        "ClaimType": CLAIM_TYPES.index(key.type),
        "ClaimValue": key.value,
        "ProviderAuthenticationScheme": key.provider,
        "Description": description,
    }


def _explain_unencodable(key: ClaimKey) -> str:
    if key.type not in CLAIM_TYPES:
        return (
            f"the role holds a claim of type {key.type!r}, which this version can't send back; PUT would remove it; "
            "change this role in the portal"
        )
    if not key.value:
        return (
            f"the role holds a claim of type {key.type} without a value, which Command does not take back; PUT would "
            "remove it; change this role in the portal"
        )
    # The vendor's Terraform provider sends an empty scheme and warns that this may re-bind the claim.
    if not key.provider:
        return (
            f"the server names no provider for the {key.type} claim {key.value!r}; sent back without one it may be "
            "bound to another provider or lost; give the claim a provider in the portal first"
        )
    return ""


def encode_role_claims(
    raw: Mapping[str, Json] | None, keys: frozenset[ClaimKey] | None, new_claims: Mapping[ClaimKey, str]
) -> list[dict[str, Any]]:
    """Return a role's claims as they are sent: those that it holds as they are, those that join with their description.

    `raw` is the role as read (None for a new one); `keys` are the claims it is to have, None for those that it has.
    Those that stay keep their order. Every live claim must be encodable, even one that goes: with no provider it can't
    be told what it is.
    """
    claims = pick_member(raw, "Claims") if raw else []
    live = {read_claim_key(claim): encode_live_claim(claim) for claim in claims}
    if len(live) != len(claims):
        raise CannotEncode(
            "the role holds two claims that read the same; sent back they would be one; remove one in the portal"
        )
    if keys is None:
        keys = frozenset(live)
    kept_claims = [claim for key, claim in live.items() if key in keys]
    return kept_claims + [encode_claim(key, new_claims[key]) for key in sorted(keys - live.keys())]


def name_description_paths(keys: Collection[ClaimKey]) -> dict[ClaimKey, str]:
    """Return the path by which a change names each claim's description: as short as tells these claims apart."""
    # A value alone is what people know a claim by; a user and a group may share one, and so may two providers.
    spellings: tuple[Callable[[ClaimKey], str], ...] = (
        lambda key: key.value,
        lambda key: f"{key.type} {key.value}",
        lambda key: f"{key.type} {key.value} ({key.provider})",
    )
    for spell in spellings:
        paths = {key: f"claims.{spell(key)}.description" for key in keys}
        if len(set(paths.values())) == len(paths):
            return paths
    return {key: f"claims.{json.dumps(key)}.description" for key in keys}


def build_claim_base(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a claim by itself is: its id, its key and its description, the only thing of it that can change."""
    return {
        "Id": pick_member(raw, "Id"),
        "Key": list(read_claim_key(raw)),
        "Description": str(pick_member(raw, "Description") or ""),
    }


def build_description_request(target: str, raw: Mapping[str, Json], description: str) -> Request:
    """Return the request that gives a claim another description; what a role's PUT does with one is not documented."""
    base = build_claim_base(raw)
    # Nothing else of a claim can be changed: another type, value or scheme is another claim.
    body = {"Id": base["Id"], "Description": description}
    return Request(Call(target, "PUT", CLAIMS_PATH, body), base, {**base, "Description": description})


def read_sent_key(body: Mapping[str, Json]) -> ClaimKey:
    """Return the key of a claim as `encode_claim` made it."""
    return ClaimKey(CLAIM_TYPES[body["ClaimType"]], body["ClaimValue"], body["ProviderAuthenticationScheme"])


def _read_type_name(value: Json) -> str:
    """Return a claim's type by name; the generated v11 client models it as the number."""
    # bool is a subclass of int: true would pass for Group.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(CLAIM_TYPES):
        return CLAIM_TYPES[value]
    names = {name.casefold(): name for name in CLAIM_TYPES}
    return names.get(str(value).casefold(), str(value))


def _is_same_account(account: str, other: str) -> bool:
    """Compare `domain\\account` with `account`: a domain that only one side has is ignored."""
    # Command may add the NetBIOS domain to a value that was sent without one.
    domain, _, name = account.rpartition("\\")
    other_domain, _, other_name = other.rpartition("\\")
    return name == other_name and (domain == other_domain or not domain or not other_domain)
