"""Entries of Command's audit log, made of what was really performed and of what was refused (AU 1.4 to 1.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from xml.sax.saxutils import escape

from reconciler.simulator.http.messages import Json
from reconciler.simulator.world.world import Record, World


class AuditCategory(NamedTuple):
    """A category: its number, what a query compares, what the portal shows, and its element in XML."""

    number: int
    subcategory: str
    shown: str
    element: str


_REFUSAL = AuditCategory(2012, "AuthorizationFailure", "Authorization Failure", "AuthorizationFailure")
_IDENTITY = AuditCategory(2010, "ADIdentityModel", "Security Identity", "ADIdentityModel")
_CATEGORIES: Mapping[str, AuditCategory] = {
    "role": AuditCategory(2011, "SecurityRole", "Security Role", "SecurityRole"),
    "claim": _IDENTITY,
    "certificate": AuditCategory(2001, "Certificate", "Certificate", "Certificate"),
    "request": AuditCategory(2001, "Auditing Certificate Request", "Certificate Request", "CertificateRequest"),
    # Beyond 2016 no page could be read; these two are inventions (AU 1.6).
    "handler": AuditCategory(2901, "EventHandlerRegistration", "Event Handler", "EventHandlerRegistration"),
    "permission set": AuditCategory(2902, "PermissionSet", "Permission Set", "PermissionSet"),
}
_CREATED, _UPDATED, _DELETED, _APPROVED, _DENIED = 1, 2, 3, 4, 5


class _Act(NamedTuple):
    """One thing that an entry tells of; `refused` is a request that was not allowed."""

    category: AuditCategory
    operation: int
    subject: Mapping[str, Json]
    before: Json
    after: Json
    actor: str
    at: str
    refused: bool = False


def list_audit_entries(world: World) -> list[Record]:
    """Return all entries that show by now, oldest first; `_subcategory` is what queries compare, and not shown."""
    switches = world.switches
    acts = sorted((*_list_acts(world), *_list_refusals(world)), key=lambda act: act.at)
    entries = [_build_entry(world, number, act) for number, act in enumerate(acts, 1)]
    newest = datetime.now(UTC).timestamp() - switches["audit_delay"]
    return [entry for entry in entries if not switches["audit_delay"] or entry["_seconds"] <= newest]


def _list_acts(world: World) -> Iterator[_Act]:
    for record in world.ledger.copy_entries():
        kind, subject = record["object"]["kind"], record["object"]
        if record["api"] != "keyfactor" or not _is_audited(world, kind):
            continue
        category, actor, at = _CATEGORIES[kind], record["actor"], record["at"]
        if kind == "request":
            operation = _DENIED if "denied" in record else _APPROVED
            for before, after in zip(record["before"], record["after"], strict=True):
                own = {"id": before["Id"], "name": before["CommonName"]}
                yield _Act(category, operation, own, before, after, actor, at)
            continue
        before, after = record["before"], record["after"]
        operation = _CREATED if before is None else _DELETED if after is None else _UPDATED
        if before == after and world.switches["audit_unchanged"] == "none":
            continue
        if kind == "role" and operation == _UPDATED and before["Claims"] != after["Claims"]:
            if world.switches["audit_claims"] == "separate":
                yield from _list_claim_acts(before, after, actor, at)
            # Without the claims there may be nothing left to tell of.
            if world.switches["audit_claims"] != "role":
                after = {**after, "Claims": before["Claims"]}
                if before == after:
                    continue
        yield _Act(category, operation, subject, before, after, actor, at)


def _is_audited(world: World, kind: str) -> bool:
    switches = world.switches
    if kind in ("handler", "permission set"):
        return bool(switches["audit_other_objects"] == "entries")
    if kind == "certificate":
        return bool(switches["audit_owners"] == "entries")
    return kind in _CATEGORIES and (kind != "request" or switches["audit_denials"] == "entries")


def _list_claim_acts(before: Record, after: Record, actor: str, at: str) -> Iterator[_Act]:
    old, new = ({claim["Id"]: claim for claim in side["Claims"]} for side in (before, after))
    for claim_id in sorted(old.keys() ^ new.keys()):
        claim = new.get(claim_id) or old[claim_id]
        subject = {"id": claim_id, "name": claim["ClaimValue"]}
        operation = _CREATED if claim_id in new else _DELETED
        yield _Act(_IDENTITY, operation, subject, old.get(claim_id), new.get(claim_id), actor, at)


def _list_refusals(world: World) -> Iterator[_Act]:
    if world.switches["audit_refusals"] == "entry":
        for refusal in world.refusals:
            state = {"Route": refusal["path"], "Verb": refusal["method"]}
            subject = {"id": 0, "name": refusal["path"]}
            yield _Act(_REFUSAL, _DENIED, subject, None, state, refusal["actor"], refusal["at"], refused=True)


def _build_entry(world: World, number: int, act: _Act) -> Record:
    switches = world.switches
    information = int(switches["audit_levels"])
    by_object = switches["audit_immutable_id"] == "object"
    return {
        "Id": number,
        "Timestamp": _render_time(act.at, switches["audit_timestamp"]),
        "Message": _render_message(act, switches["audit_message"]),
        "Signature": "c2lnbmF0dXJl",
        "Category": act.category.number,
        "Operation": act.operation,
        "Level": information + act.refused,
        "User": _render_user(act.actor, switches["audit_user"]),
        "EntityType": _render_entity_type(act.category, switches["audit_entity_type"]),
        "AuditIdentifier": act.subject["name"],
        "ImmutableIdentifier": str(act.subject["id"] if by_object else 700_000 + number),
        "_subcategory": act.category.subcategory,
        "_seconds": datetime.fromisoformat(act.at).timestamp(),
    }


def _render_time(at: str, style: str) -> str:
    if style == "milliseconds":
        return at
    return at.partition(".")[0] + ("Z" if style == "seconds" else "")


def _render_user(actor: str, style: str) -> str | None:
    if style == "null":
        return None
    return actor.rpartition("\\")[2] if style == "bare" else actor


def _render_entity_type(category: AuditCategory, style: str) -> str:
    if style == "shown":
        return category.shown
    return category.subcategory if style == "spaced" else category.subcategory.replace(" ", "")


def _render_message(act: _Act, style: str) -> str:
    if style == "empty":
        return ""
    element = act.category.element
    new = f"<ModelState>{_render_xml(element, act.after)}</ModelState>"
    old = f"<PreviousModelState>{_render_xml(element, act.before)}</PreviousModelState>" if act.before else ""
    if style == "malformed":
        # As the vendor's own printed sample, in which a quote is missing (AU 1.4).
        return f'<AuditAction><ModelState enumtype="x>{old}</AuditAction>'
    return f"<AuditAction>{new}{old if style == 'both' else ''}</AuditAction>"


def _render_xml(name: str, value: Json) -> str:
    if value is None:
        return f"<{name} />"
    if isinstance(value, dict):
        return f"<{name}>{''.join(_render_xml(member, part) for member, part in value.items())}</{name}>"
    if isinstance(value, list):
        parts = (_render_xml("string" if isinstance(part, str) else "Item", part) for part in value)
        return f'<{name} ienumerable="true">{"".join(parts)}</{name}>'
    return f"<{name}>{escape(str(value))}</{name}>"
