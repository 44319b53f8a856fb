"""Both audit trails of the simulator, and every setting of every switch that is about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from reconciler.simulator import Simulator
from reconciler.simulator.world.switches import DECLARED, TRAIL_SWITCHES

ROLE, HANDLER, CERTIFICATE, REQUEST = 2, 1, 1, 23
MALLORY = "CORP\\mallory"


@pytest.fixture(scope="module")
def edited() -> Iterator[Simulator]:
    """A world in which each kind was edited once, by people with names; entries are made when they are asked for."""
    with Simulator(certificates=5) as simulator:
        role = simulator.edit("GET", f"/Security/Roles/{ROLE}")[1]
        body = {name: role[name] for name in ("Id", "Name", "EmailAddress", "PermissionSetId", "Permissions")}
        claim = {"ClaimType": 4, "ClaimValue": "x", "ProviderAuthenticationScheme": "Entra", "Description": "d"}
        change = {**body, "Description": 'quoted "&<', "Claims": [claim]}
        project = simulator.world.project
        for method, path, sent in (
            ("PUT", "/Security/Roles", change),
            ("PUT", "/Security/Roles", change),
            ("PUT", f"/EventHandlerRegistration/{HANDLER}", {"DisplayName": "x", "Enabled": True}),
            ("PUT", f"/Certificates/{CERTIFICATE}/Owner", {"NewRoleId": ROLE}),
            ("POST", "/Workflow/Certificates/Deny", {"CertificateRequestIds": [REQUEST], "Comment": "no"}),
            ("PUT", f"/v1/{project}/csms/events/lifecycle", {"state": "DISABLED"}),
            ("POST", f"/v1/{project}/csms/events", build_event("second")),
        ):
            assert simulator.edit(method, path, sent, actor=MALLORY)[0] < 300, path
        # It may read nothing of the audit log, and its asking is an entry by itself.
        assert ask_as_reconciler(simulator).status_code == 403
        yield simulator


def build_event(name: str) -> dict[str, Any]:
    topic = {"target_type": "SMN", "target_id": "urn", "target_name": "t"}
    return {"name": name, "event_types": ["SECRET_ROTATED"], "state": "ENABLED", "notification": topic}


def ask_as_reconciler(simulator: Simulator) -> requests.Response:
    told = simulator.credentials["keyfactor"]
    headers = {"x-keyfactor-requested-with": "APIClient"}
    login = (told["username"], told["password"])
    return requests.get(f"{told['url']}/Audit", headers=headers, auth=login, timeout=10)


def audit(simulator: Simulator, query: str = "", path: str = "/Audit", **more: str) -> tuple[int, Any]:
    return simulator.edit(
        "GET", path, query={"ReturnLimit": "100", **({"QueryString": query} if query else {}), **more}
    )


def trace(simulator: Simulator, **query: str) -> tuple[int, Any]:
    headers = {"X-Auth-Token": simulator.world.iam_tokens.issue("console", 60)}
    url = f"{simulator.url}/v3/{simulator.world.project}/traces"
    reply = requests.get(url, {"trace_type": "system", **query}, headers=headers, timeout=10)
    return reply.status_code, reply.json()


def of_role(name: str) -> Callable[[Simulator], Any]:
    return lambda simulator: audit(simulator, 'Category -contains "Role"')[1][0][name]


def entity_type(simulator: Simulator) -> str:
    text: str = audit(simulator, 'Category -contains "Request"')[1][0]["EntityType"]
    return text


def operations(category: str) -> Callable[[Simulator], Any]:
    found = f'Category -contains "{category}"'
    return lambda simulator: [entry["Operation"] for entry in audit(simulator, found)[1]]


def of_trace(name: str) -> Callable[[Simulator], Any]:
    return lambda simulator: trace(simulator, trace_name="updateSecretEvent")[1]["traces"][0][name]


def time_ending(simulator: Simulator) -> str:
    text: str = of_role("Timestamp")(simulator)
    return "".join("." if sign == "." else "Z" if sign == "Z" else "" for sign in text)


def message(simulator: Simulator) -> list[bool]:
    text = of_role("Message")(simulator)
    return ["<ModelState>" in text, "<PreviousModelState>" in text, "&quot" in text or "&amp;&lt;" in text]


def owner_history(simulator: Simulator) -> list[str]:
    rows = simulator.edit("GET", f"/Certificates/{CERTIFICATE}/History")[1]
    return [f"{row['Action']}: {row['Comment']}" for row in rows[1:]]


def statuses(simulator: Simulator) -> list[int]:
    return [trace(simulator, limit="201")[0], trace(simulator, **{"from": "1" * 13})[0]]


def last_page(simulator: Simulator) -> list[bool]:
    first = trace(simulator, limit="1")[1]
    second = trace(simulator, limit="1", next=first["meta_data"]["marker"])[1]
    ids = {row["trace_id"] for row in (*first["traces"], *second["traces"])}
    return [len(ids) == 2, second["meta_data"]["marker"] is None]


def traces(simulator: Simulator) -> tuple[int, int | str]:
    status, answer = trace(simulator)
    return status, len(answer["traces"]) if status == 200 else sorted(answer) == ["error_code", "error_msg"]


CASES: list[tuple[str, str | int, Callable[[Simulator], Any], Any]] = [
    ("audit_claims", "role", operations("ADIdentity"), []),
    ("audit_claims", "separate", operations("ADIdentity"), [3, 3, 1]),
    ("audit_claims", "none", lambda sim: "<string>x" in of_role("Message")(sim), False),
    ("audit_other_objects", "none", operations("Handler"), []),
    ("audit_other_objects", "entries", operations("Handler"), [2]),
    ("audit_owners", "entries", operations("Certificate"), [2, 5]),
    ("audit_owners", "none", operations("Certificate"), [5]),
    ("audit_denials", "entries", operations("Request"), [5]),
    ("audit_denials", "none", operations("Request"), []),
    ("audit_immutable_id", "object", of_role("ImmutableIdentifier"), str(ROLE)),
    ("audit_immutable_id", "event", of_role("ImmutableIdentifier"), "700001"),
    ("audit_user", "name", of_role("User"), MALLORY),
    ("audit_user", "bare", of_role("User"), "mallory"),
    ("audit_user", "null", of_role("User"), None),
    ("audit_levels", "0", of_role("Level"), 0),
    ("audit_levels", "1", of_role("Level"), 1),
    ("audit_timestamp", "milliseconds", time_ending, ".Z"),
    ("audit_timestamp", "seconds", time_ending, "Z"),
    ("audit_timestamp", "no_zone", time_ending, ""),
    ("audit_entity_type", "joined", entity_type, "AuditingCertificateRequest"),
    ("audit_entity_type", "spaced", entity_type, "Auditing Certificate Request"),
    ("audit_entity_type", "shown", entity_type, "Certificate Request"),
    ("audit_query_fields", "all", lambda sim: audit(sim, "Operation -eq 5")[0], 200),
    ("audit_query_fields", "documented", lambda sim: audit(sim, "Operation -eq 5")[0], 400),
    ("audit_category_number", "empty", lambda sim: audit(sim, 'Category -eq "2011"'), (200, [])),
    ("audit_category_number", "400", lambda sim: audit(sim, 'Category -eq "2011"')[0], 400),
    ("audit_delay", 0, operations("Role"), [2, 2]),
    ("audit_delay", 3600, operations("Role"), []),
    ("audit_unchanged", "entry", operations("Role"), [2, 2]),
    ("audit_unchanged", "none", operations("Role"), [2]),
    ("audit_refusals", "entry", operations("Authorization"), [5]),
    ("audit_refusals", "none", operations("Authorization"), []),
    ("audit_message", "both", message, [True, True, True]),
    ("audit_message", "new", message, [True, False, True]),
    ("audit_message", "malformed", message, [False, True, False]),
    ("audit_message", "empty", message, [False, False, False]),
    ("cts_service_type", "CSMS", of_trace("service_type"), "CSMS"),
    ("cts_service_type", "KMS", of_trace("service_type"), "KMS"),
    ("cts_service_type", "DEW", of_trace("service_type"), "DEW"),
    ("cts_service_type", "csms", of_trace("service_type"), "csms"),
    ("cts_resource_type", "secret", of_trace("resource_type"), "secret"),
    ("cts_resource_type", "Secret", of_trace("resource_type"), "Secret"),
    ("cts_resource_type", "csms", of_trace("resource_type"), "csms"),
    ("cts_resource", "name_and_id", of_trace("resource_name"), "lifecycle"),
    ("cts_resource", "id_is_name", of_trace("resource_id"), "lifecycle"),
    ("cts_resource", "null", of_trace("resource_name"), None),
    ("cts_types", "text", of_trace("request"), json.dumps({"state": "DISABLED"})),
    ("cts_types", "native", of_trace("request"), {"state": "DISABLED"}),
    ("cts_last_marker", "null", last_page, [True, True]),
    ("cts_last_marker", "present", last_page, [True, False]),
    ("cts_delay", 0, traces, (200, 2)),
    ("cts_delay", 3600, traces, (200, 0)),
    ("cts_bounds", "400", statuses, [400, 400]),
    ("cts_bounds", "clamped", statuses, [200, 200]),
    ("cts_service", "on", traces, (200, 2)),
    ("cts_service", "empty", traces, (200, 0)),
    ("cts_service", "403", traces, (403, True)),
    ("cts_service", "404", traces, (404, True)),
    ("cts_user", "names", lambda sim: of_trace("user")(sim)["user_name"], MALLORY),
    ("cts_user", "old", lambda sim: sorted(of_trace("user")(sim)), ["domain", "name"]),
    ("cts_user", "null", of_trace("user"), None),
]  # fmt: skip


def test_every_setting_shows(edited: Simulator) -> None:
    """Under the setting, the probe sees what the switch says: all in one world, since entries are made when asked."""
    seen = []
    for switch, setting, probe, _ in CASES:
        edited.switch(**{switch: setting})
        seen.append((switch, setting, probe(edited)))
        edited.switch(**{switch: DECLARED[switch].default})

    expected = [(switch, setting, wanted) for switch, setting, _, wanted in CASES]
    assert [pair for pair in zip(seen, expected, strict=True) if pair[0] != pair[1]] == []


def test_every_setting_has_a_case() -> None:
    """A switch that nobody looks at may as well not exist. The history is written when the owner is changed."""
    shown = {(switch, setting) for switch, setting, *_ in CASES}
    for name in TRAIL_SWITCHES - {"history_owner"}:
        allowed = DECLARED[name].allowed
        settings = allowed if isinstance(allowed, tuple) else (0, 3600)
        assert {(name, setting) for setting in settings} - shown == set()


def test_the_history_of_an_owner_has_the_words_of_its_switch(edited: Simulator) -> None:
    """Each setting, one change of the owner after the other."""
    seen = {}
    for number, setting in enumerate(("named", "unnamed", "absent"), 3):
        edited.switch(history_owner=setting)
        before = owner_history(edited)
        edited.edit("PUT", f"/Certificates/{CERTIFICATE}/Owner", {"NewRoleId": number}, actor=MALLORY)
        seen[setting] = owner_history(edited)[len(before) :]
    edited.switch(history_owner="named")

    assert seen == {"named": ["Owner Changed: Owner set to Payments PKI"], "unnamed": ["Owner Changed: "], "absent": []}


def test_entries_are_found_one_by_one_and_by_what_they_are_about(edited: Simulator) -> None:
    """`/Audit/{id}`, its signature, and the entries of one object."""
    first = audit(edited)[1][0]

    assert audit(edited, path=f"/Audit/{first['Id']}") == (200, first)
    assert audit(edited, path="/Audit/999")[0] == 404
    assert audit(edited, path=f"/Audit/{first['Id']}/Validate") == (200, True)
    related = audit(edited, f"ImmutableIdentifier -eq {ROLE}", "/Audit/RelatedEntities")[1]
    assert {entry["ImmutableIdentifier"] for entry in related} == {str(ROLE)}
    assert audit(edited, path="/Audit/RelatedEntities")[0] == 400


def test_the_audit_log_begins_with_the_oldest_unless_it_is_asked_otherwise(edited: Simulator) -> None:
    """The first page of a client that does not sort says nothing of today."""
    ids = [entry["Id"] for entry in audit(edited)[1]]

    assert ids == sorted(ids)
    assert [entry["Id"] for entry in audit(edited, SortField="Timestamp", SortAscending="1")[1]] == ids[::-1]
    assert audit(edited, SortField="Name")[0] == 400
