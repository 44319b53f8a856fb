"""Task servers as real processes: what one target's process knows, how it ends, and who sees it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.fleet.process_engine import ProcessEngine
from reconciler.fleet.task import FleetTask
from reconciler.fleet.task_process import TaskLost, TaskProcess
from reconciler.settings.load import read_process_environment

_SERVER = """
import json, os, sys, time
from io import FileIO
from reconciler.fleet.task_server import serve_tasks

class Half(bytes):
    def __radd__(self, length):
        return length + b"half"

def run(task, env):
    order = task.decode()
    if order == "crash":
        os.kill(os.getpid(), 9)
    if order == "crash while answering":
        return Half(b"x" * 9)
    if order.startswith("wait "):
        with open(order[5:], "w") as fifo:
            fifo.write("begun")
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            raise
    told = {"order": order, "process": os.getpid(), "server": os.getppid(), "env": env, "own": dict(os.environ)}
    return json.dumps(told).encode()

import signal
def stop(number, frame):
    with open(os.environ["STOPPED"], "w") as fifo:
        fifo.write("stopped")
    os._exit(3)
signal.signal(signal.SIGTERM, stop)
serve_tasks(run, FileIO(0), FileIO(1, "wb"))
"""
PATH = read_process_environment()["PATH"]
_COMMAND = (sys.executable, "-c", _SERVER)


@pytest.fixture(name="process")
def start_process(tmp_path: Path) -> Iterator[TaskProcess]:
    os.mkfifo(tmp_path / "stopped")
    with TaskProcess({"PATH": PATH, "STOPPED": str(tmp_path / "stopped")}, _COMMAND) as process:
        yield process


def test_each_task_has_a_process_and_an_environment_of_its_own(process: TaskProcess) -> None:
    first, second = (json.loads(process.run(b"hello", {"SECRET": name})) for name in ("one", "two"))
    assert first["process"] != second["process"]
    assert (first["env"], second["env"]) == ({"SECRET": "one"}, {"SECRET": "two"})
    assert "SECRET" not in first["own"]


@pytest.mark.parametrize("order", [b"crash", b"crash while answering"])
def test_a_task_that_dies_costs_itself_alone(order: bytes, process: TaskProcess) -> None:
    """Also one that had said half of its answer: nobody waits for the rest."""
    with pytest.raises(TaskLost):
        process.run(order, {})
    assert process.is_usable
    assert json.loads(process.run(b"after it", {}))["order"] == "after it"


def test_a_task_sees_that_nobody_waits_for_it_any_more(process: TaskProcess, tmp_path: Path) -> None:
    """As when the coordinator was killed: its end of the pipe is closed, whoever closes it."""
    begun, stopped = tmp_path / "begun", tmp_path / "stopped"
    os.mkfifo(begun)
    lost: list[BaseException] = []

    def run() -> None:
        try:
            process.run(f"wait {begun}".encode(), {})
        except TaskLost as error:
            lost.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.read_text() == "begun"
    process.stop()
    assert stopped.read_text() == "stopped"
    thread.join()
    assert len(lost) == 1
    assert not process.is_usable


def test_a_server_that_was_killed_is_replaced(tmp_path: Path) -> None:
    env = {"PATH": PATH, "STOPPED": str(tmp_path)}
    engine = ProcessEngine(1, env, lambda target: {"T": target}, _COMMAND)
    task = FleetTask("run", "drift", "a", "1", "s", "m")
    first = json.loads(engine.submit(task, "").result())
    os.kill(first["server"], signal.SIGKILL)
    # Of a process that is gone the number is gone with it, once it was waited for.
    while Path(f"/proc/{first['server']}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        pass
    second = json.loads(engine.submit(task, "").result())
    assert second["server"] != first["server"]
    assert second["env"] == first["env"] == {"T": "a"}
    engine.close()
    with pytest.raises(RuntimeError):
        engine.submit(task, "")
