"""What a plan of a role tells besides its changes: what the tool or the server supplied, and what may be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.diagnostics import Diagnostic, Explanation, Severity
from reconciler.kinds.kind import Note, Wanted
from reconciler.kinds.security_role.claims import (
    Claim,
    ClaimContext,
    find_uncertain_claim,
    list_declared_claims,
    read_role_claims,
)
from reconciler.kinds.security_role.identity import LiveRole
from reconciler.kinds.security_role.observation import LiveRoles
from reconciler.model import Path
from reconciler.payloads.claims import (
    DIRECTORY_TYPES,
    ClaimKey,
    find_matching_claims,
    fold_claim_key,
    is_same_claim_set,
    read_claim_key,
)
from reconciler.payloads.members import pick_member

_MAX_VALUES = 5


def find_remarks(
    document: Wanted, raw: LiveRole | None, live: LiveRoles, new_claims: Mapping[ClaimKey, str]
) -> Iterator[Note]:
    """Yield what is to be told of a role that is changed or created, or that is as declared."""
    yield from _find_unworded_claims(document, new_claims, live.claim_context)
    yield from _find_domainless_accounts(document, raw, live.claim_context)
    yield from _find_possible_renames(document, live.rename_candidates if raw is None else ())


def _find_unworded_claims(
    document: Wanted, new_claims: Mapping[ClaimKey, str], context: ClaimContext
) -> Iterator[Note]:
    """Tell, once a document, which new claims are described by their own values, since no document describes them."""
    unworded = [
        (index, claim.value)
        for index, claim in enumerate(list_declared_claims(document))
        if claim.key in new_claims
        and fold_claim_key(claim.key) not in context.descriptions
        and not context.claim_index.find_claims(claim.key)
    ]
    if unworded and not find_uncertain_claim(document, new_claims, context):
        yield _build_note(
            document, ("spec", "claims", unworded[0][0]), _explain_made_up([value for _, value in unworded])
        )


def _explain_made_up(values: Sequence[str]) -> Explanation:
    names = ", ".join(f"'{value}'" for value in values[:_MAX_VALUES])
    more = f" and {len(values) - _MAX_VALUES} more" if len(values) > _MAX_VALUES else ""
    return Explanation(
        "live.made-up-description",
        f"nothing describes the new {'claim' if len(values) == 1 else 'claims'} {names}{more}",
        "Command requires a description, so the value is sent as one",
        "declare `description` to say what it stands for",
    )


def _find_domainless_accounts(document: Wanted, raw: LiveRole | None, context: ClaimContext) -> Iterator[Note]:
    """Tell which account a declared one without its domain is taken for; for a new one the server chooses."""
    role_claims = read_role_claims(raw)
    for index, claim in enumerate(list_declared_claims(document)):
        if claim.type in DIRECTORY_TYPES and not {"\\", "@"} & {*claim.value}:
            matches = find_matching_claims(claim.key, role_claims) or [
                *map(read_claim_key, context.claim_index.find_claims(claim.key))
            ]
            # The very value is on the server: then nothing was resolved.
            if not any(fold_claim_key(match) == fold_claim_key(claim.key) for match in matches):
                yield _build_note(
                    document, ("spec", "claims", index, "value"), _explain_domainless_account(claim, matches)
                )


def _explain_domainless_account(claim: Claim, matches: Sequence[ClaimKey]) -> Explanation:
    if not matches:
        return Explanation(
            "live.account-without-domain",
            f"the {claim.type} '{claim.value}' has no domain",
            "which account gets the role is left to the server",
            f"write DOMAIN\\{claim.value}",
        )
    value = matches[0].value
    return Explanation(
        "live.account-without-domain",
        f"the {claim.type} '{claim.value}' has no domain and is taken for '{value}'",
        "that is the one of this name that the server has",
        f"write {value}",
    )


def _find_possible_renames(document: Wanted, candidates: Sequence[LiveRole]) -> Iterator[Note]:
    """Tell which undeclared roles hold just what a role that is to be created is declared to hold."""
    declared = document.spec.declared()
    claim_keys = [claim.key for claim in list_declared_claims(document)]
    permissions = set(declared.get("permissions", ()))
    for raw in candidates:
        shared = [
            noun
            for noun, is_shared in (
                ("claims", claim_keys and is_same_claim_set(claim_keys, read_role_claims(raw))),
                ("permissions", permissions and permissions == {*pick_member(raw, "Permissions")}),
            )
            if is_shared
        ]
        if shared:
            yield _build_note(document, ("metadata", "name"), _explain_possible_rename(raw, shared))


def _explain_possible_rename(raw: LiveRole, shared: Sequence[str]) -> Explanation:
    name = pick_member(raw, "Name")
    return Explanation(
        "live.possible-rename",
        f"'{name}' (id {pick_member(raw, 'Id')}) has the same {' and '.join(shared)}, and no document of this run "
        "declares it: is this a rename?",
        "a new role gets none of its certificates",
        f"write `renamedFrom: {name}` beside the name to rename it",
    )


def _build_note(document: Wanted, path: Path, words: Explanation) -> Note:
    return Note(
        Diagnostic(
            words.rule,
            document.at(path),
            words.summary,
            words.reason,
            words.remedy,
            severity=Severity.NOTE,
            address=document.address,
        )
    )
