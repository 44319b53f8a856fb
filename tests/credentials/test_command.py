"""Helper commands: what they may print, how long they may take, and that nothing of them stays."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from reconciler.credentials import command as helper
from reconciler.credentials.private_file import Unavailable
from reconciler.credentials.sources import FromCommand, resolve_secret
from reconciler.diagnostics import Source
from reconciler.errors import AuthError

SLEEP = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']"
"""A program that starts another, which keeps what it got open for ten minutes."""
TOLD = "open('child', 'w').write(str(child.pid)); print('hunter22', flush=True)"


def python(*lines: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "\n".join(lines))


def printed(folder: Path, *lines: str, most: int = 1024, patience: float = 90) -> bytes:
    return helper.run_helper(python(*lines), folder, {}, max_bytes=most, timeout=patience)


def runs(process: int) -> bool:
    """Say whether a process is there and no zombie that nobody has buried yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(process: int) -> bool:
    deadline = time.monotonic() + 60
    while runs(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not runs(process)


def test_a_secret_of_the_longest_length_is_taken_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    """64 KiB and a line break."""
    for length in (64 * 1024, 64 * 1024 + 3):
        origin = FromCommand(python(f"print('x' * {length})"), tmp_path)
        if length == 64 * 1024:
            assert len(resolve_secret(origin, {}, purpose="", source=Source("")).reveal()) == length
            continue
        with pytest.raises(AuthError, match=r"printed more than 64 KiB; it is hardly the secret that was meant"):
            resolve_secret(origin, {}, purpose="", source=Source(""))


def test_a_helper_that_prints_without_an_end_is_ended(tmp_path: Path) -> None:
    """At the bound, not at the end of patience, and none of it is kept."""
    begin = time.monotonic()
    with pytest.raises(Unavailable, match="printed more than 1 KiB"):
        printed(
            tmp_path,
            "import os",
            "open('self', 'w').write(str(os.getpid()))",
            "while True: os.write(1, b'hunter22' * 10_000)",
        )
    assert time.monotonic() - begin < 60
    assert ends(int((tmp_path / "self").read_text()))


def test_a_child_that_keeps_the_output_open_costs_no_time_and_does_not_stay(tmp_path: Path) -> None:
    """What the program printed until it ended is the secret."""
    begin = time.monotonic()
    assert printed(tmp_path, f"{SLEEP})", TOLD) == b"hunter22\n"
    assert time.monotonic() - begin < 60
    assert ends(int((tmp_path / "child").read_text()))


def test_a_helper_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """After as many seconds as were said; on a busy machine it takes more of them to start anything."""
    argv = ("sh", "-c", "sleep 600 & echo $! > child; wait")
    child = tmp_path / "child"
    for patience in (1, 5, 25):
        with pytest.raises(Unavailable, match=f"did not finish within {patience} seconds"):
            helper.run_helper(argv, tmp_path, {}, max_bytes=1024, timeout=patience)
        if child.exists() and child.read_text().endswith("\n"):
            break
    assert ends(int(child.read_text()))


def test_a_daemon_that_left_for_a_session_of_its_own_stays(tmp_path: Path) -> None:
    """As gpg-agent does, which the next helper needs."""
    assert printed(tmp_path, f"{SLEEP}, start_new_session=True, stdout=subprocess.DEVNULL)", TOLD) == b"hunter22\n"
    daemon = int((tmp_path / "child").read_text())
    try:
        time.sleep(0.2)
        assert runs(daemon)
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_helper_reads_nothing_and_has_no_terminal(tmp_path: Path) -> None:
    """Nobody is there to answer: it ends at once in place of waiting."""
    assert printed(tmp_path, "import sys; print(repr(sys.stdin.read()))") == b"''\n"
    lines = ("try: open('/dev/tty')", "except OSError: print('none')")
    assert printed(tmp_path, *lines) == b"none\n"


def test_what_a_helper_says_aloud_is_neither_shown_nor_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """However much it is: it may hold the secret, and must not stop the helper either."""
    loud = "import sys; sys.stderr.write('hunter22' * 1_000_000)"
    assert printed(tmp_path, loud, "print('x')") == b"x\n"
    with pytest.raises(Unavailable) as caught:
        printed(tmp_path, loud, "raise SystemExit(3)")
    assert str(caught.value) == "failed with status 3; run it by hand to see why"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("time.sleep(0.3)", ""),
        ("time.sleep(0.3); raise SystemExit(4)", "failed with status 4"),
        ("os.kill(os.getpid(), 15)", "was ended by signal 15"),
        ("time.sleep(60)", "did not finish"),
    ],
)
def test_the_end_counts_and_not_the_end_of_the_output(last: str, words: str, tmp_path: Path) -> None:
    """Whoever closes it early may still fail."""
    lines = ("import os, time; os.write(1, b'x')", "os.close(1)", last)
    if not words:
        assert printed(tmp_path, *lines) == b"x"
        return
    with pytest.raises(Unavailable, match=words):
        printed(tmp_path, *lines, patience=2 if words == "did not finish" else 90)


def test_a_helper_in_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="can't be run"):
        printed(tmp_path / "gone", "print('x')")


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1200, reason="so many files can't be open here")
def test_a_helper_runs_where_many_files_are_open(tmp_path: Path) -> None:
    """A descriptor beyond 1,023 is one like any other."""
    many = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        assert printed(tmp_path, "print('x')") == b"x\n"
    finally:
        for one in many:
            os.close(one)


def test_helpers_run_side_by_side(tmp_path: Path) -> None:
    """Each thread gets its own."""
    got: list[bytes] = []

    def one(number: int) -> None:
        got.append(printed(tmp_path, f"print({number})"))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_a_helper_gets_its_input_whole_whether_it_reads_it_or_not(tmp_path: Path) -> None:
    """As much as a pipe holds: who writes more before he reads could wait for ever."""
    echo, deaf = python("import sys; print(len(sys.stdin.read()))"), python("print('done')")
    data = b"x" * helper.MAX_INPUT

    assert helper.run_helper(echo, tmp_path, {}, max_bytes=1024, data=data) == b"16384\n"
    assert helper.run_helper(echo, tmp_path, {}, max_bytes=1024) == b"0\n"
    assert helper.run_helper(deaf, tmp_path, {}, max_bytes=1024, data=data) == b"done\n"
    with pytest.raises(ValueError, match="16384 bytes at most"):
        helper.run_helper(echo, tmp_path, {}, max_bytes=1024, data=data + b"x")
