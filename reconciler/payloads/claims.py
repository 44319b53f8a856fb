"""The claims of a security role: what is read is not what is sent.

Read:  {"Id", "Description", "ClaimType": name, "ClaimValue", "Provider": {"AuthenticationScheme", ...} | null}
Sent:  {"ClaimType": int, "ClaimValue", "ProviderAuthenticationScheme", "Description"}

A claim is matched by (type, value, scheme). Active Directory values come back with another letter case or with a domain
that was not sent, so these are compared as the server returns them. Nothing is encoded by guessing: an unknown type or
a missing provider raises CannotEncode.

The description belongs to the claim, which roles share, and is changed by PUT /Security/Claims (version 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from reconciler.kinds.fields import pick
from reconciler.kinds.kind import CannotEncode
from reconciler.model import Call, Json, Request

# In the order of the API's enumeration: a claim is read with the name and sent with the number.
ClaimType = Literal["User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId"]

PATH = "/Security/Claims"

TYPES: tuple[str, ...] = get_args(ClaimType)
"""Names by number: the position is the integer that is sent."""

# Active Directory compares account names without regard to letter case.
_AD_TYPES = frozenset(TYPES[:3])


class ClaimKey(NamedTuple):
    """What tells one claim from another. The description is not part of it: claims are shared between roles."""

    type: str
    value: str
    provider: str


def same(one: ClaimKey, other: ClaimKey) -> bool:
    """True if the server takes both for one claim."""
    if one.type != other.type or one.provider.casefold() != other.provider.casefold():
        return False
    # OAuth values to the letter: sub, for one, is case-sensitive (RFC 7519, 4.1.2).
    if one.type not in _AD_TYPES:
        return one.value == other.value
    return _same_account(one.value.casefold(), other.value.casefold())


def partners(key: ClaimKey, claims: Iterable[ClaimKey]) -> list[ClaimKey]:
    """Return the claims that the server may take for this one: the very one, or else all that `same` allows."""
    alike = [claim for claim in claims if same(key, claim)]
    return [claim for claim in alike if folded(claim) == folded(key)] or alike


def folded(key: ClaimKey) -> ClaimKey:
    """Return a claim in the form in which the very same ones are equal, letter case aside where the server folds it."""
    value = key.value.casefold() if key.type in _AD_TYPES else key.value
    return ClaimKey(key.type, value, key.provider.casefold())


def loose(key: ClaimKey) -> tuple[str, str]:
    """Return what all claims have in common that `same` may allow, whoever provides them: for finding them quickly."""
    return key.type, key.value.casefold().rpartition("\\")[2] if key.type in _AD_TYPES else key.value


def same_set(some: Iterable[ClaimKey], others: Iterable[ClaimKey]) -> bool:
    """True if both hold the same claims, each matched once; the very same ones are matched first."""
    left, unmatched = list(others), []
    for claim in some:
        partner = next((other for other in left if folded(other) == folded(claim)), None)
        if partner is None:
            unmatched.append(claim)
        else:
            left.remove(partner)
    # Only now: an account without its domain could take the partner that an exact one needs.
    for claim in unmatched:
        partner = next((other for other in left if same(claim, other)), None)
        if partner is None:
            return False
        left.remove(partner)
    return not left


def read_key(raw: Mapping[str, Json]) -> ClaimKey:
    """Return the key of a claim as read; the provider is "" where the server gives null."""
    provider = pick(raw, "Provider")
    # Null has been seen on 25.5.1 with an OIDC provider.
    scheme = pick(provider, "AuthenticationScheme") if isinstance(provider, Mapping) else None
    return ClaimKey(_type_name(pick(raw, "ClaimType")), str(pick(raw, "ClaimValue") or ""), str(scheme or ""))


def resend(raw: Mapping[str, Json]) -> dict[str, Any]:
    """Return a claim that was read as it must be sent to stay what it is."""
    return encode(read_key(raw), str(pick(raw, "Description") or ""))


def encode(key: ClaimKey, description: str) -> dict[str, Any]:
    """Return a claim as it is sent; raises CannotEncode for an unknown type or an unknown provider."""
    if key.type not in TYPES:
        raise CannotEncode(
            f"the role holds a claim of type {key.type!r}, which this version can't send back; PUT would remove it; "
            "change this role in the portal"
        )
    # The vendor's Terraform provider sends an empty scheme and warns that this may re-bind the claim.
    if not key.provider:
        raise CannotEncode(
            f"the server names no provider for the {key.type} claim {key.value!r}; sent back without one it may be "
            "bound to another provider or lost; give the claim a provider in the portal first"
        )
    return {
        "ClaimType": TYPES.index(key.type),
        "ClaimValue": key.value,
        "ProviderAuthenticationScheme": key.provider,
        "Description": description,
    }


def outgoing(
    raw: Mapping[str, Json] | None, keys: frozenset[ClaimKey] | None, joining: Mapping[ClaimKey, str]
) -> list[dict[str, Any]]:
    """Return a role's claims as they are sent: those that it holds as they are, those that join with their description.

    `raw` is the role as read (None for a new one); `keys` are the claims it is to have, None for those that it has.
    Every live claim must be encodable, even one that goes: with no provider it can't be told what it is.
    """
    live = {read_key(claim): resend(claim) for claim in pick(raw, "Claims")} if raw else {}
    if keys is None:
        keys = frozenset(live)
    return [live.get(key) or encode(key, joining[key]) for key in sorted(keys)]


def identified(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a claim by itself is: its id, its key and its description, the only thing of it that can change."""
    return {"Id": pick(raw, "Id"), "Key": list(read_key(raw)), "Description": str(pick(raw, "Description") or "")}


def redescribed(target: str, raw: Mapping[str, Json], description: str) -> Request:
    """Return the request that gives a claim another description; what a role's PUT does with one is not documented."""
    base = identified(raw)
    # Nothing else of a claim can be changed: another type, value or scheme is another claim.
    body = {"Id": base["Id"], "Description": description}
    return Request(Call(target, "PUT", PATH, body), base, {**base, "Description": description})


def sent_key(body: Mapping[str, Json]) -> ClaimKey:
    """Return the key of a claim as `encode` made it."""
    return ClaimKey(TYPES[body["ClaimType"]], body["ClaimValue"], body["ProviderAuthenticationScheme"])


def _type_name(value: Json) -> str:
    """Some versions answer with the number (the generated v11 client models it so)."""
    # bool is a subclass of int: true would pass for Group.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(TYPES):
        return TYPES[value]
    folded = {name.casefold(): name for name in TYPES}
    return folded.get(str(value).casefold(), str(value))


def _same_account(one: str, other: str) -> bool:
    """Compare `domain\\account` with `account`: a domain that only one side has is ignored."""
    # Command may add the NetBIOS domain to a value that was sent without one.
    one_domain, _, one_name = one.rpartition("\\")
    other_domain, _, other_name = other.rpartition("\\")
    return one_name == other_name and (one_domain == other_domain or not one_domain or not other_domain)
