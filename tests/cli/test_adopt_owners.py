"""`adopt` of owners: rows of a table, lists that certificates leave and join, and queries."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

HEAD = "apiVersion: reconciler/v1\nkind: CertificateOwner\n"
LIST = (
    HEAD
    + "metadata: {name: pay, labels: {team: pay}}\nspec:\n  owner: Payments PKI\n  certificates:\n    ids: [1, 2, 3]\n"
)
LONG = (
    HEAD
    + "metadata: {name: pay}\nspec:\n  owner: Payments PKI  # who pays\n  certificates:\n    thumbprints:\n{1}{2}{3}"
)
DESK = HEAD + "metadata: {name: desk}\nspec:\n  owner: Help Desk\n  certificates: {ids: [9]}\n"
QUERY = HEAD + "metadata: {name: all}\nspec:\n  owner: Payments PKI\n  certificates:\n    query: 'CertId -le 3'\n"
TABLE = HEAD + "metadata: {name: csv}\nspec: {assignments: owners.csv}\n"
CSV = 'name;thumbprint;owner\n"a; b";{1};Payments PKI\n b ;{2}; "Payments PKI"\nc;{3};Payments PKI\n'
PAYMENTS, DESK_ROLE, NOBODY = 3, 7, None


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A dozen certificates, all but the ninth owned by Payments PKI."""
    with Simulator(certificates=12) as started:
        roles = {role["Name"]: number for number, role in started.world.roles.items()}
        assert roles["Payments PKI"] == PAYMENTS
        assert roles["Help Desk"] == DESK_ROLE
        with started.lock:
            for number in started.world.certificates:
                give(started, {number: DESK_ROLE if number == 9 else PAYMENTS})
        yield started


def give(simulator: Simulator, owners: Mapping[int, int | None]) -> None:
    """Give certificates to roles by hand."""
    for number, owner in owners.items():
        row = simulator.world.certificates[number]
        simulator.world.certificates[number] = row._replace(owner=owner)


def diff(before: str, after: str) -> list[str]:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    return [line for line in lines if not line.startswith("@@")]


class Case(NamedTuple):
    """Documents, what owners the certificates get, and the diff of the manifest and of the table beside it."""

    text: str
    owners: Mapping[int, int | None]
    manifest: Sequence[str]
    table: Sequence[str] = ()


NEW = ["+---", "+apiVersion: reconciler/v1", "+kind: CertificateOwner", "+metadata:"]
CASES = {
    "one of a list leaves for a new document, with the labels that it had": Case(
        LIST,
        {2: DESK_ROLE},
        [
            "-    ids: [1, 2, 3]",
            "+    ids: [1, 3]",
            *NEW,
            "+  name: Help Desk",
            "+  labels:",
            "+    team: pay",
            "+spec:",
            "+  owner: Help Desk",
            "+  certificates:",
            "+    ids:",
            "+      - 2  # {name 2}",
        ],
    ),
    "one leaves for the list of its owner": Case(
        f"{LIST}---\n{DESK}",
        {2: DESK_ROLE},
        ["-    ids: [1, 2, 3]", "+    ids: [1, 3]", "-  certificates: {ids: [9]}", "+  certificates: {ids: [9, 2]}"],
    ),
    "all have another owner": Case(
        LONG,
        {1: DESK_ROLE, 2: DESK_ROLE, 3: DESK_ROLE},
        ["-  owner: Payments PKI  # who pays", "+  owner: Help Desk  # who pays"],
    ),
    "nobody owns them": Case(
        LONG,
        {1: NOBODY, 2: NOBODY, 3: NOBODY},
        ["-  owner: Payments PKI  # who pays", "+  clear: [owner]"],
    ),
    "one is nobody's": Case(
        LONG,
        {3: NOBODY},
        [
            "-{3}",
            *NEW,
            "+  name: nobody",
            "+spec:",
            "+  clear:",
            "+    - owner",
            "+  certificates:",
            "+    thumbprints:",
            "+      - {yaml 3}  # {name 3}",
        ],
    ),
    "one of a query is excepted from it": Case(
        f"{QUERY}---\n{DESK}".replace("ids: [9]", "thumbprints: [{thumbprint 9}]"),
        {2: DESK_ROLE},
        [
            "+    except: {thumbprints: [{yaml 2}]}",
            "-  certificates: {thumbprints: [{thumbprint 9}]}",
            "+  certificates: {thumbprints: [{thumbprint 9}, {yaml 2}]}",
        ],
    ),
    "all of a query": Case(
        QUERY,
        {1: DESK_ROLE, 2: DESK_ROLE, 3: DESK_ROLE},
        ["-  owner: Payments PKI", "+  owner: Help Desk"],
    ),
    "cells of a table, with their quotes and blanks": Case(
        TABLE,
        {1: DESK_ROLE, 2: DESK_ROLE},
        [],
        [
            '-"a; b";{thumbprint 1};Payments PKI',
            '- b ;{thumbprint 2}; "Payments PKI"',
            '+"a; b";{thumbprint 1};Help Desk',
            '+ b ;{thumbprint 2}; "Help Desk"',
        ],
    ),
    "a row of a table that nobody owns": Case(
        TABLE
        + "---\n"
        + DESK.replace("owner: Help Desk", "clear: [owner]").replace("ids: [9]", "thumbprints: [{thumbprint 9}]"),
        {1: NOBODY, 9: NOBODY},
        [
            "-  certificates: {thumbprints: [{thumbprint 9}]}",
            "+  certificates: {thumbprints: [{thumbprint 9}, {yaml 1}]}",
        ],
        ['-"a; b";{thumbprint 1};Payments PKI'],
    ),
}


def fill(text: str, simulator: Simulator) -> str:
    """Put thumbprints and names of certificates into a text."""
    for number, row in simulator.world.certificates.items():
        thumbprint = row.thumbprint
        plain = thumbprint if thumbprint[0].isalpha() else f'"{thumbprint}"'
        name = f"{row.cn}, expires {datetime.fromtimestamp(row.not_after, UTC).date()}"
        text = text.replace(f"{{{number}}}", f'      - "{thumbprint}"\n')
        text = text.replace(f"{{thumbprint {number}}}", thumbprint).replace(f"{{yaml {number}}}", plain)
        text = text.replace(f"{{name {number}}}", name)
    return text


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_owners_are_taken_over_row_by_row(run: Run, folder: Path, simulator: Simulator, case: Case) -> None:
    """The diff touches what has another owner, and a plan of all of it is empty."""
    text = fill(case.text, simulator)
    table = fill(CSV.replace("{", "{thumbprint "), simulator)
    (folder / "m.yaml").write_text(text)
    (folder / "owners.csv").write_text(table)
    config = ["--config", str(simulator.credentials["settings"])]
    with simulator.lock:
        give(simulator, case.owners)

    code, stdout, stderr = run(["adopt", "m.yaml", "--write", *config])
    assert code == 0, stderr
    assert diff(text, (folder / "m.yaml").read_text()) == [fill(line, simulator).rstrip("\n") for line in case.manifest]
    assert diff(table, (folder / "owners.csv").read_text()) == [fill(line, simulator) for line in case.table]
    assert ("b/owners.csv" in stdout) == bool(case.table)
    assert run(["plan", "m.yaml", "--detailed-exitcode", *config])[0] == 0
    assert simulator.ledger == []


def test_what_is_not_selected_takes_nothing_in(run: Run, folder: Path, simulator: Simulator) -> None:
    """A certificate leaves for a new document, although the one that is not selected has its owner."""
    text = f"{LIST}---\n{DESK}"
    (folder / "m.yaml").write_text(text)
    config = ["--config", str(simulator.credentials["settings"])]
    with simulator.lock:
        give(simulator, {2: DESK_ROLE})

    assert run(["adopt", "m.yaml", "--only", "CertificateOwner/pay", "--write", *config])[0] == 0
    new_text = (folder / "m.yaml").read_text()
    assert DESK in new_text
    assert "name: Help Desk" in new_text
    assert run(["plan", "m.yaml", "--detailed-exitcode", *config])[0] == 0


def test_a_certificate_that_is_gone_stays_where_it_is_listed(run: Run, folder: Path, simulator: Simulator) -> None:
    """It may only not be visible to this account; the others are taken over."""
    (folder / "m.yaml").write_text(LIST.replace("[1, 2, 3]", "[1, 2, 99]"))
    config = ["--config", str(simulator.credentials["settings"])]
    with simulator.lock:
        give(simulator, {2: DESK_ROLE})

    code, _, stderr = run(["adopt", "m.yaml", "--write", *config])
    assert code == 10
    assert "(id 99)" in stderr
    assert "does not exist on the server" in stderr
    assert "ids: [1, 99]" in (folder / "m.yaml").read_text()


def test_an_owner_that_can_not_be_named_is_told(run: Run, folder: Path, simulator: Simulator) -> None:
    """Its name holds what no file may; the certificate stays where it is, and the role's id is told."""
    (folder / "m.yaml").write_text(LIST)
    config = ["--config", str(simulator.credentials["settings"])]
    with simulator.lock:
        simulator.world.roles[DESK_ROLE]["Name"] = "Help\u200bDesk"
        give(simulator, {2: DESK_ROLE})

    code, _, stderr = run(["adopt", "m.yaml", "--write", *config])
    assert code == 10
    assert "its owner can't be named: role 7" in stderr
    assert (folder / "m.yaml").read_text() == LIST


def test_who_is_named_as_a_role_was_to_be_called_is_named_as_it_is(
    run: Run, folder: Path, simulator: Simulator
) -> None:
    """The role keeps its name, and with it every list and row that has the other one."""
    role = "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: Pay, renamedFrom: Payments PKI}\n"
    role += "spec: {emailAddress: payments-pki@example.com}\n"
    text = "---\n".join([role, LIST.replace("Payments PKI", "Pay"), TABLE])
    (folder / "m.yaml").write_text(text)
    (folder / "owners.csv").write_text(fill("thumbprint,owner\n{thumbprint 4},Pay\n", simulator))
    config = ["--config", str(simulator.credentials["settings"])]

    code, _, stderr = run(["adopt", "m.yaml", "--write", *config])
    assert code == 0, stderr
    expected = text.replace("name: Pay, renamedFrom: Payments PKI", "name: Payments PKI")
    assert (folder / "m.yaml").read_text() == expected.replace("owner: Pay\n", "owner: Payments PKI\n")
    assert (folder / "owners.csv").read_text().endswith(",Payments PKI\n")
    assert run(["plan", "m.yaml", "--detailed-exitcode", *config])[0] == 0
