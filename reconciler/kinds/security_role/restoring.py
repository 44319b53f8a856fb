"""The document that makes a role, and the claims that it describes, what they were before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.kinds.restoration import FormerDocument, RememberedStep, UndoObstacle, build_former_fields
from reconciler.model import Json, Path, Request
from reconciler.payloads.claims import ClaimKey, is_same_claim

_MANY_DESCRIBED = "a claim that the role is not to hold then can't be described by its document"


def name_claim(request: Request) -> Mapping[str, Json]:
    """Return what names the claim whose description a request changes."""
    return {"claims": [ClaimKey(*request.base["Key"])._asdict()]}


def restore_role(steps: Sequence[RememberedStep]) -> Iterator[FormerDocument | UndoObstacle]:
    """Yield the one document of a role; its own step and those of its claims' descriptions go into it.

    What a claim was described by when it joined the role stays with the claim, which the role lets go.
    """
    role_steps = [step for step in steps if "claims" not in step.identity]
    changes = [change for step in role_steps for change in step.changes if not change.path.startswith("claims.")]
    former_name = next((str(change.before) for change in changes if change.path == "name"), "")
    fields = build_former_fields(change for change in changes if change.path != "name")
    origins: dict[Path, int] = {(): (role_steps or steps)[0].number}
    for step in steps:
        if "claims" in step.identity:
            path = _add_description(fields, step)
            if path is None:
                yield UndoObstacle((step.number,), _MANY_DESCRIBED, "describe it in the portal")
            else:
                origins[path] = step.number
    address = steps[0].address
    if former_name:
        yield FormerDocument(address._replace(name=former_name), fields, origins, address.name)
    elif fields:
        yield FormerDocument(address, fields, origins)


def _add_description(fields: dict[str, Any], step: RememberedStep) -> Path | None:
    """Describe a claim in the fields of its role as it was before, and return the path; None where it has none."""
    claim: dict[str, Json] = step.identity["claims"][0]
    if "claims" not in fields and "claims" not in fields.get("clear", ()):
        fields |= {"claims": [], "additive": ["claims"]}
    # Whatever the role is to hold is listed, unless the list only adds.
    if "additive" in fields:
        fields["claims"].append(claim)
    keys = [ClaimKey(entry["type"], entry["value"], entry["provider"]) for entry in fields.get("claims", ())]
    index = next((index for index, key in enumerate(keys) if is_same_claim(key, ClaimKey(**claim))), None)
    if index is None:
        return None
    fields["claims"][index] = {**fields["claims"][index], "description": step.changes[0].before}
    return ("claims", index, "description")
