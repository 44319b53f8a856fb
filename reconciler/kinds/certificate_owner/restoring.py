"""Documents that give certificates back to those who owned them before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from reconciler.kinds.restoration import FormerDocument, RememberedStep
from reconciler.model import Json, Path, Request

_SCOPES = {"CollectionId": "collection", "ContainerId": "container"}
"""The fields that say where permission was evaluated, by the parameters of the request."""


def name_certificate(request: Request) -> Mapping[str, Json]:
    """Return the fields that name a request's certificate: by its id, since a thumbprint may stand for several."""
    scopes = {_SCOPES[name]: int(value) for name, value in request.call.query}
    return {"certificates": {"ids": [request.base["Id"]]}, **scopes}


def restore_owners(steps: Sequence[RememberedStep]) -> Iterator[FormerDocument]:
    """Yield one document for each owner of before; where there are several, each is called by its own."""
    groups: dict[str, list[RememberedStep]] = {}
    for step in steps:
        scope = {name: value for name, value in step.identity.items() if name != "certificates"}
        groups.setdefault(json.dumps([_find_former_owner(step), scope], sort_keys=True), []).append(step)
    for number, group in enumerate(groups.values()):
        yield _build_document(group, number + 1 if len(groups) > 1 else 0)


def _find_former_owner(step: RememberedStep) -> Json:
    return next((change.before for change in step.changes if change.path == "owner"), None)


def _build_document(steps: Sequence[RememberedStep], number: int) -> FormerDocument:
    owner = _find_former_owner(steps[0])
    ids = [number for step in steps for number in step.identity["certificates"]["ids"]]
    spec = {**steps[0].identity, "certificates": {"ids": ids}, **({"owner": owner} if owner else {"clear": ["owner"]})}
    address = steps[0].address
    # Each document is found by its address alone, and two owners need two.
    address = address._replace(name=f"{address.name} ({number}: {owner or 'no owner'})") if number else address
    origins: dict[Path, int] = {("certificates", "ids", index): step.number for index, step in enumerate(steps)}
    return FormerDocument(address, spec, {(): steps[0].number, **origins})
