"""A fleet on a real Dask scheduler: zones, strangers, other checkouts, and the same report as without an engine."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.cli import main
from reconciler.settings.load import read_process_environment
from reconciler.simulator import FleetSeed, Simulator
from tests.kills.fleet_trial import write_manifests
from tests.support.dask_cluster import DaskCluster, running_cluster

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

ZONES = ("zone-a", "zone-b")
DRIFT = ("drift", "manifests", "--no-state", "--format", "json")


class Scene(NamedTuple):
    """A fleet in two zones, each with a worker that alone knows the zone's key."""

    simulator: Simulator
    cluster: DaskCluster
    checkout: Path
    keys: Mapping[str, str]

    def run(self, argv: Sequence[str], checkout: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
        """Run a command in a checkout, and return its code and its report."""
        monkeypatch.chdir(checkout)
        out = StringIO()
        code = main(argv, {**read_process_environment(), **self.keys}, out, StringIO(), StringIO())
        return code, json.loads(out.getvalue())


@pytest.fixture(scope="module", name="scene")
def open_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("dask")
    checkout = folder / "checkout"
    (checkout / "manifests").mkdir(parents=True)
    write_manifests(checkout / "manifests")
    with Simulator(certificates=0, fleet=FleetSeed(4)) as simulator:
        text = Path(str(simulator.credentials["settings"])).read_text()
        # What a zone's worker knows nobody else does: a task that ran elsewhere would have no key.
        text = re.sub(
            r"zone: (zone-.)(.*?)accessKey: \{file: [^}]*\}",
            lambda match: f"zone: {match[1]}{match[2]}accessKey: {{env: {match[1].upper().replace('-', '_')}}}",
            text,
            flags=re.DOTALL,
        )
        key = str(simulator.credentials["csms"]["access_key"])
        keys = {zone.upper().replace("-", "_"): key for zone in ZONES}
        zone_env = {zone: {name: key} for zone, name in zip(ZONES, keys, strict=True)}
        (checkout / "reconciler.yaml").write_text(text)
        with running_cluster(folder, checkout, ZONES, zone_env) as cluster:
            (checkout / "reconciler.yaml").write_text(text + cluster.write_settings())
            yield Scene(simulator, cluster, checkout, keys)


def test_each_target_runs_in_its_zone_and_the_report_is_that_of_processes_here(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, report = scene.run(DRIFT, scene.checkout, monkeypatch)
    assert (code, report["fleet"]["answered"], report["problems"]) == (2, 4, [])
    assert scene.run([*DRIFT, "--jobs", "2"], scene.checkout, monkeypatch) == (code, report)
    before = len(scene.simulator.ledger)
    code, report = scene.run(["apply", "manifests", "--yes", "--format", "json"], scene.checkout, monkeypatch)
    assert (code, len(report["steps"]), len(scene.simulator.ledger) - before) == (0, 20, 20)


def test_what_no_worker_may_do_is_refused_by_name(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another zone, other manifests than the workers', and a certificate of somebody else's authority."""
    settings = (scene.checkout / "reconciler.yaml").read_text()
    other = tmp_path / "other"
    shutil.copytree(scene.checkout, other)
    text = (other / "manifests/events.yaml").read_text()
    (other / "manifests/events.yaml").write_text(text.replace("SECRET_DELETED", "SECRET_ROTATED", 1))
    code, report = scene.run(DRIFT, other, monkeypatch)
    assert code == 6
    assert {problem["rule"] for problem in report["problems"]} == {"fleet.other-checkout"}
    (scene.checkout / "reconciler.yaml").write_text(settings.replace("zone: zone-a", "zone: zone-c", 1))
    code, report = scene.run(DRIFT, scene.checkout, monkeypatch)
    assert (code, report["fleet"]["answered"]) == (10, 3)
    assert [problem["rule"] for problem in report["problems"]] == ["fleet.no-worker"]
    (scene.checkout / "reconciler.yaml").write_text(settings.replace("client.", "stranger."))
    code, report = scene.run(DRIFT, scene.checkout, monkeypatch)
    assert (code, [problem["rule"] for problem in report["problems"]]) == (12, ["fleet.no-scheduler"])
