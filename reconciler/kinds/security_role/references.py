"""What a role names that the server has lists of: its permission strings and its identity providers.

Both differ by version and installation, so the server is asked. Where it doesn't tell, nothing is concluded: reading
either list may need a permission that managing roles does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from reconciler.diagnostics import Diagnostic
from reconciler.errors import AuthError, IncompleteError, UnreachableError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.security_role.permissions import can_be_granted, split_trailing_id
from reconciler.model import Json
from reconciler.payloads.claims import DIRECTORY_TYPES, ClaimKey
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

PERMISSIONS_PATH = "/Permissions"
PROVIDERS_PATH = "/IdentityProviders"
# Schemes of claims that are no identity providers (contract: 2.2), "unknown" among them.
_BUILT_IN_SCHEMES = frozenset({"system", "client certificate authentication ca", "unknown"})
_DIRECTORY_SCHEME = "active directory"
_CUTOFF = 0.6
_MAX_NAMES = 8

_ListT = TypeVar("_ListT")


class ServerLists(NamedTuple):
    """Permission strings, and display names by the authentication scheme of each provider; empty where not told."""

    permissions: Collection[str] = frozenset()
    providers: Mapping[str, str] = {}


def read_server_lists(read: Read, *, needs_permissions: bool, needs_providers: bool) -> ServerLists:
    """Read the lists that are needed: a request each."""
    permissions = _read_if_told(lambda: _read_permission_strings(read)) if needs_permissions else None
    providers = _read_if_told(lambda: _read_providers(read)) if needs_providers else None
    return ServerLists(permissions or frozenset(), providers or {})


def _read_if_told(read_list: Callable[[], _ListT]) -> _ListT | None:
    try:
        return read_list()
    # 403 for want of a permission, 404 of a version without the list: it is no more than a check before the server's
    # own, so a plan goes on without it.
    except (AuthError, IncompleteError, UnreachableError):
        return None


def _read_permission_strings(read: Read) -> frozenset[str]:
    rows = read.get(PERMISSIONS_PATH)
    is_list = isinstance(rows, list) and all(isinstance(row, str) for row in rows)
    # Those of version one look otherwise (contract: 1.7), and would make every declared one unknown.
    return frozenset(rows) if is_list and all(row[:1] == "/" == row[-1:] for row in rows) else frozenset()


def _read_providers(read: Read) -> dict[str, str]:
    rows = [(pick_member(row, "AuthenticationScheme"), pick_member(row, "DisplayName")) for row in _list_objects(read)]
    return {str(scheme): str(display_name or "") for scheme, display_name in rows if scheme}


def _list_objects(read: Read) -> list[Mapping[str, Json]]:
    return [row for row in read.rows(PROVIDERS_PATH) if isinstance(row, Mapping)]


def is_provider_in_doubt(key: ClaimKey, known_schemes: Collection[str]) -> bool:
    """True if no claim proves that there is such a provider; `known_schemes` are folded."""
    scheme = key.provider.casefold()
    if key.type in DIRECTORY_TYPES and scheme == _DIRECTORY_SCHEME:
        return False
    return scheme not in _BUILT_IN_SCHEMES and scheme not in known_schemes


def find_unknown_permissions(
    document: Wanted, held: Collection[str], permissions: Collection[str]
) -> Iterator[Diagnostic]:
    """Yield a problem for each declared permission that the role doesn't hold and the server doesn't know."""
    for index, permission in enumerate(document.spec.declared().get("permissions", ())):
        if permissions and permission not in held and not can_be_granted(permission, permissions):
            parent, resource_id = split_trailing_id(permission)
            nearest = get_close_matches(parent, sorted(permissions), n=1, cutoff=_CUTOFF)
            yield Diagnostic(
                "live.unknown-reference",
                document.at(("spec", "permissions", index)),
                f"the server has no permission {permission}",
                "it would refuse the role",
                f'did you mean "{nearest[0]}{resource_id}"?' if nearest else f"GET {PERMISSIONS_PATH} lists them",
                address=document.address,
            )


def find_unknown_providers(
    document: Wanted, doubtful_claims: Collection[ClaimKey], providers: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Yield a problem for each claim that is to join whose provider the server doesn't have."""
    schemes = {scheme.casefold() for scheme in providers}
    for index, claim in enumerate(document.spec.declared().get("claims", ())):
        if providers and claim.key in doubtful_claims and claim.provider.casefold() not in schemes:
            yield Diagnostic(
                "live.unknown-reference",
                document.at(("spec", "claims", index, "provider")),
                f"the server has no identity provider {claim.provider!r}",
                "it would refuse the claim",
                _suggest_provider(claim.provider, providers),
                address=document.address,
            )


def _suggest_provider(declared: str, providers: Mapping[str, str]) -> str:
    """People read display names in the portal; what a claim carries is the authentication scheme."""
    names = {scheme.casefold(): scheme for scheme in providers}
    display_names = {display_name.casefold(): scheme for scheme, display_name in providers.items()}
    nearest = get_close_matches(declared.casefold(), sorted({*names, *display_names}), n=1, cutoff=_CUTOFF)
    if nearest:
        return f'did you mean "{names.get(nearest[0]) or display_names[nearest[0]]}"?'
    return f"it has {', '.join(sorted(providers)[:_MAX_NAMES])}{', ...' if len(providers) > _MAX_NAMES else ''}"
