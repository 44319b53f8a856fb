"""The document that makes a role, and the claims that it describes, what they were before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.kinds.restoration import FormerDocument, RememberedStep, UndoObstacle, build_former_fields
from reconciler.model import Change, Json, Path, Request
from reconciler.payloads.claims import ClaimKey, find_matching_claims, read_sent_key

_NOT_HELD = "a claim that the role is not to hold then can't be described by its document"


def name_claim(request: Request) -> Mapping[str, Json]:
    """Return what names the claim whose description a request changes."""
    return {"claims": [ClaimKey(*request.base["Key"])._asdict()]}


def describe_leaving_claims(request: Request) -> Mapping[str, Json]:
    """Return the claims that a role lets go, with what they are described by: a server may forget them then."""
    kept_keys = {read_sent_key(claim) for claim in request.call.body["Claims"]}
    leaving = {ClaimKey(*claim[:3]): claim[3] for claim in request.base["Claims"]}
    claims = [{**key._asdict(), "description": text} for key, text in leaving.items() if text and key not in kept_keys]
    return {"claims": claims} if claims else {}


def restore_role(steps: Sequence[RememberedStep]) -> Iterator[FormerDocument | UndoObstacle]:
    """Yield the one document of a role; its own step and those of its claims' descriptions go into it.

    What a claim was described by when it joined the role stays with the claim, which the role lets go.
    """
    role_steps = [step for step in steps if not _is_about_claim(step)]
    changes = [change for step in role_steps for change in step.changes if not _is_description(change)]
    former_name = next((str(change.before) for change in changes if change.path == "name"), "")
    fields = build_former_fields(change for change in changes if change.path != "name")
    for step in role_steps:
        _describe_claims(fields, step.identity.get("claims", ()))
    origins: dict[Path, int] = {(): (role_steps or steps)[0].number}
    for step in filter(_is_about_claim, steps):
        path = _add_description(fields, step)
        if path is None:
            yield UndoObstacle((step.number,), _NOT_HELD, "describe it in the portal")
        else:
            origins[path] = step.number
    address = steps[0].address
    if former_name:
        yield FormerDocument(address._replace(name=former_name), fields, origins, address.name)
    elif fields:
        yield FormerDocument(address, fields, origins)


def _is_description(change: Change) -> bool:
    return change.path.startswith("claims.")


def _is_about_claim(step: RememberedStep) -> bool:
    """True for a step that changes a claim's description and nothing of the role."""
    return all(map(_is_description, step.changes))


def _add_description(fields: dict[str, Any], step: RememberedStep) -> Path | None:
    """Describe a claim in the fields of its role as it was before, and return the path; None where it has none."""
    claim: dict[str, Json] = {**step.identity["claims"][0], "description": step.changes[0].before}
    if "claims" not in fields and "claims" not in fields.get("clear", ()):
        fields |= {"claims": [], "additive": ["claims"]}
    # Whatever the role is to hold is listed, unless the list only adds.
    if "additive" in fields:
        fields["claims"] = [*fields["claims"], claim]
    for index in _describe_claims(fields, [claim]):
        return ("claims", index, "description")
    return None


def _describe_claims(fields: dict[str, Any], claims: Iterable[Mapping[str, Json]]) -> list[int]:
    """Give the listed claims the descriptions of these, and return the places of those that were given one."""
    texts = {_read_key(claim): claim["description"] for claim in claims}
    places: list[int] = []
    described: list[Mapping[str, Json]] = []
    for index, claim in enumerate(fields.get("claims", ())):
        matches = find_matching_claims(_read_key(claim), texts)
        described.append({**claim, "description": texts[matches[0]]} if matches else claim)
        places += [index] if matches else []
    fields |= {"claims": described} if described else {}
    return places


def _read_key(claim: Mapping[str, Json]) -> ClaimKey:
    return ClaimKey(claim["type"], claim["value"], claim["provider"])
