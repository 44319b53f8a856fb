"""What the last release cost, in `figures.json`: ratios and counts, which another machine can be held against."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.measurement import Row
from reconciler import __version__

FILE = Path(__file__).with_name("figures.json")


class Figure(NamedTuple):
    """One scenario at that time: CPU and wall beside its reference, the most memory (MiB), requests."""

    cpu_ratio: float
    wall_ratio: float
    peak: int
    requests: int


def name_row(row: Row) -> str:
    """Return what a row is called there."""
    return f"{row.scenario.world}: {row.scenario.name}"


def read_figures(file: Path = FILE) -> tuple[str, Mapping[str, Figure]]:
    """Return the version that the figures are of, and the figures by their rows' names."""
    record = json.loads(file.read_text("utf-8"))
    return record["version"], {name: Figure(**values) for name, values in record["rows"].items()}


def record_figures(rows: Sequence[Row], file: Path = FILE) -> None:
    """Write what was measured for the next releases; rows that were not measured keep their figures."""
    figures = dict(read_figures(file)[1]) if file.exists() else {}
    for row in rows:
        peak, requests = max(sample.peak for sample in row.own), row.own[-1].requests
        figures[name_row(row)] = Figure(round(row.cpu_ratio, 2), round(row.wall_ratio, 2), round(peak), requests)
    record = {"version": __version__, "rows": {name: figure._asdict() for name, figure in figures.items()}}
    lines = json.dumps(record, indent=1, ensure_ascii=False)
    file.write_text(lines + "\n", "utf-8")
