"""`make bench`: what everything costs, in one table, beside the scripts in this folder and the last release."""

from __future__ import annotations

import argparse
import os

from bench.figures import read_figures, record_figures
from bench.measurement import measure_world
from bench.scenarios import SCENARIOS, WORLDS
from bench.table import render_rows, render_titles


def main() -> None:
    """Measure a world after the other and print its rows."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="a million certificates and slow networks too (30 minutes)")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose world and name hold this text")
    parser.add_argument("--record", action="store_true", help="keep what is measured as the figures of this release")
    options = parser.parse_args()
    version, figures = read_figures()
    print(f"{os.cpu_count()} processors; CPU seconds of whole processes, medians of runs in turns")
    print(render_titles(version), flush=True)
    rows = []
    for world in WORLDS:
        scenarios = [
            item for item in SCENARIOS if item.world == world.name and options.only in f"{world.name}: {item.name}"
        ]
        if scenarios and (options.full or not world.full):
            measured = measure_world(world, scenarios)
            rows += measured
            print("\n".join(render_rows(measured, figures)), flush=True)
    if options.record:
        record_figures(rows)


if __name__ == "__main__":
    main()
