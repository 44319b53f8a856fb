"""What is not selected can't stop a run: its faults are notes. What may be selected still can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_outcomes import BROKEN, ROLE
from tests.support.toy_kinds import write

OWNER = """\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: payments, labels: {team: pki}}
spec: {owner: Payments, certificates: {ids: [1]}}
"""
EVENT = """\
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: expiry}
spec: {state: ENABLED}
"""
TABLE = OWNER.replace("owner: Payments, certificates: {ids: [1]}", "assignments: t.csv")
TARGET = """\
  {name}:
    api: keyfactor
    url: http://127.0.0.1:1/KeyfactorAPI
    auth: {{type: basic, username: svc, password: {{env: PASSWORD}}}}
"""
HEAD = "apiVersion: reconciler/v1\nkind: Settings\ntargets:\n"
ONE, TWO = (HEAD + "".join(TARGET.format(name=name) for name in names) for names in (["east"], ["east", "west"]))
EAST, WEST = (OWNER.replace("{name: payments", f"{{name: payments, target: {name}") for name in ("east", "west"))

# name: (files, settings, filters, code, what is told, whether as a note)
ROWS = {
    "a target that nobody configured": ([OWNER, EVENT], ONE, "--only CertificateOwner", 0, "no target speaks the csms"),
    "a target of another name": ([EAST, WEST], ONE, "--target east", 0, 'unknown target "west"'),
    "a document that could be of either target": ([EAST, ROLE], TWO, "--only CertificateOwner", 0, "several targets"),
    "a wrong field": ([OWNER, BROKEN], ONE, "--only CertificateOwner", 0, 'unknown field "descripton"'),
    "a wrong field, left out by label": ([OWNER, BROKEN], ONE, "--label team=pki", 0, 'unknown field "descripton"'),
    "a wrong field, excluded": ([OWNER, BROKEN], ONE, "--exclude SecurityRole", 0, 'unknown field "descripton"'),
    "a table that is not there": ([ROLE, TABLE], ONE, "--only SecurityRole", 0, "assignments: does not exist"),
    "two of one name": ([OWNER, ROLE, ROLE], ONE, "--only CertificateOwner", 0, "is already declared"),
    "no filter": ([OWNER, EVENT], ONE, "", 4, "no target speaks the csms"),
    "a wrong field that is selected": ([OWNER, BROKEN], ONE, "--only SecurityRole", 4, 'unknown field "descripton"'),
    "a document of no target for a target": ([EAST, ROLE], TWO, "--target east", 4, "several targets"),
    "two of one name that are selected": ([OWNER, ROLE, ROLE], ONE, "--only SecurityRole", 4, "is already declared"),
    "no YAML": ([OWNER, "x: ["], ONE, "--only CertificateOwner", 4, "is missing here"),
    "an unknown kind": ([OWNER, "kind: X\n"], ONE, "--only CertificateOwner", 4, 'unknown kind "X"'),
    "no name": ([OWNER, ROLE.replace("name:", "nam:")], ONE, "--only CertificateOwner", 4, 'unknown field "nam"'),
    "only what is faulty": ([BROKEN], ONE, "--only CertificateOwner", 3, "matches none of the 0 documents"),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_not_selected_stops_no_run(row: str, folder: Path, run: Run) -> None:
    """The same fault of a document that is, or that may be, does."""
    documents, settings, filters, code, words = ROWS[row]
    write(folder, {f"m/{number}.yaml": text for number, text in enumerate(documents)} | {"reconciler.yaml": settings})
    actual, stdout, stderr = run(["validate", "m", *filters.split()])
    assert actual == code, stdout + stderr
    assert words in (stderr if code != 4 else stdout)
    assert ("note: " in stderr) is (code == 0)
    assert ("not selected and left aside: " in stderr) is (code == 0)


def test_notes_of_what_is_left_aside_are_in_the_document(folder: Path, run: Run) -> None:
    """As those of a plan are."""
    write(folder, {"m/a.yaml": OWNER, "m/b.yaml": EVENT, "reconciler.yaml": ONE})
    _, stdout, _ = run(["validate", "m", "--only", "CertificateOwner", "--format", "json"])
    (note,) = json.loads(stdout)["notes"]
    assert note["source"] == "m/b.yaml:3:1"
    assert "no target speaks the csms API" in note["message"]


def test_a_name_with_a_space_at_its_end_is_told_and_taken(folder: Path, run: Run) -> None:
    """`validate` and a plan that can't even be made both say so."""
    write(folder, {"m/a.yaml": ROLE.replace("PKI Operators", "'PKI Operators '"), "reconciler.yaml": ONE})
    code, stdout, stderr = run(["validate", "m"])
    assert (code, stdout) == (0, "Valid: 1 document in 1 file.\n")
    assert 'note: m/a.yaml:3:18: "PKI Operators " starts or ends with a space; it is taken exactly' in stderr
    _, _, stderr = run(["plan", "m"], {"PASSWORD": "x"})
    assert 'note: m/a.yaml:3:18: "PKI Operators " starts or ends with a space' in stderr
