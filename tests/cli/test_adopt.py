"""`adopt`: what a server has becomes what the manifests say, in place, and a plan of it is empty."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli import main
from reconciler.diagnostics import Address, Source
from reconciler.documents.reader import parse_documents
from reconciler.engine.adoption.adopt import adopt_live_state
from reconciler.engine.adoption.adopted_files import write_changes
from reconciler.engine.adoption.compared_documents import keep_looked_up_fields, look_up_values
from reconciler.engine.declaration import RunInputs, RunOptions
from reconciler.errors import StaleError
from reconciler.kinds.adoption import (
    AdoptedDocument,
    AdoptionObstacle,
    ComparedDocument,
    Difference,
    adopt_document,
)
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Run

Edit = Callable[[Simulator], object]

HEAD = "apiVersion: reconciler/v1\n"
ROLE = (
    HEAD
    + """\
kind: SecurityRole
metadata: {name: Payments PKI, labels: {team: pay}}   # ours
spec:
  # who is asked
  emailAddress: 'payments-pki@example.com'
  permissions:
    - /portal/read/   # the portal
    - "/certificates/collections/read/1/"
  claims:
    - {type: OAuthRole, value: payments-pki, provider: Entra, description: Payments PKI team}  # all of them
"""
)
ADDITIVE = (
    HEAD
    + """\
kind: SecurityRole
metadata: {name: Payments PKI}
spec:
  permissions: [/portal/read/, /certificates/collections/read/1/]
  additive: [permissions]
"""
)
CLEARED = (
    HEAD
    + """\
kind: SecurityRole
metadata: {name: Payments PKI}
spec:
  description: Owners of the payment certificates
  clear: [emailAddress]  # nobody
"""
)
RENAMED = (
    HEAD
    + """\
kind: SecurityRole
metadata: {name: Pay PKI, renamedFrom: Payments PKI}
spec: {emailAddress: payments-pki@example.com}
"""
)
HANDLER = HEAD + "kind: EventHandler\nmetadata: {name: h}\nspec: {className: CLASS, enabled: true, displayName: X}\n"
EVENT = (
    HEAD
    + """\
kind: SecretEvent
metadata: {name: expiry-prod}
spec:
  state: ENABLED
  eventTypes: [SECRET_VERSION_EXPIRED]  # what is told
  notification:
    targetName: pki
"""
)
TOPIC = HEAD + "kind: SecretEvent\nmetadata: {name: expiry-prod}\nspec: {notification: {topic: pki}}  # told\n"
DENIAL = HEAD + "kind: RequestDenial\nmetadata: {name: d}\nspec: {requests: [{id: 23, commonName: X}]}\n"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small world, started once a test."""
    with Simulator(certificates=12) as started:
        yield started


def set_role(**members: object) -> Edit:
    """Edit the role by hand, as somebody in the portal does."""

    def edit(simulator: Simulator) -> None:
        next(role for role in simulator.world.roles.values() if role["Name"] == "Payments PKI").update(members)

    return edit


def set_handler(**members: object) -> Edit:
    def edit(simulator: Simulator) -> None:
        simulator.world.handlers[1].update(members)

    return edit


def set_event(**members: object) -> Edit:
    def edit(simulator: Simulator) -> None:
        simulator.world.events["expiry-prod"].update(members)

    return edit


NAMED = (
    HEAD
    + """\
kind: SecurityRole
metadata: {name: Payments PKI}
spec:
  permissions:
    - /portal/read/
    - /certificates/collections/read/{collection: payments}/  # by name
    - '/certificate_stores/read/{container: Web front ends}/'
"""
)


def _tell(simulator: Simulator, topic: str) -> dict[str, str]:
    urn = f"urn:smn:cn-north-4:{simulator.credentials['csms']['project_id']}:{topic}"
    return {"target_type": "SMN", "target_id": urn, "target_name": topic}


CASES: dict[str, tuple[str, Edit, list[str]]] = {
    # a document that was in sync or not, what somebody did in the portal, and the diff
    "a text, its quotes and the comments": (
        ROLE,
        set_role(EmailAddress="pay@example.com"),
        ["-  emailAddress: 'payments-pki@example.com'", "+  emailAddress: 'pay@example.com'"],
    ),
    "a text that is gone is cleared": (
        ROLE,
        set_role(EmailAddress=None),
        ["-  emailAddress: 'payments-pki@example.com'", "+  clear:", "+    - emailAddress"],
    ),
    "permissions that came and went": (
        ROLE,
        set_role(Permissions=["/certificates/collections/read/1/", "/agents/management/read/"]),
        ["-    - /portal/read/   # the portal", "+    - /agents/management/read/"],
    ),
    "permissions by name keep it where the role has their ids": (
        NAMED,
        set_role(Permissions=["/certificates/collections/read/1/", "/certificates/collections/read/2/"]),
        [
            "-    - /portal/read/",
            "-    - '/certificate_stores/read/{container: Web front ends}/'",
            "+    - /certificates/collections/read/2/",
        ],
    ),
    "a claim that went, of a list that would be empty": (
        ROLE,
        set_role(Claims=[]),
        [
            "-  claims:",
            ROLE.splitlines()[-1].replace("    -", "-    -"),
            "+  clear:",
            "+    - claims",
        ],
    ),
    "a claim that joined is described where the others are": (
        ROLE,
        set_role(Claims=[5, 7]),
        ["+    - {type: OAuthRole, value: web-team, provider: Entra, description: Web team}"],
    ),
    "and is not where they are not": (
        ROLE.replace(", description: Payments PKI team", ""),
        set_role(Claims=[5, 7]),
        ["+    - {type: OAuthRole, value: web-team, provider: Entra}"],
    ),
    "what others added is not an additive list's": (
        ADDITIVE,
        set_role(Permissions=["/portal/read/", "/x/"]),
        [
            "-  permissions: [/portal/read/, /certificates/collections/read/1/]",
            "+  permissions: [/portal/read/]",
        ],
    ),
    "a cleared field that has a value again": (
        CLEARED,
        set_role(EmailAddress="pay@example.com"),
        ["-  clear: [emailAddress]  # nobody", "+  emailAddress: pay@example.com"],
    ),
    "a role that is still called what it was": (
        RENAMED,
        set_role(),
        ["-metadata: {name: Pay PKI, renamedFrom: Payments PKI}", "+metadata: {name: Payments PKI}"],
    ),
    "a field that no manifest mentions stays unmentioned": (ROLE, set_role(Description="Other"), []),
    "a switch and a name that is gone": (
        HANDLER,
        set_handler(Enabled=False, DisplayName=None),
        [
            "-spec: {className: CLASS, enabled: true, displayName: X}",
            "+spec: {className: CLASS, enabled: false, clear: [displayName]}",
        ],
    ),
    "an event": (
        EVENT,
        set_event(
            state="DISABLED",
            event_types=["SECRET_VERSION_EXPIRED", "SECRET_ROTATED"],
            notification={"target_type": "SMN", "target_id": "urn:smn:cn-north-4:0:x", "target_name": "other"},
        ),
        [
            "-  state: ENABLED",
            "-  eventTypes: [SECRET_VERSION_EXPIRED]  # what is told",
            "+  state: DISABLED",
            "+  eventTypes: [SECRET_VERSION_EXPIRED, SECRET_ROTATED]  # what is told",
            "-    targetName: pki",
            "+    targetName: other",
        ],
    ),
    "a topic by name": (
        TOPIC,
        lambda simulator: set_event(notification=_tell(simulator, "other"))(simulator),
        ["-spec: {notification: {topic: pki}}  # told", "+spec: {notification: {topic: other}}  # told"],
    ),
    "a topic of somebody else": (
        TOPIC,
        set_event(notification={"target_type": "SMN", "target_id": "urn:smn:x:0:pki", "target_name": "pki"}),
        [
            "-spec: {notification: {topic: pki}}  # told",
            "+spec: {notification: {targetType: SMN, targetId: urn:smn:x:0:pki, targetName: pki}}  # told",
        ],
    ),
    "types that this version does not know are kept": (
        EVENT,
        set_event(state="ENABLED", event_types=["SECRET_ROTATED", "SECRET_MELTED"]),
        [
            "-  eventTypes: [SECRET_VERSION_EXPIRED]  # what is told",
            "+  eventTypes: [SECRET_ROTATED]  # what is told",
            "+  additive: [eventTypes]",
        ],
    ),
}


@pytest.mark.parametrize(("text", "edit", "diff"), CASES.values(), ids=CASES)
def test_a_live_value_takes_the_place_of_a_declared_one(
    run: Run, folder: Path, simulator: Simulator, text: str, edit: Edit, diff: list[str]
) -> None:
    """Without --write it is only shown; with it a plan has nothing left, and a second run nothing to take over."""
    class_name = simulator.world.handlers[1]["ClassName"]
    text, diff = text.replace("CLASS", class_name), [line.replace("CLASS", class_name) for line in diff]
    (folder / "m.yaml").write_text(text)
    config = ["--config", str(simulator.credentials["settings"])]
    with simulator.lock:
        edit(simulator)

    code, stdout, stderr = run(["adopt", "m.yaml", *config])
    assert (code, (folder / "m.yaml").read_text()) == (0, text), stderr
    shown = [line for line in stdout.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    assert shown == diff
    assert run(["adopt", "m.yaml", "--write", *config])[0] == 0
    new_text = (folder / "m.yaml").read_text()
    lines = list(difflib.unified_diff(text.splitlines(), new_text.splitlines(), lineterm="", n=0))[2:]
    assert [line for line in lines if not line.startswith("@@")] == diff
    assert run(["plan", "m.yaml", "--detailed-exitcode", *config])[0] == 0
    assert "Nothing to take over: compared 1 of 1." in run(["adopt", "m.yaml", "--write", *config])[1]
    assert simulator.ledger == []


LEFT: dict[str, tuple[str, Edit, int, str]] = {
    # a document, an edit, the outcome and why nothing is taken over
    "an object that is not there": (ROLE.replace("name: Payments", "name: No"), set_role(), 10, "does not exist"),
    "a denial": (DENIAL, set_role(), 0, "a denial is an act and no state"),
    "text that can't be reviewed": (
        CLEARED,
        set_role(Description="a\x1b[2Jb", EmailAddress=None),
        10,
        "description: what the server holds can't be said in a manifest",
    ),
    "nothing would be declared": (
        ADDITIVE.replace("/portal/read/, ", ""),
        set_role(Permissions=["/portal/read/"]),
        10,
        "the server has nothing of what it declares",
    ),
}


@pytest.mark.parametrize(("text", "edit", "code", "reason"), LEFT.values(), ids=LEFT)
def test_what_can_not_be_taken_over_is_told_and_left_alone(
    run: Run, folder: Path, simulator: Simulator, text: str, edit: Edit, code: int, reason: str
) -> None:
    """The file stays as it is, and every other document is taken over all the same."""
    with simulator.lock:
        edit(simulator)
        simulator.world.handlers[1]["Enabled"] = False
        number, request = next(iter(simulator.world.requests.items()))
    text = text.replace("id: 23", f"id: {number}").replace("commonName: X", f"commonName: {request['CommonName']}")
    handler = HANDLER.replace("CLASS", simulator.world.handlers[1]["ClassName"]).replace(", displayName: X", "")
    (folder / "m.yaml").write_text(f"{text}---\n{handler}")
    config = ["--config", str(simulator.credentials["settings"])]

    result = run(["adopt", "m.yaml", "--write", *config])
    assert result[0] == code, result
    assert reason in result[2]
    assert (folder / "m.yaml").read_text() == f"{text}---\n{handler.replace('enabled: true', 'enabled: false')}"


def test_a_field_that_can_not_be_taken_over_keeps_no_other_back(run: Run, folder: Path, simulator: Simulator) -> None:
    """The e-mail address is taken over, and the description stays, told by name."""
    with simulator.lock:
        set_role(Description="a\x1b[2Jb")(simulator)
    (folder / "m.yaml").write_text(CLEARED)
    config = ["--config", str(simulator.credentials["settings"])]

    code, _, stderr = run(["adopt", "m.yaml", "--write", *config])
    assert code == 10
    assert "description: what the server holds" in stderr
    expected = CLEARED.replace("clear: [emailAddress]  # nobody", "emailAddress: payments-pki@example.com")
    assert (folder / "m.yaml").read_text() == expected


def test_what_validation_would_refuse_is_left_out_alone(run: Run, folder: Path, simulator: Simulator) -> None:
    """Somebody gave the role a second account without its domain: no manifest could tell the two apart."""
    claim = "{type: Group, value: 'CORP\\web', provider: Active Directory}"
    role = f"{HEAD}kind: SecurityRole\nmetadata: {{name: Payments PKI}}\nspec: {{claims: [{claim}]}}\n"
    handler = HANDLER.replace("CLASS", simulator.world.handlers[1]["ClassName"]).replace(", displayName: X", "")
    text = f"{role}---\n{handler}"
    (folder / "m.yaml").write_text(text)
    with simulator.lock:
        simulator.world.handlers[1]["Enabled"] = False
        (web,) = (one for one in simulator.world.claims.values() if one["ClaimValue"] == "CORP\\web")
        simulator.world.claims[90] = {**web, "Id": 90, "ClaimValue": "web"}
        set_role(Claims=[web["Id"], 90])(simulator)

    code, _, stderr = run(["adopt", "m.yaml", "--write", "--config", str(simulator.credentials["settings"])])
    assert code == 10, stderr
    assert "SecurityRole/Payments PKI: claims: what the server holds can't be said in a manifest" in stderr
    assert (folder / "m.yaml").read_text() == text.replace("enabled: true", "enabled: false"), stderr


def test_a_file_that_somebody_else_changes_is_not_overwritten(folder: Path, simulator: Simulator) -> None:
    """Whoever edits one of them while the servers are read loses nothing, and none is written."""
    (folder / "m.yaml").write_text(CLEARED)
    (folder / "n.yaml").write_text(EVENT)
    inputs = RunInputs({}, folder, date(2026, 11, 29), KINDS)
    with simulator.lock:
        set_event(state="DISABLED")(simulator)
    options = RunOptions(["m.yaml", "n.yaml"], str(simulator.credentials["settings"]))
    changes = adopt_live_state(inputs, options, lambda _line: None).changes
    assert [change.shown for change in changes] == ["m.yaml", "n.yaml"]
    (folder / "n.yaml").write_text(ROLE)

    with pytest.raises(StaleError, match=r"n\.yaml: changed while it was looked at"):
        write_changes(changes)
    assert ((folder / "m.yaml").read_text(), (folder / "n.yaml").read_text()) == (CLEARED, ROLE)


def test_a_secret_of_ours_does_not_get_into_git(run: Run, folder: Path, simulator: Simulator) -> None:
    """Somebody pasted it into a description; nothing is written, and nothing shows it."""
    secret = str(simulator.credentials["keyfactor"]["client_secret"])
    (folder / "m.yaml").write_text(CLEARED)
    with simulator.lock:
        set_role(Description=f"see {secret}", EmailAddress=None)(simulator)

    code, stdout, stderr = run(["adopt", "m.yaml", "--write", "--config", str(simulator.credentials["settings"])])
    assert code == 6
    assert "quotes a secret" in stderr
    assert secret not in stdout + stderr
    assert (folder / "m.yaml").read_text() == CLEARED


def test_the_document_names_what_was_taken_over(run: Run, folder: Path, simulator: Simulator) -> None:
    """Addresses, and each file's diff; the file keeps its mode."""
    (folder / "m.yaml").write_text(CLEARED)
    (folder / "m.yaml").chmod(0o640)
    config = ["--config", str(simulator.credentials["settings"])]

    report = json.loads(run(["adopt", "m.yaml", "--format", "json", *config])[1])
    jsonschema.validate(report, build_schemas(KINDS)["report.json"])
    assert (report["command"], report["outcome"]["name"], report["written"]) == ("adopt", "ok", False)
    assert report["adopted"] == [{"target": "command", "kind": "SecurityRole", "name": "Payments PKI"}]
    assert [file["file"] for file in report["files"]] == ["m.yaml"]
    assert "+  emailAddress: payments-pki@example.com\n" in report["files"][0]["diff"]
    assert json.loads(run(["adopt", "--write", "m.yaml", "--format", "json", *config])[1])["written"] is True
    assert (folder / "m.yaml").stat().st_mode & 0o777 == 0o640


def test_what_is_piped_in_has_no_place_to_be_edited_in(run: Run, simulator: Simulator) -> None:
    """A clear word, and nothing is read."""
    code, _, stderr = run(["adopt", "-", "--config", str(simulator.credentials["settings"])], stdin=ROLE)
    assert (code, simulator.requests) == (3, [])
    assert "can't be edited in place" in stderr


PERMISSIONS = ["/portal/read/", "/certificates/collections/read/", "/agents/management/read/", "/metadata/types/read/"]
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["Web team", "a: b", "yes", "one\ntwo"]),
        "emailAddress": st.sampled_from(["a@example.com", "b@example.com"]),
        "permissions": st.lists(st.sampled_from(PERMISSIONS), min_size=1, unique=True),
        "claims": st.lists(st.sampled_from(["x", "y z", "web-team"]), min_size=1, unique=True),
    },
).filter(bool)


def write_role(name: str, fields: Mapping[str, Any], draw: st.DataObject) -> str:
    """Write a role in a style that is drawn, each line of it with a comment of its own."""
    lines = [f"metadata: {{name: {name}}}  # {name}", "spec:"]
    if (cleared := "emailAddress" not in fields) and draw.draw(st.booleans()):
        lines.append(f"  clear: [emailAddress]  # {name} clear")
    for field in draw.draw(st.permutations(sorted(fields))):
        value = fields[field]
        if field == "claims":
            value = [{"type": "OAuthRole", "value": text, "provider": "Entra"} for text in value]
        if isinstance(value, list) and draw.draw(st.booleans()):
            lines.append(f"  {field}:  # {name} {field}")
            lines += [f"  - {json.dumps(member)}  # {name} {field}" for member in value]
        else:
            lines.append(f"  {field}: {json.dumps(value)}  # {name} {field}")
    # Where nothing else is declared, and the server has none of it, nothing would be left to say.
    if "permissions" in fields and len(fields) > 1 and cleared and draw.draw(st.booleans()):
        lines.append("  additive: [permissions]")
    return "\n".join([HEAD + "kind: SecurityRole", *lines, ""])


@settings(max_examples=15)
@given(data=st.data())
def test_any_manifests_are_taken_over_and_then_in_sync(simulator_of_laws: Simulator, data: st.DataObject) -> None:
    """Random documents, however they are written: a plan is empty afterwards, and those in sync are untouched."""
    roles = {name: data.draw(FIELDS) for name in ("Web Team", "Auditors", "Help Desk")}
    documents = [write_role(name, fields, data) for name, fields in roles.items()]
    text = "---\n".join(documents)
    file = simulator_of_laws.settings.parent / "m.yaml"
    file.write_text(text)
    config = ["--config", str(simulator_of_laws.settings)]
    before = json.loads(call(["plan", str(file), "--format", "json", *config])[1])
    touched = {change["path"].partition(".")[0] for step in before["steps"] for change in step["changes"]} | {"clear"}
    changed = {step["address"]["name"] for step in before["steps"]} | {p["source"] for p in before["problems"]}

    code, _, stderr = call(["adopt", str(file), "--write", *config])
    assert code == 0, f"{stderr}\n{text}"
    new_text = file.read_text()
    assert call(["plan", str(file), "--detailed-exitcode", *config])[0] == 0, new_text
    for name, document, new in zip(roles, documents, new_text.split("---\n"), strict=True):
        assert (document == new) == (name not in changed) or before["problems"]
        gone = set(document.splitlines()) - set(new.splitlines())
        assert all(line.rpartition(" ")[2] in {*touched, "[permissions]"} for line in gone)


def call(argv: list[str]) -> tuple[int, str, str]:
    stdout, stderr = StringIO(), StringIO()
    return main(argv, {}, stdout, stderr, StringIO()), stdout.getvalue(), stderr.getvalue()


@pytest.fixture(scope="module")
def simulator_of_laws() -> Iterator[Simulator]:
    """One world for all examples: nothing of this is ever sent to it."""
    with Simulator(certificates=1) as started:
        yield started
        assert started.ledger == []


def test_a_document_for_several_targets_is_left_to_people(run: Run, folder: Path, simulator: Simulator) -> None:
    """What one target has can't be written for all of them; a list of one name is for one target."""
    whole = yaml.safe_load(Path(simulator.credentials["settings"]).read_text())
    whole["targets"]["other"] = whole["targets"]["csms"]
    (folder / "two.yaml").write_text(json.dumps(whole))
    named, shared = (
        EVENT.replace("expiry-prod", f"expiry-prod, targets: [{word}]") for word in ("csms", "csms, other")
    )
    with simulator.lock:
        set_event(state="DISABLED")(simulator)
    for text, expected in ((shared, shared), (named, named.replace("ENABLED", "DISABLED"))):
        (folder / "m.yaml").write_text(text)
        code, _, stderr = run(["adopt", "m.yaml", "--write", "--config", "two.yaml"])
        assert ((folder / "m.yaml").read_text(), code) == (expected, 10 if expected == shared else 0), stderr
        words = "differs on target csms, and is declared for several targets at once; give target csms a document"
        assert (words in stderr) == (expected == shared)


def test_what_is_looked_up_at_the_target_is_not_written_into_the_document() -> None:
    """The other fields are taken over, and the document still asks for the value."""
    text = EVENT.replace("targetName: pki", "targetName: {targetValue: topic}").replace(
        "[SECRET", "[{targetValue: t}, SECRET"
    )
    (document,), _ = parse_documents(text.encode(), "m.yaml")
    value = look_up_values(document, {"topic": "pki", "t": "SECRET_ROTATED"})
    assert isinstance(document.value, dict)
    assert isinstance(value, dict)
    address = Address("csms", "SecretEvent", "expiry-prod")
    after = {
        "state": "ENABLED",
        "eventTypes": frozenset(value["spec"]["eventTypes"]),
        "notification": {"targetName": "pki"},
    }
    for before, spec, fields in (
        ({"state": "DISABLED"}, {**document.value["spec"], "state": "DISABLED"}, []),
        ({"notification": {"targetName": "x"}}, None, ["notification"]),
        (
            {"state": "DISABLED", "eventTypes": frozenset()},
            {**document.value["spec"], "state": "DISABLED"},
            ["eventTypes"],
        ),
    ):
        difference = Difference({**after, **before}, after, None, "", Source("m.yaml"))
        compared = ComparedDocument(address, Source("m.yaml"), value, (difference,))
        (adopted,) = adopt_document(compared)
        assert isinstance(adopted, AdoptedDocument)
        parts = list(keep_looked_up_fields(document.value, compared, adopted))
        assert [part.field for part in parts if isinstance(part, AdoptionObstacle)] == fields
        assert [part.value["spec"] for part in parts if isinstance(part, AdoptedDocument)] == ([spec] if spec else [])
