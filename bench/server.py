"""The simulator in a process of its own: `python -m bench.server FOLDER WORLD` serves until its input ends.

Apart from what measures, since a process is told to have used as much memory as the one that started it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.manifests import write_manifests
from bench.scenarios import WORLDS
from reconciler.simulator import FleetSeed, Simulator


def main() -> None:
    """Serve a world, and say so by a line once its manifests are written."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    world = next(world for world in WORLDS if world.name == name)
    fleet = FleetSeed(world.projects)
    with Simulator(certificates=world.certificates, latency_ms=world.latency_ms, fleet=fleet) as simulator:
        write_manifests(simulator, world, folder)
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
