"""What `make bench` prints is about commands that exist and answers that were looked at; figures are not judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.figures import name_row, read_figures, record_figures
from bench.manifests import write_manifests
from bench.measurement import Row, Sample, measure_world
from bench.scenarios import ROOT, SCENARIOS, WORLDS
from bench.table import render_rows, render_titles
from reconciler.simulator import Simulator


def test_every_row_is_of_a_world_and_has_a_name_of_its_own() -> None:
    """A row without a world would never be measured; two of one name would share their figures."""
    names = [f"{item.world}: {item.name}" for item in SCENARIOS]
    assert len(set(names)) == len(names)
    assert {item.world for item in SCENARIOS} == {world.name for world in WORLDS}
    commands = [command for item in SCENARIOS for command in (item.command, item.reference.command)]
    scripts = [part for command in commands for part in command if part.startswith("bench/")]
    assert scripts
    assert all((ROOT / script).is_file() for script in scripts)
    version, figures = read_figures()
    assert version
    assert figures.keys() <= set(names)


def test_every_folder_that_a_row_names_is_written(tmp_path: Path) -> None:
    """By worlds of the same kinds, only smaller."""
    for index, world in enumerate(WORLDS):
        small = {
            name: min(getattr(world, name), 2)
            for name in ("roles", "pending_requests", "events", "projects", "latency_ms")
        }
        folder = tmp_path / str(index)
        folder.mkdir()
        with Simulator(certificates=10) as simulator:
            size = world.certificates if world.certificates <= 1_000 else 2_000
            if size > 10:
                simulator.world.certificates.update(Simulator(certificates=size).world.certificates)
            write_manifests(simulator, replace(world, certificates=size, **small), folder)
        words = [word for item in SCENARIOS if item.world == world.name for word in item.command]
        places = [Path(word.format(folder=folder, config="", ready="")) for word in words if "{folder}" in word]
        assert [place for place in places if place.name != "saved.plan" and not place.exists()] == []


def test_a_run_that_is_wrong_ends_the_bench() -> None:
    """A fast answer that is not the right one is no figure."""
    world = replace(WORLDS[0], rounds=1)
    with pytest.raises(SystemExit, match="does not say 'all is well'"):
        measure_world(world, [replace(SCENARIOS[0], says="all is well")])


def test_a_row_tells_its_ratio_and_what_it_was(tmp_path: Path) -> None:
    """Medians beside the reference's, the largest peak, and the last release's figures."""
    own = [Sample(cpu, cpu * 2, 40 + cpu, 7) for cpu in (1.0, 3.0, 2.0)]
    row = Row(SCENARIOS[0], own, [Sample(1.0, 2.0, 30, 0)])
    file = tmp_path / "figures.json"
    record_figures([row], file)
    assert json.loads(file.read_text())["rows"][name_row(row)]["cpu_ratio"] == 2.0
    version, figures = read_figures(file)
    title, line = render_titles(version), " ".join(list(render_rows([row], figures))[1].split())
    assert title.endswith(version)
    assert line == "--help 2.00 1.00 - 3.00 4.00 43 7 2.00 2.00 yardstick 0.33 2.00 43"
