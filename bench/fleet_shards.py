"""A fleet in parts, each a process of its own as a job of CI is one, at once; then one report of them.

`python bench/fleet_shards.py FOLDER PARTS`: FOLDER has reconciler.yaml and the manifests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RECONCILER = str(Path(sys.executable).with_name("reconciler"))


def main() -> int:
    """Run all parts and merge their reports; the code is that of the merger."""
    folder, parts = Path(sys.argv[1]), int(sys.argv[2])
    reports = [folder / f"shard-{part}.json" for part in range(parts)]
    drift = [RECONCILER, "drift", str(folder / "fleet"), "--config", str(folder / "reconciler.yaml")]
    # One target at a time in each, so that as much is at work as by --jobs with this number.
    jobs = [
        subprocess.Popen(
            [*drift, "--shard", f"{part}/{parts}", "--report", f"json={report}"], stdout=subprocess.DEVNULL
        )
        for part, report in enumerate(reports)
    ]
    for job in jobs:
        job.wait()
    return subprocess.run([RECONCILER, "merge", *map(str, reports)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
