"""Certificates of several steps, looked at again in list calls, just before their writes and just after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.kinds.certificate_owner.owner_request import restate_certificate
from reconciler.model import Json, Query, Request, Step
from reconciler.payloads.certificate_table import format_id_key
from reconciler.payloads.certificates import CERTIFICATES_PATH, read_certificates
from reconciler.payloads.scopes import build_list_scope
from reconciler.reader import Read

_MOST = 20
"""Certificates that are asked for by name in one call."""


def reread_listed_owners(read: Read, steps: Sequence[Step]) -> Mapping[int, Json]:
    """Return certificates by the places of their steps, a collection at a time; none that its list doesn't tell."""
    requests_by_scope: dict[Query, list[tuple[int, Request]]] = {}
    for index, step in enumerate(steps):
        if step.request is not None:
            requests_by_scope.setdefault(build_list_scope(step.request.call.query), []).append((index, step.request))
    states: dict[int, Json] = {}
    for scope, requests in requests_by_scope.items():
        for first in range(0, len(requests), _MOST):
            batch = requests[first : first + _MOST]
            keys = {index: _read_key(request) for index, request in batch}
            rows = read_certificates(read, scope, list(keys.values())).by_key
            for index, request in batch:
                matches = rows.get(keys[index], [])
                if len(matches) == 1:
                    states[index] = restate_certificate(matches[0], request.base)
    return states


def _read_key(request: Request) -> str:
    return format_id_key(int(request.call.path.removeprefix(f"{CERTIFICATES_PATH}/").removesuffix("/Owner")))
