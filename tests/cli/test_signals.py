"""A signal that asks to stop: the write under way is finished, no other is begun, and the report is true.

Nothing here waits for a time: the server holds the first write until the process has said, or the system shows, that it
was told. The one limit is for a run that would never end.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.simulator import Simulator
from tests.support.disturbances import CLASS
from tests.support.processes import ENDLESS, TOOL, started, told, until

HANDLER = f"""\
apiVersion: reconciler/v1
kind: EventHandler
metadata: {{name: denied-logger}}
spec: {{className: {CLASS}, enabled: true}}
"""
ROLE = "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: Auditors}\nspec: {description: Day to day}\n"
DENIAL = """\
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: tests}
spec: {match: {commonName: "*.test.example.com"}}
"""
OWNERS = """\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: web}
spec: {owner: Web Team, certificates: {ids: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}
"""
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
APPLY = [*TOOL, "apply", "manifests", "--yes", "--format", "json"]
# The terminal of a session sends the signal of Ctrl-C: what is started has to make this one its own.
_TAKE_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
_RUN = "from reconciler.cli import entry; entry()"
PROMISE = "stopping after the step under way; once more to break it off\n"


class Slow(NamedTuple):
    """A server that has the first of two writes, `busy`, and does not do it before it is allowed to, `released`."""

    server: Simulator
    busy: threading.Event
    released: threading.Event


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "all.yaml").write_text(f"{HANDLER}---\n{ROLE}")
    busy, released = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        released.wait(ENDLESS)

    with Simulator(certificates=1) as simulator:
        (tmp_path / "reconciler.yaml").write_text(simulator.settings.read_text())
        simulator.fault("PUT", "/EventHandlerRegistration", "edit", call=hold)
        yield Slow(simulator, busy, released)
        released.set()


def stopped(slow: Slow, folder: Path, *numbers: signal.Signals, ends: bool = False) -> tuple[int, Any, str]:
    """Apply, send these signals while the first write is under way; returns the code, the report and stderr.

    Where it `ends` by them, the server never gets round to the write.
    """
    report = folder / "report.json"
    with report.open("w") as stdout, started(APPLY, folder, stdout=stdout, stderr=subprocess.PIPE) as job:
        assert slow.busy.wait(ENDLESS)
        told(job, numbers[0])
        lines = until(job.stderr, PROMISE)
        for number in numbers[1:]:
            told(job, number)
        if not ends:
            slow.released.set()
        assert job.stderr is not None
        stderr = "".join([*lines, *job.stderr])
        code = job.wait()
    return code, json.loads(report.read_text()), stderr


def verdicts(shown: Any) -> list[str]:
    return [step["verdict"] for step in shown["steps"]]


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_lets_the_step_under_way_finish(slow: Slow, tmp_path: Path, number: signal.Signals) -> None:
    """The first step is sent and read back, the second is not begun: 130."""
    code, shown, stderr = stopped(slow, tmp_path, number)

    assert code == 130, stderr
    assert verdicts(shown) == ["applied", "not_reached"]
    assert stderr.splitlines()[-1] == "exit 130: interrupted"
    assert len(slow.server.ledger) == 1


def test_a_signal_while_several_lists_are_read_at_once_ends_it_at_once(tmp_path: Path) -> None:
    """The server answers none of them before the process has gone."""
    busy, released = threading.Event(), threading.Event()
    crowd = threading.Barrier(2, action=busy.set)

    def hold() -> None:
        crowd.wait(ENDLESS)
        released.wait(ENDLESS)

    (tmp_path / "all.yaml").write_text(f"{HANDLER}---\n{DENIAL}---\n{ROLE}")
    with Simulator(certificates=1) as simulator:
        (tmp_path / "reconciler.yaml").write_text(simulator.settings.read_text())
        for path in ("/Workflow/Certificates/Pending$", "/Security/Roles$"):
            simulator.fault("GET", path, "edit", call=hold)
        try:
            with started([*TOOL, "plan", "all.yaml"], tmp_path, stderr=subprocess.PIPE) as job:
                assert busy.wait(ENDLESS)
                told(job, signal.SIGINT)
                code = job.wait(ENDLESS)
                assert job.stderr is not None
                stderr = job.stderr.read()
        finally:
            released.set()

    assert (code, stderr) == (130, "exit 130: interrupted\n")


@pytest.mark.parametrize(("numbers", "code", "verdict"), [([], 130, "applied"), ([signal.SIGINT], 11, "unknown")])
def test_all_that_are_under_way_finish_or_none_of_them_is_known(
    tmp_path: Path, numbers: list[signal.Signals], code: int, verdict: str
) -> None:
    """Three certificates at once: after one signal each is done and read back; after two the report knows of none."""
    busy, released = threading.Event(), threading.Event()
    crowd = threading.Barrier(3, action=busy.set)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "all.yaml").write_text(OWNERS)

    def hold() -> None:
        crowd.wait(ENDLESS)
        released.wait(ENDLESS)

    with Simulator(certificates=20) as simulator:
        settings = simulator.settings.read_text()
        assert "    api: keyfactor\n" in settings
        parallel = settings.replace("    api: keyfactor\n", "    api: keyfactor\n    parallelism: {writes: 3}\n")
        (tmp_path / "reconciler.yaml").write_text(parallel)
        simulator.fault("PUT", "/Certificates/", "edit", times=0, call=hold)
        try:
            found, shown, stderr = stopped(
                Slow(simulator, busy, released), tmp_path, signal.SIGTERM, *numbers, ends=bool(numbers)
            )
            done = len(simulator.ledger)
        finally:
            released.set()

    assert found == code, stderr
    assert verdicts(shown) == [verdict] * 3 + ["not_reached"] * (len(shown["steps"]) - 3)
    assert len(shown["steps"]) > 3
    assert done == (0 if numbers else 3)


@pytest.mark.parametrize("numbers", [(signal.SIGHUP, signal.SIGHUP), (signal.SIGTERM, signal.SIGHUP)], ids=str)
def test_a_hang_up_is_never_impatience(slow: Slow, tmp_path: Path, numbers: Sequence[signal.Signals]) -> None:
    """A terminal that goes is told twice by some shells, and after SIGTERM by some supervisors."""
    code, shown, _ = stopped(slow, tmp_path, *numbers)

    assert code == 130
    assert verdicts(shown) == ["applied", "not_reached"]


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGHUP, signal.SIGTERM)], ids=str)
def test_a_second_one_breaks_off_and_says_that_it_does_not_know(
    slow: Slow, tmp_path: Path, numbers: Sequence[signal.Signals]
) -> None:
    """Whoever insists gets their way; what was under way is not called done, nor undone."""
    code, shown, _ = stopped(slow, tmp_path, *numbers, ends=True)

    assert code == 11
    assert verdicts(shown) == ["unknown", "not_reached"]
    assert slow.server.ledger == []


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_after_the_last_write_leaves_the_report(slow: Slow, tmp_path: Path, number: signal.Signals) -> None:
    """Wherever it meets the process: all was done, and says so; the code is the one that the last line names."""
    slow.released.set()
    report, log = tmp_path / "report.json", tmp_path / "log"
    with report.open("w") as stdout, started(APPLY, tmp_path, stdout=stdout, stderr=subprocess.PIPE) as job:
        lines = until(job.stderr, "[2/2] applied")
        job.send_signal(number)
        assert job.stderr is not None
        log.write_text("".join([*lines, *job.stderr]))
        code = job.wait()

    shown = json.loads(report.read_text())
    assert verdicts(shown) == ["applied", "applied"]
    assert code in {0, 130}
    assert (shown["outcome"]["code"], log.read_text().splitlines()[-1].partition(":")[0]) == (code, f"exit {code}")


BUFFERED = pytest.mark.parametrize("env", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])


@contextmanager
def writing(folder: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is writing its result, of which there is more than the pipe holds."""
    pipe = subprocess.PIPE
    with started([*TOOL, "schema"], folder, stdout=pipe, stderr=pipe, pipesize=4096, env=env) as job:
        assert job.stdout is not None
        assert os.read(job.stdout.fileno(), 1) == b"{"
        told(job, signal.SIGTERM)
        yield job


@BUFFERED
def test_a_result_that_is_being_written_comes_out_whole(tmp_path: Path, env: dict[str, str]) -> None:
    """Whatever the system has taken of it when the signal comes."""
    with writing(tmp_path, env) as job:
        stdout, stderr = job.communicate()

    assert json.loads("{" + stdout).keys() >= {"plan.json", "report.json"}
    assert (job.returncode, stderr) == (0, "exit 0: ok\n")


@BUFFERED
def test_a_result_that_nobody_reads_can_be_broken_off(tmp_path: Path, env: dict[str, str]) -> None:
    """Once by wish, which is in vain, then for good; what came is then no whole document, and says so."""
    with writing(tmp_path, env) as job:
        told(job, signal.SIGINT)
        assert job.stderr is not None
        stderr = job.stderr.read()
        code = job.wait()

    assert (code, stderr) == (130, "the report was broken off and may be incomplete\nexit 130: interrupted\n")


def test_a_run_that_was_told_to_ignore_hang_ups_ignores_them(slow: Slow, tmp_path: Path) -> None:
    """That is what nohup is for."""
    null = subprocess.DEVNULL
    with started(["nohup", *APPLY], tmp_path, stdin=null, stdout=null, stderr=null) as job:
        assert slow.busy.wait(ENDLESS)
        told(job, signal.SIGHUP)
        slow.released.set()
        code = job.wait()

    assert code == 0
    assert len(slow.server.ledger) == 2


def test_a_terminal_that_is_gone_takes_no_report_with_it(slow: Slow, tmp_path: Path) -> None:
    """The result of a run in a lost session is in the file that it was sent to."""
    report = tmp_path / "report.json"
    ours, theirs = pty.openpty()
    terminal = {"stdin": theirs, "stderr": theirs, "env": {"TERM": "xterm"}}
    with report.open("w") as stdout, started(APPLY, tmp_path, stdout=stdout, **terminal) as job:
        os.close(theirs)
        assert slow.busy.wait(ENDLESS)
        os.close(ours)
        told(job, signal.SIGHUP)
        slow.released.set()
        code = job.wait()

    assert code == 130
    assert verdicts(json.loads(report.read_text())) == ["applied", "not_reached"]


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_ends_the_simulator_and_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    """Neither the file that says where it is, nor its settings with their secrets."""
    ready = tmp_path / "sim.json"
    argv = [*TOOL, "simulate", "--certificates", "1", "--ready-file", str(ready)]
    with started(argv, tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as job:
        until(job.stderr, "listening on ")
        settings = Path(json.loads(ready.read_text())["settings"])
        assert settings.exists()
        job.send_signal(number)
        assert job.stderr is not None
        stderr = job.stderr.read()
        code = job.wait()

    assert code == 130
    assert stderr.splitlines()[-1] == "exit 130: interrupted"
    assert (ready.exists(), settings.parent.exists()) == (False, False)


def read_screen(descriptor: int) -> str:
    """Return all that a terminal is sent until nobody writes to it any more, less its colours and movements."""
    chunks: list[bytes] = []
    # Linux says EIO, not end of file, once the last writer has closed a pseudo-terminal.
    with suppress(OSError):
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(chunks).decode()).replace("\r\n", "\n")


def test_what_is_said_after_ctrl_c_has_a_line_of_its_own(slow: Slow, tmp_path: Path) -> None:
    """A terminal echoes the key where the cursor is: behind it nobody would see what follows."""
    ours, theirs = pty.openpty()
    terminal = {"stdin": theirs, "stderr": theirs, "env": {"TERM": "dumb"}, "start_new_session": True}
    argv = [sys.executable, "-c", f"{_TAKE_TERMINAL}; {_RUN}", *APPLY[3:]]
    with (tmp_path / "report.json").open("w") as stdout, started(argv, tmp_path, stdout=stdout, **terminal) as job:
        os.close(theirs)
        assert slow.busy.wait(ENDLESS)
        os.write(ours, b"\x03")
        slow.released.set()
        screen = read_screen(ours)
        assert job.wait() == 130
    os.close(ours)

    assert f"^C\n{PROMISE}" in screen
    assert screen.endswith("\nexit 130: interrupted\n")
