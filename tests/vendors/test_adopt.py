"""What people change with the vendors' own clients is taken over by `adopt --write`, each as a diff of its own."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.cli import main
from reconciler.simulator import Simulator
from tests.vendors import command_client, csms_client
from tests.vendors.containment import contained

HANDLERS, ROLES, CLAIMS = "event_handler_registration", "security_roles", "security_claims"
TOPIC = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:other"


@pytest.fixture(autouse=True)
def apart() -> Iterator[None]:
    """Keep the clients from the user's home and from the network."""
    with contained():
        yield


def set_handler(number: int, **members: Any) -> Callable[[Simulator], None]:
    def edit(simulator: Simulator) -> None:
        sdk = command_client.client(simulator)
        body = command_client.model("EventHandlerRegistration", "UpdateRequest", **members)
        put = command_client.call(sdk, f"{HANDLERS}.put_event_handler_registration_id", number, body=body)
        assert put.status == 200

    return edit


def set_role(number: int, **members: Any) -> Callable[[Simulator], None]:
    """PUT of version 1, which lets go of whatever it does not mention."""

    def edit(simulator: Simulator) -> None:
        sdk = command_client.client(simulator)
        body = command_client.model("Security_Roles", "UpdateRequest", id=number, **members)
        assert command_client.call(sdk, f"{ROLES}.put_security_roles", body=body).status == 200

    return edit


def describe_claim(number: int, description: str) -> Callable[[Simulator], None]:
    def edit(simulator: Simulator) -> None:
        sdk = command_client.client(simulator)
        body = command_client.model("Security_Claims", "UpdateRequest", id=number, description=description)
        assert command_client.call(sdk, f"{CLAIMS}.put_security_claims", body=body).status == 200

    return edit


def set_owner(number: int, name: str) -> Callable[[Simulator], None]:
    """The SDK has no function for it, so through its HTTP client."""

    def edit(simulator: Simulator) -> None:
        body = {"NewRoleName": name}
        put = command_client.send(command_client.client(simulator), "PUT", f"/Certificates/{number}/Owner", body)
        assert put.status == 204

    return edit


def set_event(**members: Any) -> Callable[[Simulator], None]:
    def edit(simulator: Simulator) -> None:
        body = partial(csms_client.change, **members)
        csms_client.call(csms_client.client(simulator), "update_secret_event", event_name="lifecycle", body=body)

    return edit


def set_topic(simulator: Simulator) -> None:
    def build_body() -> Any:
        from huaweicloudsdkcsms.v1 import Notification  # noqa: PLC0415 - imported where nothing can get out

        topic = Notification(target_type="SMN", target_id=TOPIC, target_name="other")
        return csms_client.change(notification=topic)

    csms_client.call(csms_client.client(simulator), "update_secret_event", event_name="lifecycle", body=build_body)


class Row(NamedTuple):
    """An edit by a vendor's client, and the lines that the diff of the manifests takes away and adds."""

    edit: Callable[[Simulator], object]
    diff: list[str]


CLAIMS_OF_WEB_TEAM = """\
-  claims:
-    - type: Group
-      value: 'CORP\\web'
-      provider: Active Directory
-      description: Web team
-    - type: OAuthRole
-      value: web-team
-      provider: Entra
-      description: Web team""".splitlines()
MOVED = '      - "2CE70A5FF3CFA300E8B7CFA56CBBBBF384DDDE33"  # api.corp.example.com, expires 2027-04-21'
ROWS = [
    Row(
        set_handler(1, enabled=True),
        ["-  enabled: false", "-  displayName: Denied request logger", "+  enabled: true", "+  clear: [displayName]"],
    ),
    Row(set_handler(1, enabled=True, display_name="Denials"), ["-  clear: [displayName]", "+  displayName: Denials"]),
    Row(set_handler(1, display_name="Denials"), ["-  enabled: true", "+  enabled: false"]),
    Row(
        set_role(4, name="Web Team", description="Other"),
        [
            "-  description: Owners of the web certificates",
            "-  emailAddress: web@example.com",
            "+  description: Other",
            "-  permissions:",
            "-    - /certificates/collections/read/2/",
            "-    - /portal/read/",
            *CLAIMS_OF_WEB_TEAM,
            *("+  clear:", "+    - emailAddress", "+    - permissions", "+    - claims"),
        ],
    ),
    Row(describe_claim(5, "Payers"), ["-      description: Payments PKI team", "+      description: Payers"]),
    Row(set_owner(1, "Web Team"), ["-  owner: Payments PKI", "+  owner: Web Team"]),
    Row(
        set_owner(4, "Help Desk"),
        [
            f"-{MOVED}",
            *("+---", "+apiVersion: reconciler/v1", "+kind: CertificateOwner", "+metadata:", "+  name: Help Desk"),
            *("+spec:", "+  owner: Help Desk", "+  certificates:", "+    thumbprints:", f"+{MOVED}"),
        ],
    ),
    Row(set_event(state="DISABLED"), ["-  state: ENABLED", "+  state: DISABLED"]),
    Row(
        set_event(event_types=["SECRET_ROTATED"]),
        ["-    - SECRET_DELETED", "-    - SECRET_VERSION_CREATED", "+    - SECRET_ROTATED"],
    ),
    Row(
        set_topic,
        [
            f"-    targetId: {TOPIC.replace('other', 'platform')}",
            "-    targetName: platform",
            f"+    targetId: {TOPIC}",
            "+    targetName: other",
        ],
    ),
]


@pytest.mark.no_cover
def test_ten_edits_are_taken_over_and_touch_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export in Git; after each edit `adopt --write` leaves a diff of those lines, and a plan that is empty."""
    monkeypatch.chdir(tmp_path)
    with Simulator(certificates=20) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        Path("m").mkdir()
        Path("m/all.yaml").write_text(run("export", *config)[1])
        git("init", "-q")
        commit()
        for row in ROWS:
            row.edit(simulator)
            code, _, stderr = run("adopt", "m", "--write", *config)
            assert code == 0, stderr
            lines = git("diff", "-U0").splitlines()
            heads = ("diff ", "index ", "--- ", "+++ ", "@@ ")
            assert [line for line in lines if not line.startswith(heads)] == row.diff
            assert run("plan", "m", "--detailed-exitcode", *config)[0] == 0
            commit()


def run(*argv: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    return main(list(argv), {}, stdout, stderr, io.StringIO()), stdout.getvalue(), stderr.getvalue()


def git(*argv: str) -> str:
    command = ["git", "-c", "user.name=somebody", "-c", "user.email=somebody@example.com", *argv]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit() -> None:
    git("add", "m")
    git("commit", "-q", "-m", "as it is on the servers")
