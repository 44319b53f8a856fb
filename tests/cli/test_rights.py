"""Rights gained and lost, and lock-outs, from the command line to a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support.format_judges import judge_format

ROLE = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {{name: {name}, target: command}}
spec: {{permissions: [{permissions}]}}
---
"""
OWN = ROLE.format(name="GitOps Reconciler", permissions="/portal/read/, /security/read/")
GIVING = ROLE.format(name="PKI Operators", permissions="/portal/read/, /security/")
OPERATORS = [
    {"type": "Group", "value": "CORP\\pki-ops", "provider": "Active Directory"},
    {"type": "OAuthRole", "value": "pki-operators", "provider": "Entra"},
]


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Simulator]:
    with Simulator(certificates=0) as server:
        yield server


@pytest.fixture
def server(shared_server: Simulator, folder: Path) -> Iterator[Simulator]:
    """A server whose roles are as at its start, and a folder with its settings."""
    lines = shared_server.settings.read_text().splitlines(keepends=True)
    (folder / "reconciler.yaml").write_text("".join(line for line in lines if not line.startswith("manifests:")))
    (folder / "manifests").mkdir()
    with shared_server.lock:
        roles = {number: dict(role) for number, role in shared_server.world.roles.items()}
    yield shared_server
    with shared_server.lock:
        shared_server.world.roles.update(roles)


def declare(folder: Path, *documents: str, settings: str = "") -> None:
    (folder / "manifests" / "all.yaml").write_text("".join(documents))
    with (folder / "reconciler.yaml").open("a") as file:
        file.write(settings)


def plan_json(run: Run, *more: str) -> tuple[int, dict[str, Any]]:
    code, text, _ = run(["plan", "--format", "json", *more])
    return code, json.loads(text)


def test_a_plan_and_its_file_say_who_gains_and_who_loses(run: Run, server: Simulator, folder: Path) -> None:
    """In every format alike; what is gained raises the step's risk with that reason, saved too."""
    declare(folder, GIVING)
    code, report = plan_json(run, "--out", "p.json", "--report", "markdown=p.md", "--report", "html=p.html")
    assert code == 0
    reported = [
        {name: change[name] for name in ("principal", "roles", "gained", "lost", "escalation")}
        for change in report["rights"]
    ]
    assert reported == [
        {
            "principal": principal,
            "roles": ["PKI Operators"],
            "gained": ["/security/"],
            "lost": [
                "/certificates/collections/metadata/modify/",
                "/certificates/collections/read/",
                "/dashboard/read/",
            ],
            "escalation": True,
        }
        for principal in OPERATORS
    ]
    reason = "escalation: 2 principals gain /security/modify/, and so may give itself any right"
    assert report["steps"][0]["risk"] == "high"
    assert report["steps"][0]["risk_reason"].endswith(reason)

    shown = json.loads(run(["show", "p.json", "--format", "json"])[1])
    assert (shown["rights"], shown["steps"]) == (report["rights"], report["steps"])
    assert json.loads((folder / "p.json").read_text())["rights"] == report["rights"]
    text = run(["show", "p.json"])[1]
    assert "\nRights: 2 principals gain, 2 principals lose; 2 escalations\n" in text
    assert "  ! OAuthRole pki-operators (Entra)  gains /security/, loses " in text
    markdown = (folder / "p.md").read_text()
    assert "**Rights: 2 principals gain, 2 principals lose; 2 escalations**" in markdown
    assert (
        "- `OAuthRole pki-operators (Entra)` gains `/security/`, loses `/certificates/collections/metadata/modify/`, "
        in markdown
    )
    judge_format("markdown", markdown)
    page = (folder / "p.html").read_text()
    assert "Rights: 2 principals gain, 2 principals lose; 2 escalations</h2>" in page
    assert "<strong>OAuthRole pki-operators (Entra)</strong> gains /security/, loses " in page


def test_what_was_not_looked_at_is_said(run: Run, server: Simulator, folder: Path) -> None:
    """With --no-rights nothing is read but what the plan needs, and the plan says what it leaves out."""
    declare(folder, GIVING)
    before = len(server.requests)
    code, report = plan_json(run, "--no-rights")
    paths = [request["path"] for request in server.requests[before:]]
    assert (code, report["rights"]) == (0, [])
    assert any("was not looked at; --no-rights was said" in note["message"] for note in report["notes"])
    assert [path for path in paths if path.startswith("/Security/")] == ["/Security/Roles", "/Security/Roles/2"]


@pytest.mark.parametrize("flags", [[], ["--no-rights"]], ids=str)
def test_a_lock_out_is_refused_and_sent_only_if_it_is_allowed_in_words(
    run: Run, server: Simulator, folder: Path, flags: list[str]
) -> None:
    """The account's own step is the last one, so that all before it can be done."""
    declare(folder, OWN, GIVING)
    before = len(server.ledger)
    code, _, stderr = run(["apply", "--yes", *flags])
    assert (code, len(server.ledger)) == (6, before)
    assert "all.yaml:1:1: SecurityRole/GitOps Reconciler: after this step the account that applies would no" in stderr
    assert run(["plan", "--out", "p.json", *flags])[0] == 6
    assert not (folder / "p.json").exists()

    declare(folder, OWN, GIVING, settings="allow: {lockout: [account]}\n")
    assert run(["plan", "--out", "p.json", *flags])[0] == 0
    code, _, stderr = run(["apply", "p.json"])
    assert code == 0, stderr
    assert [entry["object"]["name"] for entry in server.ledger[before:]] == ["PKI Operators", "GitOps Reconciler"]
    assert "allowed by the settings: SecurityRole/GitOps Reconciler: after this step" in stderr


def test_a_saved_plan_is_judged_for_the_account_that_applies_it(run: Run, server: Simulator, folder: Path) -> None:
    """Whoever plans may be an administrator; whoever applies would lose the right that it needs."""
    declare(folder, OWN, GIVING, settings="allow: {lockout: [account]}\n")
    assert run(["plan", "--out", "p.json"])[0] == 0
    settings = (folder / "reconciler.yaml").read_text()
    (folder / "reconciler.yaml").write_text(settings.replace("allow: {lockout: [account]}\n", ""))
    before = len(server.ledger)
    code, _, stderr = run(["apply", "p.json"])
    assert (code, len(server.ledger)) == (6, before)
    assert "would no longer hold /security/modify/" in stderr
