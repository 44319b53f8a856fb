"""A helper program's output: no shell, a minimal environment, bounded in time and size, and nothing left running."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from reconciler.credentials.regular_file import Unavailable

PATIENCE = 30.0
"""Seconds that a helper may take."""
_TICK = 0.05
"""Seconds between two looks whether it has ended, where something that it started keeps its output open."""
# HOME and GNUPGHOME lead gpg to its keys, XDG_RUNTIME_DIR leads D-Bus clients to the user's bus.
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "GNUPGHOME")
"""All that a helper sees of our environment, which may hold other secrets."""


def output(
    argv: tuple[str, ...], folder: Path, env: Mapping[str, str], *, most: int, patience: float = PATIENCE
) -> bytes:
    """Return what a program prints until it ends; raises Unavailable where it fails, takes too long or prints too much.

    It runs in `folder`, in a session of its own, and with all that it started there it is gone when this returns. What
    makes a session of its own (gpg-agent) is left alone. Its standard error, which may hold secrets, goes nowhere.
    """
    inherited = {name: env[name] for name in _INHERITED if name in env}
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's own argv, never a manifest's, and no shell
            argv,
            env=inherited,
            cwd=folder,
            # With no input and, after setsid(2), no terminal, a program that asks for a passphrase fails at once.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    # Popen raises ValueError, not OSError, for a NUL byte in an argument.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a valid command line"
        raise Unavailable(f"can't be run ({reason}); give the program's full path") from None
    with process:
        try:
            data = _printed(process, most, patience)
        finally:
            with suppress(OSError):
                # The program itself may have been reaped. POSIX keeps its number from being used again as long as a
                # process of its group is left, so this reaches what it started and nobody else.
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode < 0:
        raise Unavailable(f"was ended by signal {-process.returncode}; run it by hand to see why")
    if process.returncode:
        raise Unavailable(f"failed with status {process.returncode}; run it by hand to see why")
    return data


def _printed(process: subprocess.Popen[bytes], most: int, patience: float) -> bytes:
    """Read until the program has ended and all that it printed is here, whoever else still holds its output open."""
    pipe, data = cast("IO[bytes]", process.stdout).fileno(), bytearray()
    # poll(2) may say that there is input which read(2) then doesn't find; a blocking read would outlast
    # the deadline.
    os.set_blocking(pipe, False)
    ready = select.poll()
    ready.register(pipe, select.POLLIN)
    end = time.monotonic() + patience
    while True:
        ended = process.poll() is not None  # asked before reading, so that nothing it printed is missed
        chunk = _chunk(pipe, most + 1 - len(data))
        data += chunk or b""
        if len(data) > most:
            raise Unavailable(f"printed more than {most // 1024} KiB; it is hardly the secret that was meant")
        if ended and not chunk:
            return bytes(data)
        left = end - time.monotonic()
        if left <= 0:
            raise Unavailable(f"did not finish within {patience:.0f} seconds; run it by hand to see why")
        if chunk is None:
            ready.poll(min(left, _TICK) * 1000)
        elif not chunk:
            with suppress(subprocess.TimeoutExpired):
                process.wait(left)


def _chunk(pipe: int, most: int) -> bytes | None:
    """Read what is there; b"" if everybody has closed the other end, None if there is nothing now."""
    try:
        return os.read(pipe, most)
    except BlockingIOError:
        return None
