"""The claims that a role declares beside those that it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, Field

from reconciler.errors import Problem
from reconciler.kinds.fields import Name, Text, pick, unmanaged
from reconciler.kinds.kind import Finding, Match, Resource, Wanted
from reconciler.kinds.security_role.claim_index import Defined, description_of
from reconciler.model import Json
from reconciler.payloads.claims import ClaimKey, ClaimType, folded, partners, read_key


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


class Known(NamedTuple):
    """What is known of claims beside the roles: the server's own list, and what documents call them, by folded key."""

    defined: Defined
    words: Mapping[ClaimKey, frozenset[str]]


def words_of(wanted: Sequence[Wanted]) -> dict[ClaimKey, frozenset[str]]:
    """Return the descriptions that the documents give each claim; more than one can't all be true."""
    found: dict[ClaimKey, frozenset[str]] = {}
    for one in wanted:
        for claim in _declared(one):
            if "description" in claim.model_fields_set:
                key = folded(claim.key)
                found[key] = found.get(key, frozenset()) | {claim.description}
    return found


def joining(wanted: Wanted, raw: Mapping[str, Json] | None) -> list[Claim]:
    """Return the declared claims that the role, as read, does not hold."""
    held = _held(raw)
    return [claim for claim in _declared(wanted) if not partners(claim.key, held)]


def outgoing_words(wanted: Wanted, raw: Mapping[str, Json] | None, known: Known) -> dict[ClaimKey, str]:
    """Return the claims that join the role, each with the description that it goes out with.

    It is the one that the claim has; for a claim that doesn't exist yet what a document says, or else its value, since
    the server wants one.
    """
    found: dict[ClaimKey, str] = {}
    for claim in joining(wanted, raw):
        live = known.defined.alike(claim.key)
        said = known.words.get(folded(claim.key), {claim.value})
        # min: documents that contradict each other are refused, but equal input must give an equal plan.
        found[claim.key] = description_of(live[0]) if live else min(said)
    return found


def unsaid(wanted: Wanted, words: Mapping[ClaimKey, str], known: Known) -> dict[str, str]:
    """Return, by path, the descriptions that new claims get without their document's saying so: a plan shows them."""
    return {
        f"claims.{claim.value}.description": words[claim.key]
        for claim in _declared(wanted)
        if claim.key in words and "description" not in claim.model_fields_set and not known.defined.alike(claim.key)
    }


def doubt(wanted: Wanted, words: Mapping[ClaimKey, str], known: Known) -> str:
    """Say why it can't be told whether a claim that joins the role is one that the server has; "" if it can."""
    for claim in _declared(wanted):
        described = "description" in claim.model_fields_set
        if claim.key in words and (why := known.defined.unsure(claim.key, described=described)):
            return why
    return ""


def descriptions(wanted: Wanted, raw: Mapping[str, Json] | None, known: Known) -> Iterator[Finding]:
    """Yield a match for each live claim that is declared with a description; new claims get theirs with the role."""
    held = _held(raw)
    for index, claim in enumerate(_declared(wanted)):
        if "description" not in claim.model_fields_set:
            continue
        found = [held[key] for key in partners(claim.key, held)] or known.defined.alike(claim.key)
        # One at most: where several can't be told apart, a problem has been reported instead.
        for live in found[:1]:
            value, text = read_key(live).value, description_of(live)
            path, about = f"claims.{value}.description", f"claim {value} (id {pick(live, 'Id')})"
            place = wanted.at(("spec", "claims", index, "description"))
            match = Described(live, claim.description)
            # objects=0: the limit counts roles, and this claim belongs to one that is counted already.
            yield Match(wanted, {path: text}, {path: claim.description}, match, about, place, objects=0)


def contradictory(wanted: Wanted, words: Mapping[ClaimKey, frozenset[str]]) -> Iterator[Problem]:
    """A claim has one description, whichever roles hold it."""
    for index, claim in enumerate(_declared(wanted)):
        said = words.get(folded(claim.key), frozenset())
        if "description" in claim.model_fields_set and len(said) > 1:
            told = " and ".join(repr(text) for text in sorted(said))
            why = f"the {claim.type} claim {claim.value!r} is described as {told} in different documents"
            place = wanted.at(("spec", "claims", index, "description"))
            yield Problem(place, f"{why}; a claim has one description, which its roles share; use one of them")


def ambiguous(wanted: Wanted, raw: Mapping[str, Json] | None, known: Known) -> Iterator[Problem]:
    """An account without its domain may stand for several: a declared one for live ones, or the other way round."""
    held, declared = _held(raw), _declared(wanted)
    meant = [partners(claim.key, held) or [*map(read_key, known.defined.alike(claim.key))] for claim in declared]
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


def _declared(wanted: Wanted) -> Sequence[Claim]:
    claims: Sequence[Claim] = wanted.resource.declared().get("claims", ())
    return claims


def _held(raw: Mapping[str, Json] | None) -> dict[ClaimKey, Mapping[str, Json]]:
    return {read_key(claim): claim for claim in pick(raw, "Claims")} if raw else {}
