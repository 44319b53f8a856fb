"""An existing Dask scheduler as the engine: mutual TLS, zones as resources of workers, and no second run on purpose.

A certificate that the scheduler trusts is full power over its workers, since Dask runs whatever function it is sent.
Ours is sent by its name, with bytes. Dask may run a task twice whatever is set, and lose one that has finished; what is
set here only makes that rare.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UnreachableError, UsageError
from reconciler.fleet.task import FleetTask
from reconciler.fleet.task_process import TaskLost
from reconciler.fleet.worker_tasks import run_on_worker
from reconciler.settings.model import DaskEngine

_CONNECT_SECONDS = 15


def open_dask_engine(engine: DaskEngine, source: Source) -> DaskTaskEngine:
    """Connect to a scheduler; raises UsageError where the extra or a file is missing, UnreachableError where it fails.

    `source` is where the settings name it.
    """
    try:
        # 0.6 s and 45 MiB, for those who have an engine.
        from distributed import Client  # noqa: PLC0415
        from distributed.security import Security  # noqa: PLC0415
    except ImportError:
        summary = "the settings name a Dask scheduler, and Dask is not installed"
        remedy = "install reconciler[fleet], or say --jobs to use this machine"
        raise UsageError(Diagnostic("usage.missing-extra", source, summary, remedy=remedy)) from None
    _check_files(engine, source)
    # What it has to say of lost connections is told as what became of a task.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    security = Security(  # type: ignore[no-untyped-call]
        tls_ca_file=str(engine.ca),
        tls_client_cert=str(engine.certificate),
        tls_client_key=str(engine.key),
        require_encryption=True,
    )
    try:
        # Not the default: a client that failed would be asked by whatever else uses Dask in this process.
        client = Client(  # type: ignore[no-untyped-call]
            engine.scheduler, security=security, set_as_default=False, timeout=_CONNECT_SECONDS
        )
    except (OSError, TimeoutError, ValueError) as error:
        raise UnreachableError(_explain_no_scheduler(engine, source, error)) from None
    return DaskTaskEngine(client, engine.scheduler)


class DaskTaskEngine:
    """Runs tasks on the workers of a scheduler."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address

    def count_slots(self, zone: str) -> int:
        """As `TaskEngine` has it: threads of workers, or the resource of the zone's name that they offer."""
        try:
            workers: Mapping[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        except Exception:  # noqa: BLE001 - whatever a scheduler that has gone makes of the question
            return 0
        return sum(_count_worker_slots(worker, zone) for worker in workers.values())

    def submit(self, task: FleetTask, zone: str) -> Future[bytes]:
        """As `TaskEngine` has it."""
        answer: Future[bytes] = Future()
        answer.set_running_or_notify_cancel()
        try:
            future = self._client.submit(
                run_on_worker,
                task.encode(),
                key=task.key,
                pure=False,
                retries=0,
                resources={zone: 1} if zone else None,
            )
        except Exception as error:  # noqa: BLE001 - as above
            answer.set_exception(_lose_task(error))
            return answer
        future.add_done_callback(lambda done: _deliver(done, answer))
        return answer

    def stop(self) -> None:
        """As `TaskEngine` has it: a task is begun only where there is room, so what is there is under way."""

    def close(self) -> None:
        """As `TaskEngine` has it."""
        with suppress(Exception):
            self._client.close(timeout=5)


def _count_worker_slots(worker: Mapping[str, Any], zone: str) -> int:
    threads = int(worker["nthreads"])
    return min(threads, int(worker.get("resources", {}).get(zone, 0))) if zone else threads


def _deliver(done: Any, answer: Future[bytes]) -> None:
    """Hand on what came of a Dask future, in whatever thread Dask calls back."""
    try:
        if done.status == "finished":
            answer.set_result(done.result(timeout=30))
        else:
            answer.set_exception(_lose_task(done.exception(timeout=5) if done.status == "error" else None))
    except BaseException as error:  # noqa: BLE001 - an answer that can't be fetched is a lost one
        if not answer.done():
            answer.set_exception(_lose_task(error))
    finally:
        with suppress(Exception):
            done.release()


def _lose_task(error: BaseException | None) -> TaskLost:
    return TaskLost(f"the engine lost it ({type(error).__name__ if error else 'cancelled'})")


def _check_files(engine: DaskEngine, source: Source) -> None:
    files: dict[str, Path] = {"ca": engine.ca, "certificate": engine.certificate, "key": engine.key}
    missing = [f"{name}: {path}" for name, path in files.items() if not path.is_file()]
    if missing:
        summary = f"there is no file for {', '.join(missing)}"
        reason = "a scheduler takes nobody without"
        raise UsageError(Diagnostic("fleet.no-certificate", source, summary, reason, "put it there"))


def _explain_no_scheduler(engine: DaskEngine, source: Source, error: BaseException) -> Diagnostic:
    detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return Diagnostic(
        "fleet.no-scheduler",
        source,
        f"the scheduler at {engine.scheduler} can't be reached, or refuses our certificate: {detail}",
        "nothing was compared or sent",
        "start it, or say --jobs to use this machine",
    )
