"""The claims that a role declares beside those that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.kinds.fields import Name, Prose, unmanaged_field
from reconciler.kinds.kind import Finding, Match, Wanted
from reconciler.kinds.security_role.claim_index import ClaimIndex, read_description
from reconciler.kinds.spec_model import Spec
from reconciler.model import Json
from reconciler.payloads.claims import ClaimKey, ClaimType, find_matching_claims, fold_claim_key, read_claim_key
from reconciler.payloads.members import pick_member

_TYPE_MEANINGS = {
    "User": "a user of Active Directory, DOMAIN\\user",
    "Group": "a group of Active Directory, DOMAIN\\group",
    "Computer": "a computer of Active Directory, DOMAIN\\computer$",
    "OAuthOid": "the object id (oid) in a token; for applications of Entra ID use OAuthSubject",
    "OAuthRole": "a role or group that a token holds",
    "OAuthSubject": "whom a token is about (sub), such as an application or a person",
    "OAuthClientId": "the client that a token was given to",
}


class Claim(BaseModel):
    """Who gets the role: what an identity provider says of somebody."""

    model_config = Spec.model_config

    type: Annotated[ClaimType, ValueMeanings(_TYPE_MEANINGS)] = Field(
        description="The kind of claim; User, Group and Computer are Active Directory's."
    )
    value: Name = Field(description="What the claim must say, such as a group's name or DOMAIN\\user.")
    provider: Name = Field(description="The identity provider's authentication scheme, such as 'Active Directory'.")
    description: Prose = unmanaged_field(
        "What the claim stands for. It belongs to the claim, which other roles may share."
    )

    @property
    def key(self) -> ClaimKey:
        """The claim without its description."""
        return ClaimKey(self.type, self.value, self.provider)


class DescriptionChange(NamedTuple):
    """A live claim and the description that it is to have."""

    raw: Mapping[str, Json]
    description: str


class ClaimContext(NamedTuple):
    """What is known of claims beside the roles: the server's own list, and what documents call them, by folded key."""

    claim_index: ClaimIndex
    descriptions: Mapping[ClaimKey, frozenset[str]]


def collect_declared_descriptions(documents: Sequence[Wanted]) -> dict[ClaimKey, frozenset[str]]:
    """Return the descriptions that the documents give each claim; more than one can't all be true."""
    descriptions: dict[ClaimKey, frozenset[str]] = {}
    for document in documents:
        for claim in list_declared_claims(document):
            if "description" in claim.model_fields_set:
                key = fold_claim_key(claim.key)
                descriptions[key] = descriptions.get(key, frozenset()) | {claim.description}
    return descriptions


def find_new_claims(document: Wanted, raw: Mapping[str, Json] | None) -> list[Claim]:
    """Return the declared claims that the role, as read, does not hold."""
    role_claims = read_role_claims(raw)
    return [claim for claim in list_declared_claims(document) if not find_matching_claims(claim.key, role_claims)]


def choose_new_descriptions(
    document: Wanted, raw: Mapping[str, Json] | None, context: ClaimContext
) -> dict[ClaimKey, str]:
    """Return the claims that join the role, each with the description that it goes out with.

    It is the one that the claim has; for a claim that doesn't exist yet what a document says, or else its value, since
    the server wants one.
    """
    new_claims: dict[ClaimKey, str] = {}
    for claim in find_new_claims(document, raw):
        live_claims = context.claim_index.find_claims(claim.key)
        texts = context.descriptions.get(fold_claim_key(claim.key), {claim.value})
        # min: documents that contradict each other are refused, but equal input must give an equal plan.
        new_claims[claim.key] = read_description(live_claims[0]) if live_claims else min(texts)
    return new_claims


def find_uncertain_claim(document: Wanted, new_claims: Mapping[ClaimKey, str], context: ClaimContext) -> str:
    """Say why it can't be told whether a claim that joins the role is one that the server has; "" if it can."""
    for claim in list_declared_claims(document):
        has_description = "description" in claim.model_fields_set
        if claim.key in new_claims and (
            reason := context.claim_index.explain_uncertainty(claim.key, has_description=has_description)
        ):
            return reason
    return ""


def match_claim_descriptions(
    document: Wanted, raw: Mapping[str, Json] | None, context: ClaimContext
) -> Iterator[Finding]:
    """Yield a match for each live claim that is declared with a description; new claims get theirs with the role."""
    role_claims = read_role_claims(raw)
    for index, claim in enumerate(list_declared_claims(document)):
        if "description" not in claim.model_fields_set:
            continue
        matches = [role_claims[key] for key in find_matching_claims(claim.key, role_claims)]
        # One at most: where several can't be told apart, a problem has been reported instead.
        for live_claim in (matches or context.claim_index.find_claims(claim.key))[:1]:
            source = document.at(("spec", "claims", index, "description"))
            yield _match_description(document, claim.description, live_claim, source)


def _match_description(document: Wanted, description: str, raw: Mapping[str, Json], source: Source) -> Match:
    value = read_claim_key(raw).value
    path, label = f"claims.{value}.description", f"claim {value} (id {pick_member(raw, 'Id')})"
    before, after = {path: read_description(raw)}, {path: description}
    # objects=0: the limit counts roles, and this claim belongs to one that is counted already.
    return Match(document, before, after, DescriptionChange(raw, description), label, source, objects=0)


def find_contradictory_descriptions(
    document: Wanted, descriptions: Mapping[ClaimKey, frozenset[str]]
) -> Iterator[Diagnostic]:
    """A claim has one description, whichever roles hold it."""
    for index, claim in enumerate(list_declared_claims(document)):
        texts = descriptions.get(fold_claim_key(claim.key), frozenset())
        if "description" in claim.model_fields_set and len(texts) > 1:
            quoted_texts = " and ".join(repr(text) for text in sorted(texts))
            yield Diagnostic(
                "manifest.contradictory-documents",
                document.at(("spec", "claims", index, "description")),
                f"the {claim.type} claim {claim.value!r} is described as {quoted_texts} in different documents",
                "a claim has one description, which its roles share",
                "use one of them",
                address=document.address,
            )


def find_ambiguous_claims(
    document: Wanted, raw: Mapping[str, Json] | None, context: ClaimContext
) -> Iterator[Diagnostic]:
    """An account without its domain may stand for several: a declared one for live ones, or the other way round."""
    role_claims, declared = read_role_claims(raw), list_declared_claims(document)
    candidates = [
        find_matching_claims(claim.key, role_claims)
        or [*map(read_claim_key, context.claim_index.find_claims(claim.key))]
        for claim in declared
    ]
    for index, (claim, matches) in enumerate(zip(declared, candidates, strict=True)):
        rivals = [
            other.key.value
            for other, other_matches in zip(declared, candidates, strict=True)
            if matches and matches[0] in other_matches
        ]
        if explanation := _explain_ambiguity(claim, matches, rivals):
            yield explanation.locate(document.at(("spec", "claims", index, "value")), document.address)


def _explain_ambiguity(claim: Claim, matches: Sequence[ClaimKey], rivals: Sequence[str]) -> Explanation | None:
    """Say why it can't be told which claim is meant; `rivals` are the declared values that may be its live claim."""
    if len(matches) > 1:
        summary = f"{claim.value!r} may be any of {', '.join(sorted(key.value for key in matches))}"
        remedy = "write the value with its domain"
    elif len(rivals) > 1:
        summary = f"the server's claim {matches[0].value!r} may be any of {', '.join(sorted(rivals))}"
        remedy = "give the claim its domain in the portal"
    else:
        return None
    return Explanation("live.ambiguous", summary, "which claim is meant can't be told", remedy)


def list_declared_claims(document: Wanted) -> Sequence[Claim]:
    """Return the claims that a document declares, in its order."""
    claims: Sequence[Claim] = document.spec.declared().get("claims", ())
    return claims


def read_role_claims(raw: Mapping[str, Json] | None) -> dict[ClaimKey, Mapping[str, Json]]:
    """Return the claims of a role as read, by key; none of one that doesn't exist."""
    return {read_claim_key(claim): claim for claim in pick_member(raw, "Claims")} if raw else {}
