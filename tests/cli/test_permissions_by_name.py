"""Permissions that name a collection, from the document to the server: the id is shown, approved and sent."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support.plan_files import seal

ROLE = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: Payments PKI}
spec:
  permissions:
    - /portal/read/
    - /certificates/collections/read/{collection: Web}/
"""
OTHER = "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: Web Team}\nspec: {description: x}\n"
WEB, PAYMENTS = "/certificates/collections/read/2/", "/certificates/collections/read/1/"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(certificates=3) as started:
        yield started


def test_the_id_that_was_shown_is_sent_and_no_other(run: Run, folder: Path, simulator: Simulator) -> None:
    """Whatever has the name by then; the next comparison tells it.

    What is remembered has both, and the way back is by the ids that were there.
    """
    (folder / "m.yaml").write_text(ROLE)
    config = ["--config", str(simulator.credentials["settings"])]

    code, shown, stderr = run(["plan", "m.yaml", "--out", "p.json", *config])
    assert code == 0, stderr
    assert f'    permissions  + "{WEB}" {{collection: Web}}\n' in shown
    assert f'                 - "{PAYMENTS}" {{collection: Payments}}\n' in shown
    document = json.loads(run(["show", "p.json", "--format", "json"])[1])
    jsonschema.validate(document, build_schemas(KINDS)["report.json"])
    (change,) = document["steps"][0]["changes"]
    assert change["after"] == [WEB, "/portal/read/"]
    assert change["names"] == {WEB: "{collection: Web}", PAYMENTS: "{collection: Payments}"}
    with simulator.lock:
        collections = simulator.world.collections
        collections[1]["Name"], collections[2]["Name"] = "Web", "Other"

    code, applied, stderr = run(["apply", "p.json", "--format", "json", *config])
    assert code == 0, stderr
    assert [write["body"]["Permissions"] for write in simulator.ledger] == [["/portal/read/", WEB]]
    code, found, _ = run(["drift", "m.yaml", *config])
    assert code == 2
    assert f'+ "{WEB}" {{collection: Other}}' in found
    assert f'- "{PAYMENTS}" {{collection: Web}}' in found
    run_id = json.loads(applied)["run"]["id"]
    assert f'+ "{WEB}" {{collection: Web}}' in run(["history", run_id, *config])[1]
    code, undone, stderr = run(["undo", run_id, "--out", "u.json", "--format", "json", *config])
    assert code == 0, stderr
    assert json.loads(undone)["steps"][0]["call"]["body"]["Permissions"] == ["/portal/read/", PAYMENTS]
    for name in ("markdown", "html"):
        code, _, stderr = run(["plan", "m.yaml", "--report", f"{name}=report.{name}", *config])
        assert code == 0, stderr
        text = html.unescape((folder / f"report.{name}").read_text())
        assert f'"{PAYMENTS}" {{collection: Web}}' in text, name


def test_where_collections_may_not_be_listed_the_documents_that_name_one_are_not_compared(
    run: Run, folder: Path, simulator: Simulator
) -> None:
    """The right that is missing is named; `adopt` takes over the rest."""
    (folder / "m.yaml").write_text(f"{ROLE}---\n{OTHER}")
    config = ["--config", str(simulator.credentials["settings"])]
    with simulator.lock:
        (administrator,) = (role for role in simulator.world.roles.values() if role["Immutable"])
        administrator["Permissions"] = ["/security/", "/portal/read/"]
        for role in simulator.world.roles.values():
            role["Permissions"] = [text for text in role["Permissions"] if not text.startswith("/certificates/")]

    for command in (["plan"], ["adopt", "--write"]):
        code, stdout, stderr = run([*command, "m.yaml", *config])
        assert code == 10, command
        assert "compared 1 of 2" in stdout, command
        assert "grant /certificates/collections/read/ to read /CertificateCollections, or write ids" in stderr, command
    assert (
        folder / "m.yaml"
    ).read_text() == f"{ROLE}---\n{OTHER.replace(': x', ': ' + 'Owners of the web certificates')}"


def test_a_name_in_a_plan_file_stands_beside_what_has_it(run: Run, folder: Path, simulator: Simulator) -> None:
    """A name can't be told from a request; one of something that the change does not hold is no name at all."""
    (folder / "m.yaml").write_text(ROLE)
    config = ["--config", str(simulator.credentials["settings"])]
    assert run(["plan", "m.yaml", "--out", "p.json", *config])[0] == 0
    members = json.loads((folder / "p.json").read_text())
    jsonschema.validate(members, build_schemas(KINDS)["plan.json"])
    members["steps"][0]["changes"][0]["names"] = {"/": "{collection: Web}"}
    (folder / "p.json").write_bytes(seal(members))
    code, _, stderr = run(["show", "p.json"])
    assert code != 0
    assert "does not make the change of permissions that is shown" in stderr


def test_a_policy_over_changes_sees_ids_and_one_over_documents_what_is_written(
    run: Run, folder: Path, simulator: Simulator
) -> None:
    """`grants` says the same of both where a whole permission is asked for: a name narrows it as an id does."""
    policies = "".join(
        f"---\napiVersion: reconciler/v1\nkind: Policy\nmetadata: {{name: {over}}}\n"
        f'spec: {{level: mandatory, over: {over}, rule: "{rule}", message: told}}\n'
        for over, rule in {
            "change": f"'{WEB}' in after.permissions && !grants(after.permissions, '/certificates/collections/read/')",
            "document": "'/certificates/collections/read/{collection: Web}/' in spec.permissions"
            " && !grants(spec.permissions, '/certificates/collections/read/')",
        }.items()
    )
    (folder / "m.yaml").write_text(ROLE + policies)

    code, _, stderr = run(["apply", "m.yaml", "--yes", "--config", str(simulator.credentials["settings"])])
    assert (code, len(simulator.ledger)) == (0, 1), stderr
