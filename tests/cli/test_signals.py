"""A signal that asks to stop: the write under way is finished, no other is begun, and the report is true."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.simulator import Simulator
from tests.cli.arranged import CLASS

HANDLER = f"""\
apiVersion: reconciler/v1
kind: EventHandler
metadata: {{name: denied-logger}}
spec: {{className: {CLASS}, enabled: true}}
"""
ROLE = "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: Auditors}\nspec: {description: Day to day}\n"
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
APPLY = [sys.executable, "-m", "reconciler", "apply", "manifests", "--yes", "--format", "json"]


class Slow(NamedTuple):
    """A server that takes its time over the first of two writes, and says when it has it."""

    server: Simulator
    busy: threading.Event


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "all.yaml").write_text(f"{HANDLER}---\n{ROLE}")
    with Simulator(certificates=1) as simulator:
        (tmp_path / "reconciler.yaml").write_text(simulator.settings.read_text())
        busy = threading.Event()
        simulator.fault("PUT", "/EventHandlerRegistration", "edit", call=busy.set)
        simulator.fault("PUT", "/EventHandlerRegistration", "delay", seconds=1.0)
        yield Slow(simulator, busy)


def stopped(slow: Slow, folder: Path, *numbers: signal.Signals) -> tuple[int, Any, str]:
    """Apply, send these signals while the first write is under way; returns the code, the report and stderr."""
    pipe = subprocess.PIPE
    with subprocess.Popen(APPLY, cwd=folder, stdout=pipe, stderr=pipe, text=True) as job:
        assert slow.busy.wait(20)
        for number in numbers:
            job.send_signal(number)
            time.sleep(0.2)
        stdout, stderr = job.communicate(timeout=30)
    return job.returncode, json.loads(stdout), stderr


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_lets_the_step_under_way_finish(slow: Slow, tmp_path: Path, number: signal.Signals) -> None:
    """The first step is sent and read back, the second is not begun: 130."""
    code, shown, stderr = stopped(slow, tmp_path, number)

    assert code == 130, stderr
    assert [step["verdict"] for step in shown["steps"]] == ["applied", "not_reached"]
    assert stderr.splitlines()[-1] == "exit 130: interrupted"
    assert len(slow.server.ledger) == 1


@pytest.mark.parametrize("numbers", [(signal.SIGHUP, signal.SIGHUP), (signal.SIGTERM, signal.SIGHUP)], ids=str)
def test_a_hang_up_is_never_impatience(slow: Slow, tmp_path: Path, numbers: Sequence[signal.Signals]) -> None:
    """A terminal that goes is told twice by some shells, and after SIGTERM by some supervisors."""
    code, shown, _ = stopped(slow, tmp_path, *numbers)

    assert code == 130
    assert [step["verdict"] for step in shown["steps"]] == ["applied", "not_reached"]


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGHUP, signal.SIGTERM)], ids=str)
def test_a_second_one_breaks_off_and_says_that_it_does_not_know(
    slow: Slow, tmp_path: Path, numbers: Sequence[signal.Signals]
) -> None:
    """Whoever insists gets their way; what was under way is not called done, nor undone."""
    code, shown, _ = stopped(slow, tmp_path, *numbers)

    assert code == 11
    assert [step["verdict"] for step in shown["steps"]] == ["unknown", "not_reached"]
    assert len(slow.server.ledger) <= 1


def test_a_run_that_was_told_to_ignore_hang_ups_ignores_them(slow: Slow, tmp_path: Path) -> None:
    """That is what nohup is for."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["nohup", *APPLY], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as job:
        assert slow.busy.wait(20)
        job.send_signal(signal.SIGHUP)
        job.communicate(timeout=30)

    assert job.returncode == 0
    assert len(slow.server.ledger) == 2


def test_a_terminal_that_is_gone_takes_no_report_with_it(slow: Slow, tmp_path: Path) -> None:
    """The result of a run in a lost session is in the file that it was sent to."""
    report = tmp_path / "report.json"
    ours, theirs = pty.openpty()
    with report.open("wb") as stdout:
        job = subprocess.Popen(APPLY, cwd=tmp_path, stdin=theirs, stdout=stdout, stderr=theirs, env={"TERM": "xterm"})
        os.close(theirs)
        assert slow.busy.wait(20)
        os.close(ours)
        job.send_signal(signal.SIGHUP)
        code = job.wait(30)

    assert code == 130
    assert [step["verdict"] for step in json.loads(report.read_text())["steps"]] == ["applied", "not_reached"]


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_ends_the_simulator_and_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    """Neither the file that says where it is, nor its settings with their secrets."""
    ready = tmp_path / "sim.json"
    argv = [sys.executable, "-m", "reconciler", "simulate", "--certificates", "1", "--ready-file", str(ready)]
    with subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as job:
        for _ in range(300):
            if ready.exists():
                break
            time.sleep(0.05)
        settings = Path(json.loads(ready.read_text())["settings"])
        assert settings.exists()
        job.send_signal(number)
        _, stderr = job.communicate(timeout=10)

    assert job.returncode == 130
    assert stderr.splitlines()[-1] == "exit 130: interrupted"
    assert (ready.exists(), settings.parent.exists()) == (False, False)
