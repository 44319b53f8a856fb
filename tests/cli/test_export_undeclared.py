"""`export --unmanaged`: only what no manifest declares, so that it can lie beside what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

UNMANAGED = ["export", "--unmanaged"]


@pytest.fixture
def manifests(run: Run, folder: Path) -> Iterator[Path]:
    """The folder for manifests beside the settings of a server; there is nothing in it."""
    with Simulator(certificates=30) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        (folder / "manifests").mkdir()
        yield folder / "manifests"


def write_documents(file: Path, documents: list[dict[str, Any]]) -> None:
    file.write_text(yaml.safe_dump_all(documents))


def make_owner(name: str, certificates: Any, owner: str = "Web Team") -> dict[str, Any]:
    spec = {"owner": owner, "certificates": certificates}
    return {"apiVersion": "reconciler/v1", "kind": "CertificateOwner", "metadata": {"name": name}, "spec": spec}


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
def test_what_is_declared_and_what_is_exported_are_all_there_is(run: Run, manifests: Path, chance: Any) -> None:
    """Whatever part of the world is declared, and of an owner which certificates; a plan of both is empty."""
    for file in manifests.iterdir():
        file.unlink()
    declared = [document for document in yaml.safe_load_all(run(["export"])[1]) if chance.random() < 0.5]
    for document in declared:
        keys = document["spec"].get("certificates", {}).get("thumbprints")
        if keys:
            document["spec"]["certificates"]["thumbprints"] = chance.sample(keys, chance.randint(1, len(keys)))
    write_documents(manifests / "declared.yaml", declared)
    code, exported, stderr = run(UNMANAGED)
    assert (code, stderr.splitlines()[-1]) == (0, "exit 0: ok")
    (manifests / "rest.yaml").write_text(exported)
    assert run(["plan", "--detailed-exitcode"])[0] == 0
    assert run(UNMANAGED)[:2] == (0, "# whatever was asked for is declared already\n")


def test_certificates_count_as_declared_however_they_are_named(run: Run, manifests: Path) -> None:
    """By id, by a query, by a table; a name that another document has gets a number, and comments stay with theirs."""
    (whole,) = yaml.safe_load_all(run(["export", "--kind", "CertificateOwner", "--match", "Web Team"])[1])
    thumbprints = whole["spec"]["certificates"]["thumbprints"]
    write_documents(
        manifests / "owners.yaml",
        [
            make_owner("Web Team", {"ids": [3]}),
            make_owner("q", {"query": 'IssuedCN -endswith ".www.example.com"'}),
            {**make_owner("t", {}), "spec": {"assignments": "owners.csv"}},
        ],
    )
    (manifests / "owners.csv").write_text(f"thumbprint,owner\n{thumbprints[0]},Web Team\n")
    code, text, _ = run([*UNMANAGED, "--kind", "CertificateOwner", "--match", "Web Team"])
    assert code == 0
    (rest,) = yaml.safe_load_all(text)
    assert rest["metadata"]["name"] == "Web Team (2)"
    kept = rest["spec"]["certificates"]["thumbprints"]
    assert set(kept) < set(thumbprints[1:])
    lines = run(["export", "--kind", "CertificateOwner", "--match", "Web Team"])[1].splitlines()
    assert {line for line in text.splitlines() if "# " in line and "expires" in line} == {
        line for line in lines if any(thumbprint in line for thumbprint in kept)
    }
    assert ".www.example.com" not in text


def test_where_a_query_may_be_misspelt_nothing_is_exported(run: Run, manifests: Path) -> None:
    """Its certificates would be declared twice."""
    write_documents(manifests / "q.yaml", [make_owner("q", {"query": 'IssuedCN -eq "nobody.example.com"'})])
    code, stdout, stderr = run(UNMANAGED)
    assert (code, stdout) == (10, "")
    assert "allowEmpty" in stderr


def test_a_manifest_with_an_error_stops_it(run: Run, manifests: Path) -> None:
    """Nobody knows what it declares; one of another kind is no matter."""
    write_documents(manifests / "bad.yaml", [make_owner("bad", {"thumbprint": ["x"]})])
    assert run(UNMANAGED)[0] == 4
    assert run([*UNMANAGED, "--kind", "SecurityRole"])[0] == 0


def test_a_folder_gets_only_what_is_new(run: Run, folder: Path, manifests: Path) -> None:
    """Nothing at all, where everything is declared; the table has the rows that are left."""
    code, stdout, _ = run([*UNMANAGED, "--out", "all", "--split", "owner", "--csv"])
    assert code == 0
    rows = (folder / "all/certificate-owners/web-team.csv").read_text().splitlines()
    (manifests / "web.yaml").write_text(yaml.safe_dump(make_owner("w", {"thumbprints": [rows[1].partition(",")[0]]})))
    assert run([*UNMANAGED, "--out", "rest", "--split", "owner", "--csv"])[0] == 0
    assert (folder / "rest/certificate-owners/web-team.csv").read_text().splitlines() == [rows[0], *rows[2:]]
    (manifests / "web.yaml").write_text(run(["export"])[1])
    code, stdout, stderr = run([*UNMANAGED, "--out", "none"])
    assert (code, stdout.splitlines()[0]) == (0, "0 objects in 0 files in none"), stderr
    assert not list(folder.glob("none/*"))
