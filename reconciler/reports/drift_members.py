"""What the JSON of a run has beside the comparison: which run it was, and how long things have differed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.deferrals import Deferral
from reconciler.model import Json

if TYPE_CHECKING:
    # Only drift pays for the store's records.
    from reconciler.plans.drift_items import ClearedDifference, DriftAge
    from reconciler.state.records import Lease, RunRecord

_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_RUNS = {"type": "integer", "minimum": 1, "description": "In how many runs it was seen."}
_ADDRESS_MEMBERS = ("target", "kind", "name")

AGE_SCHEMA: dict[str, Json] = {
    "type": "object",
    "description": "How long this has differed. `changed`: in this place something else differed before. "
    "`acknowledged`: it is left alone until a day, by a manifest; how long it has differed only drift tells then.",
    "required": ["status"],
    "properties": {
        "status": {"enum": ["new", "changed", "known", "acknowledged"]},
        "since": _TIME,
        "runs": _RUNS,
        "until": {"type": "string", "format": "date", "description": "From that day on (UTC) it counts again."},
        "acknowledgement": _TEXT | {"description": "The name of the document that says so."},
        "manifest": _TEXT | {"description": "file:line:column of that document."},
        "reason": _TEXT,
    },
    "if": {"properties": {"status": {"const": "acknowledged"}}},
    "then": {"required": ["until", "acknowledgement", "manifest", "reason"]},
    "else": {"required": ["since", "runs"]},
}
"""The schema of `encode_age` and `encode_acknowledgement`."""

RUN_SCHEMA: dict[str, Json] = {
    "run": {
        "type": "object",
        "description": "Which run of drift or apply this is.",
        "required": ["id", "started", "tool", "commit"],
        "properties": {"id": _TEXT, "started": _TIME, "tool": _TEXT, "commit": _TEXT},
    },
    "cleared": {
        "type": "array",
        "description": "Differences that earlier runs saw, and that are gone.",
        "items": {
            "type": "object",
            "required": ["address", "object", "path", "since", "runs"],
            "properties": {
                "address": {
                    "type": "object",
                    "required": list(_ADDRESS_MEMBERS),
                    "properties": dict.fromkeys(_ADDRESS_MEMBERS, _TEXT),
                    "additionalProperties": False,
                },
                "object": _TEXT,
                "path": _TEXT | {"description": "Empty for an object that was not there."},
                "since": _TIME,
                "runs": _RUNS,
            },
        },
    },
    "during_apply": {
        "type": "array",
        "description": "Targets that an apply held meanwhile: what differs may be what it is about to change.",
        "items": {
            "type": "object",
            "required": ["target", "run", "since"],
            "properties": {"target": _TEXT, "run": _TEXT, "since": _TIME},
        },
    },
}
"""The schemas of the members that have to do with other runs; they are there where the store gave an answer."""


def encode_run(run: RunRecord) -> dict[str, Json]:
    """Return which run this is; `commit` is empty where the manifests are in no checkout."""
    return {"id": run.id, "started": run.started, "tool": run.tool, "commit": run.commit}


def encode_age(age: DriftAge) -> dict[str, Json]:
    """Return how long something has differed."""
    return {"status": age.status.value, "since": age.since, "runs": age.runs}


def encode_acknowledgement(deferral: Deferral, age: DriftAge | None) -> dict[str, Json]:
    """Return until when something is left alone, and how long it has differed where that is known."""
    members = {
        "status": "acknowledged",
        "until": deferral.until.isoformat(),
        "acknowledgement": deferral.name,
        "manifest": str(deferral.source),
        "reason": deferral.reason,
    }
    return {**members, "since": age.since, "runs": age.runs} if age else dict(members)


def encode_cleared(differences: Iterable[ClearedDifference]) -> list[Json]:
    """Return what no longer differs."""
    return [difference._asdict() | {"address": difference.address._asdict()} for difference in differences]


def encode_leases(leases: Mapping[str, Lease]) -> list[Json]:
    """Return which targets were held by another run meanwhile."""
    return [{"target": name, "run": lease.run, "since": lease.since} for name, lease in sorted(leases.items())]
