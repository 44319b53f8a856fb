"""`unmanaged`: what exists and no manifest declares, from an empty repository to a whole one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.kinds.registry import KINDS
from reconciler.simulator import Simulator
from tests.cli.conftest import Run

NOUNS = {name for name, kind in KINDS.items() if any(kind.listed_as)}


@pytest.fixture
def world(run: Run, folder: Path) -> Iterator[Simulator]:
    """A server, and settings for it in the current folder, which has no manifests yet."""
    with Simulator(certificates=30) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield simulator


def read_report(run: Run, *argv: str) -> dict[str, Any]:
    code, stdout, stderr = run([*argv, "--format", "json"])
    assert code in {0, 2}, stderr
    document: dict[str, Any] = json.loads(stdout)
    return document


def count_objects(simulator: Simulator) -> dict[str, int]:
    """Return how many objects the server has, by kind."""
    world = simulator.world
    return {
        "CertificateOwner": len(world.certificates),
        "EventHandler": len(world.handlers),
        "SecretEvent": len(world.events),
        "SecurityRole": len(world.roles),
    }


def test_in_an_empty_repository_everything_is_unmanaged(run: Run, world: Simulator) -> None:
    """The first day: no manifests, no folder for them, and every object of every kind is told."""
    code, stdout, stderr = run(["unmanaged"])
    report = read_report(run, "unmanaged", "--detailed-exitcode")

    assert code == 0
    assert report["outcome"]["code"] == 2
    assert report["unmanaged"] == count_objects(world)
    assert [*report["unmanaged"]] == sorted(NOUNS)
    assert len(report["objects"]) == sum(report["unmanaged"].values())
    assert "8 roles" in stdout
    assert "reconciler export --unmanaged --kind" in stdout
    assert "manifests: nothing is declared here" in stderr


def test_a_built_in_role_is_marked(run: Run, world: Simulator) -> None:
    """It counts, and whoever reads the list sees that nobody made it; a role's description comes with it."""
    report = read_report(run, "unmanaged", "--only", "SecurityRole")
    facts = {item["name"]: item["facts"] for item in report["objects"]}

    assert facts["Administrator"] == {"description": "Built-in administrators", "immutable": True}
    assert [name for name, told in facts.items() if told["immutable"]] == ["Administrator"]


def test_a_certificate_is_told_with_what_it_is_judged_by(run: Run, world: Simulator) -> None:
    """Its name, thumbprint, owner and last day."""
    item = read_report(run, "unmanaged", "--only", "CertificateOwner/api.pay*")["objects"][0]

    row = world.world.certificates[int(item["id"])]
    assert (item["name"], item["facts"]["thumbprint"]) == (row.cn, row.thumbprint)
    assert set(item["facts"]) == {"thumbprint", "owner", "expires", "revoked"}


def test_what_is_exported_is_managed(run: Run, folder: Path, world: Simulator) -> None:
    """What its own advice says leads to fewer of them; certificates without an owner have no document."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(run(["export"])[1])
    report = read_report(run, "unmanaged")

    unowned = [number for number, row in world.world.certificates.items() if row.owner is None]
    assert report["unmanaged"] == {**dict.fromkeys(sorted(NOUNS), 0), "CertificateOwner": len(unowned)}
    assert sorted(int(item["id"]) for item in report["objects"]) == sorted(unowned)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
def test_declared_and_unmanaged_objects_are_all_that_exist(
    run: Run, folder: Path, world: Simulator, chance: Any
) -> None:
    """A law for every kind, whatever part of the world is declared; and plan counts what the command lists."""
    documents = list(yaml.safe_load_all(run(["export"])[1]))
    chosen = [document for document in documents if chance.random() < 0.5] or documents[:1]
    (folder / "manifests").mkdir(exist_ok=True)
    (folder / "manifests" / "all.yaml").write_text(yaml.safe_dump_all(chosen))

    listed, planned = read_report(run, "unmanaged"), read_report(run, "plan")
    declared = dict.fromkeys(NOUNS, 0)
    for document in chosen:
        certificates = document["spec"].get("certificates", {})
        declared[document["kind"]] += len(certificates.get("thumbprints", certificates.get("ids", "1")))

    exists = count_objects(world)
    assert {kind: count + declared[kind] for kind, count in listed["unmanaged"].items()} == exists
    assert planned["unmanaged"].items() <= listed["unmanaged"].items()
    assert planned["unmanaged"].keys() >= {document["kind"] for document in chosen} - {"CertificateOwner"}


def test_many_certificates_are_told_by_owner(run: Run) -> None:
    """A hundred lines say more than ten thousand, and the JSON has each."""
    with Simulator(certificates=10_000) as simulator:
        argv = ["unmanaged", "--config", str(simulator.settings), "--only", "CertificateOwner"]
        stdout = run(argv)[1]
        report = read_report(run, *argv)

    assert len(stdout.splitlines()) < 20
    assert "10,000 certificates without an owner document" in stdout
    assert "without an owner  " in stdout
    assert len(report["objects"]) == 10_000


def test_a_secret_in_a_name_is_not_shown(run: Run, world: Simulator) -> None:
    """A live text may hold what only our settings should."""
    secret = world.credentials["keyfactor"]["client_secret"]
    with world.lock:
        world.world.roles[4]["Description"] = f"ask with {secret}"
    for argv in (["unmanaged"], ["unmanaged", "--format", "json"]):
        _, stdout, stderr = run(argv)
        assert "ask with" in stdout
        assert secret not in stdout + stderr


def test_a_query_that_finds_nothing_leaves_the_list_incomplete(run: Run, folder: Path, world: Simulator) -> None:
    """Its certificates would look as if nobody declared them; the other kinds are told."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: CertificateOwner\nmetadata: {name: q}\n"
        "spec: {owner: Web Team, certificates: {query: 'IssuedCN -eq \"nobody.example.com\"'}}\n"
    )
    code, stdout, stderr = run(["unmanaged"])

    assert code == 10
    assert "INCOMPLETE" in stdout
    assert "8 roles" in stdout
    assert "allowEmpty" in stderr


def test_plan_says_on_one_line_what_the_command_lists(run: Run, folder: Path, world: Simulator) -> None:
    """In text and JSON, saved and shown again, and for drift alike; no count is a change."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(run(["export", "--kind", "SecurityRole", "--match", "A*"])[1])
    line = "unmanaged: 6 roles"

    for argv in (["plan", "--out", "p.json", "--detailed-exitcode"], ["drift"], ["show", "p.json"]):
        code, stdout, _ = run(argv)
        assert (code, line in stdout.splitlines()) == (0, True), stdout
    assert read_report(run, "show", "p.json")["unmanaged"] == {"SecurityRole": 6}
    code, stdout, _ = run(["apply", "--yes", "--format", "json"])
    assert (code, json.loads(stdout)["unmanaged"]) == (0, {"SecurityRole": 6})


def test_what_no_export_has_is_not_told_to_be_exported(run: Run, world: Simulator, folder: Path) -> None:
    """After an export of all owners the rest has none, and a second export would not have it either."""
    (folder / "manifests").mkdir()
    (folder / "manifests/owners.yaml").write_text(run(["export", "--kind", "CertificateOwner"])[1])
    stdout = run(["unmanaged", "--only", "CertificateOwner"])[1]

    assert "To declare them" not in stdout
    assert "No export has a certificate without an owner: give it one in a CertificateOwner document" in stdout
    assert "To declare them: reconciler export --unmanaged --kind SecurityRole, " in run(["unmanaged"])[1].replace(
        "--kind EventHandler --kind SecretEvent ", ""
    )


def test_the_export_that_is_advised_has_nothing_twice(run: Run, world: Simulator, folder: Path) -> None:
    """An export of a kind has all of it: declared twice, an object would be an error."""
    (folder / "manifests").mkdir()
    (folder / "manifests/role.yaml").write_text(run(["export", "--match", "Auditors", "--kind", "SecurityRole"])[1])
    advice = "reconciler export --unmanaged --kind SecurityRole"
    assert advice in " ".join(run(["unmanaged", "--only", "SecurityRole"])[1].split())

    (folder / "manifests/rest.yaml").write_text(run(advice.split()[1:])[1])
    assert run(["plan", "--detailed-exitcode"])[0] == 0
