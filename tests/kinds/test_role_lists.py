"""A server's own lists of permissions and identity providers: believed where they are told, and missed by nobody."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.errors import Exit
from reconciler.simulator import Simulator

MANIFEST = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {{name: Web Team}}
spec:
  permissions: [{permission}]
  claims: [{{type: OAuthRole, value: ops, provider: {provider}, description: Operators}}]
  additive: [permissions, claims]
"""
LISTS = {"/Permissions$": "permission /auditing/red/", "/IdentityProviders": "identity provider 'Entrance'"}


def plan(simulator: Simulator, folder: Path, permission: str, provider: str) -> tuple[Exit, dict[str, Any]]:
    """Plan a role that gains one permission and one claim."""
    (folder / "all.yaml").write_text(MANIFEST.format(permission=permission, provider=provider))
    stdout, config = io.StringIO(), str(simulator.credentials["settings"])
    code = main(["plan", str(folder), "--config", config, "--format", "json"], {}, stdout, io.StringIO(), io.StringIO())
    return Exit(code), json.loads(stdout.getvalue())


def test_what_the_server_lists_is_planned(tmp_path: Path) -> None:
    """Its own strings and schemes, letter case of the latter aside."""
    with Simulator(certificates=1) as simulator:
        code, report = plan(simulator, tmp_path, "/auditing/read/", "entra")

    assert (code, report["problems"]) == (Exit.OK, [])
    assert report["steps"][0]["call"]


def test_what_the_server_does_not_list_holds_its_document_back(tmp_path: Path) -> None:
    """Both faults at once, before anything is sent, with what may be meant."""
    with Simulator(certificates=1) as simulator:
        code, report = plan(simulator, tmp_path, "/auditing/red/", "Entrance")

    assert code is Exit.INCOMPLETE
    messages = [problem["message"] for problem in report["problems"]]
    assert ['did you mean "/auditing/read/"?' in message for message in messages] == [True, False]
    assert ['did you mean "Entra"?' in message for message in messages] == [False, True]
    assert report["steps"][0]["call"] is None


@pytest.mark.parametrize("status", [403, 404, 500])
@pytest.mark.parametrize("path", LISTS)
def test_a_list_that_is_not_told_is_no_reason_to_stop(path: str, status: int, tmp_path: Path) -> None:
    """An account that may manage roles need not be allowed to read it; the other list is believed all the same."""
    with Simulator(certificates=1) as simulator:
        simulator.fault("GET", path, "status", times=0, status=status)
        code, report = plan(simulator, tmp_path, "/auditing/red/", "Entrance")

    (other,) = (told for list_path, told in LISTS.items() if list_path != path)
    assert code is Exit.INCOMPLETE
    assert [other in problem["message"] for problem in report["problems"]] == [True]
