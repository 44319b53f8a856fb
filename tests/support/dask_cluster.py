"""A real Dask scheduler with workers in zones, on loopback and with mutual TLS, as the guide has them started."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import trustme

from reconciler.settings.load import read_process_environment

_OPTIONS = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
    "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
}
_START_SECONDS = 60.0


@dataclass
class DaskCluster:
    """A scheduler and workers, which a test may kill. `env` is what all know, `zone_env` what a zone's workers do."""

    folder: Path
    checkout: Path
    env: Mapping[str, str]
    zone_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _started_workers: int = 0

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return str(json.loads((self.folder / "scheduler.json").read_text())["address"])

    def write_settings(self, name: str = "client") -> str:
        """Return the settings' `engine:` for a client that the scheduler knows."""
        files = f"ca: {self.folder}/ca.pem, certificate: {self.folder}/{name}.pem, key: {self.folder}/{name}.key"
        return f"engine: {{dask: {{scheduler: '{self.address}', {files}}}}}\n"

    def start_scheduler(self) -> None:
        """Start it on a port of its own."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.scheduler = self._start(
            ["scheduler", "--host", "tls://127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        )
        deadline = time.monotonic() + _START_SECONDS
        while not file.exists() or not file.read_text():
            assert self.scheduler.poll() is None, "the scheduler ended"
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.02)

    def start_worker(self, zone: str = "") -> None:
        """Start a worker with one thread, which offers the zone; `await_workers` says when it can be asked for."""
        words = ["worker", "--scheduler-file", str(self.folder / "scheduler.json"), "--no-nanny", "--no-dashboard"]
        words += ["--nthreads", "1", "--memory-limit", "0", "--death-timeout", "30", "--host", "tls://127.0.0.1"]
        words += ["--local-directory", str(self.folder), *(["--resources", f"{zone}=1"] if zone else [])]
        self._started_workers += 1
        self.workers.append(self._start(words, self.zone_env.get(zone, {})))

    def await_workers(self) -> None:
        """Wait until every worker that was started is known to the scheduler."""
        log, deadline = self.folder / "worker.log", time.monotonic() + _START_SECONDS
        while log.read_text().count("Registered to:") < self._started_workers:
            assert time.monotonic() < deadline, f"the workers did not start: {log.read_text()[-500:]}"
            time.sleep(0.02)

    def _start(self, words: Sequence[str], env: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[bytes]:
        tls = ["--tls-ca-file", self.folder / "ca.pem", "--tls-cert", self.folder / "client.pem"]
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:], *map(str, tls)]
        command += ["--tls-key", str(self.folder / "client.key")]
        log = (self.folder / f"{words[0]}.log").open("ab")
        with log:
            known = {**self.env, **_OPTIONS, **env}
            return subprocess.Popen(
                command, cwd=self.checkout, env=known, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def stop(self) -> None:
        """End all of it."""
        for process in (*self.workers, self.scheduler):
            if process:
                with suppress(OSError):
                    process.kill()
                process.wait()


@contextmanager
def running_cluster(
    folder: Path, checkout: Path, zones: Sequence[str], zone_env: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[DaskCluster]:
    """Run a scheduler, and a worker in `checkout` for each of these zones ("" for none)."""
    write_certificates(folder)
    cluster = DaskCluster(folder, checkout, read_process_environment(), zone_env or {})
    try:
        cluster.start_scheduler()
        for zone in zones:
            cluster.start_worker(zone)
        cluster.await_workers()
        yield cluster
    finally:
        cluster.stop()


def write_certificates(folder: Path) -> None:
    """Write an authority with a certificate of its own, `client`, and one of a stranger, `stranger`."""
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, ca in {"client": authority, "stranger": other}.items():
        certificate = ca.issue_cert("127.0.0.1", "localhost")
        certificate.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(str(folder / f"{name}.pem"), append=True)
