"""Orphans and dead ends: each rule finds its case and lets the one beside it pass; counts are those of brute force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.payloads.certificate_table import CertificateRow
from reconciler.payloads.claims import ClaimKey, fold_claim_key
from reconciler.plans.posture import Urgency, count_expiries, find_postures, sort_findings
from reconciler.plans.posture_facts import (
    MAX_EXAMPLES,
    CertificateTally,
    ClaimFacts,
    EventFacts,
    PostureFacts,
    RequestTally,
    RoleFacts,
    extract_event_facts,
    extract_role_facts,
    tally_certificates,
    tally_requests,
)
from reconciler.plans.posture_rules import POSTURE_RULES, list_held_owners

TODAY = date(2026, 11, 29)
DAYS = 30
ADA = ClaimKey("User", "CORP\\ada", "AD")
PENDING, DENIED = 5, 3


def make_certificate(number: int, ends_in: int | None = 5, **parts: Any) -> CertificateRow:
    """Return a certificate that ends in so many days; None for no readable end."""
    ends = "soon" if ends_in is None else f"{(TODAY + timedelta(days=ends_in)).isoformat()}T12:00:00Z"
    row = CertificateRow(number, f"{number:040X}", None, None, f"c{number}.example.com", ends, 1)
    return row._replace(**parts)


def make_role(number: int, name: str, holders: Iterable[ClaimKey] = (ADA,), **parts: Any) -> RoleFacts:
    held_by = frozenset(map(fold_claim_key, holders))
    return RoleFacts(number, name, "set", frozenset({f"/{number}/"}), held_by)._replace(**parts)


def make_request(number: int, age: int | None, state: int | None = PENDING) -> tuple[Any, ...]:
    submitted = None if age is None else f"{(TODAY - timedelta(days=age)).isoformat()}T23:59:59"
    return number, f"r{number}.example.com", "CORP\\ada", "WebServer", submitted, state


def tally(*rows: CertificateRow) -> CertificateTally:
    return tally_certificates(rows, TODAY, DAYS)


def ask(*rows: tuple[Any, ...], state: int = PENDING) -> RequestTally:
    return tally_requests(rows, state, TODAY, DAYS)


WHOLE = EventFacts(
    "all", "ENABLED",
    frozenset({"SECRET_DELETED", "SECRET_ROTATED", "SECRET_ROTATED_FAILED", "SECRET_VERSION_CREATED",
               "SECRET_VERSION_EXPIRED"}), "urn:smn:a")  # fmt: skip
SOUND = PostureFacts(
    TODAY, DAYS, tally(make_certificate(1, owner_id=1, owner="Web")), [make_role(1, "Web")],
    [ClaimFacts("1", ADA, "Ada")], ask(), ask(), [WHOLE])  # fmt: skip
EVE = ClaimFacts("2", ADA._replace(value="eve"), "")
UNHELD = make_role(2, "Old Team", ())
TWINS = [make_role(number, name, permissions=frozenset({"/a/"})) for number, name in ((1, "Web"), (2, "Net"))]

ROWS: dict[str, tuple[dict[str, Any], dict[str, tuple[int, list[str]]]]] = {
    "what is as it should be": ({}, {}),
    "an owner that nobody holds": (
        {
            "certificates": tally(*(make_certificate(number, owner_id=2, owner="Old Team") for number in range(1, 6))),
            "roles": [make_role(1, "Web"), UNHELD],
        },
        {"posture.owner-not-held": (5, ["Old Team"]), "posture.role-not-held": (1, ["Old Team"])},
    ),
    "an owner that nobody holds of revoked and past certificates": (
        {
            "certificates": tally(
                make_certificate(1, owner_id=2, owner="Old Team", state=2),
                make_certificate(2, -1, owner_id=2, owner="Old Team"),
            ),
            "roles": [make_role(1, "Web"), UNHELD],
        },
        {"posture.role-not-held": (1, ["Old Team"])},
    ),
    "an owner told by its name alone, in another letter case": (
        {"certificates": tally(make_certificate(1, owner="WEB"))}, {}),
    "an owner by a name that a role which is held has, too": (
        {
            "certificates": tally(make_certificate(1, owner="web")),
            "roles": [make_role(1, "Web"), make_role(2, "WEB", ())],
        },
        {"posture.role-not-held": (1, ["WEB"])},
    ),
    "an owner that is gone, with and without a name": (
        {"certificates": tally(make_certificate(1, owner_id=7, owner="Gone"), make_certificate(2, 400, owner_id=8))},
        {"posture.owner-missing": (2, ["Gone", "role 8"])},
    ),
    "a certificate without an owner that ends on the last day, one a day later, one today, one yesterday": (
        {"certificates": tally(*(make_certificate(number, ends) for number, ends in enumerate((30, 31, 0, -1), 1)))},
        {"posture.expiring-unowned": (2, ["c3.example.com", "c1.example.com"])},
    ),
    "a revoked certificate without an owner": ({"certificates": tally(make_certificate(1, state=2))}, {}),
    "two roles with the same rights, and one with the same in another set": (
        {"roles": [*TWINS, make_role(3, "Other", permissions=frozenset({"/a/"}), permission_set="b")]},
        {"posture.equal-roles": (1, ["Net, Web"])},
    ),
    "two roles without any right": (
        {"roles": [role._replace(permissions=frozenset()) for role in TWINS]}, {}),
    "a claim in no role, beside one in another letter case": (
        {"claims": [ClaimFacts("1", ADA._replace(value="corp\\ADA"), ""), EVE]},
        {"posture.claim-unused": (1, ["eve"])},
    ),
    "a request older than the days, and one that is not": (
        {"pending": ask(make_request(1, 30), make_request(2, 31)), "denied": ask(make_request(3, 90, 3), state=DENIED)},
        {"posture.pending-too-long": (1, ["r2.example.com"]), "posture.denied-long-ago": (1, ["r3.example.com"])},
    ),
    "a request of another state in the list, and one without": (
        {"pending": ask(make_request(1, 90, 1), make_request(2, 90, None))},
        {"posture.pending-too-long": (1, ["r2.example.com"])},
    ),
    "a disabled event": (
        {"events": [WHOLE._replace(state="DISABLED"), WHOLE._replace(name="b")]},
        {"posture.event-disabled": (1, ["all"])},
    ),
    "an event without a topic": (
        {"events": [WHOLE._replace(topic=""), WHOLE._replace(name="b")]},
        {"posture.event-without-topic": (1, ["all"])},
    ),
    "an event without types": (
        {"events": [WHOLE._replace(name="b"), WHOLE._replace(types=frozenset())]},
        {"posture.event-without-types": (1, ["all"])},
    ),
    "a type that only disabled events and those without a topic tell": (
        {"events": [
            WHOLE._replace(types=WHOLE.types - {"SECRET_DELETED"}),
            EventFacts("off", "DISABLED", frozenset({"SECRET_DELETED"}), "t"),
            EventFacts("mute", "ENABLED", frozenset({"SECRET_DELETED"}), ""),
        ]},
        {"posture.event-type-untold": (1, ["SECRET_DELETED"]), "posture.event-disabled": (1, ["off"]),
         "posture.event-without-topic": (1, ["mute"])},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_a_rule_finds_what_it_is_about_and_nothing_beside_it(row: str) -> None:
    changes, expected = ROWS[row]
    findings = find_postures("t", replace(SOUND, **changes), POSTURE_RULES)
    found = {finding.rule.id: (finding.total, [item.name for item in finding.items]) for finding in findings}
    assert found == expected
    assert all(finding.summary.startswith(f"{finding.total} ") for finding in findings)


def test_each_rule_has_a_case() -> None:
    """One that finds nothing in any row would be a rule that nobody has seen at work."""
    assert {rule for _, expected in ROWS.values() for rule in expected} == {rule.id for rule in POSTURE_RULES}


@pytest.mark.parametrize("field", ["certificates", "roles", "claims", "pending", "denied", "events"])
def test_what_needs_a_list_that_was_not_read_is_not_judged(field: str) -> None:
    """Neither found nor called fine; what needs other lists is judged all the same."""
    world = PostureFacts(
        TODAY, DAYS, tally(make_certificate(1), make_certificate(2, owner_id=9), make_certificate(3, owner_id=2)),
        [*TWINS, UNHELD], [EVE], ask(make_request(1, 90)),
        ask(make_request(2, 90, 3), state=DENIED),
        [WHOLE._replace(topic="", state="DISABLED", types=frozenset())],
    )  # fmt: skip
    without: dict[str, Any] = {field: None}
    rules = {finding.rule.id for finding in find_postures("t", replace(world, **without), POSTURE_RULES)}
    everything = {finding.rule.id for finding in find_postures("t", world, POSTURE_RULES)}
    assert everything - rules == {rule.id for rule in POSTURE_RULES if field in rule.needs} & everything
    assert everything - rules


def test_findings_come_by_urgency_then_by_rule_then_by_target() -> None:
    facts = replace(SOUND, roles=[*TWINS, UNHELD], events=[WHOLE._replace(topic="", state="DISABLED")])
    findings = [finding for target in "ba" for finding in find_postures(target, facts, POSTURE_RULES)]
    ordered = sort_findings(findings, POSTURE_RULES)
    assert [finding.rule.urgency for finding in ordered] == sorted(
        (finding.rule.urgency for finding in findings), key=list(Urgency).index
    )
    assert [(finding.rule.id, finding.target) for finding in ordered[:2]] == [
        ("posture.event-without-topic", "a"),
        ("posture.event-without-topic", "b"),
    ]
    assert ordered == sort_findings(reversed(findings), POSTURE_RULES)


CERTIFICATES = st.lists(
    st.builds(
        lambda ends, owner, state: make_certificate(0, ends, owner_id=owner, owner=owner and f"R{owner}", state=state),
        st.one_of(st.none(), st.integers(-3, 40)),
        st.sampled_from([None, 1, 2, 3]),
        st.sampled_from([1, 2, None]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(rows=CERTIFICATES)
def test_the_tally_is_what_counting_one_by_one_gives(rows: list[CertificateRow]) -> None:
    """However the certificates are spread over owners, days and states; role 1 is held, role 2 is not, 3 is gone."""
    rows = [row._replace(id=number) for number, row in enumerate(rows, 1)]
    roles = [make_role(1, "R1"), make_role(2, "R2", ())]
    facts = replace(SOUND, certificates=tally(*rows), roles=roles)
    found = {finding.rule.id: finding for finding in find_postures("t", facts, POSTURE_RULES)}

    valid = [row for row in rows if row.state != 2 and (row.expires is None or row.expires >= TODAY.isoformat())]
    near = [row for row in valid if row.expires and date.fromisoformat(row.expires) <= TODAY + timedelta(days=DAYS)]
    counts = {name: found[name].total if name in found else 0 for name in (rule.id for rule in POSTURE_RULES)}
    assert counts["posture.owner-not-held"] == sum(row.owner_id == 2 for row in valid)
    assert counts["posture.owner-missing"] == sum(row.owner_id == 3 for row in valid)
    unowned = [row for row in near if row.owner_id is None]
    assert counts["posture.expiring-unowned"] == len(unowned)
    assert facts.certificates
    assert facts.certificates.undated == sum(row.owner_id is None and row.expires is None for row in valid)
    if unowned:
        first = sorted(unowned, key=lambda row: (str(row.expires), row.id))
        assert [item.id for item in found["posture.expiring-unowned"].items] == [str(row.id) for row in first]
    days = count_expiries(facts.certificates, list_held_owners(roles))
    assert [day.day for day in days] == sorted({(date.fromisoformat(str(row.expires)) - TODAY).days for row in near})
    assert sum(day.owned for day in days) == sum(row.owner_id == 1 for row in near)
    assert sum(day.orphaned for day in days) == sum(row.owner_id != 1 for row in near)


def test_of_very_many_the_first_are_kept_whatever_their_order() -> None:
    """No more of them are held than are shown, and the count is that of all."""
    rows = [make_certificate(number, 30 - number % 31) for number in range(1, 5_001)]
    many = tally(*rows)
    assert sum(many.unowned.days.values()) == 5_000
    kept = many.unowned.first.items
    assert len(kept) == MAX_EXAMPLES
    assert kept == sorted(rows, key=lambda row: (str(row.expires), row.id))[:MAX_EXAMPLES]
    assert tally(*reversed(rows)).unowned.first.items == kept


EVENTS: Mapping[str, tuple[dict[str, Any], EventFacts | None]] = {
    "one whose notification was reset": (
        {"name": "a", "state": "ENABLED", "event_types": [], "notification": None},
        EventFacts("a", "ENABLED", frozenset(), ""),
    ),
    "one with a blank topic": (
        {"name": "a", "state": "ENABLED", "event_types": ["X"], "notification": {"target_id": " "}},
        EventFacts("a", "ENABLED", frozenset({"X"}), ""),
    ),
    "one without a state": ({"name": "a", "event_types": [], "notification": {}}, None),
    "one whose types are no list": ({"name": "a", "state": "ENABLED", "event_types": "X"}, None),
    "one whose types are no texts": ({"name": "a", "state": "ENABLED", "event_types": [1]}, None),
    "one whose notification is a text": ({"name": "a", "state": "ENABLED", "notification": "x"}, None),
}


@pytest.mark.parametrize("row", EVENTS)
def test_an_event_without_a_topic_is_an_event(row: str) -> None:
    """What has no name or state is none, and nothing may be concluded from it."""
    raw, expected = EVENTS[row]
    assert extract_event_facts(raw) == expected


def test_what_another_permission_grants_does_not_tell_roles_apart() -> None:
    """A server that takes both shows both."""
    raw: dict[str, Any] = {"Id": 1, "Name": "a", "PermissionSetId": "S", "Claims": []}
    both, whole = (
        extract_role_facts({**raw, "Permissions": permissions}) for permissions in (["/a/", "/a/b/"], ["/a/"])
    )
    assert both == whole
    assert cast(Any, whole).permission_set == "s"
