"""A helper program's output: no shell, a minimal environment, bounded in time and size, and nothing left running."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from reconciler.credentials.private_file import Unavailable
from reconciler.diagnostics import Explanation

HELPER_TIMEOUT = 30.0
"""Seconds that a helper may take."""
MAX_INPUT = 16 * 1024
"""Bytes of input that a helper may be given: a pipe holds as much before anybody reads it (macOS; Linux has more)."""
_POLL_INTERVAL = 0.05
"""Seconds between two looks whether it has ended, where something that it started keeps its output open."""
# HOME and GNUPGHOME lead gpg to its keys, XDG_RUNTIME_DIR leads D-Bus clients to the user's bus.
_INHERITED_VARIABLES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "GNUPGHOME")
"""All that a helper sees of our environment, which may hold other secrets."""
_RUN_BY_HAND = "run it by hand to see why"


def run_helper(
    argv: tuple[str, ...],
    folder: Path,
    env: Mapping[str, str],
    *,
    max_bytes: int,
    timeout: float = HELPER_TIMEOUT,
    inherited: Sequence[str] = (),
    data: bytes = b"",
) -> bytes:
    """Return what a program prints until it ends; raises Unavailable where it fails, takes too long or prints too much.

    Of `env` it gets what every program needs, and the variables that are named as `inherited`. `data` is its standard
    input, `MAX_INPUT` bytes at most.

    It runs in `folder`, in a session of its own, and with all that it started there it is gone when this returns. What
    makes a session of its own (gpg-agent) is left alone. Its standard error, which may hold secrets, goes nowhere.
    """
    # Without process groups what a program started could not be ended with it.
    if not hasattr(os, "killpg"):
        raise _make_unavailable("is not run on this system, which has no process groups", "give it as {env: NAME}")
    environment = {name: env[name] for name in (*_INHERITED_VARIABLES, *inherited) if name in env}
    process = _start_helper(argv, folder, environment, has_input=bool(data))
    with process:
        try:
            _write_input(process, data)
            output = _read_output(process, max_bytes, timeout)
        finally:
            with suppress(OSError):
                # The program itself may have been reaped. POSIX keeps its number from being used again as long as a
                # process of its group is left, so this reaches what it started and nobody else.
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode < 0:
        raise _make_unavailable(f"was ended by signal {-process.returncode}", _RUN_BY_HAND)
    if process.returncode:
        raise _make_unavailable(f"failed with status {process.returncode}", _RUN_BY_HAND)
    return output


def _write_input(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Give a helper its input, all at once and before its output is read: so much never waits for it."""
    if process.stdin is None:
        return
    if len(data) > MAX_INPUT:
        raise ValueError(f"a helper is given {MAX_INPUT} bytes at most")
    with suppress(BrokenPipeError):
        process.stdin.write(data)
    # Closing writes what is left in the buffer.
    with suppress(BrokenPipeError):
        process.stdin.close()


def _start_helper(
    argv: tuple[str, ...], folder: Path, environment: Mapping[str, str], *, has_input: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the operator's own argv, never a manifest's, and no shell
            argv,
            env=environment,
            cwd=folder,
            # With no input and, after setsid(2), no terminal, a program that asks for a passphrase fails at once.
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    # Popen raises ValueError, not OSError, for a NUL byte in an argument.
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "it is not a valid command line"
        raise _make_unavailable(f"can't be run ({cause})", "give the program's full path") from None


def _read_output(process: subprocess.Popen[bytes], max_bytes: int, timeout: float) -> bytes:
    """Read until the program has ended and all that it printed is here, whoever else still holds its output open."""
    pipe, data = cast("IO[bytes]", process.stdout).fileno(), bytearray()
    # poll(2) may say that there is input which read(2) then doesn't find; a blocking read would outlast
    # the deadline.
    os.set_blocking(pipe, False)
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    deadline = time.monotonic() + timeout
    while True:
        has_ended = process.poll() is not None  # asked before reading, so that nothing it printed is missed
        chunk = _read_chunk(pipe, max_bytes + 1 - len(data))
        data += chunk or b""
        if len(data) > max_bytes:
            raise _make_unavailable(
                f"printed more than {max_bytes // 1024} KiB", "it is hardly the secret that was meant"
            )
        if has_ended and not chunk:
            return bytes(data)
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise _make_unavailable(f"did not finish within {timeout:.0f} seconds", _RUN_BY_HAND)
        if chunk is None:
            poller.poll(min(remaining, _POLL_INTERVAL) * 1000)
        elif not chunk:
            with suppress(subprocess.TimeoutExpired):
                process.wait(remaining)


def _read_chunk(pipe: int, max_bytes: int) -> bytes | None:
    """Read what is there; b"" if everybody has closed the other end, None if there is nothing now."""
    try:
        return os.read(pipe, max_bytes)
    except BlockingIOError:
        return None


def _make_unavailable(summary: str, remedy: str) -> Unavailable:
    return Unavailable(Explanation("settings.secret-unreadable", summary, remedy=remedy))
