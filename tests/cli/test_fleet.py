"""plan, drift and apply over many targets: a process each, parts of the fleet, and what one that fails costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import FleetSeed, Simulator
from tests.cli.conftest import Run

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

EVENTS = {"expiry": "SECRET_VERSION_EXPIRED", "rotation": "SECRET_ROTATED", "deletion": "SECRET_DELETED"}
PROJECTS = 4


@pytest.fixture(scope="module", name="fleet")
def start_fleet() -> Iterator[Simulator]:
    with Simulator(certificates=0, fleet=FleetSeed(PROJECTS)) as simulator:
        yield simulator


@pytest.fixture(name="checkout")
def write_checkout(fleet: Simulator, folder: Path) -> Path:
    """Settings and manifests of a fleet in which each target has one event that is not as declared."""
    settings = Path(str(fleet.credentials["settings"])).read_text().splitlines()
    kept = [line for line in settings if not line.startswith(("state:", "manifests:"))]
    (folder / "reconciler.yaml").write_text("\n".join(kept) + "\nlimits: {SecretEvent: {changes: 3}}\n")
    write_manifests(folder)
    return folder


def write_manifests(folder: Path, state: str = "DISABLED") -> None:
    (folder / "manifests").mkdir(exist_ok=True)
    documents = [
        "apiVersion: reconciler/v1\nkind: SecretEvent\n"
        f"metadata: {{name: {name}, targets: {{env: [prod, test, dev]}}}}\n"
        f"spec: {{state: {state if name == 'deletion' else 'ENABLED'}, eventTypes: [{types}]}}\n"
        for name, types in EVENTS.items()
    ]
    (folder / "manifests/events.yaml").write_text("---\n".join(documents))


def read(out: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(out)
    return report


def count_writes(fleet: Simulator, since: int) -> Counter[str]:
    return Counter(entry["place"] for entry in fleet.ledger[since:])


def test_the_report_is_the_same_however_a_fleet_ran(run: Run, checkout: Path) -> None:
    """One process at a time, three at once, parts that are put together; and one process for all has the same steps."""
    drift = ["drift", "--no-state", "--format", "json"]
    code, one, _ = run([*drift, "--jobs", "1"])
    assert code == 2
    assert run([*drift, "--jobs", "2"])[1] == one
    for number in (1, 2):
        run(["drift", "--no-state", "--jobs", "1", "--shard", f"{number}/2", "--report", f"json=part{number}.json"])
    assert run(["merge", "part2.json", "part1.json", "--format", "json"])[:2] == (2, one)
    report, whole = read(one), read(run([*drift])[1])
    assert report["compared"] == whole["compared"] == {"objects": 3 * PROJECTS, "of": 3 * PROJECTS}
    assert report["steps"] == sorted(whole["steps"], key=lambda step: str(step["address"]["target"]))
    assert report["fleet"]["answered"] == len(report["fleet"]["targets"]) == PROJECTS
    assert not report["partial"]
    assert "run" not in report
    assert checkout.joinpath("part1.json").exists()


def test_what_was_planned_for_all_is_sent_once_by_each(run: Run, checkout: Path, fleet: Simulator) -> None:
    """A saved plan of the fleet; it is good for one run, and says so for each target."""
    code, out, err = run(["plan", "--jobs", "2", "--out", "plan.json"])
    assert code == 0, err
    assert "Saved to plan.json" in out
    before = len(fleet.ledger)
    code, out, err = run(["apply", "plan.json", "--jobs", "2", "--format", "json"])
    assert code == 0, err
    assert {step["verdict"] for step in read(out)["steps"]} == {"applied"}
    assert set(count_writes(fleet, before).values()) == {1}
    assert len(count_writes(fleet, before)) == PROJECTS
    code, out, err = run(["apply", "plan.json", "--jobs", "2", "--format", "json"])
    assert code == 7
    assert [problem["rule"] for problem in read(out)["problems"]] == ["state.plan-used"] * PROJECTS
    assert len(fleet.ledger) == before + PROJECTS
    assert run(["drift", "--jobs", "2"])[0] == 0
    write_manifests(checkout, "ENABLED")
    code, out, err = run(["apply", "--yes", "--jobs", "2", "--format", "json"])
    assert code == 0, err
    assert len(read(out)["steps"]) == PROJECTS
    assert len(fleet.ledger) == before + 2 * PROJECTS


def test_without_leave_nothing_is_sent_anywhere(run: Run, checkout: Path, fleet: Simulator) -> None:
    before = len(fleet.ledger)
    code, out, err = run(["apply", "--jobs", "2", "--format", "json"])
    assert code == run(["apply", "--target", next(iter(fleet.places.projects.values())).name])[0] == 3
    assert "nobody can be asked" in err
    assert {step["verdict"] for step in read(out)["steps"]} == {"not_reached"}
    code, out, err = run(["apply", "--approve", "low", "--jobs", "2", "--format", "json"])
    assert code == 6, err
    assert len(fleet.ledger) == before
    assert checkout.exists()


def test_a_target_that_fails_costs_itself_alone(run: Run, checkout: Path, fleet: Simulator) -> None:
    """One has no credentials; the others are compared and applied."""
    settings, first = (checkout / "reconciler.yaml").read_text(), next(iter(fleet.places.projects.values()))
    at = settings.index(f"{first.name}:")
    locked_out = settings[:at] + settings[at:].replace("access_key", "no_such_key", 1)
    (checkout / "reconciler.yaml").write_text(locked_out)
    code, out, err = run(["drift", "--no-state", "--jobs", "2", "--format", "json"])
    report = read(out)
    assert code == 10, err
    others = set(report["fleet"]["targets"]) - {first.name}
    assert report["compared"] == {"objects": 3 * (PROJECTS - 1), "of": 3 * PROJECTS}
    assert {step["address"]["target"] for step in report["steps"]} == others
    assert {problem["cause"] for problem in report["problems"]} == {"auth"}
    before = len(fleet.ledger)
    code, out, err = run(["apply", "--yes", "--jobs", "2", "--format", "json"])
    assert code == 10, err
    assert {step["address"]["target"]: step["verdict"] for step in read(out)["steps"]} == dict.fromkeys(
        others, "applied"
    )
    assert count_writes(fleet, before).total() == len(others)
    (checkout / "reconciler.yaml").write_text(settings)
    write_manifests(checkout, "ENABLED")
    assert run(["apply", "--yes", "--jobs", "2"])[0] == 0


@pytest.mark.parametrize("saved", [False, True], ids=["planned now", "saved plan"])
def test_a_write_that_fails_is_told_with_its_target(saved: bool, run: Run, checkout: Path, fleet: Simulator) -> None:
    if saved:
        assert run(["plan", "--jobs", "2", "--out", "plan.json"])[0] == 0
    before = len(fleet.ledger)
    fleet.fault("PUT", "/csms/events", status=400)
    code, out, err = run(["apply", *(["plan.json"] if saved else ["--yes"]), "--jobs", "1", "--format", "json"])
    report = read(out)
    assert code == 9, err
    verdicts = Counter(step["verdict"] for step in report["steps"])
    assert verdicts == {"not_applied": 1, "applied": PROJECTS - 1}
    assert len(report["targets"]) == report["fleet"]["answered"] == PROJECTS
    assert count_writes(fleet, before).total() == PROJECTS - 1
    write_manifests(checkout, "ENABLED")
    assert run(["apply", "--yes"])[0] == 0


def test_a_part_without_a_target_is_a_part_all_the_same(run: Run, checkout: Path) -> None:
    """There may be more jobs than targets; what has nothing to do says so, and merges with the others."""
    code, out, err = run(["drift", "--no-state", "--shard", "8/9", "--report", "json=eight.json"])
    assert code == 0, err
    assert f"0 of {PROJECTS} targets answered" in out
    assert run(["merge", "eight.json"])[0] == 10
    assert checkout.joinpath("eight.json").exists()


def test_a_plan_that_no_target_has_is_not_saved_and_that_is_told(run: Run, checkout: Path) -> None:
    settings = (checkout / "reconciler.yaml").read_text()
    (checkout / "reconciler.yaml").write_text(settings.replace("changes: 3", "changes: 0"))
    code, _, err = run(["plan", "--jobs", "1", "--out", "plan.json"])
    assert (code, (checkout / "plan.json").exists()) == (6, False)
    assert "plan.json: not written: no target has a plan" in err
    code, out, err = run(["apply", "--yes", "--jobs", "1", "--format", "json"])
    assert (code, {step["verdict"] for step in read(out)["steps"]}) == (6, {"not_reached"}), err


def test_a_part_without_a_target_applies_nothing(run: Run, checkout: Path, fleet: Simulator) -> None:
    before = len(fleet.ledger)
    code, out, err = run(["apply", "--yes", "--shard", "8/9", "--format", "json"])
    assert (code, read(out)["steps"], len(fleet.ledger) - before) == (0, [], 0), err
    assert checkout.exists()


BAD = {
    "what is piped in": (["drift", "-", "--jobs", "2"], "can be read once"),
    "requests of one process": (["drift", "-v", "--jobs", "2"], "run the target alone"),
    "no number": (["drift", "--jobs", "none"], "'none' is not a valid"),
    "no job": (["drift", "--jobs", "0"], "0 is not in the range"),
    "no part": (["drift", "--shard", "3/2"], "write I/N"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_a_fleet_can_not_be_asked_for(case: str, run: Run, checkout: Path) -> None:
    argv, words = BAD[case]
    code, _, err = run(argv, stdin=(checkout / "manifests/events.yaml").read_text())
    assert (code, checkout.exists()) == (3, True)
    assert words in err
