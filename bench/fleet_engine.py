"""A fleet on a Dask scheduler with so many workers of a thread each, all on this machine, with mutual TLS.

`python bench/fleet_engine.py FOLDER WORKERS`: FOLDER has reconciler.yaml and the manifests. Starting the engine is not
what is measured: the last line says what the run itself took, the workers' part of it included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from reconciler.settings.load import read_process_environment

ROOT = Path(__file__).parents[1]
RECONCILER = str(Path(sys.executable).with_name("reconciler"))
_PATIENCE = 60.0


def main() -> int:
    """Start the engine, run, stop it; the code is that of the run."""
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    with _start_engine(folder, workers) as engine:
        config = _write_settings(folder)
        cpu, begin = _sum_cpu(engine), time.monotonic()
        command = [RECONCILER, "drift", str(folder / "fleet"), "--config", str(config)]
        code = subprocess.run(command, check=False, cwd=ROOT).returncode
        print(f"measured: cpu {_sum_cpu(engine) - cpu:.3f} wall {time.monotonic() - begin:.3f}", flush=True)
    return code


@contextmanager
def _start_engine(folder: Path, workers: int) -> Iterator[psutil.Process]:
    engine = folder / "engine"
    (engine / "ready").unlink(missing_ok=True)
    env = dict(read_process_environment())
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}", "ZONES": " ".join(["any"] * workers)}
    # The workers stand where the run does: relative paths mean the same.
    script = [str(ROOT / "examples/14-fleet/start-workers.sh"), str(engine), str(ROOT)]
    with subprocess.Popen(script, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _PATIENCE
            while not (engine / "ready").exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("the engine did not start")
                time.sleep(0.05)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def _write_settings(folder: Path) -> Path:
    engine, path = folder / "engine", folder / "engine.yaml"
    scheduler = json.loads((engine / "scheduler.json").read_text())["address"]
    files = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"}
    members = {"scheduler": scheduler, **{name: str(engine / file) for name, file in files.items()}}
    path.write_text((folder / "reconciler.yaml").read_text() + f"engine: {{dask: {json.dumps(members)}}}\n")
    return path


def _sum_cpu(engine: psutil.Process) -> float:
    """Return the CPU of this process' children and of the engine's, with what those of them had that have ended."""
    own = os.times()
    total = own.children_user + own.children_system
    for process in engine.children(recursive=True):
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    sys.exit(main())
