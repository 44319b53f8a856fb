"""The law of the way back, for every kind: what a run did and its undo take each other away, whole worlds compared.

What a run created and what it denied stays, and is refused to be taken back.
"""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.simulator import Simulator

LOGGER = "CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger"
TOPIC = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef"
ALICE = "{type: User, value: 'CORP\\alice', provider: Active Directory"

ROLES = """
kind: SecurityRole
metadata: {name: Operators, renamedFrom: PKI Operators}
spec:
  description: Renamed, and all of it changed
  permissionSet: Help Desk
  permissions: [/portal/read/, /dashboard/read/]
  claims:
    - {type: OAuthRole, value: pki-operators, provider: Entra}
    - {type: OAuthRole, value: platform, provider: Entra}
  clear: [emailAddress]
---
kind: SecurityRole
metadata: {name: Help Desk}
spec: {emailAddress: help@example.com, clear: [claims, permissions]}
"""
CLAIMS = f"""
kind: SecurityRole
metadata: {{name: Auditors}}
spec:
  permissions: [/portal/read/]
  claims: [{ALICE}, description: Alice of the auditors}}, {{type: OAuthRole, value: platform, provider: Entra}}]
---
kind: SecurityRole
metadata: {{name: Web Team}}
spec: {{claims: [{{type: OAuthRole, value: web-team, provider: Entra, description: The web}}], additive: [claims]}}
"""
OTHERS = f"""
kind: EventHandler
metadata: {{name: log}}
spec: {{className: {LOGGER}, enabled: true, displayName: Log}}
---
kind: EventHandler
metadata: {{name: nameless}}
spec: {{className: {LOGGER.replace("Logger", "Powershell")}, clear: [displayName]}}
---
kind: SecretEvent
metadata: {{name: rotation-audit}}
spec: {{state: DISABLED, eventTypes: [SECRET_DELETED], notification: {{targetId: '{TOPIC}:pki', targetName: pki}}}}
---
kind: CertificateOwner
metadata: {{name: everything}}
spec: {{owner: Auditors, certificates: {{query: 'IssuedCN -endswith ".example.com"'}}}}
"""
OWNERS = """
kind: SecurityRole
metadata: {name: Payments, renamedFrom: Payments PKI}
spec: {description: Renamed while it owns certificates}
---
kind: CertificateOwner
metadata: {name: shop}
spec: {owner: Payments, certificates: {ids: [3, 9, 11]}}
---
kind: CertificateOwner
metadata: {name: nobody's}
spec: {clear: [owner], certificates: {ids: [1, 7]}, collection: 1}
"""
CASES = {
    "roles of which everything changes, a rename too": ROLES,
    "descriptions of claims, with and without their role": CLAIMS,
    "handlers, events and owners": OTHERS,
    "owners of a role that is renamed": OWNERS,
}


def run(simulator: Simulator, *argv: str) -> tuple[int, dict[str, Any]]:
    """Run a command and return its code and its report."""
    stdout, stderr = io.StringIO(), io.StringIO()
    config = str(simulator.credentials["settings"])
    code = main([*argv, "--config", config, "--format", "json"], {}, stdout, stderr, io.StringIO())
    return code, json.loads(stdout.getvalue())


def list_calls(report: dict[str, Any]) -> set[str]:
    """Return where requests go, and by which right: certificates are asked for in the collection that they were in."""
    return {json.dumps([step["call"][name] for name in ("method", "path", "query")]) for step in report["steps"]}


def look(simulator: Simulator) -> dict[str, Any]:
    """Return all that kinds manage, without what a server writes by itself."""
    world = simulator.world
    with simulator.lock:
        roles = {
            key: {**role, "Extra": 0, "Claims": sorted(role["Claims"]), "Permissions": sorted(role["Permissions"])}
            for key, role in world.roles.items()
        }
        events = {
            name: {**event, "update_time": 0, "_written": 0, "event_types": sorted(event["event_types"])}
            for name, event in world.events.items()
        }
        handlers = {
            key: {**handler, "DisplayName": handler["DisplayName"] or ""} for key, handler in world.handlers.items()
        }
        owners = {key: row.owner for key, row in world.certificates.items()}
        stores = {"roles": roles, "events": events, "handlers": handlers, "owners": owners, "claims": world.claims}
        return copy.deepcopy(stores)


def declare(folder: Path, documents: str) -> Path:
    """Write manifests, each with its apiVersion."""
    path = folder / "all.yaml"
    text = "\n---".join(f"\napiVersion: reconciler/v1{document}" for document in documents.split("\n---"))
    path.write_text(text)
    return path


@pytest.mark.parametrize("documents", CASES.values(), ids=CASES)
def test_apply_and_undo_take_each_other_away(tmp_path: Path, documents: str) -> None:
    """And the undo can itself be undone: it is a run like any other."""
    plan = str(tmp_path / "undo.json")
    manifests = str(declare(tmp_path, documents))
    with Simulator(certificates=12) as simulator:
        before = look(simulator)
        code, report = run(simulator, "apply", manifests, "--yes")
        assert code == Exit.OK, report
        after, calls = look(simulator), list_calls(report)
        assert {name for name in before if before[name] != after[name]}
        for world in (before, after):
            # The last run takes back the one before it.
            (latest, *_) = run(simulator, "history")[1]["runs"]
            code, report = run(simulator, "undo", latest["id"], "--out", plan)
            assert (code, report["saved"]) == (Exit.OK, True), report["problems"]
            assert {step["source"].split(", step")[0] for step in report["steps"]} == {f"undo of run {latest['id']}"}
            assert list_calls(report) == calls
            assert run(simulator, "apply", plan)[0] == Exit.OK
            assert look(simulator) == world


def test_claims_that_the_server_forgot_come_back_as_they_were(tmp_path: Path) -> None:
    """They have other ids then; who they are and what they are described by is the same."""
    plan, manifests = str(tmp_path / "undo.json"), str(declare(tmp_path, ROLES))
    with Simulator(certificates=1, switches={"claim_unused": "removed"}) as simulator:
        before = list_claims(simulator)
        code, report = run(simulator, "apply", manifests, "--yes")
        assert code == Exit.OK
        assert list_claims(simulator) < before
        assert run(simulator, "undo", report["run"]["id"], "--out", plan)[0] == Exit.OK
        assert run(simulator, "apply", plan)[0] == Exit.OK
        assert list_claims(simulator) == before


def list_claims(simulator: Simulator) -> set[tuple[Any, ...]]:
    """Return each claim that there is, without its id."""
    with simulator.lock:
        return {
            tuple(value for name, value in claim.items() if name != "Id") for claim in simulator.world.claims.values()
        }


def test_the_law_is_about_every_kind() -> None:
    """Denials are the one kind that has no way back."""
    kinds = {
        line.removeprefix("kind: ") for case in CASES.values() for line in case.splitlines() if line[:5] == "kind:"
    }
    assert kinds == set(KINDS) - {"RequestDenial"}
