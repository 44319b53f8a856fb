"""What was measured, as text of fixed columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.figures import Figure, name_row
from bench.measurement import Row

_COLUMNS = "{:50} {:>7} {:>15} {:>7} {:>5} {:>6}  {:>12} {:>10}  {:9} {:>4}  {:>12} {:>5}"
TITLES = (
    "",
    "CPU s",
    "from - to",
    "wall s",
    "MiB",
    "asked",
    "CPU ratio",
    "wall ratio",
    "beside",
    "goal",
    "CPU ratio",
    "MiB",
)


def render_titles(version: str) -> str:
    """Return the head of the table; the last two columns are of the release with this version."""
    return _COLUMNS.format(*TITLES).rstrip() + f" of {version}"


def render_rows(rows: Sequence[Row], figures: Mapping[str, Figure]) -> Iterator[str]:
    """Yield the lines of one world: its name, then a line a scenario."""
    yield rows[0].scenario.world
    for row in rows:
        cpu, wall, peak = zip(*((sample.cpu, sample.wall, sample.peak) for sample in row.own), strict=True)
        figure, goal = figures.get(name_row(row)), row.scenario.goal
        cells = (
            f"  {row.scenario.name}",
            f"{median(cpu):.2f}",
            f"{min(cpu):.2f} - {max(cpu):.2f}",
            f"{median(wall):.2f}",
            f"{max(peak):.0f}",
            str(row.own[-1].requests),
            f"{row.cpu_ratio:.2f}",
            f"{row.wall_ratio:.2f}",
            row.scenario.reference.name,
            "" if goal is None else f"{goal:.2f}",
            f"{figure.cpu_ratio:.2f}" if figure else "",
            str(figure.peak) if figure else "",
        )
        yield _COLUMNS.format(*cells).rstrip()
