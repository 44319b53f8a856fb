"""Who did it: 32 edits by people with names, and what `drift --blame` says of each under every setting."""

# ruff: noqa: E501 - an edit is a line
from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from reconciler.cli import main
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from reconciler.simulator.world.switches import DECLARED, TRAIL_SWITCHES

Blame = dict[str, str]
REPORT = jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])
ANN, BOB, EVE = "CORP\\ann", "CORP\\bob", "CORP\\eve"
READ, PORTAL = "/certificates/collections/read/", "/portal/read/"
NOBODY = "none "


class Edit(NamedTuple):
    """A difference, by document and field: what is declared, who changed what in turn, and who is to be named."""

    document: str
    field: str
    declared: Any
    changes: tuple[tuple[str, Mapping[str, Any]], ...]
    blamed: str


def role(number: int, field: str, declared: Any, *changes: tuple[str, Mapping[str, Any]], blamed: str = "") -> Edit:
    return Edit(f"SecurityRole/r{number}", field, declared, changes, f"exact {blamed or changes[-1][0]}")


def owner(number: int, *changes: tuple[str, Mapping[str, Any]], grade: str = "exact") -> Edit:
    return Edit(f"CertificateOwner/c{number}", "owner", "Auditors", changes, f"{grade} {changes[-1][0]}")


def event(number: int, field: str, declared: Any, *changes: tuple[str, Mapping[str, Any]], blamed: str = "") -> Edit:
    return Edit(f"SecretEvent/e{number}", field, declared, changes, f"exact {blamed or changes[-1][0]}")


def claim(value: str) -> dict[str, Any]:
    return {"ClaimType": 4, "ClaimValue": value, "ProviderAuthenticationScheme": "Entra", "Description": value}


DECLARED_CLAIM = {"type": "OAuthRole", "value": "pki-operators", "provider": "Entra", "description": "PKI operators"}
TOPIC = {"target_type": "SMN", "target_id": "urn:smn:x:p:other", "target_name": "other"}
EDITS = (
    role(1, "description", "r1", (ANN, {"Description": "changed"})),
    role(2, "description", "r2", (ANN, {"Description": "first"}), (BOB, {"Description": "second"})),
    role(3, "description", "r3", (ANN, {"Description": "changed"}), (BOB, {"EmailAddress": "b@example.com"}), blamed=ANN),
    role(4, "description", "r4", (ANN, {"Description": "changed"}), (BOB, {}), blamed=ANN),
    role(5, "description", "r5", (EVE, {"Description": '<!DOCTYPE a [<!ENTITY b "c">]> & "quoted"'})),
    role(6, "emailAddress", "r6@example.com", (BOB, {"EmailAddress": "other@example.com"})),
    role(7, "emailAddress", "r7@example.com", (BOB, {"EmailAddress": "o@example.com"}), (ANN, {"EmailAddress": "p@example.com"})),
    role(8, "permissions", [PORTAL], (EVE, {"Permissions": [PORTAL, READ]})),
    role(9, "permissions", [PORTAL, READ], (EVE, {"Permissions": [READ]})),
    role(10, "permissions", [PORTAL, READ], (ANN, {"Permissions": [PORTAL]}), (EVE, {"Permissions": ["/dashboard/read/"]})),
    role(11, "claims", [DECLARED_CLAIM], (ANN, {"Claims": [claim("eleven")]})),
    role(12, "claims", [DECLARED_CLAIM], (ANN, {"Claims": [claim("twelve")]}), (BOB, {"Claims": [claim("12")]})),
    role(13, "description", "r13", (ANN, {"Description": "a"}), (BOB, {"Description": "r13"}), (EVE, {"Description": "a"})),
    role(14, "description", "gone", (EVE, {"delete": True})),
    role(15, "description", "back", (ANN, {"delete": True}), (BOB, {"create": True})),
    owner(1, (ANN, {"NewRoleName": "Web Team"})),
    owner(2, (ANN, {"NewRoleName": "Web Team"}), (BOB, {"NewRoleName": "Help Desk"})),
    owner(3, (EVE, {"NewRoleName": "PKI Operators"})),
    owner(4, (EVE, {"NewRoleName": None})),
    owner(5, (BOB, {"NewRoleId": 3})),
    owner(6, (BOB, {"NewRoleId": 3})),
    owner(7, (BOB, {"NewRoleId": 3})),
    event(1, "state", "ENABLED", (ANN, {"state": "DISABLED"})),
    event(2, "eventTypes", ["SECRET_ROTATED"], (BOB, {"event_types": ["SECRET_DELETED"]})),
    event(3, "notification.targetName", "topic", (EVE, {"notification": TOPIC})),
    event(4, "state", "ENABLED", (ANN, {"state": "DISABLED"}), (EVE, {"event_types": ["SECRET_DELETED"]}), blamed=ANN),
    event(5, "state", "ENABLED", (ANN, {"state": "DISABLED"}), (BOB, {"state": "ENABLED"}), (EVE, {"state": "DISABLED"})),
    event(6, "state", "ENABLED", (BOB, {"delete": True})),
    Edit("EventHandler/h1", "displayName", "as declared", ((ANN, {"DisplayName": "changed", "Enabled": True}),), NOBODY),
    Edit("EventHandler/h2", "enabled", True, ((BOB, {"DisplayName": "Expiration logger", "Enabled": False}),), NOBODY),
    Edit("RequestDenial/q23", "requests.23", "test.example.com", (), "exact CORP\\alice"),
    Edit("RequestDenial/q25", "requests.25", "two.test.example.com", (), "exact CORP\\bob"),
)  # fmt: skip
HANDLERS = {"h1": (1, "Denied.DeniedLogger"), "h2": (3, "Expiration.ExpirationLogger")}
HISTORIES = {"c6": "unnamed", "c7": "absent"}
"""Certificates whose history has other words, or none, for a change of their owner."""
BY_NAME = {f"{edit.document} {edit.field}": edit for edit in EDITS}


def spec(edit: Edit) -> dict[str, Any]:
    """Return what the document of an edit declares: as it was before."""
    kind, name = edit.document.split("/")
    if kind == "CertificateOwner":
        return {"owner": edit.declared, "certificates": {"ids": [int(name[1:])]}}
    if kind == "RequestDenial":
        return {"requests": [{"id": int(name[1:]), "commonName": edit.declared}], "comment": "not wanted"}
    if kind == "EventHandler":
        return {"className": f"CSS.CMS.Monitoring.EventHandling.{HANDLERS[name][1]}", edit.field: edit.declared}
    if kind == "SecretEvent" and edit.changes[0][1].get("delete"):
        topic = {"targetType": "SMN", "targetId": "urn", "targetName": "topic"}
        return {"state": "ENABLED", "eventTypes": ["SECRET_ROTATED"], "notification": topic}
    if edit.field == "notification.targetName":
        return {"notification": {"targetType": "SMN", "targetId": "urn", "targetName": edit.declared}}
    extra = {"permissionSet": "Global", "permissions": [PORTAL]} if edit.changes[0][1].get("delete") else {}
    return {edit.field: edit.declared, **(extra if kind == "SecurityRole" else {})}


def carry_out(simulator: Simulator, edit: Edit) -> None:
    """Make an object as it is declared, without a mark, and then change it as the table has it."""
    kind, name = edit.document.split("/")
    if kind == "SecurityRole":
        members = {"Permissions": [PORTAL, READ][: len(edit.declared) if edit.field == "permissions" else 1]}
        email = edit.declared if edit.field == "emailAddress" else None
        number = simulator.world.add_role(
            name, **members, EmailAddress=email, Claims=[4] if edit.field == "claims" else []
        )
    if kind == "SecretEvent":
        topic = {"target_type": "SMN", "target_id": "urn", "target_name": "topic"}
        simulator.world.add_event(name, event_types=["SECRET_ROTATED"], state="ENABLED", notification=topic)
    if kind == "CertificateOwner":
        auditors = next(number for number, role in simulator.world.roles.items() if role["Name"] == "Auditors")
        row = simulator.world.certificates[int(name[1:])]
        simulator.world.certificates[row.id] = row._replace(owner=auditors)
    simulator.switch(history_owner=HISTORIES.get(name, "named"))
    for actor, change in edit.changes:
        if kind == "SecurityRole":
            change_role(simulator, number, actor, name, change)
        elif kind == "SecretEvent":
            method = "DELETE" if change.get("delete") else "PUT"
            path = f"/v1/{simulator.world.project}/csms/events/{name}"
            assert simulator.edit(method, path, None if method == "DELETE" else change, actor=actor)[0] < 300
        else:
            is_owner = kind == "CertificateOwner"
            path = f"/Certificates/{name[1:]}/Owner" if is_owner else f"/EventHandlerRegistration/{HANDLERS[name][0]}"
            assert simulator.edit("PUT", path, change, actor=actor)[0] < 300


def change_role(simulator: Simulator, number: int, actor: str, name: str, change: Mapping[str, Any]) -> None:
    if change.get("delete"):
        assert simulator.edit("DELETE", f"/Security/Roles/{number}", actor=actor)[0] < 300
        return
    if change.get("create"):
        new = {"Name": name, "Description": "made anew", "PermissionSetId": simulator.world.global_set_id}
        assert simulator.edit("POST", "/Security/Roles", {**new, "Permissions": [PORTAL]}, actor=actor)[0] < 300
        return
    found = simulator.edit("GET", f"/Security/Roles/{number}")[1]
    kept = ("Id", "Name", "Description", "EmailAddress", "PermissionSetId", "Permissions")
    claims = [claim(one["ClaimValue"]) for one in found["Claims"]]
    body = {**{member: found[member] for member in kept}, "Claims": claims, **change}
    status, answer = simulator.edit("PUT", "/Security/Roles", body, actor=actor)
    assert status == 200, answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Path]]:
    """All 32 edits in one world, and a folder with what is declared and settings that ask for the trails."""
    folder = tmp_path_factory.mktemp("blame")
    with Simulator(certificates=8) as simulator:
        for edit in EDITS:
            carry_out(simulator, edit)
        grant_audit(simulator)
        documents = [
            {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}, "spec": spec(edit)}
            for edit in EDITS
            for kind, name in (edit.document.split("/"),)
        ]
        for number, document in enumerate(documents):
            (folder / f"{number}.json").write_text(json.dumps(document), "utf-8")
        text = simulator.settings.read_text("utf-8").replace("    url:", "    audit: true\n    url:")
        (simulator.settings.parent / "blame.yaml").write_text(text, "utf-8")
        yield simulator, folder


def grant_audit(simulator: Simulator) -> None:
    own = next(role for role in simulator.world.roles.values() if role["Name"] == "GitOps Reconciler")
    own["Permissions"].append("/auditing/read/")


def look(simulator: Simulator, folder: Path, *more: str, command: str = "drift") -> dict[str, Any]:
    config = simulator.settings.parent / "blame.yaml"
    argv = [command, str(folder), "--config", str(config), "--format", "json", *more]
    code = main(argv, {}, stdout := io.StringIO(), stderr := io.StringIO(), io.StringIO())
    report: dict[str, Any] = json.loads(stdout.getvalue())
    assert code == 2 or command != "drift", stderr.getvalue()
    return report


def read_blame(report: dict[str, Any]) -> Blame:
    """Return grade and actor by document and field, of the fields that the table is about."""
    found = {
        f"{step['address']['kind']}/{step['address']['name']} {change['path']}": change["blame"]
        for step in report["steps"]
        for change in step["changes"]
        if "blame" in change
    }
    return {name: f"{found[name]['grade']} {found[name]['actor']}" for name in BY_NAME}


def of(kind: str) -> list[str]:
    return [name for name in BY_NAME if name.startswith(kind)]


def told(actor: str, *names: str) -> Blame:
    return dict.fromkeys(names, actor)


ROLES, EVENTS = of("SecurityRole"), of("SecretEvent")
CLAIMS = [name for name in ROLES if name.endswith("claims")]
C4, C6, C7 = (f"CertificateOwner/c{number} owner" for number in (4, 6, 7))
HISTORY_ALONE = {C4: f"likely {EVE}", C6: f"likely {BOB}"}
"""What a history tells by itself: of these neither names the owner that was set."""
LAST_AUTHORS = {name: f"likely {BY_NAME[name].changes[-1][0]}" for name in ROLES}
# A deletion needs no field; and of an entry that can't be read, the last is the likeliest.
GONE = {name: BY_NAME[name].blamed for name in ROLES if "r14" in name}
FIRST_AUTHORS = {name: f"likely {ANN}" for name in ROLES if name.split()[0][-2:] in {"r3", "r4"}}
MADE = {name: BY_NAME[name].blamed for name in ROLES if "r15" in name}
"""What was created anew has every field from its creation."""
BARE = {name: BY_NAME[name].blamed.replace("CORP\\", "") for name in ROLES}
OTHERS: dict[tuple[str, str | int], Blame] = {
    ("audit_claims", "separate"): told(NOBODY, *CLAIMS),
    ("audit_claims", "none"): told(NOBODY, *CLAIMS),
    ("audit_other_objects", "entries"): {
        "EventHandler/h1 displayName": f"exact {ANN}",
        "EventHandler/h2 enabled": f"exact {BOB}",
    },
    ("audit_owners", "none"): {**HISTORY_ALONE, C7: NOBODY},
    ("audit_user", "bare"): {**BARE, C4: "exact eve", C6: "exact bob", C7: "exact bob"},
    ("audit_user", "null"): {**told("likely ", *ROLES), **HISTORY_ALONE, C7: "likely "},
    ("audit_delay", 3600): {**told(NOBODY, *ROLES, C7), **HISTORY_ALONE},
    ("audit_message", "new"): {**LAST_AUTHORS, **FIRST_AUTHORS, **MADE, **GONE, **HISTORY_ALONE, C7: f"likely {BOB}"},
    ("audit_message", "malformed"): {**LAST_AUTHORS, **GONE, **HISTORY_ALONE, C7: f"likely {BOB}"},
    ("audit_message", "empty"): {**LAST_AUTHORS, **GONE, **HISTORY_ALONE, C7: f"likely {BOB}"},
    ("cts_delay", 3600): told(NOBODY, *EVENTS),
    ("cts_service", "empty"): told(NOBODY, *EVENTS),
    ("cts_service", "403"): told(NOBODY, *EVENTS),
    ("cts_service", "404"): told(NOBODY, *EVENTS),
    ("cts_user", "null"): told("likely ", *EVENTS),
}
"""What a setting takes from the tool: every other one leaves everything as it is."""


def list_rounds() -> list[dict[str, str | int]]:
    """Return the settings to look under, each other than the default once.

    What changes nothing goes together, and so do one of Command's log and one of CTS: no field is about both.
    """
    rounds: list[dict[str, str | int]] = []
    for name in sorted(TRAIL_SWITCHES - {"history_owner"}):
        allowed = DECLARED[name].allowed
        settings = allowed if isinstance(allowed, tuple) else (3600,)
        for setting in (one for one in settings if one != DECLARED[name].default):
            chosen = next((one for one in rounds if is_free(one, name, setting)), None)
            if chosen is None:
                rounds.append(chosen := {})
            chosen[name] = setting
    return rounds


def is_free(settings: Mapping[str, str | int], name: str, setting: str | int) -> bool:
    """Say whether a setting can be tried beside these without their hiding each other."""
    if name in settings or not settings:
        return not settings
    if (name, setting) not in OTHERS:
        return not any(one in OTHERS for one in settings.items())
    return all(one in OTHERS and one[0][:3] != name[:3] for one in settings.items())


@pytest.mark.parametrize("settings", [{}, *list_rounds()], ids=lambda settings: "-".join(settings) or "defaults")
def test_each_edit_has_its_author(settings: dict[str, str | int], world: tuple[Simulator, Path]) -> None:
    """Nobody is named as `exact` who did not do it; what can't be known is `likely`, or `none` with a reason."""
    simulator, folder = world
    simulator.switch(**settings)
    report = look(simulator, folder, "--blame", "--no-state")
    simulator.switch(**{name: DECLARED[name].default for name in settings})

    expected = {name: edit.blamed for name, edit in BY_NAME.items()}
    for setting in settings.items():
        expected |= OTHERS.get(setting, {})
    assert {name: blame for name, blame in read_blame(report).items() if blame != expected[name]} == {}
    blames = [change["blame"] for step in report["steps"] for change in step["changes"] if "blame" in change]
    assert all((blame["grade"] == "exact") is (blame["reason"] == "") for blame in blames)


def list_asked(simulator: Simulator) -> list[str]:
    trails = ("/Audit", "/traces", "/History")
    return [entry["path"] for entry in simulator.requests if entry["path"].endswith(trails) and not entry.get("edit")]


def test_it_changes_nothing_else_and_nobody_else_asks(world: tuple[Simulator, Path]) -> None:
    """The same steps, the same exit code; drift by itself and plan leave the trails alone."""
    simulator, folder = world
    simulator.forget_requests()
    plain, _ = look(simulator, folder, "--no-state"), look(simulator, folder, "--no-state", command="plan")
    assert list_asked(simulator) == []

    report = look(simulator, folder, "--blame", "--no-state")
    for step in report["steps"]:
        for change in step["changes"]:
            change.pop("blame", None)
    assert (report["steps"], report["outcome"]) == (plain["steps"], plain["outcome"])
    REPORT.validate(look(simulator, folder, "--blame", "--no-state"))


def test_each_trail_is_asked_once_for_all_that_it_can_tell(world: tuple[Simulator, Path]) -> None:
    """One list a category, one history a certificate, one list a name of CTS."""
    simulator, folder = world
    simulator.forget_requests()
    look(simulator, folder, "--blame", "--no-state")

    asked = list_asked(simulator)
    assert len([path for path in asked if path.endswith("/History")]) == len(of("CertificateOwner"))
    assert (asked.count("/Audit"), len([path for path in asked if path.endswith("/traces")])) == (3, 3)


def test_one_refusal_ends_the_asking_and_names_the_permission(world: tuple[Simulator, Path]) -> None:
    """Each refused request would be an entry of the audit log by itself."""
    simulator, folder = world
    own = next(role for role in simulator.world.roles.values() if role["Name"] == "GitOps Reconciler")
    own["Permissions"].remove("/auditing/read/")
    simulator.switch(cts_service="403")
    simulator.forget_requests()
    report = look(simulator, folder, "--blame", "--no-state")
    own["Permissions"].append("/auditing/read/")
    simulator.switch(cts_service="on")

    asked = list_asked(simulator)
    assert (asked.count("/Audit"), len([path for path in asked if path.endswith("/traces")])) == (1, 1)
    notes = " ".join(note["message"] for note in report["notes"])
    assert "/auditing/read/" in notes
    assert "cts:trace:list" in notes
    assert read_blame(report)[ROLES[0]] == NOBODY


def test_a_target_that_does_not_allow_it_is_not_asked(world: tuple[Simulator, Path]) -> None:
    """`audit: true` is the operator's word; a request tells of itself, without a trail."""
    simulator, folder = world
    config = simulator.settings.parent / "blame.yaml"
    allowed = config.read_text("utf-8")
    config.write_text(allowed.replace("    audit: true\n", ""), "utf-8")
    simulator.forget_requests()
    report = look(simulator, folder, "--blame", "--no-state")
    config.write_text(allowed, "utf-8")

    assert list_asked(simulator) == []
    graded = {name: blame for name, blame in read_blame(report).items() if blame != NOBODY}
    assert graded == {name: BY_NAME[name].blamed for name in of("RequestDenial")}
    assert [note["message"] for note in report["notes"] if "audit: true" in note["message"]] != []


def test_the_text_and_the_comment_tell_it(world: tuple[Simulator, Path]) -> None:
    """A section of its own, and the same in Markdown, where a name is text."""
    simulator, folder = world
    config = simulator.settings.parent / "blame.yaml"
    markdown = folder / "comment.md"
    argv = ["drift", str(folder), "--config", str(config), "--blame", "--no-state", "--report", f"markdown={markdown}"]
    main(argv, {}, stdout := io.StringIO(), io.StringIO(), io.StringIO())
    comment = markdown.read_text("utf-8")
    markdown.unlink()

    section = stdout.getvalue().partition("Who and when, as the audit trails tell:")[2]
    assert "SecurityRole/r2" in section
    assert f"{BOB}, 20" in section
    assert "(exact; Command audit log, entry " in section
    assert "from 127.0.0.1 (exact; Huawei CTS, entry " in section
    assert "Who and when: " in comment
    assert "ann" in comment


@pytest.mark.parametrize("kind", ["html_after", "wrong_shape", "redirect"])
def test_an_answer_that_is_none_is_told_and_changes_nothing(kind: str, world: tuple[Simulator, Path]) -> None:
    """Each trail gives something else than entries: notes, nobody named, and the same outcome."""
    simulator, folder = world
    for path in ("/Audit", "/History", "/traces"):
        simulator.fault(path=path, kind=kind, times=20)
    report = look(simulator, folder, "--blame", "--no-state")
    simulator.clear_faults()

    assert report["outcome"] == {"code": 2, "name": "changes"}
    assert {name for name, blame in read_blame(report).items() if blame != NOBODY} == set(of("RequestDenial"))
    told = [note["message"] for note in report["notes"] if "who changed what is not told" in note["message"]]
    assert len(told) == 3
