"""What there is to find on a server, as a table: a new sort is one entry, and its sentence in `rules`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, get_args

from reconciler.kinds.secret_event.spec import EventType
from reconciler.model import Json
from reconciler.payloads.certificate_table import CertificateRow
from reconciler.plans.posture import FoundItems, PostureItem, PostureRule, Urgency
from reconciler.plans.posture_facts import (
    EventFacts,
    OwnedCertificates,
    OwnerKey,
    PostureFacts,
    RequestTally,
    RoleFacts,
)

_NOBODY = "nobody is told before it ends, and nobody renews it"


def list_held_owners(roles: Iterable[RoleFacts]) -> set[OwnerKey]:
    """Return how certificates may name the roles that somebody holds."""
    return {key for role in roles if role.holders for key in _list_owner_keys(role)}


def _list_owner_keys(role: RoleFacts) -> tuple[OwnerKey, OwnerKey]:
    return OwnerKey(role.id), OwnerKey(None, role.name.casefold())


def _count_items(items: Iterable[PostureItem]) -> FoundItems:
    """Return all items, each of which counts as what it stands for."""
    ordered = sorted(items, key=lambda item: (item.name, item.id))
    return FoundItems(sum(item.weight for item in ordered), ordered)


def _find_unheld_owners(facts: PostureFacts) -> FoundItems:
    roles = {key: role for role in facts.roles or () if not role.holders for key in _list_owner_keys(role)}
    held = list_held_owners(facts.roles or ())
    # Where roles differ in letter case alone, a name that one of them is held by proves nothing.
    return _count_items(
        _describe_owner(group, roles[key].name, str(roles[key].id))
        for key, group in _iterate_owners(facts)
        if key in roles and key not in held
    )


def _find_missing_owners(facts: PostureFacts) -> FoundItems:
    # 25.4 may show an account the roles of its own permission sets alone (PUT Certificates ID Owner).
    known = {key for role in facts.roles or () for key in _list_owner_keys(role)}
    return _count_items(
        _describe_owner(group, group.name, "" if key.id is None else str(key.id))
        for key, group in _iterate_owners(facts)
        if key not in known
    )


def _iterate_owners(facts: PostureFacts) -> Iterator[tuple[OwnerKey, OwnedCertificates]]:
    yield from facts.certificates.owners.items() if facts.certificates else ()


def _describe_owner(group: OwnedCertificates, name: str, number: str) -> PostureItem:
    first = group.first.items
    facts = {
        "certificates": group.count,
        "first to end": first[0].expires if first else None,
        "such as": ", ".join(row.name or row.thumbprint for row in first),
    }
    return PostureItem(name, number, facts, group.count)


def _find_unowned(facts: PostureFacts) -> FoundItems:
    if facts.certificates is None:
        return FoundItems(0, ())
    group = facts.certificates.unowned
    return FoundItems(sum(group.days.values()), [_describe_certificate(row) for row in group.first.items])


def _describe_certificate(row: CertificateRow) -> PostureItem:
    return PostureItem(row.name or "", str(row.id), {"ends": row.expires, "thumbprint": row.thumbprint})


def _find_unheld_roles(facts: PostureFacts) -> FoundItems:
    return _count_items(
        PostureItem(role.name, str(role.id), {"permissions": len(role.permissions)})
        for role in facts.roles or ()
        if not role.holders
    )


def _find_equal_roles(facts: PostureFacts) -> FoundItems:
    groups: dict[tuple[str, frozenset[str]], list[RoleFacts]] = {}
    # Roles without any right only own certificates: there may be many of them.
    for role in facts.roles or ():
        if role.permissions:
            groups.setdefault((role.permission_set, role.permissions), []).append(role)
    return _count_items(
        PostureItem(
            ", ".join(sorted(role.name for role in roles)),
            ", ".join(str(number) for number in sorted(role.id for role in roles)),
            {"roles": len(roles), "permissions": len(permissions), "such as": sorted(permissions)[0]},
        )
        for (_, permissions), roles in groups.items()
        if len(roles) > 1
    )


def _find_unused_claims(facts: PostureFacts) -> FoundItems:
    # By type, value and provider: whether a role shows a claim by the id that it has in the list is not documented.
    held = {holder for role in facts.roles or () for holder in role.holders}
    return _count_items(
        PostureItem(
            claim.key.value,
            claim.id,
            {"type": claim.key.type, "provider": claim.key.provider, "description": claim.description},
        )
        for claim in facts.claims or ()
        if claim.folded_key not in held
    )


def _find_old_pending(facts: PostureFacts) -> FoundItems:
    return _list_old_requests(facts.pending)


def _find_old_denied(facts: PostureFacts) -> FoundItems:
    return _list_old_requests(facts.denied)


def _list_old_requests(tally: RequestTally | None) -> FoundItems:
    requests = tally.first.items if tally else []
    items = [
        PostureItem(
            request.name,
            str(request.id),
            {"submitted": request.submitted, "requester": request.requester, "template": request.template},
        )
        for request in requests
    ]
    return FoundItems(tally.old if tally else 0, items)


def _find_disabled_events(facts: PostureFacts) -> FoundItems:
    return _count_items(_describe_event(event) for event in facts.events or () if event.state != "ENABLED")


def _find_topicless_events(facts: PostureFacts) -> FoundItems:
    return _count_items(_describe_event(event) for event in facts.events or () if not event.topic)


def _find_typeless_events(facts: PostureFacts) -> FoundItems:
    return _count_items(_describe_event(event) for event in facts.events or () if not event.types)


def _describe_event(event: EventFacts) -> PostureItem:
    facts: Mapping[str, Json] = {"state": event.state, "types": ", ".join(sorted(event.types)), "topic": event.topic}
    return PostureItem(event.name, "", facts)


def _find_untold_types(facts: PostureFacts) -> FoundItems:
    events = facts.events or ()
    # Only an ENABLED event fires, and CSMS does not check that its topic is there (contract: 1.2 and 1.7).
    told = {kind for event in events if event.is_told for kind in event.types}
    return _count_items(
        PostureItem(
            kind, "", {"events that would": ", ".join(sorted(event.name for event in events if kind in event.types))}
        )
        for kind in get_args(EventType)
        if kind not in told
    )


POSTURE_RULES: Final = (
    PostureRule(
        "posture.owner-not-held",
        Urgency.HIGH,
        ("certificates", "roles"),
        "certificate is owned by a role that nobody holds",
        "certificates are owned by roles that nobody holds",
        _NOBODY,
        "give the role a claim in its SecurityRole document, or the certificates another owner",
        _find_unheld_owners,
    ),
    PostureRule(
        "posture.owner-missing",
        Urgency.HIGH,
        ("certificates", "roles"),
        "certificate is owned by a role that is not among those that this account sees",
        "certificates are owned by roles that are not among those that this account sees",
        "the role is gone, or its permission set is hidden from this account; of a role that is gone nobody is told",
        "give them another owner in a CertificateOwner document, or let the account read the role",
        _find_missing_owners,
    ),
    PostureRule(
        "posture.expiring-unowned",
        Urgency.HIGH,
        ("certificates",),
        "certificate without an owner ends within {days} days",
        "certificates without an owner end within {days} days",
        _NOBODY,
        "name an owner for them in a CertificateOwner document, or let them end on purpose",
        _find_unowned,
    ),
    PostureRule(
        "posture.event-without-topic",
        Urgency.HIGH,
        ("events",),
        "secret event has no topic",
        "secret events have no topic",
        "it fires, and nobody is told",
        "declare its notification in a SecretEvent document",
        _find_topicless_events,
    ),
    PostureRule(
        "posture.role-not-held",
        Urgency.MEDIUM,
        ("roles",),
        "role is held by nobody",
        "roles are held by nobody",
        "its rights wait for the next claim, and whoever adds one may not look at them",
        "give it a claim, or delete it in the portal",
        _find_unheld_roles,
    ),
    PostureRule(
        "posture.equal-roles",
        Urgency.MEDIUM,
        ("roles",),
        "group of roles has the very same rights",
        "groups of roles have the very same rights",
        "a right that is taken from one of them is kept through the other",
        "keep several only where they own different certificates or are held by different people on purpose",
        _find_equal_roles,
    ),
    PostureRule(
        "posture.pending-too-long",
        Urgency.MEDIUM,
        ("pending",),
        "pending request was submitted more than {days} days ago",
        "pending requests were submitted more than {days} days ago",
        "whoever asked still waits, or has found another way",
        "approve it in the portal, or deny it in a RequestDenial document",
        _find_old_pending,
    ),
    PostureRule(
        "posture.event-disabled",
        Urgency.MEDIUM,
        ("events",),
        "secret event is disabled",
        "secret events are disabled",
        "nothing of what it is about is told",
        "declare state: ENABLED in a SecretEvent document, or delete it",
        _find_disabled_events,
    ),
    PostureRule(
        "posture.event-without-types",
        Urgency.MEDIUM,
        ("events",),
        "secret event is about no event type",
        "secret events are about no event type",
        "it never fires",
        "declare its eventTypes in a SecretEvent document",
        _find_typeless_events,
    ),
    PostureRule(
        "posture.event-type-untold",
        Urgency.LOW,
        ("events",),
        "event type is told by no enabled event with a topic",
        "event types are told by no enabled event with a topic",
        "it happens unseen; an older installation may not know SECRET_ROTATED_FAILED",
        "declare a SecretEvent for it, where somebody should know",
        _find_untold_types,
    ),
    PostureRule(
        "posture.claim-unused",
        Urgency.LOW,
        ("claims", "roles"),
        "claim is in no role that this account sees",
        "claims are in no role that this account sees",
        "it gives no right, and looks as if it did",
        "delete it in the portal, or add it to the role that it was meant for",
        _find_unused_claims,
    ),
    PostureRule(
        "posture.denied-long-ago",
        Urgency.LOW,
        ("denied",),
        "denied request was submitted more than {days} days ago",
        "denied requests were submitted more than {days} days ago",
        "whoever asked may still wait for it, or has found another way",
        "see whether what it was for has a certificate",
        _find_old_denied,
    ),
)
"""All sorts of findings, in the order in which those of one urgency are told."""
