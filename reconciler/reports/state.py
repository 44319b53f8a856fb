"""The store for people and as JSON: which one it is, how to pin it, and what is in it."""

from __future__ import annotations

from reconciler.engine.state_keeping import StoreOverview
from reconciler.model import Json
from reconciler.reports.layout import format_count, sanitize_message
from reconciler.state.records import Lease

_KEPT_LOCALLY = " on the machine that changed them alone: undo there, or give `state` a key"


def encode_state(overview: StoreOverview) -> dict[str, Json]:
    """Return the members of a store."""
    identity = overview.identity
    return {
        "id": identity.id,
        "place": overview.place,
        "format": identity.format,
        "created": identity.created,
        "declared": identity.declared,
        "pinned": overview.is_pinned,
        "keeps_bodies": overview.keeps_bodies,
        "targets": [
            {
                "id": target.id,
                "name": target.name,
                "runs": target.runs,
                "open": target.open,
                "lease": _encode_lease(target.lease),
            }
            for target in overview.targets
        ],
    }


def render_state(overview: StoreOverview, pin: str) -> str:
    """Return what the store is and what is in it; `pin` is the line of the settings that pins it."""
    identity = overview.identity
    lines = [
        f"store {identity.id}, {overview.place}",
        f"  format {identity.format}, made {identity.created}, {'declared' if identity.declared else 'not declared'}",
        f"  former objects are kept{'' if overview.keeps_bodies else _KEPT_LOCALLY}",
        *_describe_pin(overview, pin),
    ]
    for target in overview.targets:
        lines.append(f"target {target.name or '(of no name in these settings)'}, {target.id}")
        lines.append(f"  {format_count(target.runs, 'run')}, {format_count(target.open, 'step')} open")
        if target.lease:
            lines.append(f"  held by run {target.lease.run} since {target.lease.since}: {_name_holder(target.lease)}")
    if not overview.targets:
        lines.append("nothing is recorded in it")
    return sanitize_message("\n".join(lines) + "\n")


def render_declared(overview: StoreOverview, pin: str) -> str:
    """Return that the store is the one from now on, and how to pin it."""
    did = "Made" if overview.was_made else "Declared"
    counts = format_count(sum(target.runs for target in overview.targets), "run")
    held = f", with {counts} on {format_count(len(overview.targets), 'target')}" if overview.targets else ""
    return sanitize_message(
        f"{did} {overview.place}{held}.\n" + "\n".join(_describe_pin(overview, pin)).lstrip() + "\n"
    )


def _describe_pin(overview: StoreOverview, pin: str) -> list[str]:
    if overview.is_pinned:
        return ["  the settings pin it"]
    stale = f"; they pin {overview.pinned} now" if overview.pinned else ""
    return [f"  pin it in the settings, so that another one, or none, is noticed{stale}:", f"    {pin}"]


def _name_holder(lease: Lease) -> str:
    return ", ".join(part for part in (lease.holder.actor, f"on {lease.holder.host}", lease.holder.job) if part)


def _encode_lease(lease: Lease | None) -> dict[str, Json] | None:
    if lease is None:
        return None
    holder = lease.holder
    return {"run": lease.run, "since": lease.since, "host": holder.host, "actor": holder.actor, "job": holder.job}
