"""The claims that a server knows, whether or not a role holds them: GET /Security/Claims (version 1), one list.

A role's body carries a description with each claim, and what that does to the claim's own, which other roles share, is
not documented. So a claim that joins a role goes out with the very description that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import IncompleteError, StaleError
from reconciler.model import Json
from reconciler.payloads.claims import (
    CLAIMS_PATH,
    ClaimKey,
    build_lookup_key,
    find_matching_claims,
    read_claim_key,
    read_sent_key,
)
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

# Provider is null on some servers (contract: 1.3), and "unknown" is among the schemes that have been seen (2.2).
_UNNAMED_PROVIDERS = frozenset({"", "unknown"})
"""What stands where a server does not tell a claim's provider."""
_LOSS = "its description might be overwritten"
_REQUIRED_MEMBERS = ("Id", "Description", "ClaimType", "ClaimValue", "Provider")


class ClaimIndex:
    """A server's claims as read, found by what they say."""

    def __init__(self, rows: Iterable[Mapping[str, Json]] = ()) -> None:
        self._rows: dict[tuple[str, str], list[Mapping[str, Json]]] = {}
        self._providers: set[str] = set()
        for raw in rows:
            key = read_claim_key(raw)
            self._rows.setdefault(build_lookup_key(key), []).append(raw)
            self._providers.add(key.provider.casefold())

    @property
    def providers(self) -> frozenset[str]:
        """The folded names of all providers that the server's claims have."""
        return frozenset(self._providers)

    def find_claims(self, key: ClaimKey) -> list[Mapping[str, Json]]:
        """Return the claims that the server may take for this one, by id; more than one can't be told apart."""
        rows = self._rows.get(build_lookup_key(key), [])
        matching_keys = set(find_matching_claims(key, map(read_claim_key, rows)))
        return sorted((raw for raw in rows if read_claim_key(raw) in matching_keys), key=_build_id_sort_key)

    def explain_uncertainty(self, key: ClaimKey, *, has_description: bool) -> str:
        """Say why it can't be told whether the server has this claim; "" if it can.

        A server may return a provider under another name than it was sent (contract: 1.3). Where it returns the
        declared name for no claim at all, one that is otherwise the same may be the same; with a description of its
        own nothing would be lost by that.
        """
        candidates = self._rows.get(build_lookup_key(key), [])
        if not candidates or self.find_claims(key):
            return ""
        for raw in candidates:
            if read_claim_key(raw).provider.casefold() in _UNNAMED_PROVIDERS:
                return _explain_unnamed_provider(key, raw)
        if has_description or key.provider.casefold() in self._providers:
            return ""
        return _explain_unknown_provider(key, candidates[0])


def _explain_unnamed_provider(key: ClaimKey, raw: Mapping[str, Json]) -> str:
    summary = f"the server names no provider for its {key.type} claim {key.value!r} (id {pick_member(raw, 'Id')})"
    return f"{summary}, which may be the one to add; {_LOSS}; give that claim a provider in the portal first"


def _explain_unknown_provider(key: ClaimKey, raw: Mapping[str, Json]) -> str:
    number, other = pick_member(raw, "Id"), read_claim_key(raw).provider
    summary = (
        f"the server names {key.provider!r} as the provider of no claim, and {other!r} as that of its {key.type}"
        f" claim {key.value!r} (id {number}), which may be the one to add"
    )
    return f"{summary}; {_LOSS}; name the provider as the server does, or say the claim's description too"


def read_claim_index(read: Read) -> ClaimIndex:
    """Read all claims; raises IncompleteError for rows that aren't claims, since one missed would be overwritten."""
    return ClaimIndex(read_claim_rows(read))


def read_claim_rows(read: Read) -> list[Mapping[str, Json]]:
    """Return all claims as read; raises IncompleteError for rows that aren't claims."""
    rows = read.rows(CLAIMS_PATH)
    for raw in rows:
        member_names = {name.casefold() for name in raw}
        # Names alone are checked: any value may be null, but a member that is missing means another answer.
        if missing := [name for name in _REQUIRED_MEMBERS if name.casefold() not in member_names]:
            problem = Diagnostic(
                "live.unusable-answer",
                Source(f"GET {CLAIMS_PATH}"),
                f"a row of the list has no {' and no '.join(missing)}",
                "a claim that is not recognised would lose its description",
                "check the server's version and the proxy before it",
            )
            raise IncompleteError(problem)
    return rows


def _build_id_sort_key(raw: Mapping[str, Json]) -> tuple[bool, int, str]:
    """Order by id as numbers, whatever stands there in place of one at the end."""
    number = pick_member(raw, "Id")
    return (False, number, "") if isinstance(number, int) else (True, 0, str(number))


def read_description(raw: Mapping[str, Json]) -> str:
    """Return a claim's description as it is sent; "" for none."""
    return str(pick_member(raw, "Description") or "")


def check_sent_descriptions(read: Read, claims: Sequence[Mapping[str, Json]], role_keys: Sequence[ClaimKey]) -> None:
    """Raise StaleError if a role's body, as sent, describes a claim that joins the role otherwise than it is by now.

    Reads nothing where the role holds all of them: what is held is part of the role as read.
    """
    new_claims = [claim for claim in claims if not find_matching_claims(read_sent_key(claim), role_keys)]
    if not new_claims:
        return
    claim_index = read_claim_index(read)
    for claim in new_claims:
        for raw in claim_index.find_claims(read_sent_key(claim)):
            if read_description(raw) != claim["Description"]:
                raise StaleError(_explain_overwriting(claim, raw))


def _explain_overwriting(claim: Mapping[str, Json], raw: Mapping[str, Json]) -> Diagnostic:
    label = f"claim {claim['ClaimValue']} (id {pick_member(raw, 'Id')})"
    difference = f"is described as {read_description(raw)!r} by now, not {claim['Description']!r}"
    summary = f"{label} {difference}, which would be overwritten"
    return Diagnostic("live.changed", Source(f"GET {CLAIMS_PATH}"), summary, remedy="plan again")
