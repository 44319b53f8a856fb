"""The claims that a role declares beside those that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, Field

from reconciler.errors import Problem
from reconciler.fields import Name, Text, pick, unmanaged
from reconciler.model import Json
from reconciler.resource import Finding, Match, Resource, Wanted
from reconciler.wire.claims import ClaimKey, ClaimType, partners, read_key


class Claim(BaseModel):
    """Who gets the role: what an identity provider says of somebody."""

    model_config = Resource.model_config

    type: ClaimType = Field(description="The kind of claim; User, Group and Computer are Active Directory's.")
    value: Name = Field(description="What the claim must say, such as a group's name or DOMAIN\\user.")
    provider: Name = Field(description="The identity provider's authentication scheme, such as 'Active Directory'.")
    description: Text = unmanaged("What the claim stands for. It belongs to the claim, which other roles may share.")

    @property
    def key(self) -> ClaimKey:
        """The claim without its description."""
        return ClaimKey(self.type, self.value, self.provider)


class Described(NamedTuple):
    """A live claim and the description that it is to have."""

    raw: Mapping[str, Json]
    words: str


def described(wanted: Wanted) -> dict[ClaimKey, str]:
    """Return the descriptions that a document gives its claims."""
    claims: Sequence[Claim] = wanted.resource.declared().get("claims", ())
    return {claim.key: claim.description for claim in claims if "description" in claim.model_fields_set}


def words_of(wanted: Sequence[Wanted]) -> dict[ClaimKey, frozenset[str]]:
    """Return the descriptions that the documents give each claim; more than one can't all be true."""
    found: dict[ClaimKey, frozenset[str]] = {}
    for one in wanted:
        for key, text in described(one).items():
            found[key] = found.get(key, frozenset()) | {text}
    return found


def descriptions(
    wanted: Wanted, raw: Mapping[str, Json], words: Mapping[ClaimKey, frozenset[str]]
) -> Iterator[Finding]:
    """Yield a match for each live claim that is declared with a description; new claims get theirs with the role."""
    live = {read_key(claim): claim for claim in pick(raw, "Claims")}
    for index, claim in enumerate(wanted.resource.declared().get("claims", ())):
        found = partners(claim.key, live)
        if not found or "description" not in claim.model_fields_set:
            continue
        place = wanted.at(("spec", "claims", index, "description"))
        if len(words[claim.key]) > 1:
            told = " and ".join(repr(text) for text in sorted(words[claim.key]))
            why = f"the {claim.type} claim {claim.value!r} is described as {told} in different documents"
            yield Problem(place, f"{why}; a claim has one description, which its roles share; use one of them")
            continue
        path, known = f"claims.{found[0].value}.description", live[found[0]]
        before, about = str(pick(known, "Description") or ""), f"claim {found[0].value} (id {pick(known, 'Id')})"
        match = Described(known, claim.description)
        yield Match(wanted, {path: before}, {path: claim.description}, match, about, place, objects=0)


def ambiguous(wanted: Wanted, raw: Mapping[str, Json] | None) -> Iterator[Problem]:
    """An account without its domain may stand for several: a declared one for live ones, or the other way round."""
    live = {read_key(claim) for claim in pick(raw, "Claims")} if raw else set()
    declared: Sequence[Claim] = wanted.resource.declared().get("claims", ())
    meant = [partners(claim.key, live) for claim in declared]
    for index, (claim, twins) in enumerate(zip(declared, meant, strict=True)):
        rivals = [other for other, theirs in zip(declared, meant, strict=True) if twins and twins[0] in theirs]
        if len(twins) > 1:
            which = f"{claim.value!r} may be any of {', '.join(sorted(key.value for key in twins))}"
            mend = "write the value with its domain"
        elif len(rivals) > 1:
            both = ", ".join(sorted(other.value for other in rivals))
            which = f"the server's claim {twins[0].value!r} may be any of {both}"
            mend = "give the claim its domain in the portal"
        else:
            continue
        place = wanted.at(("spec", "claims", index, "value"))
        yield Problem(place, f"{which}; which claim is meant can't be told; {mend}")
